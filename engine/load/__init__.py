"""From a name or a folder to a model that is ready to run."""

from pathlib import Path

import torch

from engine.load import glassbox, gpt2
from engine.load.folder import read_json
from engine.load.hub import find
from engine.models import Decoder

SHIPPED = Path(__file__).parents[2] / "assets" / "models"
DEFAULT = "storybook"


def shipped() -> list[str]:
    """Names of the models that come with the project, the default first."""
    names = (f.parent.name for f in SHIPPED.glob("*/config.json"))
    return sorted(names, key=lambda name: (name != DEFAULT, name))


def load(name_or_folder: str | Path = DEFAULT, device: str = "auto", download: bool = False) -> Decoder:
    """A model in float32, with its tokenizer, from a shipped name, a folder or a hub name.

    A folder is this project's own or a Hugging Face GPT-2 one (config.json, model.safetensors or its
    shards, tokenizer.json). A hub name ("owner/name") is looked for on this machine, and fetched only
    where `download` says so. device: "auto" (a GPU where there is one), "cpu", "cuda".
    """
    folder = _folder(str(name_or_folder), download)
    config = read_json(folder / "config.json")
    layout = glassbox if config.get("format") == "glassbox" else gpt2
    model = layout.read(folder, config)
    model.name = folder.name if folder.parent == SHIPPED else Path(name_or_folder).name
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return model.requires_grad_(False).eval().to(device)


def _folder(name: str, download: bool) -> Path:
    if name in shipped():
        return SHIPPED / name
    if Path(name).is_dir():
        return Path(name)
    return find(name, download, shipped())
