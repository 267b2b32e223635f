"""Teacher forcing: a decoder is trained on the right words so far; when it writes it has its own."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.decode.growing import ends_of, translate
from engine.trace.inputs import encode, encode_target, inputs_of
from engine.training.objectives.losses import losses


@dataclass(frozen=True, eq=False)
class Forced:
    """A translation that is wanted, token by token.

    wanted  [T], its tokens and the one that ends it
    own     what the model writes by itself, that token included if it comes
    right   [T], the loss of each wanted token after the right ones; logits [T, V] of that pass
    free    [N], the same after as many of its own; N is T, or fewer where its own text ends before
    off     the first position in which its own differs; None: nowhere
    """

    wanted: list[int]
    own: list[int]
    logits: Tensor
    right: Tensor
    own_logits: Tensor
    free: Tensor
    off: int | None


def forced(model, text: str, translation: str) -> Forced:
    """A translator's losses for a translation that is right, fed with it and fed with its own output."""
    start, *right = encode_target(model, translation)
    wanted = [*right, model.end]
    inputs_of(model, text, target=[start, *right])  # which says what does not fit
    own = written(model, encode(model, text))
    kept = own[:-1] if own[-1:] == [model.end] else own
    logits = _scores(model, text, [start, *right])
    own_logits = _scores(model, text, [start, *kept][: len(wanted)])
    two = [losses(rows, torch.tensor(wanted[: len(rows)])) for rows in (logits, own_logits)]
    differs = (t for t, id in enumerate(wanted) if t >= len(own) or own[t] != id)
    return Forced(wanted, own, logits, two[0], own_logits, two[1], next(differs, None))


def written(model, ids: list[int]) -> list[int]:
    """What a translator writes by itself, always the most probable token, up to the one that ends it."""
    found = translate(model, torch.tensor([ids], device=model.device))[0].tolist()
    ends = [t for t, id in enumerate(found) if id in ends_of(model)]
    return found[: ends[0] + 1] if ends else found


@torch.inference_mode()
def _scores(model, text: str, target: list[int]) -> Tensor:
    inputs = inputs_of(model, text, target=target)
    return model.read(inputs)[0].cpu()
