"""What a person is looking at: one view, kept in the session and in the link, changed only from here."""

import math
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from hashlib import blake2s
from urllib.parse import quote_plus

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import edits
from app.architecture import BEGIN, CARRIED, CONVOLVED, CROSS, GLANCE, STEPS, first_picked, norms_of, steps_of
from app.edits import Edits
from engine.config import Config, RecurrentConfig
from engine.decode.prompting import tasks
from engine.examples.exam import KINDS as EXERCISES
from engine.examples.operations import WAVES
from engine.roles import ROLES
from engine.tokenize.training import KINDS as TOKENIZERS

LONGEST_LINK = (
    8000  # characters of all values in an address, as they are written out: servers and proxies refuse
)
# addresses that are much longer
TOLD = 3  # what-ifs of a link that are none
LONGEST_TEXT = 1_000_000  # characters of a text that are kept, so that it can be shortened
TEXTS = 10  # that were written and are remembered to be compared, of a session
REMEMBERED = 50  # views of a session whose addresses could not hold them
# parts of the page By hand
HANDS = ("examples", "printed", "divide", "waves", "own", "exam", "slides")
PARTS = ("choice", "text", "tree", "cache", "ngrams", "prompts")  # of the page Decode
TRAIN = ("backprop", "learn", "batches", "tune", "rewards", "costs")  # of the page Train
CUTTING = ("beside", "train", "languages", "stages")  # parts of the page Tokenizers
CUT = "cut"  # the parameter of an address that names what it could not hold
CALLED = {
    "layer": "block",
    "given": "changed numbers",
    "own": "example of your own",
}  # fields that the page calls otherwise
PROMPT = "The animal didn't cross the street because it was too"  # its end is open: several words fit


SIDES = ("encoder", "decoder")  # of a model with two stacks


def ranged(default: float, low: float, high: float):
    """A number from low to high."""
    return field(default=default, metadata={"range": (low, high)})


def one_of(default: str, *choices: str):
    return field(default=default, metadata={"choices": choices})


