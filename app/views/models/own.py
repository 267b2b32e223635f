"""The models of a person's own: which there are, and what is known of the picked one."""

from app import catalogue, compute, shelf
from app.architecture import Facts, whole
from app.text import say, sized
from app.ui import picker
from app.ui.controls import choice_of, unfold
from app.ui.labels import escape
from app.ui.page import text
from engine.analysis import parameters_of
from engine.load.files import check_file

MOST_CARD = 200_000  # bytes


def draw(name: str) -> None:
    """Those that can be read, to be picked, and why others cannot; where there are none, how to have some."""
    rows = picker.rows(picker.ordered(shelf.models()))
    if not rows:
        return text(say("model", "none"))
    text(say("model", "own/title", free=shelf.room()))
    free = {one: one for one, _, why in rows if not why}
    if free:
        choice_of("own", say("model", "own/which"), name if name in free else "", free, picker.pick)
    if len(free) < len(rows):
        _refused([(one, why) for one, _, why in rows if why])


def _refused(rows: list[tuple[str, str]]) -> None:
    place, open = unfold("refused", say("model", "own/refused", n=len(rows)))
    with place:
        if open:
            lines = [f"| {escape(name)} | {escape(why)} |" for name, why in rows]
            text("\n".join([say("model", "own/head"), *lines]))


def card(name: str) -> str:
    """Its card.md, where it is a file of its folder, no link to elsewhere; or else its sizes. As Markdown."""
    folder = catalogue.folder_of(name)
    file = folder / "card.md"
    if file.is_file() and file.resolve().parent == folder.resolve():
        check_file(file, MOST_CARD)
        return file.read_text("utf-8")
    return _sized(name)


def _sized(name: str) -> str:
    model = compute.model(name)
    config, facts = model.reads[-1], whole(model)
    counts = {part: n for part, n in parameters_of(model).items() if n}
    total = sum(counts.values())
    one = shelf.find(name)
    rows = [
        (say("model", "card/family"), say("model", f"kind/{catalogue.family(name)}")),
        (say("model", "card/parameters"), f"{total:,}"),
        *((f"– {part}", f"{n:,}") for part, n in counts.items()),
        *_sizes(config, facts),
        (say("model", "card/disk"), sized(one.bytes)),
        (say("model", "card/memory"), sized(one.needs)),
    ]
    table = "\n".join(f"| {escape(label)} | {escape(value)} |" for label, value in rows)
    return f"# {escape(name)}\n\n{say('model', 'card/lead')}\n\n| | |\n|---|---|\n{table}"


def _sizes(config, facts: Facts) -> list[tuple[str, str]]:
    names = ("layers", "heads", "width", "mlp_width", "vocabulary", "context")
    known = {name: getattr(config, name, 0) for name in names}
    return [(say("model", f"card/{name}", facts), f"{size:,}") for name, size in known.items() if size]
