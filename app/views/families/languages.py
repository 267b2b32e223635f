"""A recurrent language model beside a Transformer: bits a byte, what each carries, how far back it reads."""

from app import catalogue, components, compute
from app.architecture import whole
from app.state import View
from app.text import say
from app.ui.figures import graph, series
from app.ui.labels import escape
from app.ui.page import columns, group, text
from engine.analysis import parameters_of, path_length, sequential_steps
from engine.config import Config

BITS = "bits per byte, books"  # the row of scores.json
NEAR = 16  # tokens before, from which on the rest of the curve is told


def draw(view: View) -> None:
    """Each recurrent language model with the model that was asked the same; nothing where there is none."""
    for name in catalogue.languages():
        with group(f"language-{name}", border=True):
            text(say("families", "languages/lead"))
            _table(view, name)
            _curves(name)


def _table(view: View, name: str) -> None:
    """What each costs and carries for this text, and how well it does on the same held-out books."""
    try:
        rows = ["| " + " | ".join(_row(view, one, bits)) + " |" for one, bits in _bits(name).items()]
    except ValueError as error:  # the text cannot be read
        return text(escape(str(error)))
    text("\n".join([say("families", "languages/head"), *rows]))
    text(say("families", "languages/note"))


def _bits(name: str) -> dict[str, str]:
    """The models that were asked the same, and the bits a byte of each with their interval."""
    scores = catalogue.beside(name, "scores.json")
    places = {one: i for i, one in enumerate(scores.get("columns", []))}
    asked = {name: 0} | {one: i for one, i in places.items() if one in catalogue.shipped()}
    row = next((row for row in scores.get("rows", []) if row["name"] == BITS), None)
    if row is None:
        return dict.fromkeys(asked, "")
    return {one: _told(row["values"][i], row["intervals"][i]) for one, i in asked.items()}


def _told(bits: float, interval: list[float]) -> str:
    low, high = interval
    return say("families", "languages/bits", bits=bits, low=low, high=high)


def _row(view: View, name: str, bits: str) -> list[str]:
    model = compute.model(name)
    length = len(model.tokenizer.encode(catalogue.given(name, view, gap=True))) or 1
    c = model.config
    numbers = c.kept * length if isinstance(c, Config) else len(model.cell.carried) * c.width
    carried = say("families", "languages/carried", whole(model), numbers=numbers, tokens=length)
    who = say("families", "languages/model", whole(model), name=name, cell=getattr(c, "cell", "").upper())
    steps = [sequential_steps(c, length), path_length(c, length - 1), sum(parameters_of(model).values())]
    return [who, bits, carried, *(f"{n:,}" for n in steps)]


def _curves(name: str) -> None:
    """How the loss of the same tokens falls with the number of those before them."""
    found = catalogue.beside(name, "scores.json").get("contexts")
    if not found:
        return
    tokens, models = found["tokens"], found["models"]
    lines = [series(one, tokens, told["bits"]) for one, told in models.items()]
    axes = (say("families", "languages/tokens"), say("families", "languages/bits/axis"))
    figure = graph(lines, *axes, height=260, log=True)
    title = say("families", "languages/title")
    header = {"title": title, "aria": f"{title}. {_aria(tokens, models)}", "foot": "scores.json", "model": name}
    left, right = columns(7, 4)
    with left:
        components.plot(f"plot-contexts-{name}", header, figure)
    with right:
        text(say("families", "languages/why", count=found["count"]))
        if NEAR in tokens:
            text("\n".join(_gain(one, tokens, told["bits"]) for one, told in models.items()))


def _gain(name: str, tokens: list[int], bits: list[float]) -> str:
    """By how much the tokens further back than NEAR lower the loss."""
    values = dict(near=NEAR, far=tokens[-1], gain=bits[tokens.index(NEAR)] - bits[-1])
    return say("families", "languages/gain", name=name, **values)


def _aria(tokens: list[int], models: dict) -> str:
    return ". ".join(
        f"{name}: " + ", ".join(f"{n} {bits:.2f}" for n, bits in zip(tokens, told["bits"], strict=True))
        for name, told in models.items()
    )
