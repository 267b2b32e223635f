"""From a name or a folder to a model that is ready to run."""

import os
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from engine.device import choose, failed
from engine.load import bert, bloom, checkpoints, glassbox, gpt2, images, llama, mixtral, qwen3, t5, vit
from engine.load.ends import ends_of
from engine.load.files import MOST_TEXT, check_file, is_there, read_json
from engine.load.folder import build, files_of, read_weights
from engine.load.hub import find
from engine.load.settings import Settings, shown
from engine.model.attention import Attention
from engine.model.encoder_decoder import EncoderDecoder
from engine.model.recurrent import Recurrent
from engine.model.recurrent_lm import RecurrentLM
from engine.model.transformer import Transformer
from engine.tokenize import JsonTokenizer, UnigramTokenizer, WordPieceTokenizer
from engine.tokenize.unigram import names_sentinels

SHIPPED = Path(__file__).parents[2] / "assets" / "models"
DEFAULT = "storybook"
LAYOUTS = {
    "gpt2": gpt2,
    "llama": llama,
    "bert": bert,
    "vit": vit,
    "t5": t5,
    "mixtral": mixtral,
    "bloom": bloom,
    "qwen3": qwen3,
}  # model_type -> the module that reads this Hugging Face layout
TOKENIZERS = {"bert": WordPieceTokenizer, "t5": UnigramTokenizer}  # where JsonTokenizer does not fit
AT = "@"  # "storybook@293" is that model after 293 steps of its training


def shipped() -> list[str]:
    """Names of the models that come with the project, the default first."""
    names = (f.parent.name for f in SHIPPED.glob("*/config.json"))
    return sorted(names, key=lambda name: (name != DEFAULT, name))


def checkpoints_of(name: str) -> list[str]:
    """Names of what a shipped model was at some checkpoints of its training, the random start first.

    A ValueError if no model of that name comes with the project.
    """
    if name not in shipped():
        raise ValueError(f"no model {name!r} comes with the project; there are: {', '.join(shipped())}")
    return [f"{name}{AT}{step}" for step in checkpoints.steps(SHIPPED / name)]


def home(name: str) -> Path:
    """The folder of a shipped model, or of one of its checkpoints."""
    return SHIPPED / name.partition(AT)[0]


@dataclass(frozen=True)
class Survey:
    """What a folder holds, told before any of its weights is read."""

    model: (
        Transformer | EncoderDecoder | Recurrent | RecurrentLM
    )  # without numbers: its parameters are on torch's meta device
    parameters: int
    bytes: int  # of the weights' files


def survey(folder: str | Path) -> Survey:
    """What `load` would make of a folder, from its JSON files and the headers of its weights alone.

    A ValueError where `load` would raise one, but for what only the numbers or the vocabulary show. A model
    that reads text and has no tokenizer says why in `without_tokenizer`, which is empty for all others.
    """
    folder = Path(folder)
    config = read_json(folder / "config.json")
    if config.get("format") == "glassbox":
        model = glassbox.read(folder, config, headers=True)
    else:
        model = _foreign(folder, config, headers=True)
    size = sum(check_file(folder / name) for name in files_of(folder))
    return Survey(model, sum(p.numel() for p in model.parameters()), size)


def load(
    name_or_folder: str | Path = DEFAULT, device: str = "auto", download: bool = False
) -> Transformer | EncoderDecoder | Recurrent | RecurrentLM:
    """A model in float32, with its tokenizer, from a shipped name, a folder or a hub name.

    A name with a step ("storybook@293") is the model's checkpoint after that many training steps.
    A folder is this project's own or a Hugging Face one of GPT-2, LLaMA, Mixtral, Qwen3, BERT, ViT, T5 or BLOOM
    (config.json, model.safetensors or its shards, tokenizer.json). A hub name ("owner/name") is looked for on
    this machine, and fetched only where `download` says so. device: as `engine.device.choose` takes it; of one
    that is full or broken a warning tells, and the model is on the processor.
    """
    name, step = _checkpoint(str(name_or_folder))
    folder = _folder(name, download)
    config = read_json(folder / "config.json")
    if config.get("format") == "glassbox":
        model = glassbox.read(folder, config, int(step) if step else None)
    else:
        model = _foreign(folder, config)
    model.name = (folder.name if folder.parent == SHIPPED else Path(name).name) + (step and AT + step)
    model = model.requires_grad_(False).eval()
    try:
        return _joined(model.to(choose(device)))
    except RuntimeError as error:
        if not failed(error):
            raise
    return load(name_or_folder, "cpu", download)  # read again: of a broken device nothing can be taken back


def _joined(model: nn.Module) -> nn.Module:
    """The same model, each attention's matrices for queries, keys and values beside each other in memory."""
    for part in model.modules():
        if isinstance(part, Attention):
            part.join()
    return model


def _foreign(folder: Path, config: dict, headers: bool = False) -> Transformer | EncoderDecoder:
    """A model in one of the Hugging Face layouts, with its tokenizer if the folder has one; with `headers` the
    model without its numbers and its tokenizer."""
    kind = config.get("model_type")
    if kind not in tuple(LAYOUTS):
        raise ValueError(f"{folder}/config.json says model_type {shown(kind)}; known are {', '.join(LAYOUTS)}")
    layout = LAYOUTS[kind]
    settings = Settings(folder / "config.json", config, layout.USUAL, layout.SAME, layout.HARMLESS)
    shapes = settings.read(layout.config_of)
    shapes, weights = layout.weights_of(shapes, read_weights(folder, headers))
    model = build(shapes, weights, str(folder))
    model.ends = ends_of(folder, config) or ((model.end,) if len(model.reads) == 2 else ())
    if model.reads[0].image:
        images.attach(model, folder, config)
    there = is_there(folder / "tokenizer.json")
    if headers:
        model.without_tokenizer = "" if there or model.reads[0].image else model.without_tokenizer
        if there and kind == "t5":
            check_file(folder / "tokenizer.json", MOST_TEXT)
            model.with_sentinels = names_sentinels(folder / "tokenizer.json")
    elif there and not model.reads[0].image:
        _give_tokenizer(model, TOKENIZERS.get(kind, JsonTokenizer), folder / "tokenizer.json")
    return model


def _give_tokenizer(model, kind: type, path: Path) -> None:
    """Its tokenizer, or why it has none: then it reads token ids alone."""
    try:
        check_file(path, MOST_TEXT)
        model.tokenizer = kind(path)
    except ValueError as error:
        model.without_tokenizer = f"has a tokenizer that cannot be used ({error})"


def _folder(name: str, download: bool) -> Path:
    if name in shipped():
        return SHIPPED / name
    if os.path.isdir(name):
        return Path(name)
    return find(name, download, shipped())


def _checkpoint(name: str) -> tuple[str, str]:
    """A shipped model's name and the step after its @, or the whole name and nothing."""
    model, _, step = name.rpartition(AT)
    return (model, step) if model in shipped() and step.isascii() and step.isdigit() else (name, "")
