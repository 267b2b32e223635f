"""Examples that a model has earned: where to look, found by measuring."""

import pytest
import torch

import engine
from engine.trace.tap import Edit
from engine.training.data.grammar import Question
from engine.training.evaluate import examples
from engine.training.evaluate import language as evaluate
from engine.training.evaluate.causes import Cause
from engine.training.evaluate.report import Score
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
    monkeypatch.setattr(examples, "_there", lambda model, test, word, row: True)
    return reader


@pytest.fixture
def none_scores(gifted):
    """No head has a role."""
    return dict.fromkeys((*examples.ROLES, "induction"), torch.zeros(3, 3))


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


def test_an_example_points_from_its_last_token_back_at_a_word_of_it(gifted, none_scores):
    found = examples.find(gifted, none_scores)
    assert [example["note"] for example in found] == [what.note for what in examples.PHENOMENA]
    for example in found:
        ids = gifted.tokenizer.encode(example["text"])
        assert example["token"] == len(ids) - 1
        assert 0 <= example["key"] <= example["token"]
        assert (example["layer"], example["head"]) < (3, 3)


def test_the_lectures_question_comes_first_where_the_model_can_answer_it(gifted, none_scores):
    texts = [example["text"] for example in examples.find(gifted, none_scores)]
    assert texts[0].endswith("because it was too tired. What was too tired? The")
    assert texts[1] == texts[0].replace("tired", "wide")
    assert texts[-1].endswith("Review: I like this movie.\nSentiment:")


def test_an_example_ships_only_where_its_answers_depend_on_heads_that_are_named(gifted, none_scores):
    half = Score(0.5, 3, (0.4, 0.6))
    known = {
        what.rule: Cause(((0, 1), (2, 0)), half, half, what.rule == "who-has") for what in examples.PHENOMENA
    }
    (example,) = examples.find(gifted, none_scores, known)
    assert example["note"] == next(what.note for what in examples.PHENOMENA if what.rule == "who-has")
    assert example["heads"] == ((0, 1), (2, 0))
    edits = [Edit(f"blocks.{layer}.attn.z", "zero", at={"H": head}) for layer, head in example["heads"]]
    shares = engine.run(gifted, example["text"], edits)["logits"][0, -1].softmax(-1)
    best = int(engine.run(gifted, example["text"])["logits"][0, -1].argmax())
    assert example["without"] == pytest.approx(float(shares[best]))
    assert example["answer"] == gifted.tokenizer.decode([best])
    assert examples.find(gifted, none_scores, {}) == []


def test_of_drawn_questions_the_one_is_taken_where_the_head_looks_hardest(gifted, none_scores):
    what = next(what for what in examples.PHENOMENA if what.rule == "who-has")
    example = examples._example(gifted, what, none_scores)
    rows = {
        test: examples._row(gifted, test, example["layer"], example["head"])
        for test in examples.questions(what.rule, 3)
    }
    looks = {test: float(row.max()) for test, row in rows.items()}
    assert len(set(looks.values())) == 3
    hardest = max(looks, key=looks.get)
    assert example["text"] == hardest.prompt
    keys = examples._places(gifted, hardest, what.word)[1]
    assert example["key"] == max(keys, key=lambda key: float(rows[hardest][key]))


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


def test_a_head_is_said_to_have_a_role_only_where_it_scores_enough(gifted, none_scores):
    what = next(what for what in examples.PHENOMENA if what.role == "induction")
    example = examples._example(gifted, what, none_scores)
    assert example["note"] == what.note
    high = none_scores | {"induction": torch.ones(3, 3)}
    assert examples._example(gifted, what, high)["note"] == f"{what.note} (induction head)"


def test_no_example_points_at_a_word_that_the_head_hardly_looks_at(reader, monkeypatch, none_scores):
    monkeypatch.undo()
    question = Question("The cat sat. A cat: the", " cat", (" cat", " mat"))
    _, keys = examples._places(reader, question, lambda test: test.answer)
    row = torch.full((12,), 0.1)
    for key, there in ((keys[0], True), (keys[0] + 1, False)):
        looks = row.clone()
        looks[key] = 0.9
        assert examples._there(reader, question, lambda test: test.answer, looks) is there


def test_what_is_left_without_a_head_is_the_models_own(reader):
    text = "Once upon a time there was"
    found = examples.without(reader, text, 1, 2, 3)
    for edits, value in (
        ((), found["before"]),
        ((Edit("blocks.1.attn.z", "zero", at={"H": 2}),), found["after"]),
    ):
        logits = engine.run(reader, text, edits)["logits"][0, 3]
        best = int(engine.run(reader, text)["logits"][0, 3].argmax())
        assert logits.softmax(-1)[best] == pytest.approx(value)
    assert found["answer"] == reader.tokenizer.decode([best])
    assert found["before"] != found["after"]