@dataclass(frozen=True)
class View:
    """Everything that a link says. Positions are clamped to the model and prompt by `fit`."""

    # the input, and which model reads it
    model: str = ""  # a model's name; empty: the default
    prompt: str = PROMPT
    target: str = ""  # what a decoder beside an encoder reads; empty: its own output
    image: str = ""  # what an image model reads, one sign per pixel; empty: the model's first example
    other: str = ""  # another text, to compare a word's vectors in both
    edits: Edits = ()  # what-ifs: changes to the run
    # what is looked at
    stack: str = one_of(
        "", "", "encoder", "decoder"
    )  # of a model with two, the one shown; empty: as `side_of` says
    step: str = one_of("machine", *GLANCE, *STEPS, CROSS, *CARRIED, *CONVOLVED)
    layer: int = ranged(0, 0, 999)
    head: int = ranged(0, 0, 999)
    token: int = ranged(-1, -1, 99_999)  # the query's position; -1 is the last
    key: int = ranged(-1, -1, 99_999)  # the key's position; -1 is the one with the largest weight
    unit: int = ranged(-1, -1, 999_999)  # a dimension of a vector; -1 is the largest in size
    expert: int = ranged(-1, -1, 9_999)  # of a mixture; -1 is the one with the largest share
    entry: int = ranged(-1, -1, 9_999_999)  # an entry of the vocabulary; -1 is the most probable
    merge: int = ranged(-1, -1, 9_999)  # how many merges are shown, of a word or of a training; -1 is all
    maps: str = ""  # of convolutions: the layer, the filter and the place that are looked at (app/settings.py)
    # how a step shows it
    # query, key or value: as projected, normalised or rotated
    letter: str = one_of("q", "q", "q_norm", "q_rot", "k", "k_norm", "k_rot", "v")
    norm: str = one_of("attn", "attn", "cross", "mlp", "final", "embed")  # which norm of the block
    sink: bool = False  # hide the first token's share
    weighted: bool = False  # attention weights times the length of the value vectors
    stage: int = ranged(0, 0, 4)  # for a projector: the picture, its row, its cell, its arithmetic; 0 is off
    # of all heads at once: those that look at their own text or at the encoder's, those of one role, and the
    # picked one as a heat map or as lines
    attention: str = one_of("self", "self", "cross")
    role: str = one_of("", "", *ROLES)
    lines: bool = False
    # of the picture of the whole model: is the picked block open, how large is it, and which piece of it
    inside: bool = False
    zoom: float = ranged(1.0, 1.0, 60.0)
    zoom_x: float = ranged(0.0, 0.0, 1.0)
    zoom_y: float = ranged(0.0, 0.0, 1.0)
    # the page Decode: its part, and how it writes
    part: str = one_of("choice", *PARTS)
    method: str = one_of("sample", "greedy", "sample")
    length: int = ranged(20, 1, 200)  # tokens to write at most
    words: int = ranged(20, 1, 200)  # of a text that is drawn by counts
    at_pass: int = ranged(1, 1, 999)  # of the model while it writes
    depth: int = ranged(5, 1, 12)  # tokens of the texts that are searched
    exactly: bool = False  # by exact search, too
    width: int = ranged(3, 1, 8)  # texts that beam search keeps
    length_penalty: float = ranged(1.0, -2.0, 3.0)
    # of its prompts: the task, how many demonstrations, and whether their answers are dealt out anew
    task: str = one_of("sentiment", *tasks())
    shots: int = ranged(2, 0, 8)
    mixed: bool = False
    # the page By hand: its part; the example, its changed numbers, the picked cell as step.row.column, whether
    # results are covered until they are predicted; an example of one's own as the text of its file
    hand: str = one_of("examples", *HANDS)
    example: str = ""
    given: str = ""
    cell: str = ""
    predict: bool = False
    own: str = ""
    # its random vectors and waves: how wide, how many positions, in which layout
    wide: int = ranged(64, 1, 1024)
    positions: int = ranged(50, 2, 500)
    layout: str = one_of("sinusoid", *WAVES)
    # its exercises: their kind, how many, with solutions
    exercise: str = one_of("mixed", "mixed", *EXERCISES)
    exercises: int = ranged(6, 1, 40)
    solved: bool = False
    # the page Tokenizers: its part, the tokenizer that is looked at, and how one is trained
    cutting: str = one_of("beside", *CUTTING)
    tokenizer: str = ""  # empty: the first; one that is not there gives the first, too
    kind: str = one_of("byte-bpe", *TOKENIZERS)
    size: int = ranged(800, 2, 4_000)  # entries of its vocabulary
    corpus: str = ""  # the text that it learns from; empty: the shipped one
    # the page Train: its part, and the settings of each (app/settings.py)
    train: str = one_of("backprop", *TRAIN)
    backprop: str = ""
    learn: str = ""
    batches: str = ""
    tune: str = ""
    rewards: str = ""
    costs: str = ""
    # the sampler
    repetition_penalty: float = ranged(1.0, 0.1, 5.0)
    temperature: float = ranged(1.0, 0.1, 5.0)
    top_k: int = ranged(0, 0, 999_999)  # 0: no cut
    top_p: float = ranged(1.0, 0.01, 1.0)  # 1: no cut
    min_p: float = ranged(0.0, 0.0, 1.0)  # 0: no cut
    seed: int = ranged(12, 0, 2**31 - 1)  # ordinary words for the default prompt, and enough of them


FIELDS = {f.name: f for f in fields(View)}
CHOICES = {f.name: f.metadata["choices"] for f in fields(View) if "choices" in f.metadata}
RANGES = {f.name: f.metadata["range"] for f in fields(View) if "range" in f.metadata}
DEFAULT = View()
WRITING = ("model", "prompt", "target", "image", "method", "length", "seed", "repetition_penalty")
WRITING += ("temperature", "top_k", "top_p", "min_p")  # with those before: what a written text depends on
PICKED = ("token", "key", "unit", "expert", "entry", "merge", "maps")
UNPICKED = {name: getattr(DEFAULT, name) for name in PICKED}
TYPES = {field.name: type(getattr(DEFAULT, field.name)) for field in fields(View)}


