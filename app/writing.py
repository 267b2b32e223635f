"""Texts that are written, searched and timed, and remembered for all visitors, as `app.compute` does."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import engine
from app import compute
from app.compute import PROMPTS, Given, check_given, pixels_or_text
from app.shared import shared
from app.trouble import no_panics
from engine.config import Config
from engine.decode import Choice, Decoding, Surprise, choices, cost, keeping, ngrams, prompting, surprise
from engine.decode import tree as search_tree
from engine.worked import Check, derived

BEGUN = 400_000_000  # bytes of texts that are being written, about
SEARCHED, MOST_SEARCHED = 400_000_000, 512  # bytes, and texts of one length, that an exact search may read
LONGEST_WRITTEN = 200  # tokens of one


@dataclass(frozen=True, eq=False)
class Chosen:
    """One token that was written: how surprising it was, what could have stood there, and the check of that."""

    id: int
    surprise: Surprise
    check: Check


class Writing:
    """A text that is being written, only as far as somebody has asked for it.

    size  about how many bytes it holds
    """

    def __init__(self, tokens: Iterator[Chosen], size: int):
        self.size, self._tokens, self._kept = size, tokens, []
        self._lock = threading.Lock()

    def upto(self, count: int) -> tuple[tuple[Chosen, ...], bool]:
        """The first `count` tokens, or all if there are fewer, and whether more follow: known when the next one
        was written, too."""
        with self._lock:
            while len(self._kept) <= count and (token := next(self._tokens, None)):
                self._kept.append(token)
            return tuple(self._kept[:count]), len(self._kept) > count


def asked(name: str, given: Given, read: tuple[int, ...] | None = None) -> tuple:
    """A model, what it reads, and what its decoder is to go on from (None: its start); read: the tokens that
    are gone on from, a prompt's, or a decoder's beside an encoder."""
    check_given(name, given)
    reader = compute.model(name)
    if isinstance(given, str):
        return reader, pixels_or_text(reader, given) if read is None else list(read), None
    return reader, pixels_or_text(reader, given[0]), given[1] or None if read is None else list(read)


def _room(name: str, read: tuple[int, ...]) -> int:
    """About how many bytes the model keeps while it writes on."""
    config, tokens = compute.model(name).reads[-1], len(read) + LONGEST_WRITTEN
    return cost.cache_bytes(config, tokens) if isinstance(config, Config) else 4 * tokens * config.width


@shared(BEGUN, weight=lambda writing: writing.size)
def _begun(name: str, given: Given, read: tuple[int, ...], decoding: Decoding) -> Writing:
    reader, text, target = asked(name, given, read)
    steps = choices(reader, text, decoding, target=target)
    return Writing(_chosen(steps, read[-1]), _room(name, read))


def _chosen(steps: Iterator[Choice], last: int) -> Iterator[Chosen]:
    """The steps with their surprise, after the token `last`. Whoever takes them holds a text's lock, so nothing
    here may wait for a turn."""
    for one in steps:
        yield Chosen(one.id, *_told(one.logits.expand(2, -1), (last, one.id)))
        last = one.id


def _told(logits, ids: tuple[int, ...]) -> tuple[Surprise, Check]:
    """The surprise of tokens, from the logits at each [T, V], and the check."""
    found = surprise(logits, list(ids))
    checks = [
        derived.check_surprise(logits, ids, found.bits, found.total, found.perplexity),
        derived.check_alternatives(logits, found.alternatives, found.probabilities),
    ]
    return found, derived.worst(checks)


@shared(10 * PROMPTS)
def continued(
    name: str, given: Given, read: tuple[int, ...], decoding: Decoding
) -> tuple[tuple[Chosen, ...], bool]:
    """The `max_tokens` tokens that a model writes after those `read`, and whether more would follow. A longer
    text goes on where a shorter one has ended."""
    writing = _begun(name, given, read, replace(decoding, max_tokens=LONGEST_WRITTEN))
    with no_panics():
        return writing.upto(decoding.max_tokens)


@shared(10 * PROMPTS)
def surprises(name: str, given: Given, ids: tuple[int, ...]) -> tuple[Surprise, Check]:
    """How surprising each token of a text is that is read at once, and the check."""
    reader, text, target = asked(name, given, ids)
    with no_panics():
        run = engine.run(reader, text, target=target)
    return _told(run["logits" if target is None else "decoder.logits"][0], ids)


@shared(PROMPTS)
def searched(
    name: str,
    given: Given,
    read: tuple[int, ...],
    length: int,
    seeds: tuple[int, ...],
    width: int,
    length_penalty: float,
    exactly: bool,
) -> tuple[search_tree.Tree, int]:
    """Greedy search, samples and beam search on one tree, and the exact search if it is asked for; where that
    would read too many texts, how many."""
    reader, text, target = asked(name, given, read)
    ask = dict(max_new_tokens=length, seeds=seeds, width=width, length_penalty=length_penalty)
    row = max(1, _room(name, read))
    most = max(1, min(MOST_SEARCHED, SEARCHED // row))
    try:
        with no_panics():
            found = search_tree.tree(reader, text, target=target, **ask, exactly=exactly, most=most)
    except search_tree.TooMany as error:
        return searched(name, given, read, length, seeds, width, length_penalty, False)[0], error.count
    return found, 0


@shared(PROMPTS)
def kept_and_anew(name: str, given: Given, count: int) -> keeping.Agreement:
    """A text of so many tokens written with a cache and without one, and how far their scores are apart."""
    reader, text, target = asked(name, given)
    with no_panics():
        return keeping.agreement(reader, text, count, target)


@shared(PROMPTS)
def timed(name: str, given: Given, count: int) -> keeping.Timing:
    """How long each of so many tokens takes with a cache and without one; some seconds."""
    reader, text, target = asked(name, given)
    with no_panics():
        return keeping.timing(reader, text, count, target)


@shared(PROMPTS)
def text_after(name: str, given: Given, decoding: Decoding) -> str:
    """What a model writes after what it is given."""
    reader, text, target = asked(name, given)
    with no_panics():
        return "".join(step.text for step in engine.generate(reader, text, decoding, target=target))


@shared(PROMPTS)
def drawn_by_counts(text: str, count: int, n: int, seed: int) -> str:
    """So many words drawn by counts of what followed the last n."""
    return "".join(ngrams.shipped().write(text, count, n, seed))


@shared(100 * PROMPTS)
def answered(
    name: str, task: str, shots: int, seed: int, mixed: bool
) -> tuple[float | None, tuple[float | None, ...]]:
    """The log probability of the right answer to a task's question after some demonstrations, and of each of
    the wrong ones; None where it does not fit into what the model reads."""
    one, reader = prompting.tasks()[task], compute.model(name)
    prompt = one.prompt(shots, seed, mixed)
    with no_panics():
        right, *wrong = prompting.log_probabilities(reader, prompt, (one.question[1], *one.wrong))
    return right, tuple(wrong)
