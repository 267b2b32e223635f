"""What the Hugging Face layouts share: names to translate, entries of config.json to check."""

import re
from pathlib import Path

from torch import Tensor

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}


def sizes(folder: Path, config: dict, *names: str) -> list[int]:
    """Entries of config.json that must be whole numbers."""
    missing = [name for name in names if type(config.get(name)) is not int]
    if missing:
        raise ValueError(f"{folder}/config.json has no whole number for {', '.join(missing)}")
    return [config[name] for name in names]


def activation(folder: Path, config: dict, name: str, usual: str) -> str:
    """Our name of the activation that config.json asks for."""
    theirs = config.get(name, usual)
    if theirs not in tuple(ACTIVATIONS):
        known = ", ".join(ACTIVATIONS)
        raise ValueError(f"{folder}/config.json: {name} {theirs!r} is unknown; known are {known}")
    return ACTIVATIONS[theirs]


def our_name(name: str, table: dict[str, str | None], prefix: str) -> str | None:
    """Our name for one of theirs; None: left out on purpose; a name that the table lacks stays as it is.

    In the table {i} is the block's number and {w} is weight or bias.
    """
    bare = name.removeprefix(prefix)
    number = re.search(r"(?<=\.)\d+(?=\.)", bare)
    template = re.sub(r"\.\d+\.", ".{i}.", bare, count=1)
    template = template if template in table else re.sub(r"\.(weight|bias)$", ".{w}", template)
    if template not in table:
        return name
    ours = table[template]
    return ours and ours.format(i=number and number[0], w=bare.rpartition(".")[2])


def renamed(
    weights: dict[str, Tensor], table: dict[str, str | None], prefix: str, tied: bool
) -> dict[str, Tensor]:
    """Their tensors under our names, without those left out and without a second copy of a tied table."""
    named = ((our_name(name, table, prefix), tensor) for name, tensor in weights.items())
    return {name: tensor for name, tensor in named if name and not (tied and name == "logits.weight")}
