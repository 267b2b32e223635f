"""What a model has learned, measured against what can be worked out by hand."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from engine.tokenize import BeginTokenizer
from engine.tokenize.bpe import END
from engine.training.data.corpus import token_row
from engine.training.data.grammar import Question
from engine.training.data.mix import english
from engine.training.evaluate import language as evaluate
from engine.training.evaluate.baseline import Trigram
from engine.training.evaluate.language import bits_per_byte, samples
from engine.training.evaluate.report import Score
from tests.engine.tiny import ROTARY, decoder

V = 280


@pytest.fixture
def reader(corpus):
    """A random model of the corpus's vocabulary, at most 16 tokens long."""
    model = decoder(torch.float32, vocabulary=V, context=16, tied=False)
    model.tokenizer = corpus[0]
    return model


@pytest.fixture(scope="module")
def tokenizer(corpus):
    return corpus[0]


def knows(*rows: list[int], best: int = 1):
    """A model that has these rows by heart: at each place the next token is the `best`-th guess."""
    next_of = {tuple(row[:i]): row[i] for row in rows for i in range(1, len(row))}

    def model(ids):
        logits = torch.zeros(*ids.shape, V)
        for row, out in zip(ids.tolist(), logits, strict=True):
            for t in range(len(row)):
                id = next_of.get(tuple(row[: t + 1]))
                if id is not None:
                    out[t, [(id + i) % V for i in range(1, best)]] = 90.0
                    out[t, id] = 50.0
        return logits

    return model


def says(*ids: int, size: float = 50.0):
    """A model that finds these tokens likelier than all others, whatever it reads."""
    always = torch.zeros(V)
    always[list(ids)] = size
    return lambda given: always.expand(*given.shape, V)


# --- bits per byte -------------------------------------------------------------------------------


def text_bytes(row, tokenizer) -> int:
    return len(tokenizer.decode(row[1:].tolist()).replace(END, "").encode())


def test_a_model_that_knows_nothing_needs_log2_v_bits_a_token(reader, corpus):
    reader.logits.weight.zero_()
    row = corpus[3]
    expected = math.log2(V) * (len(row) - 1) / text_bytes(row, corpus[0])
    assert bits_per_byte(reader, row, corpus[0], 16) == pytest.approx(expected, rel=1e-6)


def test_a_model_that_knows_the_text_needs_none(corpus):
    row = corpus[3][:100]
    assert bits_per_byte(knows(row.tolist()), row, corpus[0], 300) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("length", [2, 9])
def test_half_a_context_of_text_is_scored_in_one_pass(reader, corpus, length):
    row = corpus[3][:length]
    ids = torch.from_numpy(row.astype(np.int64))
    nats = F.cross_entropy(reader(ids[None, :-1])[0], ids[1:], reduction="sum").item()
    expected = nats / math.log(2) / text_bytes(row, corpus[0])
    assert bits_per_byte(reader, row, corpus[0], 16) == pytest.approx(expected, rel=1e-5)


def test_a_token_is_scored_with_at_least_half_a_context_before_it(reader, corpus):
    row, seen = corpus[3], []
    reader.register_forward_hook(lambda model, given, logits: seen.append(given[0].shape[1]))
    bits_per_byte(reader, row, corpus[0], 16)
    assert len(seen) == math.ceil((len(row) - 1) / 8)
    assert seen[0] == 8
    assert set(seen[1:]) == {16}


def test_every_stretch_that_is_read_begins_as_a_text_does(corpus):
    tokenizer, seen = BeginTokenizer(corpus[0].ranks), []
    row = token_row(["One, two, buckle my shoe. " * 4], tokenizer)

    def model(ids):
        seen.append(ids[0].tolist())
        return torch.zeros(*ids.shape, V + 1)

    given = [ids.tolist() for _, ids in evaluate.windows(model, row, tokenizer, 16)]
    assert [id for ids in given for id in ids] == row[1:].tolist()
    assert all(ids[0] == tokenizer.prefix[0] and len(ids) <= 16 for ids in seen)
    assert all(tokenizer.prefix[0] not in ids[1:] for ids in seen)


