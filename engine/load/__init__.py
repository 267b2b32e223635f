"""From a name or a folder to a model that is ready to run."""

import os
from pathlib import Path

from engine.device import choose, failed
from engine.load import bert, bloom, glassbox, gpt2, images, llama, mixtral, moments, qwen3, t5, vit
from engine.load.ends import ends_of
from engine.load.files import MOST_TEXT, check_file, is_there, read_json
from engine.load.folder import build, read_weights
from engine.load.hub import find
from engine.load.settings import Settings, shown
from engine.model.encoder_decoder import EncoderDecoder
from engine.model.recurrent import Recurrent
from engine.model.transformer import Transformer
from engine.tokenize import JsonTokenizer, UnigramTokenizer, WordPieceTokenizer

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
}  # model_type -> who reads that Hugging Face layout
TOKENIZERS = {"bert": WordPieceTokenizer, "t5": UnigramTokenizer}  # who reads its tokenizer.json, if not Json…
AT = "@"  # "storybook@293" is that model after 293 steps of its training


def shipped() -> list[str]:
    """Names of the models that come with the project, the default first."""
    names = (f.parent.name for f in SHIPPED.glob("*/config.json"))
    return sorted(names, key=lambda name: (name != DEFAULT, name))


def moments_of(name: str) -> list[str]:
    """Names of what a shipped model was at some moments of its training, the random start first.

    A ValueError if no model of that name comes with the project.
    """
    if name not in shipped():
        raise ValueError(f"no model {name!r} comes with the project; there are: {', '.join(shipped())}")
    return [f"{name}{AT}{step}" for step in moments.steps(SHIPPED / name)]


def beside(name: str, file: str) -> dict:
    """What stands in a JSON file beside a shipped model's weights; empty where there is no such file."""
    path = SHIPPED / name.partition(AT)[0] / file
    return read_json(path) if path.exists() else {}


def load(
    name_or_folder: str | Path = DEFAULT, device: str = "auto", download: bool = False
) -> Transformer | EncoderDecoder | Recurrent:
    """A model in float32, with its tokenizer, from a shipped name, a folder or a hub name.

    A name with a moment ("storybook@293") is what the model was after that many steps of its training.
    A folder is this project's own or a Hugging Face one of GPT-2, LLaMA, Mixtral, Qwen3, BERT, ViT, T5 or BLOOM
    (config.json, model.safetensors or its shards, tokenizer.json). A hub name ("owner/name") is looked for on
    this machine, and fetched only where `download` says so. device: as `engine.device.choose` takes it; of one
    that is full or broken a warning tells, and the model is on the processor.
    """
    name, step = _moment(str(name_or_folder))
    folder = _folder(name, download)
    config = read_json(folder / "config.json")
    if config.get("format") == "glassbox":
        model = glassbox.read(folder, config, int(step) if step else None)
    else:
        model = _foreign(folder, config)
    model.name = (folder.name if folder.parent == SHIPPED else Path(name).name) + (step and AT + step)
    model = model.requires_grad_(False).eval()
    try:
        return model.to(choose(device))
    except RuntimeError as error:
        if not failed(error):
            raise
    return load(name_or_folder, "cpu", download)  # read again: of a broken device nothing can be taken back


def _foreign(folder: Path, config: dict) -> Transformer | EncoderDecoder:
    """A model in one of the Hugging Face layouts, with its tokenizer if the folder has one."""
    kind = config.get("model_type")
    if kind not in tuple(LAYOUTS):
        raise ValueError(f"{folder}/config.json says model_type {shown(kind)}; known are {', '.join(LAYOUTS)}")
    layout = LAYOUTS[kind]
    settings = Settings(folder / "config.json", config, layout.USUAL, layout.SAME, layout.HARMLESS)
    shapes = settings.read(layout.config_of)
    shapes, weights = layout.weights_of(shapes, read_weights(folder))
    model = build(shapes, weights, str(folder))
    model.ends = ends_of(folder, config) or ((model.end,) if len(model.reads) == 2 else ())
    if model.reads[0].image:
        images.attach(model, folder, config)
    elif is_there(folder / "tokenizer.json"):
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


def _moment(name: str) -> tuple[str, str]:
    """A shipped model's name and the step after its @, or the whole name and nothing."""
    model, _, step = name.rpartition(AT)
    return (model, step) if model in shipped() and step.isascii() and step.isdigit() else (name, "")
