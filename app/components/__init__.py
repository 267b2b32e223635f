"""Typed wrappers of the charts, heat maps and controls drawn in the browser, and the page that holds them.

Each is a JavaScript file beside this one; those of SHARED go in front, `style.css` is shared. What a person
does comes back as an event to a callback; what is selected goes out in the data.
"""

import base64
import json
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2s
from pathlib import Path

import numpy as np
import plotly
import plotly.graph_objects as go
import streamlit as st
from streamlit.components.v1 import declare_component

from app import state
from app.components.packing import pack
from app.ui.events import Act, cell, encoded, flag, one_of, permutation, place, signs, text
from app.ui.page import Page, put

HERE = Path(__file__).parent
FONTS = HERE.parents[1] / "assets" / "fonts"
PLOTLY = Path(plotly.__file__).parent / "package_data"
# Where Streamlit's server has plotly.min.js, from any page; another version has another address.
PLOTLY_URL = f"component/{__name__}.plotly/plotly.min.js?{plotly.__version__}"

DRAWN = (
    "page",
    "store",
    "control",
    "edits",
    "matrix",
    "plot",
    "head_grid",
    "image",
    "pipeline",
    "bar",
    "prompt",
    "picker",
    "drawing",
    "painting",
    "tokens",
    "lesson",
    "formula",
    "rest",
    "qr",
    "machine",
    "welcome",
    "all_heads",
    "lines",
    "stages",
    "writing",
    "texts",
    "tree",
    "grid",
    "sheet",
    "links",
    "training",
    "open_file",
    "ticker",
    "graph",
    "listing",
    "ranking",
)

SHARED = (
    "common",
    "token_groups",
    "history",
    "carry",
    "drawing_input",
    "patches",
    "machine_plan",
    "machine_inside",
    "machine_paint",
    "machine_marks",
    "machine_play",
)
SCOPED = ("machine_image", "machine_routes", "machine_unrolled")  # parts of MACHINE whose names are their own
ARRIVE = (HERE / "lib" / "arrive.js").read_text("utf-8")

# What is mounted on the page: it waits for the library and calls it. Small, because it is sent every time.
SHIM = """
const library = window.__glassbox.library;
export default (given) => {
  library.then((draw) => draw.NAME(given));
  return () => library.then((draw) => draw.leave(given.parentElement));
};
"""


@cache
def _library() -> str:
    """All drawing code as one script, each file in its own scope."""
    shared = [(HERE / "lib" / f"{name}.js").read_text("utf-8") for name in SHARED]
    own = [*(f"lib/{name}" for name in SCOPED), *(f"draw/{name}" for name in DRAWN)]
    files = ["{\n" + (HERE / f"{name}.js").read_text("utf-8") + "}" for name in own]
    where = f"const PLOTLY = {json.dumps(PLOTLY_URL)};"
    return "\n".join([ARRIVE, where, *shared, *files, "PAGE.arrived(DRAW);\nexport default () => {};\n"])


@cache
def _style() -> str:
    """The style, with the font of the formulas embedded: few machines have a math font."""
    font = base64.b64encode((FONTS / "math.woff2").read_bytes()).decode()
    face = f"@font-face {{ font-family: 'Glassbox Math'; src: url(data:font/woff2;base64,{font}); }}\n"
    return face + (HERE / "style.css").read_text("utf-8")


@cache
def _serve_plotly() -> None:
    """Have Streamlit's server serve the folder of plotly.min.js."""
    declare_component("plotly", path=PLOTLY)


def library() -> None:
    """Send the drawing code and the style to the page; they do not change, so they are sent once."""
    _serve_plotly()
    st.components.v2.component(
        "glassbox_library",
        html="<span></span>\n",
        css=_style(),
        js=_library(),
        isolate_styles=False,
    )(key="library", height=1)


def _mount(name: str, data, key: str = "", **triggers: Callable[[], None]):
    return st.components.v2.component(
        f"glassbox_{name}",
        html="<div></div>\n",
        js=ARRIVE + SHIM.replace("NAME", name),
        isolate_styles=False,
    )(key=key or name, data=data, **triggers)


