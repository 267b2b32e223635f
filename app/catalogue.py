"""Which models there are, of which family each is, what it brings along, and what it reads of a view."""

import re
from functools import cache
from pathlib import Path

import engine
from app import compute
from app.architecture import family_of, rank_of
from app.compute import Given
from app.state import PROMPT
from engine.load import beside as read_beside
from engine.load import moments_of
from engine.tokenize.wordpiece import MASK

ROOT = Path(engine.__file__).parents[1]
WAY = re.compile(
    rf"{re.escape(str(ROOT))}[\\/]|([A-Za-z]:)?[\\/]([^\s'\"\\/]+[\\/])+"
)  # to a file, from the top
ENDINGS = {"encoder": f" {MASK}.", "pair": " tired.", "recurrent": " tired."}  # of the prompt to begin with


@cache
def models() -> list[str]:
    """The names that a link may give: the shipped models, the default first, and moments of training."""
    return shipped() + [moment for name in shipped() for moment in moments(name)]


def moments(name: str) -> list[str]:
    """The moments of a model's training; none where what is kept of them is broken."""
    try:
        return moments_of(name)
    except (ValueError, OSError):
        return []


@cache
def shipped() -> list[str]:
    """The models that come with the project, the default first."""
    return engine.shipped()


def linked(name: str) -> str:
    """A model as a link names it: the default by nothing."""
    return "" if name == shipped()[0] else name


def walked(view) -> str:
    """The model that the walk shows in a view."""
    return view.model or models()[0]


def family(name: str) -> str:
    """Which family of architectures a model is of."""
    return family_of(compute.model(name))


@cache
def _rank(name: str) -> tuple[int, bool, bool]:
    return rank_of(compute.model(name))


def fault(name: str) -> str:
    """Why a model cannot be read; empty where it can."""
    try:
        _rank(name)
    except Exception as error:  # whatever is in a folder that somebody put there
        return told(error)
    return ""


def told(error: Exception) -> str:
    """What is wrong with a file, as a part of a sentence: its folder's way is nothing for visitors."""
    return f"{type(error).__name__}: {WAY.sub('', str(error))[:300].rstrip('.')}"


def faults() -> dict[str, str]:
    """The shipped folders that hold no model that can be read, and why."""
    return {name: why for name in shipped() if (why := fault(name))}


@cache
def by_family() -> list[str]:
    """The shipped models, those of one family together."""
    return sorted((name for name in shipped() if not fault(name)), key=_rank)


def families() -> dict[str, str]:
    """The families that there are models of, each with the first of them, in their order."""
    names = {}
    for name in by_family():
        names.setdefault(family(name), name)
    return names


def translators() -> list[str]:
    """The shipped models that read one text and write another."""
    return [name for name in by_family() if family(name) in ("pair", "recurrent")]


def captioners() -> list[str]:
    """The shipped models that read an image and write a text."""
    return [name for name in by_family() if family(name) == "caption"]


def opening(name: str, prompt: str) -> str:
    """The prompt, or, where it is the one that all models begin with, what of it suits the model: an encoder
    has a gap to fill, a translator a whole sentence."""
    if prompt != PROMPT:
        return prompt
    return PROMPT + ENDINGS.get(family(name), "")


def given(name: str, view, gap: bool = False) -> Given:
    """What a model reads of a view: its prompt, or its image (where none was drawn, the model's first example).

    With `gap` the models that are asked beside one another have the same gap to fill: what stands before the
    [MASK] of the prompt, or the whole of it, and for those that read on both sides the gap itself.
    """
    reads = compute.model(name).reads
    if reads[0].image:
        image = _image(name, view.image, gap)
        return image if len(reads) == 1 else (image, "" if gap else view.target)
    if len(reads) == 2:
        return (" ".join(view.prompt.replace(MASK, "").split()), "") if gap else (view.prompt, view.target)
    if not gap:
        return view.prompt
    if reads[0].causal:
        return view.prompt.partition(MASK)[0].rstrip()
    return view.prompt if MASK in view.prompt else f"{view.prompt.rstrip()} {MASK}."


def _image(name: str, drawn: str, gap: bool) -> str:
    """What was drawn, or else the model's own first example; beside others also where it is of another size."""
    pixels, shown = compute.model(name).reads[0].image ** 2, examples(name)
    if drawn and (len(drawn) == pixels or not gap):
        return drawn
    return shown[0]["text"] if shown else "0" * pixels


def examples(name: str) -> list[dict]:
    """What a shipped model brings along to be tried, the first of it first; empty where it brings nothing."""
    return beside(name, "examples.json").get("examples", [])


def beside(name: str, file: str) -> dict:
    """What was measured of a shipped model, from the file beside its weights; empty where there is none, or a
    broken one."""
    try:
        return measured(name, file)
    except (ValueError, OSError):
        return {}


@cache
def measured(name: str, file: str) -> dict:
    """The same; an error where the file is broken."""
    found = read_beside(name, file)
    if not isinstance(found, dict):
        raise ValueError(f"{file} holds no object")
    return found
