"""The small tasks: their answers are right, training never sees held-out questions, lessons repeat."""

import json
from dataclasses import replace
from itertools import islice

import pytest
import torch

from engine.training.tasks import TASKS, Lesson
from engine.training.tasks.__main__ import learn, main
from engine.training.tasks.batches import END, GIVEN, IGNORED
from engine.training.tasks.task import held_out

RIGHT = {
    "copy": lambda q: q,
    "reverse": lambda q: q[::-1],
    "reverse-without-positions": lambda q: q[::-1],
    "sort": lambda q: "".join(sorted(q)),
    "add": lambda q: str(sum(map(int, q.split("+")))).zfill(3),
    "brackets": lambda q: "y" if _emptied(q) == "" else "n",
    "parity": lambda q: "".join("eo"[q[:i].count("1") & 1] for i in range(1, len(q) + 1)),
    "parity-at-once": lambda q: "eo"[q.count("1") & 1],
    "count": lambda q: "".join(str(q.count(letter)).zfill(2) for letter in "abc"),
}


def _emptied(text):
    while "()" in text:
        text = text.replace("()", "")
    return text


@pytest.fixture(params=TASKS)
def task(request):
    return TASKS[request.param]


def _drawn(task, held=False, many=300):
    return list(islice(task.examples("0", held), many))


def test_answers_are_right(task):
    for question, answer in _drawn(task):
        assert answer == RIGHT[task.name](question)


def test_nothing_held_out_is_learned_from(task):
    learned = {question for question, _ in _drawn(task)}
    asked = {question for question, _ in _drawn(task, held=True)}
    assert not learned & asked
    assert all(map(held_out, asked))
    assert not any(map(held_out, learned))


def test_batches_ask_for_the_answer_and_nothing_else(task):
    batch = task.batch(replace(task.recipe, batch=8), 0)
    for row, (question, answer) in enumerate(zip(batch.questions, batch.answers, strict=True)):
        asked = "".join(task.letters[i] for i in batch.asked[row] if i != IGNORED)
        read = "".join(task.letters[i] for i in batch.ids[row])
        if task.recipe.causal:
            assert asked == answer + END
            assert read.startswith(question + GIVEN + answer)
        else:
            assert asked == answer
            assert read.startswith(question)


def test_half_of_the_brackets_are_balanced_and_half_of_the_bits_odd():
    for name in ("brackets", "parity-at-once"):
        answers = [answer for _, answer in _drawn(TASKS[name], many=2000)]
        assert 0.4 < answers.count(answers[0]) / len(answers) < 0.6
        assert Lesson(TASKS[name]).guess() == pytest.approx(0.5, abs=0.01)


def test_whoever_guesses_gets_few_of_the_other_held_out_answers_right(task):
    lesson = Lesson(task)
    assert len(lesson.held.questions) >= 200
    assert task.either or lesson.guess() < 0.05


def _small(task, **changes):
    return Lesson(task, replace(task.recipe, layers=1, heads=2, width=16, batch=8, **changes))


def test_the_same_lesson_gives_the_same_numbers(task):
    first, second = _small(task), _small(task)
    assert [first.step() for _ in range(3)] == [second.step() for _ in range(3)]
    assert first.score() == second.score()
    assert _small(task, seed=1).step() != _small(task).step()


def test_an_exact_answer_is_one_that_is_written_without_a_slip():
    """What teacher forcing calls exact is what greedy writing gives."""
    task = TASKS["copy"]
    lesson = _small(task)
    for _ in range(5):
        lesson.step()
    rows = [_written(lesson, question, answer) for question, answer in _held(lesson)]
    assert lesson.score().exact == pytest.approx(sum(rows) / len(rows))


def _held(lesson):
    return list(zip(lesson.held.questions, lesson.held.answers, strict=True))


@torch.no_grad()
def _written(lesson, question, answer):
    place = {letter: i for i, letter in enumerate(lesson.task.letters)}
    ids = [place[letter] for letter in question + GIVEN]
    for _ in answer + END:
        ids.append(int(lesson.model(torch.tensor([ids]))[0, -1].argmax()))
    return "".join(lesson.task.letters[i] for i in ids[len(question) + 1 :]) == answer + END


def test_without_positions_or_mask_the_order_of_a_word_makes_no_difference():
    """Why that task fails: whatever the weights, turning the question round turns the answer round."""
    task = TASKS["reverse-without-positions"]
    lesson = _small(task)
    for _ in range(3):
        lesson.step()
    word = torch.tensor([[3, 4, 5, 6, 7, 8, 9, 10, 3, 5]])
    with torch.no_grad():
        torch.testing.assert_close(lesson.model(word).flip(1), lesson.model(word.flip(1)))


def test_a_lesson_lowers_the_loss():
    task = TASKS["copy"]
    lesson, score = learn(replace(task, recipe=replace(task.recipe, layers=1, width=32, steps=60)), 20)
    assert lesson.done == 60
    assert score.loss < 0.9 * Lesson(task).score().loss


def test_the_command_prints_what_was_learned(capsys):
    assert main(["reverse", "--seconds", "0.1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["task"] == "reverse"
    assert {"parameters", "steps", "seconds", "loss", "accuracy", "held_out", "guess"} < set(told)
    assert main(["reverse", "--seconds", "0.1"]) == 0
    assert "held-out examples" in capsys.readouterr().out


def test_the_command_lists_the_tasks(capsys):
    assert main([]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in TASKS)
    assert main(["--json"]) == 0
    assert [row["task"] for row in json.loads(capsys.readouterr().out)] == list(TASKS)


@pytest.mark.parametrize("words", [["juggle"], ["copy", "--seconds", "nan"], ["copy", "--seconds", "-1"]])
def test_the_command_says_what_is_allowed(words, capsys):
    with pytest.raises(SystemExit):
        main(words)
    assert "from" in capsys.readouterr().err