def show(page: Page) -> None:
    """Send a page to the browser: its tensors, each sent once, and its parts."""

    def act() -> None:
        sent = st.session_state.get("page")  # None if the page was left in the same moment
        if sent is not None:
            page.act(sent.get("act"))

    if page.apart:
        _mount("store", pack(page.apart), "apart")
    _mount("store", pack(page.tensors))
    sent = _mount("page", {"parts": page.parts, "seen": state.seen()}, on_act_change=act)
    # A new session of a page that has long been there, as after a restart of the server, finds reports of which
    # Streamlit does not know yet whom to tell.
    if sent.get("act") is not None and page.act(sent.get("act")):
        st.rerun()


# A matrix with nothing marked, of a tensor with N = 1, its colours scaled to its largest number.
PLAIN_MATRIX = {"pick": None, "say": None, "bands": [], "index": 0, "follow": None, "max": None, "light": None}
PLAIN_MATRIX |= {"shared": 0, "bare": False, "titles": ["", ""], "counted": [False, False]}
PLAIN_MATRIX |= {"told": "number", "hidden": "masked", "made": [], "spot": 0}


def matrix(key: str, header: dict, pick: Act | None = None) -> None:
    """One matrix of a stored tensor; `header` as `app.ui.heatmaps.picture` makes it."""
    shape = header.get("shape") or (len(header["rows"]), len(header["cols"]))
    acts = {"pick": cell(*shape, pick)} if pick else {}
    of = [header[name] for name in ("axes", "rows", "cols")]
    put("matrix", key, PLAIN_MATRIX | header | {"pickable": pick is not None}, of, **acts)


def plot(key: str, header: dict, figure: go.Figure, pick: tuple[Sequence, Act] | None = None) -> None:
    """A chart of `app.ui.figures`; `header` as `app.ui.charts.chart` makes it. pick: what its points stand for,
    in their order, and what is called with one of these."""
    drawn = {
        "data": [_spec(t.to_plotly_json()) for t in figure.data],
        "layout": _spec(figure.layout.to_plotly_json()),
    }
    sig = blake2s(repr(drawn).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
    sent = header | {"figure": drawn, "sig": sig, "pickable": pick is not None}
    if pick is None:
        return put("plot", key, sent)
    among, act = list(pick[0]), pick[1]
    return put("plot", key, sent, among, pick=place(len(among), lambda i: act(among[i])))


def _spec(value):
    """A part of a figure as JSON: arrays as Plotly's typed arrays, which are base64 of their bytes."""
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str.lstrip("<"), "bdata": base64.b64encode(value.tobytes()).decode()}
    return {name: _spec(part) for name, part in value.items()} if isinstance(value, dict) else value


def head_grid(key: str, header: dict, pick: Act, by: str = "head") -> None:
    """All heads of a stored tensor [H, T, S], or all of something else, such as filters: `by` says of what one
    is picked. Of the scale "colour" each has three planes of numbers from 0 to 1."""
    put("head_grid", key, header | {"by": by}, header["names"], **{by: place(len(header["names"]), pick)})


def pipeline(key: str, header: dict, step: Act, stage: Act, cross: Act) -> None:
    """The map of the steps; `header` has their names, their titles in groups, at which one is, and how far the
    stage has come (0: there is none) of its `levels`; `stacks` are those before and after this one (None: there
    is none). `stage` is called with [a place in them, a level], `cross` with the name of a stack."""
    stacks = [stack for stack in header["stacks"] if stack]
    acts = dict(step=one_of(header["names"], step), stage=stage, cross=one_of(stacks, cross))
    put("pipeline", key, header, header["names"], **acts)


def bar(key: str, header: dict, token: Act, layer: Act, head: Act, stack: Act) -> None:
    """Token chips and the layer and head in use."""
    counts = {"token": len(header["tokens"]), "layer": header["layers"], "head": header["heads"]}
    acts = {"token": token, "layer": layer, "head": head}
    of = [header[name] for name in ("ids", "tokens", "layers", "heads")]
    there = {name: place(counts[name], act) for name, act in acts.items()}
    put("bar", key, header, of, **there, stack=one_of(state.SIDES, stack))


