"""What the page's models make of what was typed, remembered for all visitors."""

from dataclasses import dataclass

import torch
from torch import Tensor

from app.compute import LONGEST, PROMPTS, model
from app.shared import shared
from app.trouble import no_panics
from engine.tokenize.merges import check_text
from engine.training.objectives import batch as batches
from engine.training.objectives import forcing, masking, prefixes
from engine.training.objectives.batch import WAYS, Batch
from engine.training.objectives.losses import NONE, losses, mean
from engine.worked import Check
from engine.worked.derived import worst
from engine.worked.losses import check_again, check_losses, check_mean
from engine.worked.objectives import check_batch

SCORES = 150_000_000  # bytes of scores that are remembered, of each kind


def checked(text: str, what: str) -> str:
    """A text that can be computed on; a ValueError that says why another cannot."""
    if not text.strip():
        raise ValueError(f"{what} is empty: type at least one character")
    if len(text) > LONGEST:
        raise ValueError(f"{what} has {len(text):,} characters; the most is {LONGEST:,}. Shorten it")
    check_text(text)
    return text


# --- a batch -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Read:
    """A batch as a model reads it.

    rows    the texts as ids, before they were cut; losses and wanted [B, T], scores [B, T, V]
    counted the mean loss if padding were wanted, too
    checks  of the batch, of the losses and of both means
    """

    rows: list[list[int]]
    batch: Batch
    scores: Tensor
    wanted: Tensor
    losses: Tensor
    counted: float
    checks: tuple[Check, Check]

    @property
    def mean(self) -> float:
        return mean(self.losses, self.wanted)


def ends_of(name: str) -> tuple[int, int | None]:
    """The entry that a model's batches are padded with, and the one that ends every text, if any."""
    tokenizer = model(name).tokenizer
    special = tokenizer.special
    pad = special.get("[PAD]", next(iter(special.values()), 0))
    return pad, None if model(name).config.causal else tokenizer.end


@shared(SCORES, weight=lambda read: 4 * read.scores.numel())
def read(name: str, texts: tuple[str, ...], block: int, left: bool) -> Read:
    """A batch read as it should be: nobody attends to padding, positions are counted from each text's start."""
    reader, (pad, last) = model(name), ends_of(name)
    rows = [reader.tokenizer.encode(text) for text in texts]
    with no_panics():
        made = batches.batch(rows, block, pad, left, last)
        scores = batches.scores_of(reader, made, WAYS["left, masked, counted" if left else "right, masked"])
    wanted = batches.wanted_of(reader, made)
    each = losses(scores, wanted)
    padded = batches.wanted_of(reader, made, padding=True)
    with_padding, flat = losses(scores, padded), scores.flatten(0, 1)
    counted = mean(with_padding, padded)
    told = [
        check_losses(flat, wanted.flatten(), each.flatten()),
        check_mean(flat, wanted.flatten(), mean(each, wanted)),
        check_mean(flat, padded.flatten(), counted),
    ]
    right = check_batch(rows, block, pad, left, last, made.ids, made.real)
    return Read(rows, made, scores, wanted, each, counted, (right, worst(told)))


@dataclass(frozen=True)
class Padded:
    """What one way of padding makes of the losses: their mean, and the largest change of any token's."""

    mean: float
    change: float


@shared(PROMPTS)
def ways(name: str, texts: tuple[str, ...], block: int) -> tuple[float, dict[str, Padded], Check]:
    """The mean loss of the texts each by itself; the same of the batch read in each way; and whether those ways
    agree that should."""
    reader, (pad, last) = model(name), ends_of(name)
    rows = [reader.tokenizer.encode(text) for text in texts]
    with no_panics():
        made = batches.batch(rows, block, pad, last=last)
        single = torch.cat(batches.alone(reader, made))
    found, checks = {}, []
    for way, how in WAYS.items():
        made = batches.batch(rows, block, pad, how.left, last)
        scores, wanted = (
            batches.scores_of(reader, made, how)[made.real],
            batches.wanted_of(reader, made)[made.real],
        )
        each = losses(scores, wanted)
        found[way] = Padded(mean(each, wanted), float((each - single).abs().max()))
        if way in ("right, masked", "left, masked, counted"):
            checks.append(check_again(scores, wanted, single))
    return mean(single, wanted), found, worst(checks)


# --- objectives --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Scored:
    """The losses of some tokens.

    read    [N], what the model reads; wanted [N], NONE where nothing is; logits [N, V]; losses [N]
    """

    read: list[int]
    wanted: Tensor
    logits: Tensor
    losses: Tensor

    @property
    def check(self) -> Check:
        each = check_losses(self.logits, self.wanted, self.losses)
        return worst([each, check_mean(self.logits, self.wanted, self.mean)])

    @property
    def mean(self) -> float:
        return mean(self.losses, self.wanted)

    @property
    def places(self) -> list[int]:
        """Where something is wanted."""
        return (self.wanted != NONE).nonzero().flatten().tolist()

    @property
    def probabilities(self) -> list[float]:
        return (-self.losses.double()).exp().tolist()


def _weight(scored) -> int:
    return 4 * scored.logits.numel()


@shared(SCORES, weight=_weight)
def next_tokens(name: str, ids: tuple[int, ...]) -> Scored:
    """A causal model's losses of a text's tokens after the first."""
    with no_panics(), torch.inference_mode():
        logits = model(name)(torch.tensor([ids], device=model(name).device))[0, :-1].cpu()
    wanted = torch.tensor(ids[1:])
    return Scored(list(ids[:-1]), wanted, logits, losses(logits, wanted))


@shared(SCORES, weight=_weight)
def both(name: str, ids: tuple[int, ...]) -> prefixes.Both:
    with no_panics():
        return prefixes.both(model(name), list(ids))


@shared(SCORES, weight=_weight)
def masked(name: str, text: str, second: str | None, seed: int, whole: bool) -> masking.Masked:
    with no_panics():
        return masking.masked(model(name), text, second, seed, whole)


@shared(SCORES, weight=lambda one: 8 * one.logits.numel())
def forced(name: str, text: str, translation: str) -> forcing.Forced:
    with no_panics():
        return forcing.forced(model(name), text, translation)
