"""From logits to text: named steps from scores to probabilities, and the loop that grows a text."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from numbers import Integral, Real

import torch
from torch import Tensor

from engine.model.cache import Cache
from engine.tokenize import Stream
from engine.trace.inputs import Inputs, inputs_of

METHODS = ("greedy", "sample")


@dataclass(frozen=True)
class Decoding:
    """How the next token is chosen. All steps work on the full vocabulary, in this order.

    method       greedy (the most probable) or sample (drawn by probability)
    temperature  logits are divided by it: below 1 sharper, above 1 flatter; 0: the most probable alone
    top_k        keep the k most probable tokens
    top_p        keep the most probable tokens until they hold this share (Holtzman et al. 2020); 1: keep all
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
            whole, coldest = name in ("top_k", "seed", "max_tokens"), name == "temperature"
            number = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
            if not number or not (low <= value <= high or (coldest and value == 0)):
                goes = "is a whole number" if whole else "goes"
                upto = f"to {high}" if high < math.inf else "upwards"
                more = ", or is 0: always the most probable" if coldest else ""
                raise ValueError(f"{name} is {value!r}; it {goes} from {low} {upto}{more}")
            object.__setattr__(self, name, int(value) if whole else float(value))  # numpy's are numbers, too


@dataclass(frozen=True)
class Step:
    """One chosen token: its id, its probability after all cuts, and the text that can be told with it.

    A character of several tokens is told with its last: the texts of all steps are together the whole text.
    """

    id: int
    text: str
    probability: float


# --- the steps: each takes logits [V] and returns logits [V]; a token cut away has −∞ ------------


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


def steps_of(logits: Tensor, decoding: Decoding) -> dict[str, Tensor]:
    """Every step by name, from `logits` [V] to `probabilities` [V]; steps not asked for are absent."""
    steps = {"logits": logits.cpu().double()}  # on the processor: not every device has float64
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
    """The next token by `decoding.method`, from `probabilities` [V]."""
    if decoding.method == "greedy":
        return int(probabilities.argmax())
    return draw(probabilities, torch.rand((), generator=random, dtype=torch.float64).item())


# --- the loop that grows a text -------------------------------------------------------------------


