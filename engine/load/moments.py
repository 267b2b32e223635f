"""Moments of a training run: models kept on the way, a byte a number, and the random start.

A matrix is kept as whole numbers from −127 to 127 and one scale a row; what is read back is a model of its
own, whose every number is then exact. `step` 0 is the random start, made anew from its seed.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.config import Config, PairConfig
from engine.load.files import read_json
from engine.load.folder import build, read_tensors
from engine.model.build import fresh

FOLDER, SCALE = "moments", ".scale"


def steps(folder: Path) -> list[int]:
    """After which training steps there is a model in `folder`, the random start first."""
    files = sorted((folder / FOLDER).glob("*.safetensors"))
    return [0, *(int(file.stem) for file in files)] if files else []


def read(folder: Path, config: Config | PairConfig, step: int) -> nn.Module:
    """The model as it was after `step` steps of its training; a ValueError lists the steps that are kept."""
    if step not in steps(folder):
        known = ", ".join(map(str, steps(folder))) or "none"
        raise ValueError(f"{folder.name} has no moment {step}; there are: {known}")
    if step == 0:
        return fresh(config, read_json(folder / "learning.json")["seed"])
    path = folder / FOLDER / f"{step:06}.safetensors"
    return build(config, unpacked(read_tensors(path)), str(path))


def write(weights: dict[str, Tensor], folder: Path, step: int) -> None:
    """Keep a model's weights as they are after `step` steps, packed."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    save_file(packed(weights), folder / FOLDER / f"{step:06}.safetensors")


def packed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Matrices as bytes with a scale for each row; the rest in float16."""
    small = {}
    for name, w in weights.items():
        if w.dim() != 2:
            small[name] = w.to(torch.float16)
            continue
        scale = (w.float().abs().amax(1, keepdim=True) / 127).clamp_min(1e-12)
        small[name] = (w.float() / scale).round().to(torch.int8)
        small[name + SCALE] = scale
    return small


def unpacked(small: dict[str, Tensor]) -> dict[str, Tensor]:
    """What `packed` packed, in float32."""
    full = {}
    for name, w in small.items():
        if not name.endswith(SCALE):
            packed = w.dtype == torch.int8 and name + SCALE in small
            full[name] = w.float() * small[name + SCALE] if packed else w
    return full