def test_a_string_is_read_after_what_every_text_begins_with(corpus):
    prefix, seen = BeginTokenizer(corpus[0].ranks).prefix, []

    def model(ids):
        seen.append(ids[0].tolist())
        return torch.zeros(*ids.shape, V + 1)

    assert evaluate.repetition(model, V + 1, 5, prefix) == pytest.approx((math.log(V + 1),) * 2)
    assert all(
        ids[0] == prefix[0] and max(ids[1:]) < V - 1 for ids in seen
    )  # neither the end nor the beginning
    assert {len(ids) for ids in seen} == {24}


def test_what_is_written_freely_begins_as_a_text_does(corpus):
    tokenizer, seen = BeginTokenizer(corpus[0].ranks), []
    end = tokenizer.special[END]

    def model(ids):
        seen.append(ids.tolist())
        return torch.zeros(*ids.shape, V + 1)

    texts = evaluate.free_texts(model, end, 3, 5, tokenizer.prefix)
    assert seen[0] == [[tokenizer.prefix[0]]] * 3
    assert not {end, *tokenizer.prefix} & {id for text in texts for id in text}


def test_a_model_of_short_memory_scores_the_same_with_any_context(corpus):
    model, row = Trigram(corpus[1], V), corpus[3][:200]
    bits = [bits_per_byte(model, row, corpus[0], context) for context in (4, 16, 1000)]
    assert bits == pytest.approx([bits[0]] * 3, rel=1e-5)
    assert bits[0] < math.log2(V) / 2  # the rhymes are much the same


# --- questions -----------------------------------------------------------------------------------


def test_the_probability_of_an_answer_is_that_of_all_its_tokens_together(reader):
    nats, best = evaluate.log_probability(reader, [5, 6, 7], [8, 9])
    steps = reader(torch.tensor([[5, 6, 7, 8]]))[0].log_softmax(-1)
    assert nats == pytest.approx(float(steps[2, 8] + steps[3, 9]), rel=1e-5)
    assert best == (int(steps[2].argmax()) == 8 and int(steps[3].argmax()) == 9)


@pytest.mark.parametrize(("row", "best"), [([5, 6, 7, 8], True), ([5, 6, 7, 9], False), ([5, 6, 9, 8], False)])
def test_an_answer_is_the_best_guess_if_each_of_its_tokens_is(row, best):
    assert evaluate.log_probability(knows([5, 6, 7, 8]), row[:2], row[2:])[1] is best


@pytest.fixture(params=evaluate.QUESTIONS.values())
def questions(request):
    return evaluate.questions(request.param, 100)


def test_who_knows_the_answers_is_right_and_who_knows_others_is_not(questions, tokenizer):
    for place, right in ((0, 1.0), (1, 0.0)):
        rows = [tokenizer.encode(test.prompt + test.choices[place]) for test in questions]
        score = evaluate.accuracy(knows(*rows), questions, tokenizer)
        assert (score.value, score.count) == (right, len(questions))


def test_a_constant_model_is_right_about_as_often_as_chance(questions, tokenizer):
    """It may like one word better than another, but it does not read."""
    found = []
    for seed in range(4):
        likes = torch.randn(V, generator=torch.Generator().manual_seed(seed))
        score = evaluate.accuracy(lambda ids, likes=likes: likes.expand(*ids.shape, V), questions, tokenizer)
        assert score.chance == pytest.approx(1 / len(questions[0].choices))
        found.append(score.value)
    assert np.mean(found) == pytest.approx(score.chance, abs=0.15)


def test_two_answers_that_are_equally_probable_are_not_right(tokenizer):
    question = Question("Which?", " a", (" a", " b"))
    assert not evaluate.is_right(says(), question, tokenizer)
    assert evaluate.is_right(says(*tokenizer.encode(" a")), question, tokenizer)


