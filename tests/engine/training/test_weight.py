"""One weight of one step by hand: both routes agree, and every deliberate fault in the step is seen."""

import math

import pytest
import torch

from engine.training.tasks import TASKS, Lesson, Recipe, lesson, weight
from engine.training.tasks.task import OPTIMIZERS

SMALL = dict(layers=2, heads=2, width=16, batch=8, rate=0.01, decay=0.1)
NAMES = (
    "blocks.1.attn.q.weight",
    "embed.token.weight",
    "blocks.0.mlp.out.bias",
    "logits.weight",
    "final_norm.weight",
)


def at_step(steps: int, **changes) -> Lesson:
    one = Lesson(TASKS["copy"], Recipe(**SMALL | changes))
    for _ in range(steps):
        one.step()
    return one


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_by_hand_and_by_torch_agree(optimizer):
    one = at_step(0, optimizer=optimizer)
    for _ in range(3):
        for name in NAMES:
            found = weight.work(one, name, weight.steepest(one, name))
            assert found.ok and found.value != found.before, name
            assert abs(found.value - found.told) < 1e-3 * abs(found.told - found.before) + 1e-7
        one.step()
        one.change_rate(0.02)


def test_the_lesson_stays_as_it_is():
    one = at_step(2)
    before = [p.detach().clone() for p in one.model.parameters()]
    weight.work(one, NAMES[0], (0, 0))
    assert one.done == 2 and all(torch.equal(a, b) for a, b in zip(before, one.model.parameters(), strict=True))


@pytest.mark.parametrize("at", [(0,), (0, 99), (0, -1), ()])
def test_a_weight_that_is_not_there_is_a_sentence(at):
    with pytest.raises(ValueError, match="there is no weight"):
        weight.work(at_step(0), NAMES[0], at)
    with pytest.raises(ValueError, match="there is no weight"):
        weight.work(at_step(0), "nothing", (0, 0))


def _groups(**changed):
    """The optimizer with other settings than those that it is to have."""

    def change(patch, one):
        for group in one.optimizer.param_groups:
            group.update(changed)

    return change


def _state(key, times):
    def change(patch, one):
        for state in one.optimizer.state.values():
            state[key].mul_(times)

    return change


def _rate(patch, one):
    patch.setattr(Lesson, "rate", lambda self: self.peak * 1.01)


def _short(patch, one):
    patch.setattr(lesson, "LONGEST", 0.1)


FAULTS = {
    "another mean": _groups(betas=(0.8, 0.98)),
    "another mean of squares": _groups(betas=(0.9, 0.9)),
    "no decay": _groups(weight_decay=0.0),
    "more decay": _groups(weight_decay=0.2),
    "the rate without its schedule": _rate,
    "gradients too short": _short,
    "the wrong way": _groups(maximize=True),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_step_turns_the_light_red(name, monkeypatch):
    one = at_step(3, optimizer="adamw")
    place = weight.steepest(one, NAMES[1])
    assert weight.work(one, NAMES[1], place).ok
    FAULTS[name](monkeypatch, one)
    assert not weight.work(one, NAMES[1], place).ok


@pytest.mark.parametrize(
    ("optimizer", "change"),
    [
        ("momentum", _groups(momentum=0.8)),
        ("momentum", _groups(nesterov=True)),
        ("sgd", _groups(weight_decay=0.1)),
    ],
)
def test_a_fault_of_the_other_optimizers_too(optimizer, change, monkeypatch):
    one = at_step(3, optimizer=optimizer)
    place = weight.steepest(one, NAMES[1])
    assert weight.work(one, NAMES[1], place).ok
    change(monkeypatch, one)
    assert not weight.work(one, NAMES[1], place).ok


def test_a_wrong_gradient_turns_the_light_red(monkeypatch):
    one = at_step(2)
    place = weight.steepest(one, NAMES[1])
    real = weight.mean_loss
    monkeypatch.setattr(weight, "mean_loss", lambda logits, asked: 1.01 * real(logits, asked))
    assert not weight.work(one, NAMES[1], place).ok


def test_its_lines_are_worked_from_their_own_numbers():
    found = weight.work(at_step(4), NAMES[0], (1, 2))
    line = {one.name: one.value for one in found.lines}
    assert line["shortened"] == pytest.approx(line["length"] * line["gradient"])
    new = found.before * (1 - line["rate"] * 0.1) - line["rate"] * line["m_hat"] / (
        math.sqrt(line["v_hat"]) + 1e-8
    )
    assert line["new"] == pytest.approx(new)
