"""The model that reads: its name beside what is read, and all that can be chosen in its place."""

from functools import cache

from app import catalogue, components, compute, session_models, shelf, state
from app.architecture import FAMILIES
from app.text import say
from app.ui.page import Container, columns

Row = tuple[str, str, str]  # a model's name, what it is, and why it cannot be chosen


def beside(name: str) -> Container:
    """A place for what is read, with the model of this name beside it."""
    place, side = columns(4, 1)
    with side:
        draw(name)
    return place


def draw(name: str) -> None:
    shipped, own = catalogue.listed(), [*session_models.models(), *shelf.models()]
    placed = catalogue.placed()
    others = [one for one in shipped if one.name not in placed]
    groups = [[say("model", f"family/{family}"), _rows(others, family)] for family in FAMILIES]
    groups.append([say("model", "family/placed"), _placed(shipped, placed)])
    groups.append([say("model", "own", free=shelf.room()), rows(ordered(own))])
    header = {
        "name": name,
        "kind": kind(name),
        "label": say("model", "which"),
        "search": say("model", "search"),
        "cannot": say("model", "cannot"),
        "nothing": say("model", "nothing"),
        "groups": [group for group in groups if group[1]],
        "foot": "" if own else say("model", "none"),
    }
    components.picker("model", header, catalogue.models(), pick, _card)


def pick(name: str) -> None:
    """Read the same with another model. What was drawn for this one has another size there."""
    state.anew(model=catalogue.linked(name), image="", target="")


def kind(name: str) -> str:
    """The family of a model in a word; nothing of one that cannot be read."""
    return "" if catalogue.fault(name) else say("model", f"kind/{catalogue.family(name)}")


def ordered(own: list[shelf.Listed]) -> list[shelf.Listed]:
    """By family; at the end those that cannot be read."""
    return sorted(own, key=lambda one: (one.why != "", list(FAMILIES).index(one.family or "decoder")))


def rows(own: list[shelf.Listed]) -> list[Row]:
    """Those of a person's own, with what they need of memory."""
    room = compute.room() if own else 0
    return [(one.name, _about(one, "about/own"), one.why or compute.without_room(one, room)) for one in own]


def _rows(shipped: list[shelf.Listed], family: str) -> list[Row]:
    of_it = [one for one in shipped if family == (one.family or "decoder")]
    return [(one.name, _about(one, "about"), one.why) for one in of_it]


def _placed(shipped: list[shelf.Listed], placed: dict[str, str]) -> list[Row]:
    """Those that differ in their positions alone, in their order."""
    found = {one.name: one for one in shipped}
    each = ((found[name], say("positions", f"{kind}/name")) for name, kind in placed.items())
    return [(one.name, f"{kind} · {_about(one, 'about')}", one.why) for one, kind in each]


@cache
def _about(one: shelf.Listed, text: str) -> str:
    if one.why:
        return ""
    sizes = dict(parameters=one.parameters, size=one.bytes, memory=one.needs)
    return say("model", text, kind=say("model", f"kind/{one.family}"), **sizes)


def _card(name: str) -> None:
    """The card of a model, which is then the one that is walked."""
    if name != catalogue.walked(state.current()):
        pick(name)
    state.leave("models")