def prompt(key: str, header: dict, submit: Act, example: Act) -> None:
    """The text box; `header` has text, placeholder, examples [(text, what it shows)], few (how many of
    them are always in sight; 0: all or none) and open; of a list, lines: how many of them are in sight.
    `submit` is called with a text, `example` with one's."""
    texts = [shown for shown, _ in header["examples"]]
    put("prompt", key, header, texts, prompt=text(state.LONGEST_TEXT, submit), example=one_of(texts, example))


def picker(key: str, header: dict, known: list[str], choose: Act, card: Act) -> None:
    """The models to choose from; `header` has name, kind, label, search, cannot, nothing, foot and groups
    [(title, [(name, what it is, why it cannot be chosen or "")])]. `choose` is called with the name of one,
    `card` with one of `known` whose card is wanted."""
    free = [name for _, models in header["groups"] for name, _, why in models if not why]
    put("picker", key, header, free, choose=one_of(free, choose), card=one_of(known, card))


def drawing(key: str, header: dict, image: Act) -> None:
    """A square to draw in; `header` has text (one sign per pixel), signs and palette (their colours), side,
    examples [(text, what it is)], open, and few (where it is folded, the examples are in sight)."""
    _square("drawing", key, header, image)


def painting(key: str, header: dict, image: Act) -> None:
    """A square to put coloured shapes in; `header` as that of `drawing`, and colours (the names of the palette)
    and stamps [{name, sizes: [(name, which pixels are filled)]}]."""
    _square("painting", key, header, image)


def _square(kind: str, key: str, header: dict, image: Act) -> None:
    of = [header[name] for name in ("side", "signs", "palette")]
    put(kind, key, header, of, image=signs(header["side"] ** 2, header["signs"], image))


def image(key: str, header: dict, at: Act) -> None:
    """An image in its patches, weights laid over it, or a frame; `header` as app.ui.images makes it."""
    put("image", key, header, header["names"], place=place(len(header["names"]), at))


def all_heads(key: str, header: dict, **acts: Act) -> None:
    """Every head of every block, small; `header` as `app.views.walk.steps.all_heads` makes it. `acts` has pick
    [layer, head], take [layer, head], open [layer, head, token, key]."""
    put("all_heads", key, header, [header[name] for name in ("src", "layers", "heads")], **acts)


def lines(key: str, header: dict, pick: Act) -> None:
    """One matrix of a stored tensor as lines between two columns of tokens; `header` as that of `matrix`."""
    of = [header[name] for name in ("axes", "rows", "cols")]
    put("lines", key, PLAIN_MATRIX | header, of, pick=cell(len(header["rows"]), len(header["cols"]), pick))


def machine(key: str, header: dict, **acts: Act) -> None:
    """The whole forward pass; `header` as `app.views.machine.whole` makes it. `acts` has token (a position),
    lane [stack, position, that of the other stack], pick and take [column, head], zoom [column or −1, k, x, y],
    sink (hide the first token), weighted, open [column, head, token, key, entry]; those of `inside.acts`."""
    put("machine", key, header, [column["src"] for column in header["columns"]], **acts)


def looks(key: str, header: dict, token: Act) -> None:
    """An image once for every token, that token's weights laid over it; `header` as that of `image`, and words
    (the tokens) and says (what is written after each)."""
    put("looks", key, header, header["words"], token=place(len(header["words"]), token))


def lesson(key: str, header: dict) -> None:
    """A text with some tokens changed; `header` has parts [(what is read, what was done or "")], each with a
    third entry where there are spans: the number of its own, or None."""
    put("lesson", key, header)


def ticker(milliseconds: int, act: Callable[[], None]) -> None:
    """Nothing to be seen: `act` is called after so many milliseconds, and again after each time."""
    put("ticker", "ticker", {"every": milliseconds, "turn": state.seen()}, tick=flag(lambda _: act()))


def rest(key: str, header: dict, rested: Act) -> None:
    """A sentence; `header` has say, ok (None: not known yet), name, ask and button. Where it asks, `rested` is
    called with the name once the visitor has stayed for a moment, or has clicked the button of that name."""
    put("rest", key, header, header["name"], rested=one_of([header["name"]], rested))


def welcome(key: str, header: dict) -> None:
    """What this is, in a sentence, and a tour: `header` has lead, stops [(where, what is told there), …] and
    the words on its buttons (start, next, back, skip, done)."""
    put("welcome", key, header)


