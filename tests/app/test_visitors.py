"""Visitors share one model and disturb neither each other nor it."""

from dataclasses import replace

import torch

from app import compute
from app.architecture import GLANCE, STEPS
from app.state import DEFAULT
from tests.app.visit import (
    fire,
    given,
    masked,
    model,
    pictures,
    press,
    tempered,
    undivided,
    view,
    visit,
    what_if,
)


def test_two_visitors_do_not_disturb_each_other():
    one, other = visit(step="scores", layer=1), visit(step="scores", prompt="a b c", layer=4)
    before = [values.copy() for _, values in pictures(other)]
    fire(one, "prompt", prompt="something else")
    fire(one, "bar", head=3)
    fire(one, "control-unscaled", change=True)
    other.run()
    assert view(other) == replace(DEFAULT, step="scores", prompt="a b c", layer=4)
    assert given(other, "prompt")["text"] == "a b c"
    assert all((now == then).all() for (_, now), then in zip(pictures(other), before, strict=True))
    mine = dict(prompt="something else", layer=1, head=3, edits=(undivided(1),))
    assert view(one) == replace(DEFAULT, step="scores", **mine)


def test_a_new_visitor_starts_from_the_default():
    fire(visit(), "prompt", prompt="mine")
    assert view(visit()) == DEFAULT


def test_walking_all_steps_with_every_what_if_leaves_the_model_as_it_was():
    at = visit(sink=1, weighted=1, **what_if(undivided(), masked("none"), tempered(2)))
    shared = compute.model(model().name)
    before = {name: value.clone() for name, value in shared.state_dict().items()}
    for step in (*GLANCE, *STEPS):
        assert not fire(at, "map", step=step).exception
    press(at, "sample")
    assert all(torch.equal(value, before[name]) for name, value in shared.state_dict().items())
    assert all(torch.equal(value, model().state_dict()[name]) for name, value in before.items())


def test_all_visitors_have_the_same_model():
    visit(), visit(prompt="b")
    assert compute.model(model().name) is compute.model(model().name)
