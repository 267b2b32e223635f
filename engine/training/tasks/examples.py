"""The tasks, each with a recipe that learns it, and one that is known to fail."""

from dataclasses import replace
from random import Random

from engine.training.tasks.task import Recipe, Task

LETTERS = "abcdefgh"
DIGITS = "0123456789"
READ_OFF = Recipe(causal=False)


def _word(dice: Random, least: int = 3, most: int = 10, letters: str = LETTERS) -> str:
    return "".join(dice.choices(letters, k=dice.randint(least, most)))


def _copy(dice: Random) -> tuple[str, str]:
    word = _word(dice)
    return word, word


def _reverse(dice: Random) -> tuple[str, str]:
    word = _word(dice)
    return word, word[::-1]


def _sort(dice: Random) -> tuple[str, str]:
    word = _word(dice)
    return word, "".join(sorted(word))


def _add(dice: Random) -> tuple[str, str]:
    a, b = dice.randrange(100), dice.randrange(100)
    return f"{a:02}+{b:02}", f"{a + b:03}"


def _brackets(dice: Random) -> tuple[str, str]:
    """Half of them balanced; of the others a few differ from a balanced one in a single bracket."""
    text = _balanced(dice, 2 * dice.randint(2, 8))
    if dice.random() < 0.5:
        at = dice.randrange(len(text))
        text = text[:at] + (")" if text[at] == "(" else "(") + text[at + 1 :]
        if dice.random() < 0.5:  # as many of both kinds, in a wrong order
            text = "".join(dice.sample(text, len(text)))
    return text, "yn"[not balanced(text)]


def _balanced(dice: Random, length: int) -> str:
    text, depth = "", 0
    for left in range(length, 0, -1):
        opens = depth == 0 or (depth < left and dice.random() < 0.5)
        text += "(" if opens else ")"
        depth += 1 if opens else -1
    return text


def balanced(text: str) -> bool:
    """Whether every bracket that is closed was opened, and all are closed at the end."""
    depth = 0
    for bracket in text:
        depth += 1 if bracket == "(" else -1
        if depth < 0:
            return False
    return depth == 0


def _parity(dice: Random) -> tuple[str, str]:
    """Whether the ones so far are odd, after each bit: the model may write down what it goes by."""
    bits = _word(dice, 3, 10, "01")
    return bits, "".join("eo"[bits[: i + 1].count("1") % 2] for i in range(len(bits)))


def _parity_at_once(dice: Random) -> tuple[str, str]:
    bits = "".join(dice.choices("01", k=24))
    return bits, "eo"[bits.count("1") % 2]


def _count(dice: Random) -> tuple[str, str]:
    word = _word(dice, 4, 12, "abc")
    return word, "".join(f"{word.count(letter):02}" for letter in "abc")


TASKS = {
    task.name: task
    for task in (
        Task("copy", LETTERS, _copy, (10, 11)),
        Task("reverse", LETTERS, _reverse, (10, 11)),
        Task("sort", LETTERS, _sort, (10, 11), Recipe(steps=2400)),
        Task("add", DIGITS + "+", _add, (5, 4), seconds=300),
        Task("brackets", "()yn", _brackets, (16, 2), either=True),
        Task("parity", "01eo", _parity, (10, 11), Recipe(steps=2000)),
        Task("count", "abc" + DIGITS, _count, (12, 7), Recipe(steps=1500)),
        Task("parity-at-once", "01eo", _parity_at_once, (24, 2), either=True, fails=True),
        Task(
            "reverse-without-positions",
            LETTERS,
            _reverse,
            (10, 11),
            replace(READ_OFF, positions="none"),
            fails=True,
        ),
    )
}
