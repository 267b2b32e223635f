"""n-grams: counts are counts, probabilities sum to one, and what is shipped is small and measured."""

from collections import Counter

import numpy as np
import pytest

from engine.decode import ngrams
from engine.decode.ngrams import PIECES, Ngrams
from engine.training.ngrams import count

TEXT = "The cat sat on the mat. The cat sat on the cat. The dog sat on the mat, and the cat saw the dog.\n"
TEXTS = [TEXT * 3, "A dog sat on a cat. A bird saw it: the cat sat on the mat. " * 2, "Zoë!"]


@pytest.fixture(scope="module")
def all_():
    return count(TEXTS, (1, 1, 1, 1))


@pytest.fixture(
    scope="module", params=[(1, 1, 1, 1), (3, 2, 2, 3), (2, 2, 4, 4), (1, 3, 2, 2), (1, 99, 99, 99)]
)
def found(request):
    return count(TEXTS, request.param)


def test_a_text_is_its_words():
    for text in TEXTS:
        assert "".join(PIECES.findall(text)) == text


@pytest.mark.parametrize("n", [1, 2, 3])
def test_counts_are_how_often_a_word_followed(all_, n):
    runs = Counter()
    for text in TEXTS:
        words = PIECES.findall(text)
        runs.update(tuple(words[i : i + n + 1]) for i in range(len(words) - n))
    told = {}
    for before in {run[:-1] for run in runs}:
        words, counts = all_.followers(all_.split("".join(before)), n)
        assert list(counts) == sorted(counts, reverse=True)
        told |= {(*before, all_.words[word]): times for word, times in zip(words, counts.tolist(), strict=True)}
    assert told == dict(runs)


def test_the_most_frequent_words_stand_first(found):
    words, counts = found.followers([], 0)
    assert [found.words[word] for word in words] == found.words and list(counts) == sorted(counts)[::-1]


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_probabilities_sum_to_one(found, n):
    for text in ("The", "The cat sat", "cat sat on the", "a b c d", "", " the zebra the"):
        p = found.probabilities(found.split(text), n)
        assert p.sum() == pytest.approx(1) and (p > 0).all() and p.shape == (found.V,)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_the_bits_of_a_text_are_those_of_its_words(found, n):
    text = "The cat saw the mat. The zebra sat on the cat sat on the dog, Zoë!"
    ids, expected = found.split(text), []
    for i, (id, word) in enumerate(zip(ids, PIECES.findall(text), strict=True)):
        spelled = found._spelled(word) if id == found.unknown else 0
        expected.append(spelled - np.log2(found.probabilities(ids[:i], n)[id]))
    assert found.bits(text, n) == pytest.approx(np.array(expected))
    assert found.bits_per_byte(text, n) == pytest.approx(sum(expected) / len(text.encode()))


def test_all_spellings_share_one():
    found = count(TEXTS, (3, 2, 2, 3))
    alone = sum(2 ** -found._spelled(chr(a)) for a in range(128))
    assert 0 < alone < 1


def test_what_was_counted_costs_little_and_more_words_tell_more(all_):
    bits = [all_.bits_per_byte(TEXT, n) for n in range(4)]
    assert bits == sorted(bits, reverse=True) and bits[3] < bits[0] / 2


def test_the_same_seed_writes_the_same_words(found):
    texts = [found.write("The cat", 20, 2, seed) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] and len(texts[0]) == 20
    assert set(texts[0]) <= set(found.words)


def shares(counts, before: list[int], n: int) -> np.ndarray:
    """How probable each word is on the die of n words: its count, and of what is left out that of one less."""
    words, often = counts.followers(before, n)
    own, times = np.zeros(counts.unknown), counts.times(before, n)
    own[words] = often / times if times else 0.0
    return own if n == 0 else own + (1 - own.sum()) * shares(counts, before, n - 1)


@pytest.mark.parametrize("least", [(1, 1, 1, 1), (2, 2, 4, 4), (1, 99, 99, 99)])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_draws_fall_as_often_as_their_counts_say(least, n):
    counts = count(TEXTS, least)
    drawn = Counter(counts.write("The cat", 1, n, seed)[0] for seed in range(2000))
    for word, share in zip(counts.words, shares(counts, counts.split("The cat"), n), strict=True):
        assert abs(drawn[word] - 2000 * share) < 4.5 * (2000 * share) ** 0.5 + 1


def test_the_words_that_were_left_out_are_counted_with_their_run(shipped):
    counts, text = shipped, " it was too"
    before = counts.split(text)
    for n in (1, 2, 3):
        words, often = counts.followers(before, n)
        times, u = counts.times(before, n), float(often[:3].sum() / counts.times(before, n)) - 1e-6
        assert often.sum() < times and counts.throw(before, n, u) == words[2]
        rest = float(often.sum() / times)
        assert counts.throw(before, n, rest + 0.25 * (1 - rest)) == counts.throw(before, n - 1, 0.25)


@pytest.mark.parametrize("name", ["count", "n", "seed"])
@pytest.mark.parametrize("value", [-1, "3", 1.5, None, 2**70])
def test_a_number_that_cannot_be_is_named(found, name, value):
    with pytest.raises(ValueError, match=f"^{name} is .* it is a whole number from 0"):
        found.write("The cat", **dict(count=2) | {name: value})


def test_what_is_saved_is_read_again(found, tmp_path):
    found.measured = (2.5, 1.5)
    found.save(tmp_path / "counts.xz")
    again = Ngrams.read(tmp_path / "counts.xz")
    assert again.words == found.words and again.measured == (2.5, 1.5)
    assert (again.counts == found.counts).all() and (again.spelling == found.spelling).all()
    for a, b in zip(again.longer, found.longer, strict=True):
        assert (a.keys == b.keys).all() and (a.counts == b.counts).all()
    assert again.bits(TEXT).tolist() == found.bits(TEXT).tolist()


def test_a_file_that_holds_no_counts_says_so(tmp_path):
    (tmp_path / "junk.xz").write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"junk\.xz holds no counts of words"):
        Ngrams.read(tmp_path / "junk.xz")


# --- what is shipped ------------------------------------------------------------------------------

STORY = (
    "The old woman went out early in the morning to look for her goat. At last she found him in the miller's "
    'garden, eating the best of the cabbages. "You wicked beast!" cried the old woman.'
)


@pytest.fixture(scope="module")
def shipped():
    return ngrams.shipped()


def test_it_is_small_and_measured(shipped):
    assert ngrams.SHIPPED.stat().st_size <= 2_000_000
    assert len(shipped.longer) == 3
    assert list(shipped.measured) == sorted(shipped.measured, reverse=True)
    assert shipped.measured[3] < 1.70


def test_on_a_new_text_more_words_tell_more(shipped):
    bits = [shipped.bits_per_byte(STORY, n) for n in range(4)]
    assert bits == sorted(bits, reverse=True)


def test_once_upon_a_time_there(shipped):
    for n in (2, 3):
        words, _ = shipped.followers(shipped.split("Once upon a time"), n)
        assert " there" in [shipped.words[word] for word in words[:3]]
