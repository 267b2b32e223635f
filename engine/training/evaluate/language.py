"""What a model has learned, in numbers: the same questions for every model, none of them trained on.

A model here is anything that maps ids [B, T] to logits (or log-probabilities) [B, T, V].
"""

import math
import random
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.decode import Decoding, generate, grow
from engine.model.transformer import Transformer
from engine.roles import duplicate_token, first_token, induction, patterns, previous_token
from engine.tokenize.bpe import END, RankTokenizer
from engine.trace import run
from engine.training.data.corpus import sentences_in, token_row
from engine.training.data.grammar import Question, grammar
from engine.training.data.mix import english
from engine.training.data.words import GRAMMAR, words
from engine.training.evaluate import calibration
from engine.training.evaluate.intervals import jackknife
from engine.training.evaluate.report import SHARE, Score, mean
from engine.training.evaluate.report import share as share_of
from engine.training.progress import show

Model = Callable[[Tensor], Tensor]
CLOZE = GRAMMAR / "cloze.txt"
SEED = 1_000_003  # of everything drawn here; learning never draws from it
COUNT = 300  # questions of each kind
QUESTIONS = {
    "it": "pronoun-it",
    "she or he": "pronoun-she",
    "who to whom": "who-has",
    "sentiment, 0 examples": "sentiment-0",
    "sentiment, 1 example": "sentiment-1",
    "sentiment, 3 examples": "sentiment-3",
    "translation, 0 examples": "translation-0",
    "translation, 1 example": "translation-1",
    "translation, 3 examples": "translation-3",
}
WINDOW = 64  # tokens of a text on which heads are scored
STRING = 12  # tokens of a string to be repeated
STRINGS, FREE = 100, 60  # random strings, and texts that it writes freely; tokens of each of these
FEWEST = 20  # of anything, where only a part of the test is asked
CALIBRATED = 60_000  # tokens of the held-out books
UNITS = {"bits": "bits per byte", "random": "nats per token"}  # of the rows of a card that begin so
RULES = (*QUESTIONS.values(), "repeat-asked")  # and one that only examples are taken from


def bits_per_byte(model: Model, row: np.ndarray, tokenizer: RankTokenizer, context: int) -> float:
    """Mean loss over the ids of `row` in bits per byte of text.

    Every token after the first is scored once, with at least half a context of tokens before it (fewer
    only at the row's start). The ends between texts are scored too; they have no bytes. Where texts begin with
    a token of their own, each stretch that is read does.
    """
    bits, sizes = zip(*bits_of(model, row, tokenizer, context), strict=True)
    return sum(bits) / sum(sizes)


@torch.inference_mode()
def bits_of(
    model: Model, row: np.ndarray, tokenizer: RankTokenizer, context: int
) -> Iterator[tuple[float, int]]:
    """The same for each stretch of half a context: its bits and its bytes."""
    ends = set(tokenizer.special.values())
    for logits, ids in windows(model, row, tokenizer, context):
        nats = F.cross_entropy(logits, ids, reduction="sum").item()
        scored = (id for id in ids.tolist() if id not in ends)
        yield nats / math.log(2), sum(len(tokenizer.bytes_of(id)) for id in scored)


