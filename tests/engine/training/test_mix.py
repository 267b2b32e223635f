"""What each step learns from: three kinds of windows, by their shares, the same for the same seed."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.training.data.corpus import sentences_in
from engine.training.data.mix import Mix, drill, english, mingled

END = 999
BOOKS = np.arange(0, 300, dtype=np.uint16)
TEXTS = [np.arange(300 + 10 * i, 300 + 10 * i + 4 + i % 5, dtype=np.uint16) for i in range(40)]
GENERATED = np.concatenate([[*text, END] for text in TEXTS]).astype(np.uint16)
FIRSTS = {int(text[0]) for text in TEXTS}

seeds = st.integers(0, 10**6)


def mix(**shares) -> Mix:
    return Mix(BOOKS, GENERATED, END, **shares)


def is_drill(window) -> bool:
    return bool((window[1:] != window[:-1] + 1).sum() > 20)


@given(seed=seeds, step=seeds)
def test_a_batch_depends_on_its_seed_and_step_alone(seed, step):
    mixed = mix(english=0.4, drills=0.2)
    batch = mixed.batch(seed, step, 4, 10)[0]
    mixed.batch(seed, step + 1, 4, 10)
    assert torch.equal(batch, mix(english=0.4, drills=0.2).batch(seed, step, 4, 10)[0])


def test_another_step_or_seed_gives_other_windows():
    batches = [mix().batch(seed, step, 4, 10)[0] for seed, step in ((0, 7), (0, 8), (1, 7))]
    assert not torch.equal(batches[0], batches[1])
    assert not torch.equal(batches[0], batches[2])


def test_a_batch_is_ids_one_more_than_the_context():
    batch = mix(english=0.4, drills=0.2).batch(0, 0, 5, 10)[0]
    assert batch.shape == (5, 11)
    assert batch.dtype == torch.int64


@given(seed=seeds)
def test_windows_of_the_books_are_stretches_that_begin_anywhere(seed):
    windows = Mix(BOOKS, None, END).batch(seed, 0, 30, 10)[0]
    assert (windows.diff(dim=1) == 1).all()
    assert len(windows[:, 0].unique()) > 10


@given(seed=seeds)
def test_every_window_begins_as_a_text_does_also_amid_a_book(seed):
    generated = np.concatenate([[1000, *text, END] for text in TEXTS]).astype(np.uint16)
    mixed = Mix(BOOKS, generated, END, english=0.4, drills=0.2, begin=1000)
    (windows,) = mixed.batch(seed, 0, 30, 40)
    assert (windows[:, 0] == 1000).all()
    ends = windows[:, :-1] == END
    assert (windows[:, 1:][ends] == 1000).all()
    assert BOOKS[0] == 0  # the books themselves are left as they are
    same, plain = (Mix(BOOKS, None, END, begin=begin).batch(seed, 0, 30, 40)[0] for begin in (1000, None))
    assert torch.equal(same[:, 1:], plain[:, 1:])


@pytest.mark.parametrize("length", [len(BOOKS), len(BOOKS) - 1])
def test_books_that_are_just_long_enough_are_read_to_the_last_token(length):
    windows = Mix(BOOKS, None, END).batch(0, 0, 20, length - 1)[0]
    assert windows.max() == BOOKS[-1]


@given(seed=seeds)
def test_generated_windows_begin_where_a_text_does(seed):
    for window in mix(english=1.0).batch(seed, 0, 20, 30)[0].tolist():
        assert window[0] in FIRSTS
        first = GENERATED.tolist().index(window[0])
        assert window == GENERATED[first : first + 31].tolist()


def test_every_text_that_fits_comes_and_none_that_does_not():
    length = len(GENERATED) - 40
    begun = {
        row[0] for step in range(20) for row in mix(english=1.0).batch(0, step, 20, length - 1)[0].tolist()
    }
    fits = [i for i in np.flatnonzero(np.isin(GENERATED, list(FIRSTS))) if i + length <= len(GENERATED)]
    assert begun == {int(GENERATED[i]) for i in fits}


@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.5, 0.1), (0.2, 0.7), (0.0, 0.3), (1.0, 0.0)])
def test_each_kind_has_its_share_of_the_windows(shares):
    windows = mix(english=shares[0], drills=shares[1]).batch(0, 0, 2000, 29)[0].numpy()
    drills = np.array([is_drill(window) for window in windows])
    generated = ~drills & np.isin(windows[:, 0], list(FIRSTS))
    assert np.allclose([generated.mean(), drills.mean()], shares, atol=0.04)


# --- drills --------------------------------------------------------------------------------------


def strings_of(row: list[int]) -> list[list[int]]:
    """The stretches between the ends, the last of them cut off."""
    parts: list[list[int]] = [[]]
    for id in row:
        if id == END:
            parts.append([])
        else:
            parts[-1].append(id)
    return parts[:-1]


def times(part: list[int]) -> int:
    """How often the shortest string that makes up `part` stands in it."""
    n = len(part)
    return next(k for k in range(n, 0, -1) if n % k == 0 and part == part[: n // k] * k)


@given(seed=seeds, length=st.integers(1, 600))
def test_a_drill_has_the_length_asked_for_and_no_other_tokens(seed, length):
    row = drill(np.random.default_rng(seed), END, length)
    assert row.shape == (length,)
    assert row.min() >= 0
    assert row.max() <= END


@given(seed=seeds)
def test_every_string_of_a_drill_comes_two_to_four_times(seed):
    parts = strings_of(drill(np.random.default_rng(seed), END, 600).tolist())
    assert parts
    for part in parts:
        assert times(part) in (2, 3, 4)
        assert 4 <= len(part) // times(part) <= 30


# --- generated texts -----------------------------------------------------------------------------


def test_generated_texts_are_the_same_for_the_same_seed_and_others_for_another():
    texts = [list(english(seed, 5_000)) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


@given(seed=seeds, characters=st.integers(1, 3_000))
def test_as_many_texts_come_as_hold_the_characters(seed, characters):
    texts = list(english(seed, characters))
    assert sum(map(len, texts)) >= characters > sum(map(len, texts[:-1]))


def test_no_text_comes_after_the_last_character_that_was_asked_for():
    [first, *_] = english(0, 1)
    assert list(english(0, len(first))) == [first]
    assert len(list(english(0, len(first) + 1))) == 2


def test_a_shorter_stretch_is_the_beginning_of_a_longer_one():
    assert list(english(3, 2_000)) == list(islice(english(3, 9_000), len(list(english(3, 2_000)))))


def test_everyday_sentences_are_a_share_of_all_characters_and_come_once_before_they_come_again():
    texts, sentences = ["text " * 4] * 300, [f"sentence {i:02}." for i in range(60)]
    found = list(mingled(texts, sentences, 0.25, seed=0))
    among = [one for one in found if one in sentences]
    assert sum(map(len, among)) / sum(map(len, found)) == pytest.approx(0.25, abs=0.01)
    counts = Counter(among)
    assert set(counts) == set(sentences) and max(counts.values()) - min(counts.values()) <= 1
    assert [one for one in found if one not in sentences] == texts
    assert (
        found == list(mingled(texts, sentences, 0.25, seed=0)) != list(mingled(texts, sentences, 0.25, seed=1))
    )


def test_everyday_sentences_are_what_stands_before_a_tab_each_once(tmp_path):
    (tmp_path / "some.tsv").write_text("Go.\tVa !\nGo.\tMarche.\n\nI run.\n", "utf-8")
    assert sentences_in(tmp_path) == ["Go.", "I run."]
