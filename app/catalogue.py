"""Which models there are, their families, the files beside their weights, and what each reads of a view."""

import re
from functools import cache
from pathlib import Path

import engine
from app import compute, session_models, shelf
from app.architecture import FAMILIES, family_of, rank_of, whole
from app.compute import Given
from app.state import PROMPT
from engine.images import SIGNS
from engine.load import checkpoints_of, home
from engine.load.files import read_json
from engine.tokenize.unigram import SENTINEL
from engine.tokenize.wordpiece import MASK

ROOT = Path(engine.__file__).parents[1]
WAY = re.compile(
    rf"{re.escape(str(ROOT))}[\\/]|([A-Za-z]:)?[\\/]([^\s'\"\\/]+[\\/])+"
)  # to a file, from the top
PLACES = ("none", "sinusoidal", "learned", "relative", "rotary", "alibi")  # positions, the oldest first
ENDINGS = {"encoder": f" {MASK}.", "pair": " tired.", "recurrent": " tired."}  # of the prompt to begin with
ENDINGS["spans"] = f" {SENTINEL.format(0)}."
SIGN = re.compile(re.escape(SENTINEL).replace(r"\{\}", r"\d+"))  # any sentinel


def models() -> list[str]:
    """The names that a link may give: the shipped models, the default first, checkpoints of training, and the
    models of a person's own."""
    own = [one.name for one in (*session_models.models(), *shelf.models())]
    return _with_checkpoints() + own


@cache
def _with_checkpoints() -> list[str]:
    return shipped() + [checkpoint for name in shipped() for checkpoint in checkpoints(name)]


def checkpoints(name: str) -> list[str]:
    """The checkpoints of a model's training; none where what is kept of them is broken."""
    try:
        return checkpoints_of(name)
    except (ValueError, OSError):
        return []


@cache
def shipped() -> list[str]:
    """The models that come with the project, the default first."""
    return engine.shipped()


def linked(name: str) -> str:
    """A model's name in a link: empty for the default."""
    return "" if name == shipped()[0] else name


def walked(view) -> str:
    """The model that the walk shows in a view."""
    return view.model or models()[0]


def family(name: str) -> str:
    """Which family of architectures a model is of."""
    return family_of(compute.model(name))


@cache
def _rank(name: str) -> tuple[int, bool, bool, bool]:
    return rank_of(compute.model(name))


def fault(name: str) -> str:
    """Why a model cannot be read; empty where it can."""
    own = shelf.find(name)
    if own and own.why:
        return own.why
    try:
        if own:
            compute.renew(own)
            compute.model(name)
        else:
            _rank(name)
    except ValueError as error:
        return shelf.reason(error, own.folder) if own else told(error)
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


def families(walked: str = "") -> dict[str, str]:
    """The families that have models, in order, each with its first; that of the walked model with this one."""
    names = {}
    for name in by_family():
        names.setdefault(family(name), name)
    return names | {family(walked): walked} if walked and not fault(walked) else names


def listed() -> list[shelf.Listed]:
    """The shipped models as lists tell them, those of one family together."""
    found = [shelf.listed(name, home(name)) for name in shipped()]
    return sorted(found, key=lambda one: (one.why != "", list(FAMILIES).index(one.family or "decoder")))


def folder_of(name: str) -> Path:
    """Where a model's files are."""
    own = shelf.find(name)
    return own.folder if own else home(name)


def translators() -> list[str]:
    """The shipped models that read one text and write another."""
    return [name for name in by_family() if family(name) in ("pair", "recurrent")]


def fillers() -> list[str]:
    """The shipped models that fill spans, told without loading any."""
    return [one.name for one in listed() if one.family == "spans" and not one.why]


def languages() -> list[str]:
    """The shipped recurrent language models."""
    return [name for name in by_family() if family(name) == "rnn"]


def captioners() -> list[str]:
    """The shipped models that read an image and write a text."""
    return [name for name in by_family() if family(name) == "caption"]