@torch.inference_mode()
def windows(
    model: Model, row: np.ndarray, tokenizer: RankTokenizer, context: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The row in stretches of half a context: the logits [T, V] before each of its tokens [T]."""
    stride, ids = max(1, context // 2), torch.from_numpy(row.astype(np.int64))
    for a in range(1, len(ids), stride):
        b = min(a + stride, len(ids))  # the tokens a … b − 1 are scored
        first = max(0, b - 1 - context)
        read = ids[first : b - 1].clone()
        if first and tokenizer.prefix:  # a stretch amid a text begins as a text does
            read[: len(tokenizer.prefix)] = torch.tensor(tokenizer.prefix)
        yield model(read[None])[0, a - b :], ids[a:b]


@torch.inference_mode()
def log_probability(model: Model, prompt: list[int], answer: list[int]) -> tuple[float, bool]:
    """Of the whole answer after the prompt, in nats; and whether each of its tokens is the best guess."""
    ids = [*prompt, *answer[:-1]]
    logits = model(torch.tensor([ids]))[0, -len(answer) :].log_softmax(-1)
    each = logits.gather(-1, torch.tensor(answer)[:, None])[:, 0]
    return each.sum().item(), bool((logits.argmax(-1) == torch.tensor(answer)).all())


def questions(rule: str, count: int = COUNT) -> list[Question]:
    """Questions on combinations that no text for learning has, none of them twice: fewer than `count`
    where the grammar has fewer."""
    draw = random.Random(f"{SEED} {rule}")
    drawn = (grammar().question(rule, draw) for _ in range(count))
    return list({question.prompt: question for question in drawn}.values())


def is_right(model: Model, question: Question, tokenizer: RankTokenizer) -> bool:
    """Is the answer the most probable of the choices?"""
    prompt = tokenizer.encode(question.prompt)
    scores = [log_probability(model, prompt, tokenizer.encode_file(choice))[0] for choice in question.choices]
    return all(scores[0] > other for other in scores[1:])


def accuracy(model: Model, asked: list[Question], tokenizer: RankTokenizer) -> Score:
    """The share of questions to which the right answer is the most probable choice."""
    right = [is_right(model, question, tokenizer) for question in asked]
    return share_of(right, chance=float(np.mean([1 / len(question.choices) for question in asked])))


def cloze_sentences() -> list[tuple[str, list[str]]]:
    """Sentences without their last word, and the words that would do."""
    lines = (line.split(" | ") for line in CLOZE.read_text("utf-8").splitlines())
    return [(text, [word.strip() for word in fitting.split(",")]) for text, fitting in lines]


def everyday_sentences(folder: Path) -> list[str]:
    """The sentences of a folder's *.tsv files to learn from: all but those whose end the cloze test asks."""
    asked = {text for text, _ in cloze_sentences()}
    return [one for one in sentences_in(folder) if one.rpartition(" ")[0] not in asked]


def everyday_told(share: float, source: str) -> str:
    """What a card says of them, after what else was read; empty where there were none."""
    return f", everyday sentences, one by one ({share:.0%}{source and f'; {source}'})" if share else ""


@torch.inference_mode()
def cloze(model: Model, tokenizer: RankTokenizer, best: int) -> Score:
    """How often a fitting word is among the `best` most probable (its first token among the best, its
    other tokens each the most probable)."""
    hits = []
    for text, fitting in cloze_sentences():
        ids = tokenizer.encode(text)
        top = set(model(torch.tensor([ids]))[0, -1].topk(best).indices.tolist())
        answers = [tokenizer.encode_file(" " + word) for word in fitting]
        hits.append(any(a[0] in top and _goes_on(model, ids, a) for a in answers))
    return share_of(hits)


def _goes_on(model: Model, ids: list[int], answer: list[int]) -> bool:
    return len(answer) == 1 or log_probability(model, [*ids, answer[0]], answer[1:])[1]


def random_strings(vocabulary: int, count: int, length: int) -> Tensor:
    """Random tokens, each string twice [count, 2 · length]; never the end of a text."""
    ids = np.random.default_rng(SEED).integers(0, vocabulary - 1, (count, length))
    return torch.from_numpy(np.tile(ids, 2))


def repetition(
    model: Model, vocabulary: int, count: int = STRINGS, prefix: tuple[int, ...] = ()
) -> tuple[float, float]:
    """Nats a token of random strings of twelve, and of the same strings read a second time. `prefix`: what
    every text begins with, the last entries of the vocabulary."""
    first, second = readings(model, vocabulary, count, prefix)
    return first.mean().item(), second.mean().item()


@torch.inference_mode()
def readings(
    model: Model, vocabulary: int, count: int = STRINGS, prefix: tuple[int, ...] = ()
) -> tuple[Tensor, Tensor]:
    """The same for each string [count]."""
    ids, before = (
        random_strings(vocabulary - len(prefix), count, STRING),
        torch.tensor(prefix, dtype=torch.long),
    )
    logits = (model(torch.cat([before, row[:-1]])[None])[0, len(prefix) :] for row in ids)
    losses = [F.cross_entropy(each, row[1:], reduction="none") for each, row in zip(logits, ids, strict=True)]
    each = torch.stack(losses)
    return each[:, : STRING - 1].mean(1), each[:, STRING - 1 :].mean(1)


def roles(model: Transformer, row: np.ndarray, count: int = 24) -> dict[str, Tensor]:
    """Scores [N, L, H] of every head for each role: on N windows of the books, N simple texts from their
    beginning (as people type them), and N random strings twice."""
    return _in_roles(*_read_for_roles(model, row, count), lambda ids: patterns(run(model, ids)))


def even_roles(model: Transformer, row: np.ndarray, count: int = 24) -> dict[str, float]:
    """The score of a head that attends evenly to all it may see."""
    even = _in_roles(*_read_for_roles(model, row, count), lambda ids: _even(len(ids)))
    return {role: scores.mean().item() for role, scores in even.items()}


def _even(length: int) -> Tensor:
    """A pattern [1, 1, T, T] in which every token attends evenly to itself and all before it."""
    seen = torch.ones(length, length).tril()
    return (seen / seen.sum(-1, keepdim=True))[None, None]


def _read_for_roles(model: Transformer, row: np.ndarray, count: int) -> tuple[list, list, Tensor]:
    prefix = list(model.tokenizer.prefix)
    size = WINDOW - len(prefix)
    books = [prefix + row[i : i + size].tolist() for i in range(0, len(row) - size, len(row) // count)][:count]
    strings = random_strings(model.config.vocabulary - len(prefix), count, 24)
    before = torch.tensor(prefix, dtype=torch.long).expand(count, -1)
    return books, beginnings(model.tokenizer, count), torch.cat([before, strings], -1)


def _in_roles(
    books: list[list[int]], texts: list[list[int]], strings: Tensor, pattern: Callable[[list[int]], Tensor]
) -> dict[str, Tensor]:
    on_books, on_texts, on_strings = ([pattern(ids) for ids in them] for them in (books, texts, strings))
    found = {
        "previous token": [previous_token(p) for p in on_books],
        "first token": [first_token(p) for p in on_texts],
        "first token, amid a book": [first_token(p) for p in on_books],
        "duplicate token": [duplicate_token(p, s) for p, s in zip(on_strings, strings, strict=True)],
        "induction": [induction(p, s) for p, s in zip(on_strings, strings, strict=True)],
    }
    return {role: torch.stack(scores) for role, scores in found.items()}


def beginnings(tokenizer: RankTokenizer, count: int) -> list[list[int]]:
    """The first tokens of new generated texts, those that are long enough."""
    texts = (tokenizer.encode(text) for text in english(SEED, 10**9))
    return list(islice((ids[:WINDOW] for ids in texts if len(ids) >= WINDOW), count))


@torch.inference_mode()
def free_texts(
    model: Model, end: int, count: int = STRINGS, length: int = FREE, prefix: tuple[int, ...] = ()
) -> list[list[int]]:
    """Texts drawn from nothing but what every text begins with, or else the end of another, at temperature 0.8,
    all to their full length."""
    torch.manual_seed(SEED)

    def score(ids: Tensor) -> Tensor:
        last = torch.cat([model(part)[:, -1] for part in ids.split(10)])
        last[:, [end, *prefix]] = -torch.inf
        return (last / 0.8).softmax(-1)

    start = torch.tensor([prefix or (end,)]).expand(count, -1)
    drawn = grow(start, score, lambda shares: torch.multinomial(shares, 1)[:, 0], length)
    return torch.stack([new for new, _ in drawn], 1).tolist()


def variety(texts: Iterable[str]) -> tuple[float, float]:
    """distinct-2: different pairs of words among all (Li et al. 2016); and the share of runs of four
    words that the same text has already had."""
    said = [_words(text) for text in texts]
    again, runs = zip(*map(_repeated, said), strict=True) if said else ((), ())
    return _distinct(said), sum(again) / max(1, sum(runs))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text.lower())


def _distinct(texts: list[list[str]]) -> float:
    """Different pairs of neighbouring words among all."""
    pairs = [pair for text in texts for pair in pairwise(text)]
    return len(set(pairs)) / max(1, len(pairs))


def _repeated(text: list[str]) -> tuple[int, int]:
    """Runs of four words that the text has already had, and all its runs."""
    runs = list(zip(*(text[i:] for i in range(4)), strict=False))
    return len(runs) - len(set(runs)), len(runs)


def variety_scores(texts: list[str]) -> tuple[Score, Score]:
    """Both shares of `variety` with their intervals: the first depends on all texts together."""
    said = [_words(text) for text in texts]
    value = _distinct(said)
    without = [_distinct(said[:i] + said[i + 1 :]) for i in range(len(said))]
    return Score(value, len(said), jackknife(value, without)), mean(*zip(*map(_repeated, said), strict=True))


def longest_asked(tokenizer: RankTokenizer) -> int:
    """Tokens of the longest text that a finished model is asked to read here, or for examples."""
    told = words("examples.toml")["language"]
    texts = [q.prompt + max(q.choices, key=len) for rule in RULES for q in questions(rule)]
    texts += [q["prompt"] + max(q["choices"], key=len) for p in told["phenomena"] for q in p.get("first", ())]
    texts += [f"{text} {word}" for text, some in cloze_sentences() for word in some]
    texts += [told["story"], *told["prompts"]]
    return max(WINDOW, FREE + 1, *(len(tokenizer.encode(text)) for text in texts))


def scores_of(
    model: Model, held: np.ndarray, tokenizer: RankTokenizer, context: int, share: float = 1.0, told: str = ""
) -> dict[str, Score]:
    """Every number of the card that a 3-gram can be asked for too; of a `share` of all that can be asked."""
    V, count = len(tokenizer), max(FEWEST, int(share * COUNT))
    strings = max(FEWEST, int(share * STRINGS))
    show(f"measuring: {told}, bits per byte")
    generated = token_row(english(SEED, max(9_000, int(share * 300_000))), tokenizer)
    texts = {"books": held, "generated": generated}
    found = {
        f"bits per byte, {kind}": mean(
            *zip(*bits_of(model, row, tokenizer, context), strict=True), count=len(row)
        )
        for kind, row in texts.items()
    }
    for kind, stretches in calibrated(model, held, tokenizer, context, share).items():
        found[f"{calibration.NAME}, {kind}"] = calibration.score(stretches)
    found |= {f"cloze, top-{best} accuracy": cloze(model, tokenizer, best) for best in (1, 5)}
    for name, rule in QUESTIONS.items():
        show(f"measuring: {told}, {name}")
        found[name] = accuracy(model, questions(rule, count), tokenizer)
    for time, nats in zip(("first", "second"), readings(model, V, strings, tokenizer.prefix), strict=True):
        found[f"random string, {time} time"] = mean(nats.tolist())
    show(f"measuring: {told}, what it writes freely")
    drawn = variety_scores(
        [
            tokenizer.decode(ids)
            for ids in free_texts(model, tokenizer.special[END], strings, prefix=tokenizer.prefix)
        ]
    )
    return found | dict(zip(("distinct word pairs", "repeated runs of four words"), drawn, strict=True))


def unit(name: str) -> str:
    """The unit of a row of the card's table."""
    return UNITS.get(name.split()[0], SHARE)


def calibrated(
    model: Model, held: np.ndarray, tokenizer: RankTokenizer, context: int, share: float = 1.0
) -> dict[str, np.ndarray]:
    """What calibration counts [N, 3, bins] in the books' beginning and in the cloze sentences, completed."""
    row = held[: max(2000, int(share * CALIBRATED))]
    whole = [f"{text} {fitting[0]}." for text, fitting in cloze_sentences()]
    return {
        "books": calibration.counted(windows(model, row, tokenizer, context)),
        "everyday sentences": calibration.counted(calibration.sentences(model, whole, tokenizer)),
    }


def samples(model: Transformer, prompts: list[str], seed: int = 0, length: int = 60) -> list[str]:
    """One continuation per prompt, sampled from the whole distribution at temperature 0.8."""
    texts = []
    for i, prompt in enumerate(prompts):
        decoding = Decoding("sample", temperature=0.8, seed=seed + i, max_tokens=length)
        texts.append(prompt + "".join(step.text for step in generate(model, prompt, decoding)))
    return texts
