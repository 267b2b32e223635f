"""Learning: it falls, it is seeded, and a run that stops and goes on is the run that never stopped."""

import itertools
import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.config import Config
from engine.load.folder import build
from engine.model.build import fresh
from engine.training import train
from engine.training.mix import Mix
from engine.training.train import KEPT, Recipe, kept_steps, learn
from tests.engine.training.conftest import SMALL

SHAPE = Config(vocabulary=280, context=48, width=16, layers=2, heads=2, mlp_width=24)


@pytest.fixture(autouse=True)
def every_step_is_logged(monkeypatch):
    monkeypatch.setattr(train, "LOG_EVERY", 1)


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes one minute further whenever somebody looks at it."""
    minutes = itertools.count()
    monkeypatch.setattr(train, "time", SimpleNamespace(time=lambda: 60.0 * next(minutes)))


@pytest.fixture(scope="module")
def mix(corpus):
    """The books alone."""
    return Mix(corpus[1], None, end=279)


def log_of(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def same_weights(one, other) -> bool:
    return all(torch.equal(p, other.get_parameter(name)) for name, p in one.named_parameters())


@pytest.fixture(scope="module")
def finished(mix, tmp_path_factory):
    """A run of 12 steps without a stop: model, folder."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "LOG_EVERY", 1)
        model, done = learn(SHAPE, mix, SMALL, folder)
    assert done
    return model, folder


def test_a_run_that_stops_and_goes_on_gives_the_same_weights(mix, finished, tmp_path, clock):
    legs = 0
    done = False
    while not done:
        model, done = learn(SHAPE, mix, SMALL, tmp_path, minutes=8)
        legs += 1
    assert legs > 2
    assert same_weights(model, finished[0])
    losses = [[line["loss"] for line in log_of(folder)] for folder in (tmp_path, finished[1])]
    assert losses[0] == losses[1]


def test_no_time_means_no_step(mix, tmp_path):
    model, done = learn(SHAPE, mix, SMALL, tmp_path, minutes=0)
    assert not done
    assert same_weights(model, fresh(SHAPE, SMALL.seed))


def test_a_finished_run_stays_as_it_is(mix, finished):
    model, done = learn(SHAPE, mix, SMALL, finished[1])
    assert done
    assert same_weights(model, finished[0])


def test_a_run_goes_on_only_with_its_own_recipe(mix, finished):
    with pytest.raises(ValueError, match="started with another recipe"):
        learn(SHAPE, mix, replace(SMALL, seed=1), finished[1])


def test_the_log_tells_steps_tokens_and_loss(finished):
    log = log_of(finished[1])
    assert [line["step"] for line in log] == list(range(1, 13))
    assert [line["tokens"] for line in log] == [step * 4 * 48 for step in range(1, 13)]
    assert log[0]["loss"] == pytest.approx(math.log(280), rel=0.1)  # a fresh model knows nothing


def test_loss_falls_on_a_text_that_repeats_itself(tmp_path):
    row = np.tile(np.arange(10, 18, dtype=np.uint16), 40)
    recipe = Recipe(tokens=60 * 4 * 16, batch=4, warm_up=5)
    shape = Config(vocabulary=20, context=16, width=16, layers=1, heads=2, mlp_width=16)
    learn(shape, Mix(row, None, end=19), recipe, tmp_path)
    log = log_of(tmp_path)
    assert log[0]["loss"] > 2.5
    assert log[-1]["loss"] < math.log(8) / 2  # eight tokens are in it


def test_the_state_is_never_pickled(finished):
    names = {file.name for file in finished[1].iterdir()}
    assert names == {"state.safetensors", "progress.json", "log.jsonl", "kept"}
    assert {file.suffix for file in (finished[1] / "kept").iterdir()} == {".safetensors"}


@pytest.mark.parametrize("steps", [1, 12, 300, 9_765])
def test_models_are_kept_from_the_first_step_on_each_some_part_later_than_the_one_before(steps):
    kept = sorted(kept_steps(steps))
    assert kept[0] == 1
    assert kept[-1] <= steps
    assert len(kept) <= KEPT
    late = [step for step in kept if step > 20]
    assert all(1.2 < b / a < 1.6 for a, b in itertools.pairwise(late))


def test_a_model_that_was_kept_is_the_run_of_that_many_steps_in_float16(mix, finished, tmp_path, clock):
    files = sorted((finished[1] / "kept").iterdir())
    assert {int(file.stem) for file in files} == kept_steps(12)
    model, _ = learn(SHAPE, mix, SMALL, tmp_path, minutes=8)
    [file] = [file for file in files if int(file.stem) == log_of(tmp_path)[-1]["step"]]
    then = build(SHAPE, load_file(file), file.name)
    for name, parameter in model.named_parameters():
        assert torch.equal(then.get_parameter(name), parameter.half().float()), name


def test_the_rate_rises_holds_and_falls_to_nothing():
    recipe = Recipe(warm_up=10, cool_down=0.5)
    shares = [recipe.rate_at(step, 100) for step in range(101)]
    assert shares[0] == pytest.approx(0.1)
    assert shares[10:50] == [1.0] * 40
    assert shares[50:] == sorted(shares[50:], reverse=True)
    assert shares[100] == 0


def test_a_recipe_has_as_many_steps_as_its_tokens_fill():
    assert SMALL.steps(48) == 12
    assert Recipe(tokens=1).steps(48) == 1
