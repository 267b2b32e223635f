"""Pairs of stretches for an encoder: real neighbours or not, some words hidden, the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.training.data.pairs import NONE, Pairs, People, Sentences, Source, sentences_of, shared
from tests.engine.tiny import BERT, decoder

TEXTS = [
    'The cat sat on the mat. "Is it yours?" asked the cat. "No!" said the other.\nThen it sat there. All sat.',
    "That mat, they say, is old. They sat there. The cats sat too! Then the mat was theirs.",
    "One sentence alone stands here",
]


@pytest.fixture(scope="module")
def sentences(wordpiece):
    return Sentences.of(TEXTS, wordpiece)


@pytest.fixture(scope="module")
def pairs(sentences, wordpiece):
    return Pairs((Source(sentences, pairs=0.8),), wordpiece)


@pytest.fixture(scope="module")
def story(wordpiece):
    """Three long texts of short sentences, no two alike."""
    words = ["cat", "mat", "dog", "hat", "the", "a", "sat", "on", "it", "is", "old", "red", "big"]
    draw = np.random.default_rng(0)
    lines = [" ".join(draw.choice(words, draw.integers(3, 8))).capitalize() + "." for _ in range(600)]
    return Sentences.of([" ".join(lines[i : i + 200]) for i in (0, 200, 400)], wordpiece)


def test_sentences_end_where_a_new_one_begins():
    assert sentences_of('He came. "Who?" he said. "Mr. 5 cats?" No\n\n  Then...  He left. ') == [
        "He came.",
        '"Who?" he said.',
        '"Mr. 5 cats?"',
        "No",
        "Then...",
        "He left.",
    ]


def test_all_sentences_stand_in_one_row_with_the_number_of_their_text(sentences, wordpiece):
    expected = [(number, part) for number, text in enumerate(TEXTS) for part in sentences_of(text)]
    assert len(sentences) == len(expected)
    for i, (number, part) in enumerate(expected):
        ids = sentences.row[sentences.starts[i] : sentences.starts[i + 1]].tolist()
        assert ids == wordpiece.encode(part)[1:-1]
        assert sentences.documents[i] == number


def test_a_stretch_holds_whole_sentences_of_one_text(sentences):
    for first in range(len(sentences)):
        for room in (3, 12, 1000):
            ids, after = sentences.stretch(first, room)
            whole = sentences.row[sentences.starts[first] : sentences.starts[after]].tolist()
            assert ids == whole[:room]
            assert after == first + 1 or len(whole) <= room
            assert len(set(sentences.documents[first:after].tolist())) == 1


def batch(pairs, step=0, count=200, context=32):
    return pairs.batch(0, step, count, context)


def drawn(story, wordpiece, count=300, longest=40, **changes):
    """Pairs as two lists of ids and whether the second follows."""
    pairs, draw = Pairs((Source(story),), wordpiece, **changes), np.random.default_rng(1)
    found = filter(None, (pairs.pair(draw, story, longest) for _ in range(count // 2)))
    return [(one, second, label) for one, *seconds in found for label, second in enumerate(seconds)]


def places(row, part) -> list[int]:
    return [i for i in range(len(row) - len(part) + 1) if row[i : i + len(part)].tolist() == part]


def test_the_same_step_gives_the_same_pairs_and_another_gives_others(pairs):
    for one, again, other in zip(batch(pairs), batch(pairs), batch(pairs, 1), strict=True):
        assert torch.equal(one, again)
        assert not torch.equal(one, other)


def test_a_row_has_its_ends_its_segments_and_its_padding(pairs, wordpiece):
    read, segments, padding, labels, follows = batch(pairs)
    ids = torch.where(labels == NONE, read, labels)
    assert (ids[:, 0] == wordpiece.start).all()
    for row, segment, real, answer in zip(ids, segments, padding, follows, strict=True):
        ends = (row == wordpiece.end).nonzero()[:, 0].tolist()
        assert len(ends) == 1 + (answer != NONE)
        assert real.tolist() == [t <= ends[-1] for t in range(32)]
        assert segment.tolist() == [int(ends[0] < t <= ends[-1]) for t in range(32)]


def test_only_hidden_words_are_asked_for_and_no_ends(pairs, wordpiece):
    read, _, padding, labels, _ = batch(pairs)
    asked = labels != NONE
    assert 0.1 < asked[padding].float().mean() < 0.2
    assert not asked[~padding].any()
    assert not ((labels == wordpiece.start) | (labels == wordpiece.end)).any()
    assert ((read == wordpiece.mask) <= asked).all()


def test_as_many_tokens_are_to_be_predicted_as_it_is_told(pairs):
    _, _, padding, labels, _ = replace(pairs, masked=0.5).batch(0, 0, 64, 32)
    assert 0.4 < (labels != NONE)[padding].float().mean() < 0.55


def test_short_rows_come_in_larger_numbers(pairs, sentences, wordpiece):
    several = Pairs((Source(sentences),), wordpiece, (8, 32))
    shapes = {tuple(several.batch(0, step, 4, 32)[0].shape) for step in range(12)}
    assert shapes == {(4, 32), (16, 8)}


def test_half_of_the_second_passages_follow_and_these_stand_behind_the_first(story, wordpiece):
    pairs = drawn(story, wordpiece)
    assert np.mean([follows for _, _, follows in pairs]) == 0.5
    for first, second, follows in pairs:
        assert len(first) + len(second) + 3 <= 40
        assert bool(places(story.row, first + second)) == (follows == 0)


def test_neither_length_nor_place_tells_whether_it_follows(story, wordpiece):
    pairs = drawn(story, wordpiece, 600)
    for number in (0, 1):
        sizes = [np.mean([len(pair[number]) for pair in pairs if pair[2] == side]) for side in (0, 1)]
        assert sizes[0] == pytest.approx(sizes[1], abs=1.2)


def test_what_does_not_follow_is_whole_sentences_amid_a_text(story, wordpiece):
    firsts = {tuple(story.ids(i, i + 1)) for i in range(len(story)) if not story.inside[i]}
    for _, second, follows in drawn(story, wordpiece):
        if follows:
            assert any(place in story.starts for place in places(story.row, second))
            assert not any(second[: len(first)] == list(first) for first in firsts)


def test_what_does_not_follow_is_of_the_same_text_where_there_is_enough(story, wordpiece):
    ends = story.starts[np.searchsorted(story.documents, [1, 2])]
    for first, second, _ in drawn(story, wordpiece):
        which = [
            {int(np.searchsorted(ends, place, "right")) for place in places(story.row, part)}
            for part in (first, second)
        ]
        assert which[0] & which[1]


def test_chosen_by_its_words_it_has_as_many_in_common(story, wordpiece):
    def common(like: float) -> float:
        pairs = drawn(story, wordpiece, 600, like=like)
        counts = [[shared(*pair[:2]) for pair in pairs if pair[2] == side] for side in (0, 1)]
        return abs(np.var(counts[0]) - np.var(counts[1])) + abs(np.mean(counts[0]) - np.mean(counts[1]))

    assert common(1.0) < 0.5


def test_what_stands_behind_the_same_sentence_elsewhere_does_follow(wordpiece):
    texts = ["The cat sat on the mat. It was old.", "The cat sat on the mat. It was red."] * 20
    texts += ["The dog ran. The hat is big.", "A mat is on it. It is big."] * 20
    source = Sentences.of(texts, wordpiece)
    pairs, draw = Pairs((Source(source),), wordpiece), np.random.default_rng(0)
    red, old = (wordpiece.encode(f"It was {word}.")[1:-1] for word in ("red", "old"))
    found = [pair for pair in (pairs.pair(draw, source, 40) for _ in range(200)) if pair]
    assert found
    for _, two, other in found:
        assert other != two
        assert not (two in (red, old) and other in (red, old))


def test_people_are_renamed_by_those_of_the_first_passage():
    people = People({1: "he", 2: "he", 3: "she", 4: "she"})
    assert people.renamed([2, 9, 3, 2], [7, 1, 4]) == [1, 9, 4, 1]
    assert people.renamed([2, 1, 3], [1]) == [1, 1, 3] or people.renamed([2, 1, 3], [1]) == [1, 2, 3]
    assert people.renamed([2, 3], [8]) == [2, 3]


def test_the_names_and_pronouns_of_the_grammar_are_known(story, wordpiece):
    people = People.of(wordpiece)
    assert wordpiece.inner.token_to_id("it") in people.pronouns
    assert set(people.names.values()) <= {"he", "she"}


def test_kinds_come_in_their_shares_and_only_where_they_fit(sentences, wordpiece):
    lone = Sentences.of(["Cats."] * 4, wordpiece)
    sources = (Source(sentences, 0.25, 0), Source(lone, 0.75, 0, longest=16))
    pairs = Pairs(sources, wordpiece)

    def short(context: int) -> float:
        read, _, _, labels, _ = batch(pairs, count=1000, context=context)
        ids = torch.where(labels == NONE, read, labels)
        whole = wordpiece.encode("Cats.")
        return (ids[:, : len(whole)] == torch.tensor(whole)).all(-1).float().mean().item()

    assert short(16) == pytest.approx(0.75, abs=0.06)
    assert short(32) == 0
    assert Pairs(sources, wordpiece, (16, 32)).share_of(1) == pytest.approx(0.375)


def test_one_passage_alone_is_asked_for_words_only(sentences, wordpiece):
    alone = Pairs((Source(sentences, pairs=0),), wordpiece)
    assert (batch(alone)[4] == NONE).all()


def test_the_loss_is_of_the_hidden_words_and_of_what_follows(pairs, wordpiece):
    model = decoder(torch.float32, **BERT | dict(vocabulary=len(wordpiece), context=32))
    read, segments, padding, labels, follows = batch(pairs, count=8)
    words = model(read, model.context(read, padding), segments).log_softmax(-1)
    asked, two = labels != NONE, follows != NONE
    each = words[asked].gather(-1, labels[asked][:, None])
    judged = model.follows(model.stream(read, model.context(read, padding), segments)).log_softmax(-1)
    expected = -each.mean() - 2 * judged[two].gather(-1, follows[two][:, None]).mean()
    np.testing.assert_allclose(pairs.loss(model, read, segments, padding, labels, follows), expected, rtol=1e-5)


def test_how_much_is_read_of_each_kind_of_text(sentences, wordpiece):
    sources = (Source(sentences, 0.5), Source(sentences, 0.3, kind="generated"))
    sources += (Source(sentences, 0.2, 0, longest=16, kind="everyday"),)
    pairs = Pairs(sources, wordpiece, (16, 32))  # in rows of 32 the last is not there
    found = {kind: pairs.share(kind) for kind in ("books", "generated", "everyday")}
    assert found == pytest.approx(
        {"books": (0.5 + 0.5 / 0.8) / 2, "generated": (0.3 + 0.3 / 0.8) / 2, "everyday": 0.1}
    )
    assert pairs.of("everyday") == sources[2:]
