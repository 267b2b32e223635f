"""Exercises with small random whole numbers, their answers, and their solutions by an example's own steps.

for exercise in exam(seed=1, kind="softmax", n=5): print(exercise.question, exercise.answers)
"""

import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from engine.examples.example import Example, from_data, values_of
from engine.examples.value import Misfit, read_number

MOST = 40  # exercises on a sheet
SHARE = 0.05  # of a small answer: it is right to two digits
NOTHING = 1e-9  # what rounding leaves of an answer that is 0


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    question   in Markdown
    names      of the answers, in their order
    answers    numbers or texts
    tolerance  how far a number may be off; a small one less, by SHARE of it
    example    whose steps are the solution; None: `solution` tells it
    solution   in Markdown
    """

    kind: str
    question: str
    names: tuple[str, ...]
    answers: tuple[float | str, ...]
    tolerance: float
    example: Example | None = field(default=None, compare=False)
    solution: str = ""

    def right(self, place: int, typed: str) -> bool:
        """Is what was typed the answer at this place, within the tolerance? Spaces in texts do not count."""
        answer = self.answers[place]
        if isinstance(answer, str):
            return "".join(typed.split()) == "".join(answer.split())
        try:
            return abs(read_number(typed) - answer) <= self._off(answer) + 1e-12
        except Misfit:
            return False

    def _off(self, answer: float) -> float:
        """How far off is still right."""
        small = abs(answer) * SHARE
        return self.tolerance if abs(answer) < NOTHING else min(self.tolerance, small)


def exam(seed: int, kind: str = "mixed", n: int = 5) -> list[Exercise]:
    """n exercises of a kind (one of KINDS, or mixed: all in turn); the same seed gives the same ones.

    ValueError where there is no such kind, or n is not 1 to 40.
    """
    if kind != "mixed" and kind not in KINDS:
        raise ValueError(f"There are no exercises “{kind}”; there are mixed, {', '.join(KINDS)}.")
    if not 1 <= n <= MOST:
        raise ValueError(f"n = {n}; 1 to {MOST} exercises fit on a sheet.")
    kinds = list(KINDS) if kind == "mixed" else [kind]
    return [_made(kinds[i % len(kinds)], seed, i) for i in range(n)]


def _made(kind: str, seed: int, i: int) -> Exercise:
    return KINDS[kind](random.Random(f"{kind} {seed} {i}"))


def _from(kind: str, question: str, example: dict, last: str, tolerance: float = 0.01) -> Exercise:
    """An exercise whose answers are the numbers of an example's last step."""
    made = from_data(example, kind)
    result = values_of(made)[last]
    return Exercise(kind, question, result.columns, tuple(map(float, result.grid[0])), tolerance, made)


def _row(numbers) -> str:
    return "[" + ", ".join(str(x).replace("-", "−") for x in numbers) + "]"


def _rows(numbers) -> str:
    return ", ".join(map(_row, numbers))


def _step(name: str, formula: str, **more) -> dict:
    return {"name": name, "formula": formula} | more


def _softmax(dice: random.Random) -> Exercise:
    s = [dice.randint(-3, 4) for _ in range(dice.randint(3, 4))]
    steps = [_step("E", "exp(s)"), _step("total", "sum(E)"), _step("a", "E / total")]
    question = f"The scores of one query are s = {_row(s)}. What is their softmax?"
    example = {"title": "Softmax", "given": {"s": s}, "step": steps}
    return _from("softmax", question, example, "a")


def _attention(dice: random.Random) -> Exercise:
    d = dice.choice([1, 4])
    n = dice.randint(2, 3)
    some = lambda low, high, size: [dice.randint(low, high) for _ in range(size)]  # noqa: E731
    q, k, v = some(-2, 2, d), [some(-2, 2, d) for _ in range(n)], [some(-3, 4, 2) for _ in range(n)]
    steps = [
        _step("dots", "q @ K.T"),
        _step("s", "dots / sqrt(width(K))"),
        _step("a", "softmax(s)"),
        _step("y", "a @ V"),
    ]
    question = (
        f"One query q = {_row(q)} looks at {n} keys, {_rows(k)}, with the values {_rows(v)}; d_k = {d}. "
        "What does attention give?"
    )
    return _from(
        "attention", question, {"title": "Attention", "given": {"q": q, "K": k, "V": v}, "step": steps}, "y"
    )


def _layernorm(dice: random.Random) -> Exercise:
    x = [dice.randint(-5, 9) for _ in range(4)]
    if len(set(x)) == 1:
        x[0] += 1
    a, b = dice.randint(1, 3), dice.randint(-2, 2)
    steps = [
        _step("mu", "mean(x)"),
        _step("centred", "x - mu", latex=r"x - \mu"),
        _step("var", "mean(centred ** 2)", latex=r"\sigma^2"),
    ]
    steps += [_step("n", "centred / sqrt(var)"), _step("y", "a * n + b")]
    question = f"What does LayerNorm make of x = {_row(x)} with a = {a}, b = {b} and ε = 0?".replace("-", "−")
    return _from(
        "layernorm", question, {"title": "LayerNorm", "given": {"x": x, "a": a, "b": b}, "step": steps}, "y"
    )


