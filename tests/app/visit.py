"""Using the app without a browser: open a link, do what a component does, read what the page was given."""

import base64
import html
import json
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import torch
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.testing.v1 import AppTest

import engine
from app import catalogue, compute
from app.components.packing import unpack
from app.edits import write
from app.state import DEFAULT, View
from app.ui.figures import MARK
from engine.trace import Trace
from engine.trace.tap import Edit

MAIN = Path(__file__).parents[2] / "app" / "main.py"
HOLD = ("columns", "group", "fold")


@cache
def model():
    torch.set_num_threads(1)
    return engine.load()


@cache
def trace(prompt: str = DEFAULT.prompt) -> Trace:
    """The engine's own run, beside the app's."""
    return engine.run(model(), prompt)


def drawn(run: Trace, point: str) -> np.ndarray:
    """The numbers of a point as a picture has them: a stack of matrices, a masked weight −∞."""
    values, (part, _, name) = run[point][0].numpy(), point.rpartition(".")
    if name in ("pattern", "weights"):
        values = np.where(run[f"{part}.mask"][0], values, -np.inf)
    return values if values.ndim == 3 else values[None]


def lens(run: Trace, layer: int, side: str = "") -> torch.Tensor:
    """The scores read off the stream after a block, without the rest of the model."""
    point = f"{side and side + '.'}blocks.{layer}.resid_post"
    return run.model.get_submodule(side).unembed(run[point])[0]


def run_of(at) -> engine.Trace:
    """The run that is shown, as the app has it."""
    name = view(at).model or catalogue.models()[0]
    read = replace(view(at), prompt=catalogue.opening(name, view(at).prompt))
    return compute.trace(name, catalogue.given(name, read), read.edits)


def numbers(point: str, prompt: str = DEFAULT.prompt) -> np.ndarray:
    """The engine's numbers of a point for one prompt, without the batch."""
    return trace(prompt)[point][0].numpy()


def full_prompt() -> str:
    """A prompt of as many tokens as the model can read."""
    return "a" + " a" * (model().config.context - 1)


