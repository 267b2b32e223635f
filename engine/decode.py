"""From logits to text: named steps from scores to probabilities, and the loop that grows a text."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.cache import Cache
from engine.inputs import Inputs, check_ids, encode, inputs_of
from engine.transformer import Transformer

METHODS = ("greedy", "sample")


@dataclass(frozen=True)
class Decoding:
    """How the next token is chosen. All steps work on the full vocabulary, in this order.

    method       greedy (the most probable) or sample (drawn by probability)
    temperature  logits are divided by it: below 1 sharper, above 1 flatter
    top_k        keep the k most probable tokens
    top_p        keep the most probable tokens until they hold this share (Holtzman et al. 2020)
    min_p        keep tokens with at least this share of the best one's probability
    seed         where the random numbers start: the same seed gives the same text
    max_tokens   how many tokens to add at most
    """

    method: str = "greedy"
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    seed: int = 0
    max_tokens: int = 40

    def __post_init__(self):
        if self.method not in METHODS:
            raise ValueError(f"method is {self.method!r}; choose one of {', '.join(METHODS)}")
        for name, low, high in (
            ("temperature", 0.01, 100),
            ("top_k", 1, math.inf),
            ("top_p", 0.0, 1.0),
            ("min_p", 0.0, 1.0),
            ("seed", 0, 2**63 - 1),
            ("max_tokens", 1, math.inf),
        ):
            value = getattr(self, name)
            if value is None and name in ("top_k", "top_p", "min_p"):
                continue
            whole = name in ("top_k", "seed", "max_tokens")
            fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            if not fits or not low <= value <= high:
                goes = "is a whole number" if whole else "goes"
                upto = f"to {high}" if high < math.inf else "upwards"
                raise ValueError(f"{name} is {value!r}; it {goes} from {low} {upto}")


@dataclass(frozen=True)
class Step:
    """One chosen token: its id and text, its probability after all cuts, and the text's end if reached."""

    id: int
    text: str
    probability: float


# --- the steps: each takes logits [V] and returns logits [V]; a token cut away has −∞ ------------