def _sinusoid(dice: random.Random) -> Exercise:
    t, d = dice.randint(1, 9), 4
    steps = [_step("P", "sinusoid(t, d)", latex="p")]
    question = (
        f"What is the sinusoidal vector of position {t} for d = {d}, with sine and cosine in turn and the "
        "frequencies 10000^(−2i/d) of 2017? (In radians.)"
    )
    return _from(
        "sinusoid", question, {"title": "Positions", "given": {"t": [t], "d": d}, "step": steps}, "P", 0.01
    )


def _parameters(dice: random.Random) -> Exercise:
    n, d, v, c = (
        dice.choice([2, 4, 6, 12]),
        dice.choice([64, 128, 256, 768]),
        dice.choice([1000, 8000, 50257]),
        dice.choice([128, 512, 1024]),
    )
    given = {"n": n, "d": d, "v": v, "c": c}
    steps = [
        _step(
            "attention",
            "4 * (d * d + d)",
            says="The four matrices of queries, keys, values and output, with biases.",
        ),
        _step("mlp", "8 * d * d + 5 * d", says="Up to 4d and back, with biases."),
        _step("norms", "4 * d", says="Two LayerNorms, a scale and a shift each."),
        _step("blocks", "n * (attention + mlp + norms)"),
        _step(
            "embeddings",
            "(v + c) * d",
            says="Tokens and positions; the output takes the table of tokens again.",
        ),
        _step("parameters", "blocks + embeddings + 2 * d", says="With the last LayerNorm."),
    ]
    question = (
        f"How many parameters has a GPT-2 with {n} blocks, width d = {d}, a vocabulary of {v:,}, a context of "
        f"{c:,}, an MLP of 4d, biases everywhere and tied embeddings?"
    )
    return _from(
        "parameters", question, {"title": "Parameters", "given": given, "step": steps}, "parameters", 0
    )


WORDS = (
    "low",
    "lower",
    "lowest",
    "new",
    "newer",
    "newest",
    "wide",
    "wider",
    "widest",
    "slow",
    "slower",
    "glow",
)


def _bpe(dice: random.Random) -> Exercise:
    corpus = {word: dice.randint(1, 6) for word in sorted(dice.sample(WORDS, 3))}
    merges, told = _merges(corpus, 3)
    listed = ", ".join(f"{word} ({n}×)" for word, n in corpus.items())
    question = (
        f"A corpus has the words {listed}, cut into letters. Which pairs are the first three merges of BPE? "
        "Where several are as frequent, take the first in alphabetical order. Write a pair with a space: l o."
    )
    names = tuple(f"merge {i + 1}" for i in range(len(merges)))
    return Exercise("bpe", question, names, merges, 0.0, None, told)


def _merges(corpus: dict[str, int], count: int) -> tuple[tuple[str, ...], str]:
    """The first merges of BPE on counted words, and how they were found."""
    cut = {word: list(word) for word in corpus}
    merges, told = [], []
    for _ in range(count):
        pairs = Counter()
        for word, parts in cut.items():
            for pair in pairwise(parts):
                pairs[pair] += corpus[word]
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        second = ", ".join(
            f"{' '.join(p)} {n}×" for p, n in sorted(pairs.items(), key=lambda x: (-x[1], x[0]))[:4]
        )
        cut = {word: _merged(parts, best) for word, parts in cut.items()}
        merges.append(" ".join(best))
        words = ", ".join(" ".join(parts) for parts in cut.values())
        told.append(f"{second}: **{' '.join(best)}** is merged, which gives {words}.")
    return tuple(merges), "\n\n".join(told)


def _merged(parts: list[str], pair: tuple[str, str]) -> list[str]:
    made, i = [], 0
    while i < len(parts):
        both = tuple(parts[i : i + 2]) == pair
        made.append("".join(pair) if both else parts[i])
        i += 2 if both else 1
    return made


KINDS: dict[str, Callable[[random.Random], Exercise]] = {
    "softmax": _softmax,
    "attention": _attention,
    "layernorm": _layernorm,
    "sinusoid": _sinusoid,
    "bpe": _bpe,
    "parameters": _parameters,
}


def near(typed: str, answer: float) -> bool:
    """Is a guess right: the number rounded to as many places as were typed, or within half a percent of it?"""
    try:
        guess = read_number(typed)
    except Misfit:
        return False
    if guess == answer or not math.isfinite(guess):
        return guess == answer
    places = len(typed.partition(".")[2].strip())
    rounded = places > 0 or abs(answer) >= 10 or answer == int(answer)
    return abs(guess - answer) <= max(0.5 * 10**-places * rounded, 0.005 * abs(answer)) + 1e-12