def side_of(view: View) -> str:
    """The stack shown, of a model with two: unless one was asked for the encoder, in all steps that it has."""
    across = view.step == "all_heads" and view.attention == "cross"
    return view.stack or ("decoder" if across or view.step in (CROSS, "next") else "encoder")


def read_link(params: Mapping[str, str], models: list[str]) -> tuple[View, list[str]]:
    """The nearest sensible view to a link's parameters, and a sentence for each thing ignored."""
    found, ignored = {}, []
    for name, text in params.items():
        if name == CUT:
            ignored.append(f"“{text_start(text.rpartition('-')[0])}” was too long for a link and is not in it.")
            continue
        if name not in TYPES:
            ignored.append(f"“{text_start(name)}” is not something a link can set.")
            continue
        value, complaint = _parse(name, text, models)
        if complaint:
            ignored.append(complaint)
        if value is not None:
            found[name] = value
    return replace(DEFAULT, **found), ignored


def _parse(name: str, text: str, models: list[str]):
    """(value or None, complaint or "") for one parameter."""
    said = f"{name} = “{text_start(text)}”"
    if name == "model":
        found = called(text, models)
        return found, "" if found else f"{said}: there is no such model here; there are {', '.join(models)}."
    if name == "edits":
        value, unread = edits.read(text)
        cut = "; ".join(f"“{text_start(part)}”" for part in unread[:TOLD])
        cut += f" … and {len(unread) - TOLD} more" if len(unread) > TOLD else ""
        return value, cut and f"edits: {cut} is not a what-if that a link can hold."
    return parse(FIELDS[name], text)


def parse(one: Field, text: str) -> tuple[object, str]:
    """(value or None, complaint or "") for a field that a text is to set."""
    kind, said = type(one.default), f"{one.name} = “{text_start(text)}”"
    choices = one.metadata.get("choices", ())
    if choices and text not in choices:
        return None, f"{said} is not one of {', '.join(choices)}."
    if kind is str and len(text) > LONGEST_TEXT:
        return None, f"{said} has {len(text):,} characters; the most is {LONGEST_TEXT:,}."
    if kind is str:
        return text, ""
    if kind is bool:
        return text == "1", "" if text in ("0", "1") else f"{said} is neither 0 nor 1."
    try:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError
    except ValueError:
        return None, f"{said} is not a number."
    low, high = one.metadata["range"]
    value = min(max(kind(value), low), high)
    return value, "" if value == float(text) else f"{said}: the range is {low} to {high}; {value} is used."


def called(text: str, models: list[str]) -> str | None:
    """The model of this name, or else the only one that has it behind the folders that it is in."""
    behind = [name for name in models if name.endswith(f"/{text}")]
    return text if text in models else behind[0] if text and len(behind) == 1 else None