def apply_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Divide by the temperature."""
    return logits / temperature


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k highest (and those equal to the last of them)."""
    last = logits.topk(min(k, logits.numel())).values[-1]
    return logits.masked_fill(logits < last, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the most probable tokens until their probabilities reach p; always at least one."""
    ordered, ids = logits.sort(descending=True, stable=True)
    probabilities = ordered.softmax(-1)
    before = probabilities.cumsum(-1) - probabilities  # the share held by better tokens
    cut = before >= p
    cut[0] = False
    return logits.masked_fill(torch.zeros_like(cut).scatter(0, ids, cut), -torch.inf)


def keep_min_p(logits: Tensor, p: float) -> Tensor:
    """Keep tokens with at least p times the probability of the best (Nguyen et al. 2024)."""
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities < p * probabilities.max(), -torch.inf)


def steps_of(logits: Tensor, decoding: Decoding) -> dict[str, Tensor]:
    """Every step by name, from `logits` [V] to `probabilities` [V]; steps not asked for are absent."""
    steps = {"logits": logits.double()}
    x = steps["tempered"] = apply_temperature(steps["logits"], decoding.temperature)
    for name, cut in (("top_k", keep_top_k), ("top_p", keep_top_p), ("min_p", keep_min_p)):
        if getattr(decoding, name) is not None:
            x = steps[name] = cut(x, getattr(decoding, name))
    steps["probabilities"] = x.softmax(-1)
    return steps


def draw(probabilities: Tensor, u: float) -> int:
    """The token in whose stretch the number u (from 0 up to 1) falls, when all are laid end to end."""
    ends = probabilities.cumsum(-1)
    id = int(torch.searchsorted(ends, torch.tensor(u * float(ends[-1]), dtype=ends.dtype), right=True))
    while id >= len(ends) or probabilities[id] == 0:  # u at the very end, by rounding
        id -= 1
    return id


def choose(probabilities: Tensor, decoding: Decoding, random: torch.Generator) -> int:
    if decoding.method == "greedy":
        return int(probabilities.argmax())
    return draw(probabilities, torch.rand((), generator=random, dtype=torch.float64).item())


def generate(
    model,
    text_or_ids: str | list[int] | Tensor,
    decoding: Decoding = Decoding(),
    cached: bool = True,
    target: str | list[int] | None = None,
) -> Iterator[Step]:
    """Add tokens one by one until `max_tokens`, a full context, or the token that ends a text.

    A Transformer writes its prompt on. An encoder-decoder reads a text, ids or an image and writes another
    text, from its start token on or from the end of `target`; it reads that again for every token.
    `cached=False` reads the whole text again for every token: slower, the same result.
    """
    if len(model.reads) == 2:
        inputs = inputs_of(model, text_or_ids, target=target)
        if len(inputs.ids) > 1:
            raise ValueError(f"one text is written at a time, not {len(inputs.ids)}; `translate` takes a batch")
        return _answer(model, inputs, decoding)
    if not model.config.causal:
        raise ValueError(f"{model.name} sees the whole text at once: it fills a [MASK], it does not write on")
    ids = encode(model, text_or_ids) if isinstance(text_or_ids, str) else list(text_or_ids)
    check_ids(torch.tensor(ids), model)
    return _generate(model, ids, decoding, cached)


def _generate(model: Transformer, ids: list[int], decoding: Decoding, cached: bool) -> Iterator[Step]:
    random = torch.Generator().manual_seed(decoding.seed)
    room = min(model.config.context, len(ids) + decoding.max_tokens)
    cache = Cache(model.config, room=room, like=model.embed.token.weight) if cached else None
    end = set(model.tokenizer.special.values()) if model.tokenizer else set()
    new = ids
    while len(ids) < room:
        logits = _last_logits(model, new, cache)
        probabilities = steps_of(logits, decoding)["probabilities"]
        id = choose(probabilities, decoding, random)
        if id in end:
            return
        yield _step(model, id, probabilities)
        ids = [*ids, id]
        new = [id] if cached else ids


@torch.inference_mode()
def _last_logits(model: Transformer, ids: list[int], cache: Cache | None) -> Tensor:
    new = torch.tensor([ids], device=model.device)
    return model(new, model.context(new, cache=cache))[0, -1].cpu()


def _answer(model, inputs: Inputs, decoding: Decoding) -> Iterator[Step]:
    """What an encoder-decoder writes, token by token."""
    random = torch.Generator().manual_seed(decoding.seed)
    target = inputs.target
    room = min(model.reads[1].context, target.shape[1] + decoding.max_tokens)
    with torch.inference_mode():
        told = model.encode(inputs.ids, inputs.padding)
    while target.shape[1] < room:
        with torch.inference_mode():
            logits = model.decode(target, told, source_padding=inputs.padding)[0, -1].cpu()
        probabilities = steps_of(logits, decoding)["probabilities"]
        id = choose(probabilities, decoding, random)
        if id == model.end:
            return
        yield _step(model, id, probabilities)
        target = torch.cat([target, target.new_tensor([[id]])], 1)


def _step(model, id: int, probabilities: Tensor) -> Step:
    text = model.tokenizer.bytes_of(id).decode("utf-8", "replace") if model.tokenizer else ""
    return Step(id, text, float(probabilities[id]))


@torch.inference_mode()
def translate(model, ids: Tensor, padding: Tensor | None = None, longest: int | None = None) -> Tensor:
    """What an encoder-decoder writes for a batch, always the most probable token: ids [B, S] -> [B, T].

    Rows that have ended are filled with the end token; `longest` limits T.
    """
    target = torch.full((len(ids), 1), model.start, device=model.device)
    room, done = min(model.reads[1].context, 1 + (longest or math.inf)), torch.zeros(len(ids), dtype=torch.bool)
    told = model.encode(ids, padding)
    while target.shape[1] < room and not done.all():
        best = (
            model.decode(target, told, source_padding=padding)[:, -1]
            .argmax(-1)
            .cpu()
            .masked_fill(done, model.end)
        )
        done |= best == model.end
        target = torch.cat([target, best[:, None].to(target.device)], 1)
    return target[:, 1:]