def placed() -> dict[str, str]:
    """The shipped models that differ in nothing but their positions, and which each has, in the order in which
    these came up; none where there is only one."""
    trained = [name for name in shipped() if beside(name, "options.json").get("task") == "positions"]
    configs = [beside(name, "config.json") for name in trained]
    alike = [(n, c) for n, c in zip(trained, configs, strict=True) if _shape(c) == _shape(configs[0])]
    found = {config.get("positions"): name for name, config in reversed(alike)}
    kinds = [kind for kind in PLACES if kind in found]
    return {found[kind]: kind for kind in kinds} if len(kinds) > 1 else {}


def _shape(config: dict) -> dict:
    return {key: entry for key, entry in config.items() if key not in ("positions", "context")}


def opening(name: str, prompt: str) -> str:
    """The prompt; the default one is completed to suit the model: an encoder or a span filler gets a gap to
    fill, a translator a whole sentence."""
    if prompt != PROMPT:
        return prompt
    if whole(compute.model(name))["characters"]:
        return f"{PROMPT} "  # with the blank that everybody expects
    return PROMPT + ENDINGS.get(family(name), "")


def given(name: str, view, gap: bool = False) -> Given:
    """What a model reads of a view: its prompt, or its image (if none was drawn, the model's first example).

    With `gap`, comparable fill-in inputs for all models: the text before the prompt's [MASK] (or all of it),
    and for models that read on both sides the whole with its [MASK], or with a sentinel for each.
    """
    model = compute.model(name)
    reads = model.reads
    if reads[0].image:
        image = _image(name, view.image, gap)
        return image if len(reads) == 1 else (image, "" if gap else view.target)
    if not gap:
        return view.prompt if len(reads) == 1 else (view.prompt, view.target)
    asked = SIGN.sub(MASK, view.prompt)
    if model.fills_spans:
        return _spanned(_gapped(asked)), ""
    if len(reads) == 2:
        return " ".join(asked.replace(MASK, "").split()), ""
    return asked.partition(MASK)[0].rstrip() if reads[0].causal else _gapped(asked)


def _gapped(text: str) -> str:
    """A text with a [MASK], at its end where it has none."""
    return text if MASK in text else f"{text.rstrip()} {MASK}."


def _spanned(text: str) -> str:
    """The same with a sentinel for each [MASK], in their order."""
    first, *others = text.split(MASK)
    return first + "".join(SENTINEL.format(n) + part for n, part in enumerate(others))


def _image(name: str, drawn: str, gap: bool) -> str:
    """What was drawn, or the model's first example; with `gap` that too if the sizes differ."""
    pixels, shown = compute.model(name).reads[0].image ** 2, examples(name)
    if drawn and (len(drawn) == pixels or not gap):
        return drawn
    return shown[0]["text"] if shown else "0" * pixels


def examples(name: str) -> list[dict]:
    """A model's examples, in order; empty if it has none. Of a person's own nothing but the texts is taken."""
    found = beside(name, "examples.json").get("examples", [])
    if name in shipped() or not shelf.find(name):
        return found
    texts = [{key: one[key] for key in ("text", "note")} for one in found if _is_example(one)]
    side = compute.model(name).reads[0].image
    return [one for one in texts if not side or _is_image(one["text"], name)]


def _is_example(one: object) -> bool:
    return isinstance(one, dict) and all(isinstance(one.get(key), str) for key in ("text", "note"))


def _is_image(text: str, name: str) -> bool:
    model = compute.model(name)
    return len(text) == model.reads[0].image ** 2 and set(text) <= set(SIGNS[: len(model.prepare.palette)])


def beside(name: str, file: str) -> dict:
    """What was measured of a model, from the file beside its weights; empty where there is none, or a broken
    one."""
    try:
        return measured(name, file)
    except (ValueError, OSError):
        return {}


def measured(name: str, file: str) -> dict:
    """The same; an error where the file is broken."""
    own = shelf.find(name)
    return _measured(folder_of(name) / file, own.stamp if own else ())


@cache
def _measured(path: Path, stamp: tuple) -> dict:
    return read_json(path) if path.exists() else {}
