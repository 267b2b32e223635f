"""An example of one's own: matrices to paste over, a tiny random model, or a file that somebody handed out."""

from app import components, state
from app.text import say
from app.ui.controls import button, switch_of
from app.ui.controls import number_of as number
from app.ui.events import text as text_of
from app.ui.labels import escape
from app.ui.page import columns, group, notice, put, text
from app.views.by_hand.examples import read_own, show
from engine.examples import Misfit
from engine.examples.example import LARGEST_FILE
from engine.examples.own import HEADS, WIDEST, attention, tiny

SENTENCE = "the cat saw the dog"
SIZES = {"width": 4, "heads": 1, "seed": 0}
MOST = {"width": WIDEST, "heads": HEADS, "seed": 9999}


def draw() -> None:
    left, right = columns(1, 1)
    with left, group("paste", border=True):
        text(say("by_hand", "own/paste"))
        button("paste", say("by_hand", "own/attention"), lambda: _take(attention()))
        button("causal", say("by_hand", "own/causal"), lambda: _take(attention(causal=True)))
        header = {"acts": [("open", say("by_hand", "own/open"))], "words": {}, "file": "", "text": ""}
        components.sheet("file", header | {"most": LARGEST_FILE}, open=text_of(LARGEST_FILE + 1, _opened))
    with right, group("tiny", border=True):
        _tiny()
    if trouble := state.noted("own trouble"):
        notice(trouble, "warning")
    _shown()


def _tiny() -> None:
    """A sentence and sizes, of which a tiny random model is made."""
    text(say("by_hand", "own/tiny"))
    sentence = state.noted("own sentence", SENTENCE)
    header = {"type": "text", "label": say("by_hand", "own/sentence"), "value": sentence, "most": 200}
    keep = text_of(200, lambda typed: state.note("own sentence", typed))
    put("control", "control-sentence", header, "sentence", change=keep)
    places = columns(1, 1, 1)
    for place, (name, usual) in zip(places, SIZES.items(), strict=True):
        with place:
            least = 0 if name == "seed" else 1
            keep_size = lambda n, name=name: state.note(f"own {name}", n)  # noqa: E731
            now = state.noted(f"own {name}", usual)
            number(f"own-{name}", say("by_hand", f"own/{name}"), now, least, MOST[name], keep_size)
    causal = state.noted("own causal", True)
    switch_of("own-causal", say("by_hand", "own/masked"), causal, lambda on: state.note("own causal", on))
    button("tiny", say("by_hand", "own/make"), _make, primary=True)


def _make() -> None:
    sizes = {name: state.noted(f"own {name}", usual) for name, usual in SIZES.items()}
    try:
        _take(tiny(state.noted("own sentence", SENTENCE), causal=state.noted("own causal", True), **sizes))
    except Misfit as misfit:
        state.note("own trouble", escape(str(misfit)))


def _opened(file: str) -> None:
    """A file that was opened; what is wrong with it is said, and the example before stays."""
    if not file.strip():  # what the browser sends of a file that is too large, too
        return state.note("own trouble", say("by_hand", "own/nothing", most=LARGEST_FILE))
    try:
        read_own(file)
    except Misfit as misfit:
        return state.note("own trouble", say("by_hand", "own/wrong", why=str(misfit)))
    _take(file)


def _take(file: str) -> None:
    state.forget("own trouble")
    for start in ("typed own", "guess own", "shown own", "answer own"):
        state.forget(start)
    state.change(own=file, given="", cell="", example="own")


def _shown() -> None:
    if not state.current().own:
        return
    try:
        example = read_own(state.current().own)
    except Misfit as misfit:
        return notice(say("by_hand", "own/wrong", why=str(misfit)), "warning")
    show(example)