def grow(
    ids: Tensor, score: Callable[[Tensor], Tensor], pick: Callable[[Tensor], Tensor], count: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Append `count` tokens to each row of ids [B, T], one at a time.

    score  the ids so far [B, T] -> a score for every entry of the vocabulary [B, V]
    pick   those scores -> the token chosen for each row [B]
    Yields the new tokens [B] and their scores [B, V]; a caller that has enough stops iterating.
    """
    for _ in range(count):
        scores = score(ids)
        new = pick(scores)
        yield new, scores
        ids = torch.cat([ids, new[:, None].to(ids)], 1)


def next_logits(model, inputs: Inputs, cache: Cache | None = None) -> Callable[[Tensor], Tensor]:
    """A function from the ids so far [B, T] to a model's logits for the next token [B, V].

    Beside an encoder, the source in `inputs` is encoded once and the ids are the decoder's. With a cache, only
    the ids that it does not hold yet are read.
    """
    if inputs.target is not None:
        with torch.inference_mode():
            memory = model.encode(inputs.ids, inputs.padding)

    @torch.inference_mode()
    def logits(ids: Tensor) -> Tensor:
        if inputs.target is not None:
            return model.decode(ids, memory, source_padding=inputs.padding)[:, -1].cpu()
        new = ids if cache is None else ids[:, cache.length :]
        return model(new, model.context(new, cache=cache))[:, -1].cpu()

    return logits


def generate(
    model,
    text_or_ids: str | list[int] | Tensor,
    decoding: Decoding = Decoding(),
    cached: bool = True,
    target: str | list[int] | None = None,
) -> Iterator[Step]:
    """Add tokens one by one until `max_tokens`, a full context, or the token that ends a text.

    A decoder continues its prompt. An encoder-decoder reads a text, ids or an image and writes another text,
    from its start token or from the end of `target`, which it reads again for every token.
    `cached=False` reads the whole text again for every token: slower, the same result.
    Raises a ValueError if the model writes no text or cannot read what it is given.
    """
    if not isinstance(decoding, Decoding):
        raise ValueError(f"decoding is an engine.Decoding(…), not {decoding!r:.40}")
    _check_writes(model)
    inputs = inputs_of(model, text_or_ids, target=target)
    if len(inputs.ids) > 1:
        raise ValueError(f"one text is written at a time, not {len(inputs.ids)}: give one, or use `translate`")
    return _told(model, inputs, _steps(model, inputs, decoding, cached))


def _told(model, inputs: Inputs, chosen: Iterator[tuple[int, float]]) -> Iterator[Step]:
    """Tokens and their probabilities as steps with the text that can be told with each.

    A step after which bytes are held back waits for the next: if it is the last, it tells what is left of them.
    """
    if model.tokenizer is None:
        yield from (Step(id, "", probability) for id, probability in chosen)
        return
    given = (inputs.ids if inputs.target is None else inputs.target)[0].tolist()
    stream = Stream(model.tokenizer, start=set(given) <= set(model.tokenizer.special.values()))
    waits: Step | None = None
    for id, probability in chosen:
        if waits:
            yield waits
        step, waits = Step(id, stream.add(id), probability), None
        if stream.holds:
            waits = step
        else:
            yield step
    if waits:
        yield replace(waits, text=waits.text + stream.rest())


def _steps(model, inputs: Inputs, decoding: Decoding, cached: bool) -> Iterator[tuple[int, float]]:
    """The tokens chosen one after the other, and the probability of each."""
    text = inputs.ids if inputs.target is None else inputs.target  # [1, T], to be written on
    context, random = model.reads[-1].context, torch.Generator().manual_seed(decoding.seed)
    count = min(context - text.shape[1], decoding.max_tokens)
    cache = None
    if cached and inputs.target is None:
        cache = Cache(model.config, room=text.shape[1] + count, like=model.embed.token.weight)
    logits = next_logits(model, inputs, cache)

    chances: Tensor = torch.empty(0)  # of the last choice

    def pick(scores: Tensor) -> Tensor:
        nonlocal chances
        if not scores.isfinite().all():
            raise ValueError(f"{model.name} gives scores that are no finite numbers: no token can be chosen")
        chances = steps_of(scores[0], decoding)["probabilities"]
        greedy = decoding.method == "greedy"  # of equal scores the first, whatever the cuts keep
        return scores.argmax(-1) if greedy else torch.tensor([choose(chances, decoding, random)])

    ends = ends_of(model)
    for new, _ in grow(text, logits, pick, count):
        id = int(new)
        if id in ends:
            return
        yield id, float(chances[id])


@torch.inference_mode()
def translate(model, ids: Tensor, padding: Tensor | None = None, longest: int | None = None) -> Tensor:
    """What an encoder-decoder writes for a batch, always the most probable token.

    ids [B, S] or images, padding [B, S], True = a real token -> [B, T], T up to `longest` or a full context.
    Rows that have ended are filled with the end token.
    """
    start, ends = torch.full((len(ids), 1), model.start, device=model.device), torch.tensor([*ends_of(model)])
    done, written = torch.zeros(len(ids), dtype=torch.bool), [start[:, :0].cpu()]

    def pick(logits: Tensor) -> Tensor:
        return logits.argmax(-1).masked_fill(done, model.end)

    count = min(model.reads[-1].context - 1, longest or math.inf)
    for best, _ in grow(start, next_logits(model, Inputs(ids, padding, target=start)), pick, count):
        written.append(best[:, None])
        done |= torch.isin(best, ends)
        if done.all():
            break
    return torch.cat(written, 1).to(model.device)


def _check_writes(model) -> None:
    """Raise a ValueError that says what to use instead if a model writes no text."""
    config = model.reads[-1]
    if len(model.reads) == 2 or (config.causal and config.ending == "logits"):
        return
    does, instead = {
        "masked": (
            "sees the whole text at once: it fills a [MASK], it does not write on",
            "engine.masked.fill(model, text)",
        ),
        "classes": ("tells the class of an image: it writes no text", 'engine.run(model, image)["classes"]'),
    }.get(config.ending, ("gives vectors: it writes no text", "engine.run(model, …)"))
    raise ValueError(f"{model.name} {does}. Use {instead}")


def ends_of(model) -> set[int]:
    """The tokens that end a text: those that its checkpoint names; of a model that was not loaded, its own end
    or that of its tokenizer."""
    if model.ends is not None:
        return set(model.ends)
    if len(model.reads) == 2:
        return {model.end}
    return set(model.tokenizer.ends) if model.tokenizer else set()