def test_of_more_choices_than_two_the_best_must_be_right(tokenizer):
    question = Question("Which?", "a", ("a", "b", "c"))
    [a], [b], [c] = (tokenizer.encode(choice) for choice in question.choices)
    assert evaluate.is_right(lambda ids: says(a)(ids) + says(b, size=20.0)(ids), question, tokenizer)
    assert not evaluate.is_right(lambda ids: says(c)(ids) + says(a, size=20.0)(ids), question, tokenizer)


# --- cloze ---------------------------------------------------------------------------------------


@pytest.fixture
def sentences(monkeypatch):
    """Four sentences; the last has two answers."""
    lines = [("One", ["two"]), ("Three, four, knock at the", ["door"]), ("My", ["shoe"]), ("A", ["b", "knock"])]
    monkeypatch.setattr(evaluate, "cloze_sentences", lambda: lines)
    return lines


@pytest.mark.parametrize(("guess", "best", "value"), [(1, 1, 1.0), (1, 5, 1.0), (2, 1, 0.0)])
def test_a_word_counts_if_it_is_among_the_best_guesses(sentences, tokenizer, guess, best, value):
    rows = [tokenizer.encode(f"{text} {words[-1]}") for text, words in sentences]
    assert replace(evaluate.cloze(knows(*rows, best=guess), tokenizer, best), interval=None) == Score(value, 4)


@pytest.mark.parametrize(("best", "value"), [(1, 0.0), (2, 0.0), (3, 1.0), (5, 1.0)])
def test_the_third_guess_is_among_five_but_not_among_two(monkeypatch, tokenizer, best, value):
    monkeypatch.setattr(evaluate, "cloze_sentences", lambda: [("One", ["t"])])
    assert len(tokenizer.encode(" t")) == 1
    model = knows(tokenizer.encode("One t"), best=3)
    assert evaluate.cloze(model, tokenizer, best).value == value


def test_the_rest_of_a_word_must_follow_its_beginning(sentences, tokenizer):
    rows = [tokenizer.encode(f"{text} {words[-1]}") for text, words in sentences]
    assert min(map(len, rows)) >= 2
    cut = [row[: len(tokenizer.encode(text)) + 1] for row, (text, _) in zip(rows, sentences, strict=True)]
    whole = [row == part for row, part in zip(rows, cut, strict=True)]
    assert not all(whole)
    assert evaluate.cloze(knows(*cut), tokenizer, 1).value == np.mean(whole)


def test_a_model_that_knows_other_words_fills_nothing(sentences, tokenizer):
    assert evaluate.cloze(says(*tokenizer.encode("zzz")), tokenizer, 1).value == 0


def test_the_file_has_two_hundred_sentences_and_none_twice():
    sentences = evaluate.cloze_sentences()
    assert len({text for text, _ in sentences}) == len(sentences) == 200


@pytest.mark.parametrize("line", evaluate.CLOZE.read_text("utf-8").splitlines())
def test_a_line_is_a_sentence_without_its_end_and_the_words_that_would_do(line):
    assert re.fullmatch(r"""["A-Z][^|]*[a-z'] \| [a-z]+(, [a-z]+)*""", line)
    words = line.partition(" | ")[2].split(", ")
    assert len(set(words)) == len(words)


def test_no_sentence_is_written_by_the_grammar():
    written = " ".join(english(17, 400_000)).replace("\n", " ").lower()
    for text, words in evaluate.cloze_sentences():
        last = re.split(r"(?<=[.!?]) ", text)[-1]
        sentence = last if len(last.split()) > 3 else text
        assert not [word for word in words if f"{sentence} {word}".lower() in written], text


# --- strings read twice, and roles ---------------------------------------------------------------


def test_random_strings_come_twice_and_hold_no_end():
    strings = evaluate.random_strings(50, 200, 12)
    assert strings.shape == (200, 24)
    assert torch.equal(strings[:, :12], strings[:, 12:])
    assert set(strings.unique().tolist()) == set(range(49))


