"""Prompting on the page: prompts, probabilities and what is written are the engine's, and failures are told."""

import json
import math
import statistics

import pytest

import engine
from app import writing as caches
from app.views.decode.prompts import ORDERS
from engine.decode.prompting import log_probability, tasks
from tests.app.conftest import CAPTIONERS, TRANSLATORS
from tests.app.decoding import decoding
from tests.app.visit import (
    MAIN,
    bars,
    curves,
    enter,
    figure,
    fire,
    given,
    keys,
    model,
    notices,
    press,
    texts,
)
from tests.app.visit import view as view_of


def page(**link):
    at = decoding(**dict(part="prompts") | link)
    assert not at.exception
    return at


def said(at) -> str:
    return " ".join(texts(at)).replace("*", "").replace("\\", "")


def lines(at) -> list[str]:
    return [given(at, key)[1][1] for key in keys(at, "line-")]


def share(task, shots: int, seed: int, mixed: bool = False) -> tuple[float, float]:
    prompt = task.prompt(shots, seed, mixed)
    each = [math.exp(log_probability(model(), prompt, answer)) for answer in (task.question[1], *task.wrong)]
    return each[0], each[0] / sum(each)


@pytest.mark.parametrize("name, seed", [("sentiment", 0), ("question", 5)])
def test_the_curves_are_the_probabilities_of_the_right_answer(name, seed):
    drawn, task = curves(page(task=name, seed=seed), "plot-shots"), tasks()[name]
    for shots in (0, 1, len(task.demonstrations)):
        seeds = range(seed, seed + (ORDERS if shots else 1))
        own, mixed = ([share(task, shots, each, m) for each in seeds] for m in (False, True))
        for line, values in (
            ("right answer", [p for p, _ in own]),
            ("right among the choices", [s for _, s in own]),
            ("the same, answers shuffled", [s for _, s in mixed]),
        ):
            assert drawn[line][0][shots] == shots
            assert drawn[line][1][shots] == pytest.approx(statistics.median(values), rel=1e-4)


def test_the_prompt_is_shown_and_can_be_taken():
    at = page(task="dictionary", shots=2, seed=3)
    prompt = tasks()["dictionary"].prompt(2, 3)
    assert "\n".join(lines(at)).rstrip() == prompt
    at = press(at, "take this prompt")
    assert view_of(at).prompt == prompt and "button-run" not in keys(at)
    at = fire(at, "control-shots", change=0)
    assert lines(at) == ["sea otter => "] and "button-run" in keys(at)


def test_where_it_fails_is_told():
    model_ = model()
    hits = 0
    for name, task in tasks().items():
        at = page(task=name, shots=2, seed=0)
        prompt = task.prompt(2, 0)
        written = "".join(
            s.text for s in engine.generate(model_, prompt, engine.Decoding(max_tokens=16))
        ).strip()
        right, *wrong = (log_probability(model_, prompt, answer) for answer in (task.question[1], *task.wrong))
        hit = written.startswith(task.question[1])
        hits += hit
        verdict = "Wrong: " if max(wrong) >= right else "Right: " if hit else "Right among the choices, but"
        assert verdict in said(at), name
    assert f"writes the right answer to {hits} of {len(tasks())}" in said(at) and 0 < hits < len(tasks())
    drawn = figure(at, "plot-all").data[-1]
    assert (drawn.marker.opacity == 1).sum() == hits
    assert drawn.x == pytest.approx([share(task, 2, 0)[1] for task in tasks().values()], rel=1e-4)


def test_a_task_is_picked_in_the_chart_or_by_its_name():
    at = fire(page(), "plot-all", pick=4)
    assert view_of(at).task == list(tasks())[4]
    assert view_of(enter(at, "task", "poem")).task == "poem"
    assert view_of(enter(at, "mixed", True)).mixed


def test_the_cards_figures_are_told():
    rows = json.loads((MAIN.parents[1] / "assets/models/storybook/scores.json").read_text("utf-8"))["rows"]
    row = next(row for row in rows if row["name"] == "sentiment, 3 examples")
    assert f"Sentiment, 3 examples: {row['values'][0]:.1%} of {row['count']}" in said(page())
    assert "No card has a figure" in said(page(task="logic"))


def test_what_is_written_stands_side_by_side():
    at, prompt = page(task="poem", seed=7), tasks()["poem"].prompt(2, 7)
    for seed in (7, 8, 9):
        told = engine.generate(model(), prompt, engine.Decoding("sample", seed=seed, max_tokens=16))
        whole = "".join(step.text for step in told)
        shown = given(at, f"seed {seed}")
        assert [p[1] for p in shown[2:]] == [line for line in whole.split("\n") if line.strip()]


def test_demonstrations_stand_with_their_source():
    at = page(task="dictionary")
    assert len(keys(at, "excerpt-")) > 1
    assert all(given(at, key)[1][-1][1].strip("()") for key in keys(at, "excerpt-"))


@pytest.mark.parametrize("name", ["llama", "bloom", *TRANSLATORS, *CAPTIONERS, "unigram"])
def test_every_model_that_writes_is_asked_if_it_reads_a_text(family, name):
    at = page(model=name, prompt="the cat sat", task="dictionary", shots=1)
    if name in CAPTIONERS:
        assert "reads no text" in " ".join(notices(at, "info")) and "plot-all" not in keys(at)
    else:
        assert len(bars(at, "plot-all")) == len(tasks())


def test_a_large_model_is_asked_less_often(monkeypatch):
    from app.views.decode import prompts

    asked = []
    monkeypatch.setattr(prompts, "LARGE", 1000)
    answered = caches.answered
    monkeypatch.setattr(caches, "answered", lambda *given: asked.append(given) or answered(*given))
    page(task="sentiment", seed=11)
    assert {seed for name, task, shots, seed, mixed in asked} == {11}
