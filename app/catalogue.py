"""Which models there are, their families, the files beside their weights, and what each reads of a view."""

from functools import cache

import engine
from app import compute
from app.architecture import family_of, rank_of
from app.compute import Given
from app.state import PROMPT
from engine.load import beside as read_beside
from engine.load import checkpoints_of
from engine.tokenize.wordpiece import MASK

ENDINGS = {"encoder": f" {MASK}.", "pair": " tired.", "recurrent": " tired."}  # appended to the default prompt


@cache
def models() -> list[str]:
    """The names that a link may give: the shipped models, the default first, and their checkpoints."""
    return shipped() + [checkpoint for name in shipped() for checkpoint in checkpoints_of(name)]


@cache
def shipped() -> list[str]:
    """The models that come with the project, the default first."""
    return engine.shipped()


def linked(name: str) -> str:
    """A model's name in a link: empty for the default."""
    return "" if name == shipped()[0] else name


def family(name: str) -> str:
    """Which family of architectures a model is of."""
    return family_of(compute.model(name))


@cache
def by_family() -> list[str]:
    """The shipped models, those of one family together."""
    return sorted(shipped(), key=lambda name: rank_of(compute.model(name)))


def families() -> dict[str, str]:
    """The families that have models, in order, each with its first model."""
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
    """The prompt; the default one is completed to suit the model: an encoder gets a gap to fill, a translator a
    whole sentence."""
    if prompt != PROMPT:
        return prompt
    return PROMPT + ENDINGS.get(family(name), "")


def given(name: str, view, gap: bool = False) -> Given:
    """What a model reads of a view: its prompt, or its image (if none was drawn, the model's first example).

    With `gap`, comparable fill-in inputs for all models: the text before the prompt's [MASK] (or all of it),
    and for models that read on both sides the whole with its [MASK].
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
    """What was drawn, or the model's first example; with `gap` that too if the sizes differ."""
    pixels, shown = compute.model(name).reads[0].image ** 2, examples(name)
    if drawn and (len(drawn) == pixels or not gap):
        return drawn
    return shown[0]["text"] if shown else "0" * pixels


def examples(name: str) -> list[dict]:
    """A shipped model's examples, in order; empty if it has none."""
    return beside(name, "examples.json").get("examples", [])


@cache
def beside(name: str, file: str) -> dict:
    """A JSON file beside a shipped model's weights; empty if there is none."""
    return read_beside(name, file)
