"""Examples that a model has earned: where to look, found by measuring."""

import pytest
import torch

import engine
from engine.training import evaluate, examples
from engine.training.english import Question
from tests.engine.tiny import decoder

LOW = torch.tensor([[0.1, 0.2], [0.4, 0.3]])


@pytest.fixture
def reader(rank_tokenizer, monkeypatch):
    """A random model, and three questions of each kind."""
    model, tests = decoder(torch.float32, vocabulary=300, context=400), evaluate.questions
    model.tokenizer = rank_tokenizer
    monkeypatch.setattr(examples, "questions", lambda rule, count: tests(rule, 3))
    return model


@pytest.fixture
def gifted(reader, monkeypatch):
    """The same, taken for one that answers everything."""
    monkeypatch.setattr(examples, "_shows", lambda model, test: True)
    return reader


def test_the_best_head_is_the_highest_on_average():
    scores = torch.zeros(4, 3, 5)
    scores[0, 0, 0], scores[:, 2, 1] = 1.0, 0.5
    assert examples.best_head(scores) == (2, 1)


def test_a_model_that_shows_nothing_has_no_examples(reader):
    assert examples.find(reader, dict.fromkeys(examples.ROLES, LOW)) == []


@pytest.mark.parametrize(("role", "back"), [("previous token", lambda t: t - 1), ("first token", lambda t: 0)])
def test_a_role_is_shown_by_its_best_head_where_it_looks_hardest_if_that_scores_enough(reader, role, back):
    high = torch.tensor([[0.1, 0.2], [0.9, 0.3]])
    [example] = examples.find(reader, dict.fromkeys(examples.ROLES, LOW) | {role: high})
    assert (example["layer"], example["head"], example["key"]) == (1, 0, back(example["token"]))
    pattern = engine.run(reader, example["text"])["blocks.1.attn.pattern"][0, 0]
    later = range(len(pattern) // 2, len(pattern))
    assert pattern[example["token"], example["key"]] == max(pattern[t, back(t)] for t in later)


def test_an_example_points_from_its_last_token_back_at_a_word_of_it(gifted):
    found = examples.find(gifted, dict.fromkeys(examples.ROLES, LOW))
    assert [example["note"] for example in found] == [what.note for what in examples.PHENOMENA]
    for example in found:
        ids = gifted.tokenizer.encode(example["text"])
        assert example["token"] == len(ids) - 1
        assert 0 <= example["key"] <= example["token"]
        assert (example["layer"], example["head"]) < (3, 3)


def test_the_lectures_question_comes_first_where_the_model_can_answer_it(gifted):
    texts = [example["text"] for example in examples.find(gifted, dict.fromkeys(examples.ROLES, LOW))]
    assert texts[:2] == [examples.TIRED.format("tired"), examples.TIRED.format("wide")]
    assert examples.REVIEWS in texts


def test_of_drawn_questions_the_one_is_taken_where_the_head_looks_hardest(gifted):
    what = next(what for what in examples.PHENOMENA if what.rule == "who-has")
    example = examples._example(gifted, what)
    looks = {
        test: float(examples._weights(gifted, test, what.word)[example["layer"], example["head"]])
        for test in examples.questions(what.rule, 3)
    }
    assert len(set(looks.values())) == 3
    hardest = max(looks, key=looks.get)
    assert example["text"] == hardest.prompt
    assert example["key"] == max(examples._places(gifted, hardest, what.word)[1])


def test_the_word_that_matters_is_found_at_its_last_token_each_time_before_the_end(reader):
    question = Question("The cat sat. A cat: the cat", " cat", (" cat", " mat"))
    last, keys = examples._places(reader, question, lambda test: test.answer)
    pieces = [reader.tokenizer.bytes_of(id) for id in reader.tokenizer.encode(question.prompt)]
    assert last == len(pieces) - 1
    ends = [b"".join(pieces[: key + 1]).decode() for key in keys]
    assert ends == ["The cat", "The cat sat. A cat"]


@pytest.mark.parametrize(
    ("nats", "best", "shown"), [(-0.6, True, True), (-0.8, True, False), (-0.1, False, False)]
)
def test_a_model_shows_what_is_its_best_guess_and_probable_enough(reader, monkeypatch, nats, best, shown):
    monkeypatch.setattr(examples, "log_probability", lambda *given: (nats, best))
    assert bool(examples._shows(reader, Question("One", " two", (" two", " six")))) is shown
