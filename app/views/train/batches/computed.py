"""What the page's models make of what was typed, remembered for all visitors."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from app.compute import LONGEST, PROMPTS, model, trace
from app.shared import shared
from app.trouble import no_panics
from engine.tokenize.merges import check_text
from engine.training.objectives import batch as batches
from engine.training.objectives import forcing, masking, prefixes
from engine.training.objectives.batch import WAYS, Batch
from engine.training.objectives.losses import NONE, losses, mean
from engine.worked import Check
from engine.worked.derived import worst
from engine.worked.losses import check_again, check_batch_losses, check_losses, check_mean
from engine.worked.objectives import check_batch

SCORES = 40_000_000  # bytes of scores that are remembered, of each kind


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


def as_read(left: bool) -> batches.Way:
    """How a batch is read, as it should be: padding masked, positions counted from each text's start."""
    return WAYS["left, masked, counted" if left else "right, masked"]


@shared(SCORES, weight=lambda read: 4 * read.scores.numel())
def read(name: str, texts: tuple[str, ...], block: int, left: bool) -> Read:
    """A batch read as it should be."""
    reader, (pad, last) = model(name), ends_of(name)
    rows = [reader.tokenizer.encode(text) for text in texts]
    causal = reader.config.causal
    with no_panics():
        made = batches.batch(rows, block, pad, left, last)
        logits = batches.logits_of(reader, made, as_read(left))
    scores = batches.moved(logits) if causal else logits
    wanted, padded = (batches.wanted_of(reader, made, padding) for padding in (False, True))
    each, with_padding = (losses(scores, some) for some in (wanted, padded))
    counted, special = mean(with_padding, padded), set(reader.tokenizer.special.values())
    told = [
        check_batch_losses(logits, made.ids, made.real, special, causal, each, mean(each, wanted)),
        check_mean(scores.flatten(0, 1), padded.flatten(), counted),
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
        own = read(name, texts, block, how.left).scores if how == as_read(how.left) else None
        scores = (batches.scores_of(reader, made, how) if own is None else own)[made.real]
        wanted = batches.wanted_of(reader, made)[made.real]
        each = losses(scores, wanted)
        found[way] = Padded(mean(each, wanted), float((each - single).abs().max()))
        if own is not None:
            checks.append(check_again(scores, wanted, single))
    return mean(single, wanted), found, worst(checks)


# --- objectives --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Scored:
    """The losses of some tokens.

    wanted  [N], NONE where nothing is; logits [N, V]; losses [N]; check: of the losses and their mean
    """

    wanted: Tensor
    logits: Tensor
    losses: Tensor
    check: Check

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
        logits = model(name)(torch.tensor([ids], device=model(name).device)).cpu()
    wanted = torch.tensor(ids[1:])
    each = losses(logits[0, :-1], wanted)
    shown, real = [[0.0, *each.tolist()]], np.ones((1, len(ids)), bool)
    check = check_batch_losses(logits, [ids], real, (), True, shown, mean(each, wanted))
    return Scored(wanted, logits[0, :-1], each, check)


@shared(SCORES, weight=_weight)
def both(name: str, ids: tuple[int, ...]) -> prefixes.Both:
    with no_panics():
        return prefixes.both(model(name), list(ids))


@shared(SCORES, weight=_weight)
def masked(name: str, text: str, second: str | None, seed: int, whole: bool) -> masking.Masked:
    with no_panics():
        return masking.masked(model(name), text, second, seed, whole)


def scored(one: masking.Masked) -> Scored:
    """The chosen tokens of an encoder's text."""
    wanted = np.where(one.done > 0, one.ids, -1)
    checks = [
        check_losses(one.logits, wanted, one.losses),
        check_mean(one.logits, wanted, mean(one.losses, one.wanted)),
    ]
    return Scored(one.wanted, one.logits, one.losses, worst(checks))


@shared(SCORES, weight=lambda found: 8 * found[0].logits.numel())
def forced(name: str, text: str, translation: str) -> tuple[forcing.Forced, Check]:
    """Both losses of a translation's tokens, held against runs that were given the texts."""
    with no_panics():
        one = forcing.forced(model(name), text, translation)
    checks = []
    for target, shown in ((translation, one.right), ("", one.free)):
        logits = trace(name, (text, target))["decoder.logits"][0, : len(shown)].cpu()
        wanted = [*trace(name, (text, translation)).target[0, 1:].tolist(), model(name).end]
        checks.append(check_losses(logits, wanted[: len(shown)], shown))
    return one, worst(checks)
