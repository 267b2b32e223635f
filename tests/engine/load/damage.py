"""Loading a checkpoint, changing it for the worse, and seeing it refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import engine
from engine.model.base import Model
from tests.engine.tiny import images, prompt

IDS = torch.tensor([prompt(9)])


def load(folder: Path):
    """The model of a folder, on the processor."""
    return engine.load(folder, device="cpu")


def configure(folder: Path, **entries) -> None:
    """Change entries of config.json; `...` takes one out."""
    config = json.loads((folder / "config.json").read_text()) | entries
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not ...}))


def change(folder: Path, edit) -> None:
    """Call `edit` with the tensors of a checkpoint by name; what it makes of them is written."""
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors")


def reloaded(folder: Path, reference) -> tuple:
    """The reference library's own reading of a folder, in float64, and the names of weights that it misses."""
    options = dict(experts_implementation="eager") if reference.config.model_type == "mixtral" else {}
    options |= dict(dtype=torch.float64, output_loading_info=True)
    model, told = type(reference).from_pretrained(folder, **options)
    return model.eval(), told["missing_keys"]


def refused(folder: Path, message: str) -> None:
    """Loading fails with a ValueError whose text has a match for `message`."""
    with pytest.raises(ValueError, match=message):
        load(folder)


def numbers(model, layout: str) -> torch.Tensor:
    """What a model of either library makes of the same inputs."""
    ours = isinstance(model, Model)
    if layout == "vit":
        return model(images().double()) if ours else model(images().double()).logits
    if layout == "t5":
        return model(IDS, IDS[:, :4]) if ours else model(input_ids=IDS, decoder_input_ids=IDS[:, :4]).logits
    if layout == "bert" and not ours:
        result = model(IDS)
        return result.prediction_logits if "prediction_logits" in result else result.logits
    return model(IDS) if ours else model(IDS).logits
