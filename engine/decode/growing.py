"""The loop that grows a text, one token at a time."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.decode.choosing import choose
from engine.decode.decoding import Decoding
from engine.decode.steps import steps_of
from engine.model.cache import Cache, States
from engine.tokenize import Stream
from engine.trace.inputs import Inputs, check_model, inputs_of


@dataclass(frozen=True)
class Step:
    """One chosen token: its id, its probability after all cuts, and the text that can be told with it.

    A character of several tokens is told with its last: the texts of all steps are together the whole text.
    """

    id: int
    text: str
    probability: float


@dataclass(frozen=True, eq=False)
class Choice:
    """One chosen token: its id, its probability after all cuts, and the scores [V] it was chosen from."""

    id: int
    probability: float
    logits: Tensor


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


def next_logits(model, inputs: Inputs, cache: Cache | States | None = None) -> Callable[[Tensor], Tensor]:
    """A function from the ids so far [B, T] to a model's logits for the next token [B, V].

    Beside an encoder, the source in `inputs` is encoded once and the ids are the decoder's. With a cache, only
    the ids that it does not hold yet are read.
    """
    if inputs.target is not None:
        with torch.inference_mode():
            memory = model.encode(inputs.ids, inputs.padding)

    @torch.inference_mode()
    def logits(ids: Tensor) -> Tensor:
        new = ids if cache is None else ids[:, cache.length :]
        if inputs.target is not None:
            return model.decode(new, memory, source_padding=inputs.padding, cache=cache)[:, -1].cpu()
        return model(new, model.context(new, cache=cache, last=True))[:, -1].cpu()

    return logits


def written_in(inputs: Inputs) -> Tensor:
    """The text that is written on [B, T]: beside an encoder the decoder's."""
    return inputs.ids if inputs.target is None else inputs.target


def one_text(model, text_or_ids, target=None) -> Inputs:
    """The inputs of one text to be written on; a ValueError if the model writes none or cannot read this."""
    check_model(model)
    check_writes(model)
    inputs = inputs_of(model, text_or_ids, target=target)
    if len(inputs.ids) > 1:
        raise ValueError(f"one text is written at a time, not {len(inputs.ids)}: give one, or use `translate`")
    return inputs


def generate(
    model,
    text_or_ids: str | list[int] | Tensor,
    decoding: Decoding = Decoding(),
    cached: bool = True,
    target: str | list[int] | None = None,
) -> Iterator[Step]:
    """Add tokens one by one until `max_tokens`, a full context, or the token that ends a text.

    A decoder continues its prompt. An encoder-decoder reads a text, ids or an image and writes another text,
    from its start token or from the end of `target`.
    `cached=False` reads the whole text again for every token: slower, the same result.
    Raises a ValueError if the model writes no text or cannot read what it is given.
    """
    inputs = _asked(model, text_or_ids, decoding, target)
    return _told(model, inputs, _chosen(model, inputs, decoding, cached))


def choices(
    model, text_or_ids, decoding: Decoding = Decoding(), cached: bool = True, target=None
) -> Iterator[Choice]:
    """The same tokens as `generate` adds, each with what it was chosen from, and not yet as text."""
    return _chosen(model, _asked(model, text_or_ids, decoding, target), decoding, cached)


def _asked(model, text_or_ids, decoding: Decoding, target) -> Inputs:
    if not isinstance(decoding, Decoding):
        raise ValueError(f"decoding is an engine.Decoding(…), not {decoding!r:.40}")
    return one_text(model, text_or_ids, target)


def _told(model, inputs: Inputs, chosen: Iterator[Choice]) -> Iterator[Step]:
    """Choices as steps with the text that can be told with each.

    A step after which bytes are held back waits for the next: if it is the last, it tells what is left of them.
    """
    if model.tokenizer is None:
        yield from (Step(one.id, "", one.probability) for one in chosen)
        return
    given = written_in(inputs)[0].tolist()
    stream = Stream(model.tokenizer, start=set(given) <= set(model.tokenizer.special.values()))
    waits: Step | None = None
    for one in chosen:
        if waits:
            yield waits
        step, waits = Step(one.id, stream.add(one.id), one.probability), None
        if stream.holds:
            waits = step
        else:
            yield step
    if waits:
        yield replace(waits, text=waits.text + stream.rest())


def _chosen(model, inputs: Inputs, decoding: Decoding, cached: bool) -> Iterator[Choice]:
    text = written_in(inputs)  # [1, T], to be written on
    context, random = model.reads[-1].context, torch.Generator().manual_seed(decoding.seed)
    count = min(context - text.shape[1], decoding.max_tokens)
    cache = model.new_cache(room=text.shape[1] + count) if cached else None
    there, chances = set(text[0].tolist()), torch.empty(0)  # the tokens so far; the last choice's probabilities

    def pick(scores: Tensor) -> Tensor:
        nonlocal chances
        check_scores(model, scores)
        steps = steps_of(scores[0], decoding, there)
        chances = steps["probabilities"]
        best = steps.get("penalised", scores[0]).argmax()  # of equal scores the first, whatever the cuts keep
        new = int(best) if decoding.method == "greedy" else choose(chances, decoding, random)
        there.add(new)
        return torch.tensor([new])

    ends = ends_of(model)
    for new, scores in grow(text, next_logits(model, inputs, cache), pick, count):
        id = int(new)
        if id in ends:
            return
        yield Choice(id, float(chances[id]), scores[0])


def check_scores(model, scores: Tensor) -> None:
    """A ValueError if scores are no finite numbers."""
    if not scores.isfinite().all():
        raise ValueError(f"{model.name} gives scores that are no finite numbers: no token can be chosen")


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
    read = next_logits(model, Inputs(ids, padding, target=start), model.new_cache(len(ids), 1 + count))
    for best, _ in grow(start, read, pick, count):
        written.append(best[:, None])
        done |= torch.isin(best, ends)
        if done.all():
            break
    return torch.cat(written, 1).to(model.device)


def check_writes(model) -> None:
    """Raise a ValueError that says what to use instead if a model writes no text."""
    config = model.reads[-1]
    if len(model.reads) == 2 or (config.causal and config.ending == "logits"):
        return
    does, instead = {
        "masked": (
            "sees the whole text at once: it fills a [MASK], it does not continue a text",
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
