"""BERT's two objectives: hidden words are to be found, and does the second passage follow the first?"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.masked import KEPT, Dice, mask_by, throw, together, words_of
from engine.trace.inputs import encode, inputs_of, tokenizer_of
from engine.training.objectives.losses import NONE, losses


@dataclass(frozen=True, eq=False)
class Masked:
    """A passage, or two, as an encoder reads them in training.

    ids      [T] as they were; read: as they are read; segments: which passage each belongs to
    special  [T], never chosen; dice: as they were thrown, each [1, T]
    done     [T], KEPT, AS_MASK, AS_OTHER or AS_ITSELF
    wanted   [T], NONE where nothing is; logits [T, V]; losses [T]
    follows  the scores [2] that the second passage follows and that it does not; None: there is no such head
    """

    ids: Tensor
    read: Tensor
    segments: Tensor
    special: Tensor
    dice: Dice
    done: Tensor
    wanted: Tensor
    logits: Tensor
    losses: Tensor
    follows: Tensor | None


def masked(model, text: str, second: str | None, seed: int, whole: bool = False) -> Masked:
    """An encoder's losses for a passage, or for two; whole: words are chosen as a whole."""
    tokenizer = tokenizer_of(model)
    given, segments = (encode(model, text), None) if second is None else tokenizer.encode_pair(text, second)
    inputs = inputs_of(model, given, segments=segments or tokenizer.segments(given))
    ids = inputs.ids.cpu()
    special = torch.isin(ids, torch.tensor([*tokenizer.special.values()]))
    dice = throw(ids.shape, len(tokenizer), torch.Generator().manual_seed(seed))
    kept = together(dice, words_of(tokenizer, given)) if whole else dice
    read, done = mask_by(kept, ids, special, tokenizer.mask)
    wanted = ids.masked_fill(done == KEPT, NONE)[0]
    with torch.inference_mode():
        x = model.stream(read.to(model.device), segments=inputs.segments)
        follows = model.follows(x)[0].cpu() if model.follows is not None else None
        logits = model.unembed(x)[0].cpu()
    each = losses(logits, wanted)
    return Masked(
        ids[0], read[0], inputs.segments[0].cpu(), special[0], dice, done[0], wanted, logits, each, follows
    )


def follows_loss(scores: Tensor, follows: bool) -> float:
    """−ln of the probability of the right answer, from the scores [2]: it follows, it does not."""
    return F.cross_entropy(scores[None], torch.tensor([int(not follows)])).item()