def text_start(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


def write_link(view: View) -> dict[str, str]:
    """The parameters that open `view` again: only what differs from the default, and what an address can hold.

    What it cannot hold, the longest text first, is named in its place, with a sign of what it was."""
    link, cut = {}, {}
    for name in TYPES:
        value = getattr(view, name)
        if value != getattr(DEFAULT, name):
            link[name] = edits.write(value) if name == "edits" else str(int(value) if value is True else value)
    lengths = {name: _length(text) for name, text in link.items()}
    while sum(lengths.values()) > LONGEST_LINK:
        longest = max(lengths, key=lengths.get)
        cut[longest] = link.pop(longest)
        del lengths[longest]
    if cut:
        sign = blake2s(repr(cut).encode("utf-8", "backslashreplace"), digest_size=4).hexdigest()
        link[CUT] = f"{','.join(cut)}-{sign}"
    return link


def _length(text: str) -> float:
    """How long a text is in an address; half a surrogate pair fits into none."""
    if len(text) > LONGEST_LINK or any("\ud800" <= c <= "\udfff" for c in text):
        return math.inf
    return len(quote_plus(text))


def fit(
    view: View,
    config: Config | RecurrentConfig,
    tokens: int,
    keys: int | None = None,
    side: str = "",
    usual: int | None = None,
) -> tuple[View, list[str]]:
    """`view` with step, layer, head, positions and vectors that exist, and a sentence for each one moved.

    tokens are the positions of the stack, keys those attended to if they differ; `usual` is the position
    picked by default (None: the last, or a patch near the middle).
    """
    moved, ignored = {}, []
    steps, counts = steps_of(config, side), {"token": tokens, "key": keys or tokens}
    if view.step not in steps:
        instead = ("states", "heads") if view.step in (CROSS, *STEPS[2:10]) else ("layers", "states", "heads")
        instead = GLANCE if view.step in GLANCE else BEGIN if view.step in BEGIN else instead
        instead = (*instead, CONVOLVED[-1])  # all that a stack without blocks has
        moved["step"] = next(step for step in instead if step in steps)
        ignored.append(f"There is no step “{view.step}” here; “{moved['step']}” is shown.")
    if isinstance(config, Config):
        _fit_block(view, config, moved, ignored)
        counts |= {"layer": config.layers, "head": config.heads} if config.layers else {}
        counts |= {"expert": config.experts} if config.experts else {}
    for name, count in counts.items():
        value = getattr(view, name)
        if value >= count:
            moved[name] = count - 1
            ignored.append(f"There is no {CALLED.get(name, name)} {value} here; the last is {count - 1}.")
    usual = first_picked(config, tokens) if usual is None else usual
    moved.setdefault("token", view.token if view.token >= 0 else usual)
    return replace(view, **moved), ignored


def _fit_block(view: View, config: Config, moved: dict, ignored: list[str]) -> None:
    """What a stack of blocks has or lacks, into `moved` and `ignored`."""
    if view.letter.endswith("_rot") and not config.rotary:
        moved["letter"] = view.letter[0]
        ignored.append("This model has no rotary positions; queries and keys are shown as they are.")
    if view.letter.endswith("_norm") and not config.qk_norm:
        moved["letter"] = view.letter[0]
        ignored.append("This model does not normalise queries and keys; they are shown as they are.")
    if view.norm not in (norms_of(config) or ("attn",)):
        moved["norm"] = "attn"
        ignored.append("This model has no such norm; attention's is shown.")


# --- the session ---------------------------------------------------------------------------------


def view(models: list[str]) -> View:
    """The current view. A session's first run takes it from the address, and so does one that the browser's
    buttons Back and Forward have led to."""
    if "view" not in st.session_state or get_script_run_ctx().is_history_navigation:
        _open(st.query_params.to_dict(), models)
    return st.session_state.view


def _open(link: dict[str, str], models: list[str]) -> None:
    """The view of an address; a text that it could not hold is the one that this session wrote it for."""
    whole = _whole().get(link.get(CUT, ""))
    opened, ignored = read_link({k: v for k, v in link.items() if not whole or k != CUT}, models)
    st.session_state.view = replace(opened, **whole or {})
    st.session_state.ignored = ignored
    st.session_state.address, st.session_state.opened = link, st.session_state.view
    tell("")


def _whole() -> dict[str, dict]:
    """What the addresses of this session could not hold, by the sign that they have in its place."""
    return st.session_state.setdefault("whole", {})


def ignored() -> list[str]:
    """What the link asked for and did not get."""
    return st.session_state.get("ignored", [])


def complain(sentence: str) -> None:
    """Remember what is to be said once, at the next drawing."""
    st.session_state.setdefault("complaints", []).append(sentence)


def complaints() -> list[str]:
    return st.session_state.pop("complaints", [])


def settle(fitted: View, moved: list[str]) -> None:
    """Keep what `fit` moved, and say so until something is changed."""
    if moved:
        if "opened" in st.session_state:
            st.session_state.opened = fitted
        st.session_state.view = fitted
        st.session_state.ignored = [*ignored(), *moved]


def change(**what) -> None:
    """Set fields of the view."""
    for name, value in what.items():
        if TYPES[name] is str and len(value) > LONGEST_TEXT:
            raise ValueError(f"a text of {len(value):,} characters; the most is {LONGEST_TEXT:,}")
    st.session_state.view = replace(st.session_state.view, **what)
    st.session_state.ignored = []


def current() -> View:
    """The view as it was last set."""
    return st.session_state.view


def enter(field: str, value: object) -> None:
    """Set a field to what a control reports; a ValueError where a link could not say the same."""
    if type(value) is not TYPES[field] and not (TYPES[field] is float and type(value) is int):
        raise ValueError(f"{field} is a {TYPES[field].__name__}")
    found, complaint = _parse(field, str(int(value)) if value is True or value is False else str(value), [])
    if complaint:
        raise ValueError(complaint)
    change(**{field: found})


def edit(change_of: Callable[[Edits], Edits]) -> None:
    """Change the current what-ifs, which may differ from those the page was made with."""
    change(edits=change_of(current().edits))


def anew(**what) -> None:
    """Set fields that change the input, and drop what was picked in the old one."""
    change(**UNPICKED | what)


def count(number: int) -> bool:
    """Is this report of the browser's a new one? Each has a number, and is sent until it was seen."""
    new = number > seen()
    st.session_state.seen = max(number, seen())
    return new


def seen() -> int:
    """The number of the last report that came in."""
    return st.session_state.get("seen", 0)


def keep_text(of: View) -> None:
    """Remember how a text was written, the last ones only."""
    kept = [one for one in texts_kept() if one != text_of(of)]
    st.session_state.texts = [*kept, text_of(of)][-TEXTS:]


def texts_kept() -> list[View]:
    """The texts remembered in this session, each as the view that writes it."""
    return st.session_state.get("texts", [])


def drop_text(one: View) -> None:
    st.session_state.texts = [other for other in texts_kept() if other != one]


def text_of(of: View) -> View:
    """A view with nothing set but what a written text depends on."""
    return replace(DEFAULT, **{name: getattr(of, name) for name in WRITING})


def open_text(one: View) -> None:
    """Show a text that was remembered."""
    anew(**{name: getattr(one, name) for name in WRITING})


def rest(name: str) -> None:
    """Remember what the visitor has stayed at for a moment."""
    st.session_state.rested = name


def rested(name: str) -> bool:
    """Has the visitor stayed at this for a moment?"""
    return st.session_state.get("rested") == name


def unfold(key: str, open: bool) -> None:
    """Remember whether something that can be folded up is open."""
    st.session_state[f"open-{key}"] = open


def unfolded(key: str) -> bool:
    return st.session_state.get(f"open-{key}", False)


def note(key: str, value: object) -> None:
    """Remember something of a page for this session: what is typed into it, what was uncovered."""
    st.session_state.setdefault("noted", {})[key] = value


def noted(key: str, usual: object = None) -> object:
    """What was remembered under a key, or else `usual`."""
    return st.session_state.get("noted", {}).get(key, usual)


def forget(start: str) -> None:
    """Forget what was remembered under keys that begin so."""
    kept = st.session_state.get("noted", {})
    st.session_state.noted = {key: value for key, value in kept.items() if not key.startswith(start)}


def tell(note: str) -> None:
    """Remember a note on what was just written; empty: no note."""
    st.session_state.drawn = note


def told() -> str:
    return st.session_state.get("drawn", "")


def leave(to: str = "walk") -> None:
    """Go to another page, a folder of app/views, after this run: a callback cannot switch pages."""
    st.session_state.leaving = to


def leaving() -> str:
    """The page to go to; empty where one stays. It stands until one is there: what the browser asks meanwhile
    may end the run that was to go."""
    return st.session_state.get("leaving", "")


def arrived() -> None:
    st.session_state.pop("leaving", None)


def publish() -> None:
    """Write the view into the address bar; one that was just opened stands there. What a link leaves out is
    remembered, so that Back finds it."""
    if st.session_state.pop("opened", None) == current():
        return
    now = link()
    if CUT in now:
        whole = _whole()
        whole[now[CUT]] = {name: getattr(current(), name) for name in _cut(now)}
        while len(whole) > REMEMBERED:
            del whole[next(iter(whole))]
    if not now == st.session_state.address == st.query_params.to_dict():
        st.session_state.address = now
        st.query_params.from_dict(now)


def link() -> dict[str, str]:
    """The parameters of the present view's address."""
    return write_link(st.session_state.view)


def uncarried() -> list[str]:
    """The fields of the view that the address cannot hold."""
    return _cut(link())


def _cut(address: dict[str, str]) -> list[str]:
    return address[CUT].rpartition("-")[0].split(",") if CUT in address else []
