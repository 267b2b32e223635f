"""Which heads an answer depends on: found one by one, and measured on other questions."""

import pytest
import torch
import torch.nn.functional as F

from engine.tokenize import BeginTokenizer
from engine.trace import run
from engine.training.data.grammar import Question
from engine.training.evaluate import causes
from engine.training.evaluate.language import STRING
from tests.engine.tiny import ROTARY, decoder

V = 281


@pytest.fixture(scope="module")
def model(corpus):
    """A random model of two blocks of two heads."""
    made = decoder(torch.float32, **ROTARY | dict(vocabulary=V, context=64, layers=2))
    made.tokenizer = BeginTokenizer(corpus[0].ranks)
    return made


QUESTIONS = [
    Question(f"One, two, {word}", " my", (" my", " the")) for word in ("buckle", "knock", "shoe", "door")
]


def test_heads_are_found_that_only_together_cost_enough(model):
    def cost(heads):
        return 0.2 * ((0, 1) in heads) + 0.1 * ((1, 0) in heads) + 0.4 * ({(0, 1), (1, 0)} <= set(heads))

    assert causes.found(model.config, cost, 0.5) == ((0, 1), (1, 0))
    assert causes.found(model.config, cost, 0.15) == ((0, 1),)
    assert len(causes.found(model.config, cost, 9.0)) == causes.MOST
    assert len(causes.found(model.config, cost, 9.0, most=100)) == 2 * model.config.heads


def test_the_probability_is_that_of_the_answer_without_the_heads(model):
    heads = ((0, 1), (1, 0))
    for gone in ((), heads):
        together = causes.probabilities(model, QUESTIONS, gone)
        for question, found in zip(QUESTIONS, together, strict=True):
            logits = run(model, question.prompt, causes.without(gone))["logits"][0, -1]
            answer = model.tokenizer.encode(question.answer)[1]
            assert float(found) == pytest.approx(float(logits.softmax(-1)[answer]), rel=1e-4)
    assert not torch.allclose(together, causes.probabilities(model, QUESTIONS, ()))


def test_the_loss_of_a_copy_is_of_its_second_reading(model):
    strings = torch.tensor([[V - 1, *range(STRING), *range(STRING)]])
    logits = model(strings)[0]
    expected = F.cross_entropy(logits[STRING:-1], strings[0, STRING + 1 :])
    assert float(causes.copied(model, strings, ())) == pytest.approx(float(expected), rel=1e-4)


def test_a_cause_is_measured_on_other_questions_than_it_was_found_on(model, monkeypatch):
    monkeypatch.setattr(causes, "SEARCHED", 2)
    seen = []
    true = causes.probabilities
    monkeypatch.setattr(
        causes, "probabilities", lambda model, asked, heads: seen.append(asked) or true(model, asked, heads)
    )
    cause = causes.of_answers(model, QUESTIONS)
    assert [list(asked) for asked in seen[-2:]] == [QUESTIONS[2:]] * 2
    assert all(list(asked) == QUESTIONS[:2] for asked in seen[:-2])
    assert cause.enough == (cause.before.value - cause.after.value >= causes.FALL)
    assert cause.told()["heads"] == cause.heads


def test_copies_are_asked_for_with_what_every_text_begins_with(model, monkeypatch):
    monkeypatch.setattr(causes, "SEARCHED", 2)
    cause = causes.of_copies(model, 4)
    assert cause.before.count == 2
    assert cause.enough == (cause.after.value / cause.before.value >= causes.TIMES)