def copies(ids):
    """A perfect copier: what came after the last time the token stood there."""
    logits = torch.zeros(*ids.shape, V)
    for row, out in zip(ids.tolist(), logits, strict=True):
        for t, id in enumerate(row):
            before = [s for s in range(t) if row[s] == id]
            if before:
                out[t, row[before[-1] + 1]] = 50.0
    return logits


@pytest.fixture
def strings_without_chance(monkeypatch):
    """Strings in which no token comes twice."""

    def rows(vocabulary, count, length):
        return torch.arange(length).repeat(count, 2)

    monkeypatch.setattr(evaluate, "random_strings", rows)


def test_a_perfect_copier_pays_for_a_string_once(strings_without_chance):
    """At its second time only the first token is news: where the string begins again cannot be known."""
    first, second = evaluate.repetition(copies, V, 5)
    assert first == pytest.approx(math.log(V), rel=1e-5)
    assert second <= math.log(V) / 12 + 1e-5


def test_who_cannot_copy_pays_the_same_again():
    assert evaluate.repetition(says(), V, 5) == pytest.approx((math.log(V), math.log(V)), rel=1e-5)


def test_heads_that_look_everywhere_alike_have_the_role_of_chance(strings_without_chance, corpus):
    model = decoder(torch.float32, vocabulary=V, context=64, **ROTARY)
    for block in model.blocks:
        block.attn.q.weight.zero_()
        block.attn.q.bias.zero_()
    model.tokenizer = corpus[0]
    found = evaluate.roles(model, corpus[3], count=8)
    text, twice = (np.mean([1 / (t + 1) for t in places]) for places in (range(1, 64), range(24, 48)))
    chance = {"previous token": text, "first token": text, "first token, amid a book": text}
    chance |= {"duplicate token": twice, "induction": twice}
    assert found.keys() == chance.keys()
    for role, scores in found.items():
        assert scores.mean(0).tolist() == [pytest.approx([chance[role]] * 3, rel=1e-4)] * 3
    assert evaluate.even_roles(model, corpus[3], count=8) == pytest.approx(chance, rel=1e-4)


# --- free texts ----------------------------------------------------------------------------------


def test_free_texts_go_to_their_full_length_and_never_end():
    texts = evaluate.free_texts(says(V - 1), V - 1, count=12, length=7)
    assert [len(text) for text in texts] == [7] * 12
    assert V - 1 not in {id for text in texts for id in text}


def test_free_texts_are_the_same_every_time_and_follow_the_model(reader):
    assert evaluate.free_texts(reader, V - 1, 3, 8) == evaluate.free_texts(reader, V - 1, 3, 8)
    assert evaluate.free_texts(says(41), V - 1, 3, 8) == [[41] * 8] * 3


@pytest.mark.parametrize(
    ("texts", "pairs", "again"),
    [
        (["a b a b"], 2 / 3, 0),
        (["a b", "a b"], 1 / 2, 0),
        (["a b c d a b c d"], 4 / 7, 1 / 5),
        (["a b c d", "a b c d"], 3 / 6, 0),  # another text may say the same
        (["no no no no no no"], 1 / 5, 2 / 3),
        (["Ha! ha! HA!"], 2 / 5, 1 / 3),
        (["Ha! ha! HA! ha!"], 2 / 7, 3 / 5),
        (["", "one"], 0, 0),
        ([], 0, 0),
    ],
)
def test_variety_as_worked_out_by_hand(texts, pairs, again):
    assert evaluate.variety(texts) == pytest.approx((pairs, again))


@given(texts=st.lists(st.text("ab ,", max_size=20), max_size=4))
def test_variety_is_two_shares(texts):
    assert all(0 <= share <= 1 for share in evaluate.variety(texts))


def test_samples_begin_with_their_prompts_and_are_the_same_every_time(reader):
    texts = samples(reader, ["One", "Two"], length=5)
    assert [text[:3] for text in texts] == ["One", "Two"]
    assert texts == samples(reader, ["One", "Two"], length=5)