def softmax(x: np.ndarray) -> np.ndarray:
    """Written again, in float64."""
    e = np.exp(x.astype(float) - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def visit(**link) -> AppTest:
    """A new visitor who opens a link with these parameters."""
    at = AppTest.from_file(MAIN, default_timeout=60)
    for name, value in link.items():
        at.query_params[name] = str(value)
    return at.run()


def what_if(*edits: Edit) -> dict[str, str]:
    """The part of a link that has these what-ifs."""
    return {"edits": write(edits)}


def masked(kind: str, n: int = 4, layer: int = 0, side: str = "") -> Edit:
    return Edit(f"{side}blocks.{layer}.attn.mask", "mask", value=(kind, n))


def tempered(temperature: float, layer: int = 0) -> Edit:
    return Edit(f"blocks.{layer}.attn.masked", "scale", value=1 / temperature)


def undivided(layer: int = 0) -> Edit:
    return Edit(f"blocks.{layer}.attn.scores", "scale", value=1 / model().config.scale(layer))


def fire(at: AppTest, key: str, **event) -> AppTest:
    """What happens when the part `key` of the page reports an event from the browser."""
    ((name, value),) = event.items()
    return report(at, [reported(at, key, name, value)])


def reported(at: AppTest, key: str, event: str, value) -> list:
    """A report as the browser makes it of a part; a step, an example or a box may be given by its place."""
    part = next((part for part in parts(at) if part["key"] == key), {})
    if type(value) is int and event in ("step", "example"):
        data = part["data"]
        value = data["names"][data["unnumbered"] + value] if event == "step" else data["examples"][value][0]
    if event == "set" and isinstance(value, list) and value[0] in range(len(part["data"]["boxes"])):
        value = [part["data"]["boxes"][value[0]]["cell"], *value[1:]]
    return [seen(at) + 1, key, event, part.get("of", ""), value]


def seen(at: AppTest) -> int:
    """The number of the last report that the server has seen."""
    return at.session_state.get("seen", 0)


def report(at: AppTest, sent) -> AppTest:
    """What happens when the page reports this: [[number, part, event, of, value], …]."""
    states = at._tree.get_widget_states()
    widget = states.widgets.add(id=_make_trigger_id(_mounted(at, "page").id, "events"))
    widget.json_trigger_value = json.dumps([{"event": "act", "value": sent}])
    return at._run(states)


def enter(at: AppTest, field: str, value) -> AppTest:
    """Set the control of a field of the view."""
    return fire(at, f"control-{field}", change=value)


def press(at: AppTest, word: str) -> AppTest:
    """Press the button that has this word on it."""
    key = next(key for key in keys(at, "button-") if word in given(at, key)["label"].lower())
    return fire(at, key, change=True)


def _mounted(at: AppTest, name: str):
    return next(e.proto for e in at.get("bidi_component") if e.key == name)


def parts(at: AppTest) -> list[dict]:
    """Every part of the page, those in columns, groups and folds after what they are in."""
    mounted = [e.proto for e in at.get("bidi_component") if e.key == "page"]
    return [part for proto in mounted for part in _flat(json.loads(proto.json)["parts"])]


def _flat(parts: list[dict]) -> list[dict]:
    found = []
    for part in parts:
        inside = part["data"].get("places") or [part["data"].get("parts", [])] if part["kind"] in HOLD else []
        found += [part, *(inner for place in inside for inner in _flat(place))]
    return found


def given(at: AppTest, key: str) -> dict:
    """The data of a part."""
    return next(part["data"] for part in parts(at) if part["key"] == key)


def keys(at: AppTest, prefix: str = "") -> list[str]:
    return [part["key"] for part in parts(at) if part["key"].startswith(prefix)]


def notices(at: AppTest, tone: str = "warning") -> list[str]:
    found = [part["data"] for part in parts(at) if part["kind"] == "notice"]
    return [_read(data["text"]) for data in found if data["tone"] == tone]


def markup(at: AppTest) -> list[list[str]]:
    """The elements of each text on the page, without their words."""
    trees = [part["data"] for part in parts(at) if part["kind"] == "text"]
    trees += [part["data"]["text"] for part in parts(at) if part["kind"] == "notice"]
    return [_tags(tree) for tree in trees]


def _tags(tree: list | str) -> list[str]:
    return [] if isinstance(tree, str) else [tree[0], *(tag for child in tree[1:] for tag in _tags(child))]


def texts(at: AppTest) -> list[str]:
    """The page's texts as they are read: what is bold stands between **, a heading after ###."""
    return [_read(part["data"]) for part in parts(at) if part["kind"] == "text"]


def within(at: AppTest, key: str) -> list[str]:
    """The texts in a group of the page."""
    groups = [part["data"]["parts"] for part in parts(at) if part["key"] == key]
    return [_read(part["data"]) for group in groups for part in _flat(group) if part["kind"] == "text"]


def rows_of(part: dict) -> list[list[str]]:
    """The rows of a text that is a table, its head first, as lists of cells; of any other none."""
    if part["kind"] != "text" or part["data"][1:2] == [] or part["data"][1][0] != "table":
        return []
    return [[_read(["div", *cell[1:]]) for cell in row[1:]] for body in part["data"][1][1:] for row in body[1:]]


SIGNS = {
    "strong": "**{}**",
    "em": "*{}*",
    "code": "`{}`",
    "h3": "### {}\n",
    "p": "{}\n",
    "td": "{} | ",
    "tr": "{}\n",
}


def _read(tree: list | str) -> str:
    if isinstance(tree, str):
        return tree
    tag, *children = tree
    said = SIGNS.get(tag, "{}").replace("{}", "".join(map(_read, children)))
    return said.strip() if tag == "div" else said


def view(at: AppTest) -> View:
    return at.session_state["view"]


def figure(at: AppTest, key: str) -> go.Figure:
    """A chart on the page; Plotly checks it against its schema."""
    return go.Figure(_arrays(given(at, key)["figure"]))


def _arrays(part):
    """A part of a figure with numpy's arrays in the place of their bytes."""
    if isinstance(part, dict) and "bdata" in part:
        return np.frombuffer(base64.b64decode(part["bdata"]), part["dtype"])
    if isinstance(part, dict):
        return {name: _arrays(value) for name, value in part.items()}
    return [_arrays(value) for value in part] if isinstance(part, list) else part


def bars(at: AppTest, key: str) -> list[float]:
    """The values of the last series of bars: of the numbers as they are now."""
    return figure(at, key).data[-1].x.tolist()


def curves(at: AppTest, key: str) -> dict[str, tuple[list[float], list[float]]]:
    """Of a chart the x and y of every series, by its name."""
    traces = [trace for trace in figure(at, key).data if trace.meta != MARK]
    return {html.unescape(trace.name): (trace.x.tolist(), trace.y.tolist()) for trace in traces}


def mark(at: AppTest, key: str) -> tuple[float, float]:
    """The point that a chart points out."""
    (trace,) = (trace for trace in figure(at, key).data if trace.meta == MARK)
    return float(trace.x[0]), float(trace.y[0])


def tensors(at: AppTest) -> dict[str, np.ndarray]:
    """What the page keeps: every stored tensor by its id."""
    stores = [e.proto.bytes for e in at.get("bidi_component") if e.key in ("store", "apart")]
    return {id: tensor for store in stores for id, tensor in unpack(store).items()}


def pictures(at: AppTest) -> list[tuple[dict, np.ndarray]]:
    """Every matrix on the page: its header and the tensor [N, R, C] that it draws."""
    kept = tensors(at)
    return [(header, kept[header["src"]]) for header in (given(at, key) for key in keys(at, "matrix-"))]


def picture(at: AppTest, name: str) -> tuple[dict, np.ndarray]:
    """The matrix of one point of the picked block, what-ifs included."""
    header = given(at, next(key for key in keys(at, f"matrix-{name}-")))
    return header, tensors(at)[header["src"]]


def point_of(header: dict) -> str:
    """The point that a picture names under itself, or "" where it names something else."""
    name = (header.get("foot") or "").split("  ")[0]
    return name if name in trace().points() else ""


@dataclass(frozen=True)
class Box:
    """An arithmetic box: whose cell it is, where that was made, and the two numbers it ends with."""

    point: str
    cell: tuple[int, ...]
    made: str
    by_hand: float
    shown: float


def boxes(at: AppTest) -> list[Box]:
    return [_box(box) for box in _given_boxes(at)]


def value_of(at: AppTest, box: Box, run: Trace) -> float:
    """The number that a box ends with: in the engine's run, made of it (p), or as the lens' picture has it."""
    if box.point == "p":
        answer = next(point for point in reversed(list(run.table)) if point.endswith(("logits", "classes")))
        return float(run[answer][(0, *box.cell[:-1])].double().softmax(-1)[box.cell[-1]])
    values = tensors(at)[given(at, "matrix-lens")["src"]] if box.point == "lens" else run[box.point]
    return float(values[0][box.cell])


def _given_boxes(at: AppTest) -> list[dict]:
    return [box for key in keys(at, "worked_arithmetic") for box in given(at, key)["boxes"]]


def _box(box: dict) -> Box:
    cells = re.findall(r"([\w.]+)\[([\d, ]+)\]", box["cell"])
    assert " = ".join(f"{point}[{cell}]" for point, cell in cells) == box["cell"]
    point, cell = cells[0]
    numbers = number(box["value"]), number(box["shown"])
    return Box(point, tuple(map(int, cell.split(", "))), cells[-1][0], *numbers)


def marked(header: dict, axes: str, share: int) -> tuple[int, ...]:
    """The marked cell in the axes of its point."""
    head = {"H": header["index"], "G": header["index"] // share, "K": header["index"]}
    return (*([head[axes[0]]] if len(axes) == 3 else []), *header["pick"])


def check_marked(at: AppTest, run: Trace, share: int = 1) -> None:
    """Every marked cell has its box, or is a term of one that has."""
    worked = {(box.point, box.cell) for box in boxes(at)}
    found = [(header["foot"].split("  ")[0], header) for header, _ in pictures(at) if header["pick"]]
    cells = {(p, marked(h, run.table[p].axes[1:], share)) for p, h in found if p in run.points()}
    cells |= {(p, tuple(h["pick"])) for p, h in found if p == "lens"}
    made = ((point, cell) for point, cell in worked if point in run.table)
    terms = {(source, cell) for point, cell in made for source in run.table[point].sources}
    assert cells <= worked | terms
    assert not cells or cells & worked


def formulas(at: AppTest) -> list[str]:
    """The signs of every formula on the page, in their order."""
    alone = [given(at, key)["formula"] for key in keys(at, "formula")]
    inside = [mathml for box in _given_boxes(at) for mathml in box["formulas"]]
    return ["".join(ElementTree.fromstring(mathml).itertext()) for mathml in alone + inside]


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("∞", "inf"))


def markdown(at: AppTest) -> list[str]:
    """Every text of the page: as it is read, and what Streamlit itself shows as Markdown."""
    return texts(at) + notices(at) + notices(at, "info") + [e.value for e in at.get("markdown")]
