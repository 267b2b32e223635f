"""The steps from scores to probabilities: each takes logits [V] and returns logits [V]; a token that is cut off
gets −∞."""

from collections.abc import Iterable

import torch
from torch import Tensor

from engine.decode.decoding import Decoding


def penalise_repetition(logits: Tensor, ids: Iterable[int], penalty: float) -> Tensor:
    """Make the tokens `ids` less probable: logits [V] above 0 divided by the penalty, others multiplied by it;
    each once, however often it is there (Keskar et al. 2019, section 4.1)."""
    there = torch.tensor(sorted(set(ids)), dtype=torch.long, device=logits.device)
    x = logits[there]
    return logits.index_put((there,), torch.where(x > 0, x / penalty, x * penalty))


def apply_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Divide logits [V] by the temperature: below 1 sharper, above 1 flatter; 0 keeps the first of the best."""
    if temperature == 0:
        best = torch.arange(len(logits), device=logits.device) == logits.argmax()
        return logits.masked_fill(~best, -torch.inf)
    return logits / temperature


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k highest (and those equal to the last of them)."""
    last = logits.topk(min(k, logits.numel())).values[-1]
    return logits.masked_fill(logits < last, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the most probable tokens until their probabilities reach p; always at least one, and all if p is 1.

    The least probable are cut while they hold no more than 1 − p together; of equal ones those that torch sorts
    to the front.
    """
    if p >= 1:
        return logits
    (ordered,), (ids,) = logits[None].sort()
    cut = ordered.softmax(-1).cumsum(-1) <= 1 - p
    cut[-1] = False
    return logits.masked_fill(torch.zeros_like(cut).scatter(0, ids, cut), -torch.inf)


def keep_min_p(logits: Tensor, p: float) -> Tensor:
    """Keep tokens with at least p times the probability of the best (Nguyen et al. 2024)."""
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities < p * probabilities.max(), -torch.inf)


def steps_of(logits: Tensor, decoding: Decoding, ids: Iterable[int] = ()) -> dict[str, Tensor]:
    """Every step by name, from `logits` [V] to `probabilities` [V]; steps not asked for are absent.

    ids: the tokens that are there already, for the repetition penalty.
    """
    x = logits.cpu().double()  # on the processor: not every device has float64
    steps = {"logits": x}
    if decoding.repetition_penalty != 1:
        x = steps["penalised"] = penalise_repetition(x, ids, decoding.repetition_penalty)
    x = steps["tempered"] = apply_temperature(x, decoding.temperature)
    for name, cut in (("top_k", keep_top_k), ("top_p", keep_top_p), ("min_p", keep_min_p)):
        if getattr(decoding, name) is not None:
            x = steps[name] = cut(x, getattr(decoding, name))
    steps["probabilities"] = x.softmax(-1)
    return steps
