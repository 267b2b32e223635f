"""Exercises: right by another computation, the same for the same seed, checked within their tolerance."""

import math
import re
from collections import Counter

import numpy as np
import pytest

from app.state import DEFAULT
from engine.examples import exam
from engine.examples.exam import KINDS, Exercise, near

SEEDS = range(12)


def numbers(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-").replace(",", " "))]


def lists(text: str) -> list[list[float]]:
    return [numbers(x) for x in re.findall(r"\[([^]]*)\]", text)]


@pytest.mark.parametrize("seed", SEEDS)
def test_softmax(seed):
    for one in exam(seed, "softmax", 3):
        e = [math.exp(x) for x in lists(one.question)[0]]
        assert one.answers == pytest.approx([x / sum(e) for x in e])


@pytest.mark.parametrize("seed", SEEDS)
def test_attention(seed):
    for one in exam(seed, "attention", 3):
        q, *rest = (np.array(x) for x in lists(one.question))
        keys, values = np.array(rest[: len(rest) // 2]), np.array(rest[len(rest) // 2 :])
        e = np.exp(keys @ q / math.sqrt(len(q)))
        assert one.answers == pytest.approx(e @ values / e.sum())


@pytest.mark.parametrize("seed", SEEDS)
def test_layernorm(seed):
    for one in exam(seed, "layernorm", 3):
        x = np.array(lists(one.question)[0])
        a, b = (float(re.search(rf"{name} = ([−-]?\d+)", one.question)[1].replace("−", "-")) for name in "ab")
        assert one.answers == pytest.approx(a * (x - x.mean()) / x.std() + b)


@pytest.mark.parametrize("seed", SEEDS)
def test_positions(seed):
    for one in exam(seed, "sinusoid", 3):
        t = float(re.search(r"position (\d+)", one.question)[1])
        assert one.answers == pytest.approx([math.sin(t), math.cos(t), math.sin(t / 100), math.cos(t / 100)])


@pytest.mark.parametrize("seed", SEEDS)
def test_parameters(seed):
    for one in exam(seed, "parameters", 3):
        n, d, v, c = (
            int(re.search(pattern, one.question)[1].replace(",", ""))
            for pattern in (r"(\d+) blocks", r"d = (\d+)", r"vocabulary of ([\d,]+),", r"context of ([\d,]+),")
        )
        block = 2 * 2 * d + (d * 3 * d + 3 * d) + (d * d + d) + (d * 4 * d + 4 * d) + (4 * d * d + d)
        assert one.answers == (v * d + c * d + n * block + 2 * d,)
        assert one.right(0, str(int(one.answers[0]))) and not one.right(0, str(int(one.answers[0]) + 1))


@pytest.mark.parametrize("seed", SEEDS)
def test_merges(seed):
    for one in exam(seed, "bpe", 3):
        corpus = {tuple(word): int(n) for word, n in re.findall(r"(\w+) \((\d+)×\)", one.question)}
        for merge in one.answers:
            counts = Counter()
            for word, n in corpus.items():
                for i in range(len(word) - 1):
                    counts[" ".join(word[i : i + 2])] += n
            assert counts[merge] == max(counts.values())
            assert merge == min(p for p, n in counts.items() if n == counts[merge])
            glued = merge.replace(" ", "")
            corpus = {
                tuple(re.sub(rf"(?<!\S){re.escape(merge)}(?!\S)", glued, " ".join(word)).split()): n
                for word, n in corpus.items()
            }


def test_a_model_of_the_library_has_as_many_parameters():
    gpt2 = pytest.importorskip("transformers").GPT2Config
    from transformers import GPT2LMHeadModel

    one = next(
        e
        for seed in range(99)
        for e in exam(seed, "parameters", 1)
        if "d = 64" in e.question and "1,000" in e.question
    )
    n = int(re.search(r"(\d+) blocks", one.question)[1])
    v = int(re.search(r"vocabulary of ([\d,]+),", one.question)[1].replace(",", ""))
    c = int(re.search(r"context of ([\d,]+),", one.question)[1].replace(",", ""))
    model = GPT2LMHeadModel(gpt2(n_layer=n, n_embd=64, n_head=2, vocab_size=v, n_positions=c))
    assert one.answers == (sum(p.numel() for p in model.parameters()),)


@pytest.mark.parametrize(
    ("answer", "typed", "right"),
    [
        (0.0021, "0", False),
        (0.0021, "0.002", True),
        (0.0021, "0.01", False),
        (-0.0474, "-0.047", True),
        (0.2688, "0.27", True),
        (0.2688, "0.28", False),
        (14.142, "14.14", True),
        (14.142, "14.2", False),
        (0.0, "0", True),
        (1e-17, "0.00", True),
    ],
)
def test_a_small_answer_is_wanted_to_two_digits(answer, typed, right):
    one = Exercise("softmax", "", ("a",), (answer,), 0.01)
    assert one.right(0, typed) is right


def test_a_sheet_of_all_kinds_has_every_kind():
    assert {one.kind for one in exam(0, "mixed", DEFAULT.exercises)} == set(KINDS)


@pytest.mark.parametrize("kind", ["mixed", *KINDS])
def test_a_sheet_is_its_seed(kind):
    assert exam(7, kind, 6) == exam(7, kind, 6)
    assert [e.question for e in exam(7, kind, 6)] != [e.question for e in exam(8, kind, 6)]
    assert exam(7, kind, 6)[:3] == exam(7, kind, 3)
    assert all(one.right(i, str(answer)) for one in exam(7, kind, 6) for i, answer in enumerate(one.answers))
    assert not any(one.right(0, typed) for one in exam(7, kind, 6) for typed in ("", "x", "999999", "nan"))


def test_what_is_asked_for_in_vain_is_a_sentence():
    for asked in (dict(kind="algebra"), dict(n=0), dict(n=41)):
        with pytest.raises(ValueError, match=r"\.$"):
            exam(1, **asked)


@pytest.mark.parametrize(
    ("typed", "answer", "right"),
    [
        ("0.27", 0.2688755, True),
        ("0.3", 0.2688755, True),
        ("0.26", 0.2688755, False),
        ("3", 3.0, True),
        ("3", 3.2, False),
        ("14", 14.2, True),
        ("-1.41", -1.41421, True),
        ("0", 0.3, False),
        ("", 0.0, False),
        ("−∞", -math.inf, True),
        ("x", 1.0, False),
        ("1e400", 1.0, False),
    ],
)
def test_a_guess_is_right_to_its_places(typed, answer, right):
    assert near(typed, answer) is right
