"""Learning: it falls, it is seeded, and a run that stops and goes on is the run that never stopped."""

import itertools
import json
import math
import os
import signal
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.config import Config
from engine.load.folder import build
from engine.training import learn as module
from engine.training.data.mix import Mix
from engine.training.learn import KEPT, Recipe, kept_steps, learn
from tests.engine.training.conftest import SMALL

SHAPE = Config(vocabulary=280, context=48, width=16, layers=2, heads=2, mlp_width=24)


@pytest.fixture(autouse=True)
def every_step_is_logged(monkeypatch):
    monkeypatch.setattr(module, "LOG_EVERY", 1)


@pytest.fixture
def clock(monkeypatch):
    """A clock by which every look at it takes a second."""
    seconds = itertools.count()
    times = dict(monotonic=lambda: float(next(seconds)), time=lambda: 0.0, localtime=lambda t: None)
    monkeypatch.setattr(module, "time", SimpleNamespace(**times, strftime=lambda *given: "soon"))


@pytest.fixture(scope="module")
def mix(corpus):
    """The books alone."""
    return Mix(corpus[1], None, end=279)


@pytest.fixture(scope="module")
def held(corpus):
    """The books that are held out."""
    return Mix(corpus[3], None, end=279)


class Broken:
    """Batches of which one, the `step`-th, does what `how` does before it is drawn."""

    loss = staticmethod(Mix.loss)

    def __init__(self, data, step: int, how):
        self.data, self.step, self.how = data, step, how

    def batch(self, seed, step, count, context):
        if step == self.step:
            self.step = None
            self.how()
        return self.data.batch(seed, step, count, context)


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def power_cut():
    raise MemoryError


