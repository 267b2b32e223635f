"""Examples of one's own: an example as the text of a file, attention on pasted matrices, a tiny random model.

What is made here is the same kind of file that is shipped, so it is read and checked like those.
"""

import json
from collections.abc import Mapping

import numpy as np

from engine.examples.example import FIELDS, LARGEST_FILE, Example
from engine.examples.value import Misfit, Value, short

WORDS = 12  # of a sentence for a tiny model
WIDEST = 16  # numbers of a word
HEADS = 4


def to_toml(example: Example, values: Mapping[str, Value] | None = None) -> str:
    """The text of an example's file, with other numbers in some of what is given."""
    lines = [f"{key} = {_text(getattr(example, key))}" for key in FIELDS
             if getattr(example, key)]  # fmt: skip
    for given in example.given:
        now = (values or {}).get(given.name, given.value)
        lines += ["", f"[given.{given.name}]", f"numbers = {_numbers(now)}"]
        lines += [f"rows = {_texts(now.rows)}"] if now.numbers.ndim == 2 else []
        lines += [f"columns = {_texts(now.columns)}"] if now.numbers.ndim else []
        lines += _options(given, ("latex", "ours", "says"))
    for step in example.steps:
        lines += ["", "[[step]]", f"name = {_text(step.name)}", f"formula = {_text(step.formula.text)}"]
        lines += _options(step, ("latex", "says"))
    if example.question:
        asked = example.question
        lines += [
            "",
            "[question]",
            f"candidates = {_texts(asked.candidates)}",
            f"equals = {_text(asked.equals)}",
        ]
        lines += _options(asked, ("ask", "says"))
    if example.walk:
        lines += ["", "[walk]", *(f"{key} = {_text(x)}" for key, x in example.walk.items())]
    return "\n".join(lines) + "\n"


def _options(of, keys: tuple[str, ...]) -> list[str]:
    return [f"{key} = {_text(getattr(of, key))}" for key in keys if getattr(of, key)]


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _texts(texts) -> str:
    return "[" + ", ".join(map(_text, texts)) + "]"


def _numbers(now: Value) -> str:
    return json.dumps(now.numbers.tolist()).replace("Infinity", "inf")


def attention(*, causal: bool = False) -> str:
    """The file of attention on three matrices that are to be pasted over: Q, K and V."""
    mask = '[[step]]\nname = "M"\nformula = "mask(S)"\nlatex = "S + M"\n\n' if causal else ""
    return f"""title = "Attention on matrices of your own"
topic = "own"
ours = "these numbers are to be replaced"

[given.Q]
numbers = [[1, 0], [0, 1], [1, 1]]

[given.K]
numbers = [[1, 2], [0, 1], [2, 0]]

[given.V]
numbers = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]

[[step]]
name = "QK"
formula = "Q @ K.T"
latex = 'QK^\\top'

[[step]]
name = "S"
formula = "QK / sqrt(width(K))"

{mask}[[step]]
name = "A"
formula = "softmax({"M" if causal else "S"})"

[[step]]
name = "Z"
formula = "A @ V"
"""


def tiny(sentence: str, *, width: int = 4, heads: int = 1, seed: int = 0, causal: bool = True) -> str:
    """The file of one attention layer with random weights over the words of a sentence, then a norm.

    width  numbers of a word, `heads` times the width of a head; weights are normal, in steps of 0.1
    A Misfit where sizes do not fit.
    """
    words = sentence.split()
    if not 1 <= len(words) <= WORDS:
        raise Misfit(f"A sentence of 1 to {WORDS} words is wanted; this has {len(words)}.")
    if not 1 <= width <= WIDEST or not 1 <= heads <= HEADS or width % heads:
        raise Misfit(
            f"{width} numbers a word do not fit {heads} heads; a width up to {WIDEST} is wanted that up to "
            f"{HEADS} heads divide evenly, so that d_k = d_model / h is whole."
        )
    random = np.random.default_rng(seed)
    letters = list(dict.fromkeys(words))
    table = np.round(random.normal(size=(len(letters), width)), 1)
    x = np.array([table[letters.index(word)] for word in words])
    given = {"X": (x, _named(words))}
    given |= {
        name: (np.round(random.normal(size=(width, width)), 1), None) for name in ("W_q", "W_k", "W_v", "W_o")
    }
    text = "\n\n".join(
        [_head(sentence), *(_table(name, *each) for name, each in given.items()), *_steps(width, heads, causal)]
    )
    if len(text) > LARGEST_FILE:
        raise Misfit(f"Such an example would have {len(text):,} characters; the most is {LARGEST_FILE:,}.")
    return text + "\n"


def _named(words: list[str]) -> list[str]:
    """A name for each word; one that stands twice is numbered."""
    names = []
    for i, word in enumerate(words):
        name = short(word, 20)
        names.append(name if words.count(word) == 1 else f"{name} {words[: i + 1].count(word)}")
    return names


def _head(sentence: str) -> str:
    title = _text(f"A tiny random model: {short(sentence.strip(), 40)}")
    return f'title = {title}\ntopic = "own"\nours = "random weights"'


def _table(name: str, numbers, rows) -> str:
    return f"[given.{name}]\nnumbers = {json.dumps((numbers + 0.0).tolist())}" + (
        f"\nrows = {_texts(rows)}" if rows else ""
    )


def _steps(width: int, heads: int, causal: bool) -> list[str]:
    steps = [_step(name, f"X @ W_{name.lower()}") for name in ("Q", "K", "V")]
    each = width // heads
    for h in range(1, heads + 1):
        cut = f"{(h - 1) * each + 1}, {h * each}"
        q, k, v = (f"columns({name}, {cut})" if heads > 1 else name for name in "QKV")
        steps.append(_step(f"S{h}", f"{q} @ {k}.T / sqrt({each})"))
        steps += [_step(f"M{h}", f"mask(S{h})")] if causal else []
        steps.append(_step(f"A{h}", f"softmax({'M' if causal else 'S'}{h})"))
        steps.append(_step(f"Z{h}", f"A{h} @ {v}"))
    joined = f"concat({', '.join(f'Z{h}' for h in range(1, heads + 1))})" if heads > 1 else "Z1"
    out = _step("O", f"{joined} @ W_o")
    centred, norm = _step("R", "X + O"), _step("Y", "(R - mean(R)) / sqrt(variance(R) + 0.00001)")
    return [*steps, out, centred, norm]


def _step(name: str, formula: str) -> str:
    return f"[[step]]\nname = {_text(name)}\nformula = {_text(formula)}"