def formula(key: str, mathml: str) -> None:
    """A formula by itself."""
    put("formula", key, {"formula": mathml})


def worked_arithmetic(key: str, boxes: list[dict], open: int, set: Act) -> None:
    """The arithmetic of picked cells, a box each, as `app.ui.arithmetic` makes them, and which is unfolded;
    `set` is called with [the name of a box's cell, a number that it is to have]."""
    put("worked_arithmetic", key, {"boxes": boxes, "open": open}, [box["cell"] for box in boxes], set=set)


def grid(key: str, header: dict, **acts: Act) -> None:
    """A matrix of a worked example; `header` as `app.views.by_hand.grids` makes it. `acts` has change [order of
    rows, text], pick [row, column], and those of the header's `acts`, each called with True."""
    put("grid", key, header, [header["name"], header["mode"], header["rows"], header["cols"]], **acts)


def sheet(key: str, header: dict, **acts: Act) -> None:
    """What is done with a page as a whole: `header` has acts [(print, link, save, open or reset, its label)],
    words, and for a file its name (file), its text and how long one may be (most). open is called with a
    text, reset with True."""
    put("sheet", key, header, [name for name, _ in header["acts"]], **acts)


def open_file(key: str, header: dict, open: Callable[[bytes], None]) -> None:
    """A button that opens a file; `header` has label, accept (which kinds) and most (bytes). `open` is called
    with its bytes; with none of a file that is larger."""
    put("open_file", key, header, open=encoded(header["most"], open))


def links(key: str, header: dict) -> None:
    """A table with links in it; `header` has say, heads and rows of cells: a text, or {text, href}. Links come
    from our own files, never from what was typed."""
    put("links", key, header)


def qr(key: str, header: dict) -> None:
    """A QR code and its address as a link; `header` has address, say and rows (a sign a module, 1 for dark)."""
    put("qr", key, header)


def tokens(key: str, header: dict, token: Act, merge: Act) -> None:
    """The text in its tokens, and the merges of one piece; `merge` is called with how many of them to show."""
    ids, stops = header["ids"], header["merges"]
    acts = dict(token=place(len(ids), token), merge=place(len(stops), merge))
    put("tokens", key, header, (ids, header["title"], len(stops)), **acts)


def cuts(key: str, header: dict) -> None:
    """Texts in their tokens, a row each; `header` has title, foot, heads (of its table) and rows: title,
    count, note, aria, groups as `app.views.tokenizers.cutters.groups` makes them, more (how many are
    not shown), back (what it comes back as, if not the text)."""
    put("cuts", key, header)


def training(key: str, header: dict, merge: Act) -> None:
    """A training, merge by merge; `header` as `app.views.tokenizers.train` makes it. `merge` is called with how
    many merges are shown."""
    put("training", key, header, (header["src"], header["merges"]), merge=place(header["merges"] + 1, merge))


def ranking(key: str, header: dict, order: Act) -> None:
    """Texts to be put in order; `header` has texts, before (what stands before each), order (their numbers,
    best first), words and aria. `order` is called with the numbers in their new order."""
    count = len(header["texts"])
    put("ranking", key, header, header["texts"], order=permutation(count, order))


def download(key: str, header: dict) -> None:
    """A button that saves bytes of a stored tensor; `header` has src, name (of the file) and label."""
    put("download", key, header)


def graph(key: str, header: dict, **acts: Act) -> None:
    """Boxes and arrows, numbers on the way out and gradients on the way back; `header` as
    `app.views.train.backprop.picture` makes it. `acts` has pick (a box), to (which of the steps is shown)."""
    count = {"pick": len(header["nodes"]), "to": header["step"][1] + 1}
    placed = {event: place(count[event], act) for event, act in acts.items()}
    put("graph", key, header, [header["name"], header["step"][1], len(header["nodes"])], **placed)


def listing(key: str, header: dict, count: int = 0, pick: Act | None = None) -> None:
    """Code line by line with its values; `header` as `app.views.train.backprop.listings` makes it. `pick` is
    called with one of `count` lines."""
    acts = {"pick": place(count, pick)} if pick else {}
    put("listing", key, header, [header["name"], count], **acts)