def log_of(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def same_weights(one, other) -> bool:
    return all(torch.equal(p, other.get_parameter(name)) for name, p in one.named_parameters())


def told(folder) -> list[dict]:
    """The log without what depends on the machine."""
    return [{name: line[name] for name in ("step", "tokens", "loss", "validation")} for line in log_of(folder)]


@pytest.fixture(scope="module")
def finished(mix, held, tmp_path_factory):
    """A run of 12 steps without a stop: model, folder."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LOG_EVERY", 1)
        model, done = learn(SHAPE, mix, held, SMALL, folder)
    assert done
    return model, folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_and_goes_on_is_the_run_that_never_stopped(mix, held, finished, tmp_path, number):
    before = signal.getsignal(number)
    broken = Broken(mix, 5, lambda: os.kill(os.getpid(), number))
    model, done = learn(SHAPE, broken, held, SMALL, tmp_path)
    assert not done
    assert [line["step"] for line in log_of(tmp_path)] == [1, 2, 3, 4, 5, 6]  # the step ends, nothing is lost
    assert signal.getsignal(number) == before
    model, done = learn(SHAPE, mix, held, SMALL, tmp_path)
    assert done
    assert same_weights(model, finished[0])
    assert told(tmp_path) == told(finished[1])


def test_what_is_dropped_depends_on_the_step_alone_and_nothing_is_dropped_afterwards(mix, held, tmp_path):
    shape, noisy = replace(SHAPE, layers=1), replace(SMALL, dropout=0.3)
    whole, _ = learn(shape, mix, held, noisy, tmp_path / "whole")
    ids = mix.batch(0, 0, 2, 47)[0]
    assert torch.equal(whole(ids), whole(ids))
    learn(shape, Broken(mix, 5, ctrl_c), held, noisy, tmp_path / "parts")
    again, done = learn(shape, mix, held, noisy, tmp_path / "parts")
    assert done and same_weights(whole, again)
    assert told(tmp_path / "whole") == told(tmp_path / "parts")
    plain, _ = learn(shape, mix, held, SMALL, tmp_path / "plain")
    assert not same_weights(whole, plain)


def test_after_a_power_cut_steps_are_taken_again_and_logged_once(mix, held, finished, tmp_path, monkeypatch):
    saves = itertools.count()
    save, every_fourth = module.Run.save, lambda run: next(saves) % 4 == 3 and save(run)
    monkeypatch.setattr(module, "SAVE_EVERY", -1.0)
    monkeypatch.setattr(module.Run, "save", every_fourth)
    with pytest.raises(MemoryError):
        learn(SHAPE, Broken(mix, 6, power_cut), held, SMALL, tmp_path)
    assert [line["step"] for line in log_of(tmp_path)] == [1, 2, 3, 4, 5, 6]  # of which four were saved
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 7, "tok')
    monkeypatch.setattr(module.Run, "save", save)
    model, done = learn(SHAPE, mix, held, SMALL, tmp_path)
    assert done and same_weights(model, finished[0])
    assert told(tmp_path) == told(finished[1])


def test_a_second_ctrl_c_stops_at_once(mix, held, tmp_path):
    def twice():
        ctrl_c()
        ctrl_c()

    with pytest.raises(KeyboardInterrupt):
        learn(SHAPE, Broken(mix, 3, twice), held, SMALL, tmp_path)


def test_a_state_is_saved_every_ten_seconds(mix, held, tmp_path, clock, monkeypatch):
    saved = []
    save = module.Run.save
    monkeypatch.setattr(module.Run, "save", lambda run: (saved.append(run.seconds), save(run)))
    learn(SHAPE, mix, held, SMALL, tmp_path)
    assert max(b - a for a, b in itertools.pairwise([0.0, *saved])) <= 2 * module.SAVE_EVERY
    assert len(saved) > 2


def test_a_run_ends_in_the_time_given_with_its_rates_down(mix, held, tmp_path, clock):
    long = replace(SMALL, tokens=1000 * 4 * 48)
    run = module.Run(SHAPE, mix, held, long, tmp_path, minutes=4.0)
    rates = []
    while run.step < run.steps:
        run.take_step()
        rates.append(run.optimizers[0].param_groups[0]["lr"] / long.rate)
    assert run.steps < 1000
    assert run.seconds == pytest.approx(240, abs=10)
    assert rates[len(rates) // 3] == 1
    assert rates[-1] < 0.1


def test_a_run_for_which_there_is_time_takes_all_its_steps(mix, held, finished, tmp_path):
    model, done = learn(SHAPE, mix, held, SMALL, tmp_path, minutes=60)
    assert done and same_weights(model, finished[0])


def test_no_time_is_too_short_for_a_model(mix, held, tmp_path):
    _, done = learn(SHAPE, mix, held, replace(SMALL, tokens=10**9), tmp_path, minutes=1e-6)
    assert done
    assert 1 <= log_of(tmp_path)[-1]["step"] <= 6


def test_a_timed_run_that_was_stopped_while_its_rates_fell_keeps_to_its_steps(mix, held, tmp_path, clock):
    long = replace(SMALL, tokens=1000 * 4 * 48)
    run = module.Run(SHAPE, mix, held, long, tmp_path, minutes=4.0)
    while not run.fixed:
        run.take_step()
    run.take_step()
    run.save()
    again = module.Run(SHAPE, mix, held, long, tmp_path, minutes=4.0)
    assert (again.step, again.steps, again.fixed) == (run.step, run.steps, True)
    again.take_step()
    assert again.steps == run.steps


def test_a_finished_run_stays_as_it_is(mix, held, finished):
    model, done = learn(SHAPE, mix, held, SMALL, finished[1])
    assert done
    assert same_weights(model, finished[0])


def test_a_run_goes_on_only_with_its_own_recipe(mix, held, finished):
    with pytest.raises(ValueError, match="begun with another recipe"):
        learn(SHAPE, mix, held, replace(SMALL, seed=1), finished[1])


def test_the_log_tells_steps_tokens_and_loss(finished):
    log = log_of(finished[1])
    assert [line["step"] for line in log] == list(range(1, 13))
    assert [line["tokens"] for line in log] == [step * 4 * 48 for step in range(1, 13)]
    assert log[0]["loss"] == pytest.approx(math.log(280), rel=0.1)  # a fresh model knows nothing
    assert all(line["seconds"] >= 0 for line in log)


def test_the_validation_loss_is_that_of_held_out_batches(mix, held, finished):
    model, folder = finished
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        losses = [held.loss(model, *held.batch(0, i, 4, 48)).item() for i in range(module.CHECKED)]
    assert log_of(folder)[-1]["validation"] == pytest.approx(sum(losses) / len(losses), abs=1e-3)


def test_looking_at_what_is_held_out_changes_nothing(mix, finished, tmp_path):
    model, _ = learn(SHAPE, mix, None, SMALL, tmp_path)
    assert same_weights(model, finished[0])
    assert "validation" not in log_of(tmp_path)[-1]


def test_loss_falls_on_a_text_that_repeats_itself(tmp_path):
    row = np.tile(np.arange(10, 18, dtype=np.uint16), 40)
    recipe = Recipe(tokens=60 * 4 * 16, batch=4, warm_up=5)
    shape = Config(vocabulary=20, context=16, width=16, layers=1, heads=2, mlp_width=16)
    learn(shape, Mix(row, None, end=19), None, recipe, tmp_path)
    log = log_of(tmp_path)
    assert log[0]["loss"] > 2.5
    assert log[-1]["loss"] < math.log(8) / 2  # eight tokens are in it


def test_the_state_is_never_pickled(finished):
    names = {file.name for file in finished[1].iterdir()}
    assert names == {"state.safetensors", "log.jsonl", "kept"}
    assert {file.suffix for file in (finished[1] / "kept").iterdir()} == {".safetensors"}


@pytest.mark.parametrize("steps", [1, 12, 300, 9_765])
def test_models_are_kept_from_the_first_step_on_each_some_part_later_than_the_one_before(steps):
    kept = sorted(kept_steps(steps))
    assert kept[0] == 1
    assert kept[-1] <= steps
    assert len(kept) <= KEPT
    late = [step for step in kept if step > 20]
    assert all(1.2 < b / a < 1.6 for a, b in itertools.pairwise(late))


def test_a_model_that_was_kept_is_the_run_of_that_many_steps_in_float16(mix, held, finished, tmp_path):
    files = sorted((finished[1] / "kept").iterdir())
    assert {int(file.stem) for file in files} == kept_steps(12)
    steps = int(files[-1].stem)
    model, _ = learn(SHAPE, Broken(mix, steps - 1, ctrl_c), held, SMALL, tmp_path)
    then = build(SHAPE, load_file(files[-1]), files[-1].name)
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
