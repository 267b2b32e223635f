"""From a name or a folder to a model that is ready to run."""

from pathlib import Path

import torch

from engine.load import bert, bloom, checkpoints, glassbox, gpt2, images, llama, mixtral, qwen3, t5, vit
from engine.load.folder import read_json
from engine.load.hub import find
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
}  # model_type -> the module that reads this Hugging Face layout
TOKENIZERS = {"bert": WordPieceTokenizer, "t5": UnigramTokenizer}  # where JsonTokenizer does not fit
AT = "@"  # "storybook@293" is that model after 293 steps of its training


def shipped() -> list[str]:
    """Names of the models that come with the project, the default first."""
    names = (f.parent.name for f in SHIPPED.glob("*/config.json"))
    return sorted(names, key=lambda name: (name != DEFAULT, name))


def checkpoints_of(name: str) -> list[str]:
    """Names of a shipped model's checkpoints, in the order of its training, the random start first."""
    return [f"{name}{AT}{step}" for step in checkpoints.steps(SHIPPED / name)]


def beside(name: str, file: str) -> dict:
    """The JSON file beside a shipped model's weights; empty if there is none."""
    path = SHIPPED / name.partition(AT)[0] / file
    return read_json(path) if path.exists() else {}


def load(
    name_or_folder: str | Path = DEFAULT, device: str = "auto", download: bool = False
) -> Transformer | EncoderDecoder | Recurrent:
    """A model in float32, with its tokenizer, from a shipped name, a folder or a hub name.

    A name with a step ("storybook@293") is the model's checkpoint after that many training steps.
    A folder is this project's own or a Hugging Face one of GPT-2, LLaMA, Mixtral, Qwen3, BERT, ViT, T5 or BLOOM
    (config.json, model.safetensors or its shards, tokenizer.json). A hub name ("owner/name") is looked for on
    this machine, and fetched only where `download` says so. device: "auto" (a GPU where there is one), "cpu",
    "cuda".
    """
    name, step = _checkpoint(str(name_or_folder))
    folder = _folder(name, download)
    config = read_json(folder / "config.json")
    if config.get("format") == "glassbox":
        model = glassbox.read(folder, config, int(step) if step else None)
    else:
        model = _foreign(folder, config)
    model.name = (folder.name if folder.parent == SHIPPED else Path(name).name) + (step and AT + step)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return model.requires_grad_(False).eval().to(device)


def _foreign(folder: Path, config: dict) -> Transformer | EncoderDecoder:
    """A model in one of the Hugging Face layouts, with its tokenizer if the folder has one."""
    kind = config.get("model_type")
    if kind not in tuple(LAYOUTS):
        raise ValueError(f"{folder}/config.json says model_type {kind!r}; known are {', '.join(LAYOUTS)}")
    model = LAYOUTS[kind].read(folder, config)
    if model.reads[0].image:
        images.attach(model, folder, config)
    elif (folder / "tokenizer.json").exists():
        model.tokenizer = TOKENIZERS.get(kind, JsonTokenizer)(folder / "tokenizer.json")
    return model


def _folder(name: str, download: bool) -> Path:
    if name in shipped():
        return SHIPPED / name
    if Path(name).is_dir():
        return Path(name)
    return find(name, download, shipped())


def _checkpoint(name: str) -> tuple[str, str]:
    """A shipped model's name and the step after its @, or the whole name and nothing."""
    model, _, step = name.rpartition(AT)
    return (model, step) if model in shipped() and step.isascii() and step.isdigit() else (name, "")
