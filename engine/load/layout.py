"""What the Hugging Face layouts have in common: names of tensors to translate, tables that are shared."""

import re
from dataclasses import replace

import torch
from torch import Tensor

from engine.config import Config

TABLE, HEAD = "embed.token.weight", "logits.weight"
HEADS = ("lm_head.", "cls.", "classifier.")  # they stand beside the stack that a prefix names, not in it


def our_name(name: str, table: dict[str, str | None], prefix: str) -> str | None:
    """Our name for one of theirs; None: left out on purpose; a name that the table lacks stays as it is.

    In the table {i} is the block's number and {w} is weight or bias.
    """
    bare = name.removeprefix(prefix)
    if bare != name and bare.startswith(HEADS):
        return name
    number = re.search(r"(?<=\.)\d+(?=\.)", bare)
    template = re.sub(r"\.\d+\.", ".{i}.", bare, count=1)
    template = template if template in table else re.sub(r"\.(weight|bias)$", ".{w}", template)
    if template not in table:
        return name
    ours = table[template]
    return ours and ours.format(i=number and number[0], w=bare.rpartition(".")[2])


def renamed(
    weights: dict[str, Tensor],
    table: dict[str, str | None],
    prefix: str,
    formerly: dict[str, str] | None = None,
) -> dict[str, Tensor]:
    """Their tensors under our names, without those left out; a ValueError where two that differ have one name.

    formerly: endings that names had in old files -> today's
    """
    ours: dict[str, Tensor] = {}
    theirs: dict[str, str] = {}
    for before, tensor in weights.items():
        today = before
        for old, new in (formerly or {}).items():
            today = today.replace(old, new)
        name = our_name(today, table, prefix)
        if name in ours and not equal(ours[name], tensor):
            raise ValueError(
                f"the tensors {theirs[name]} and {before} are two names of one part ({name}), but they differ"
            )
        if name:
            ours[name], theirs[name] = tensor, before
    return ours


def equal(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors have the same shape and hold the same numbers; of those known by a header alone, as
    far as their first numbers tell."""
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    return torch.equal(a, b) if not a.is_meta else getattr(a, "sign", None) == getattr(b, "sign", None)


def tied(config: Config, weights: dict[str, Tensor]) -> tuple[Config, dict[str, Tensor]]:
    """One table for tokens and logits where config.json ties them: under whichever of its names it stands.

    Where both stand there and differ, each is used for itself (the rule of the library that writes such files).
    """
    if not config.tied or HEAD not in weights:
        return config, weights
    if TABLE in weights and not equal(weights[TABLE], weights[HEAD]):
        return replace(config, tied=False), weights
    rest = {name: w for name, w in weights.items() if name != HEAD}
    return config, {TABLE: weights[HEAD]} | rest
