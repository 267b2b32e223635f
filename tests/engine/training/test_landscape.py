"""The loss on a plane through a model's weights, its slope, and the ways on it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import engine
from engine.training import landscape
from engine.training.landscape import TORCH, path, random_directions, slice_of, two_weights
from engine.training.optimizers import OPTIMIZERS, Settings
from tests.engine.tiny import decoder, prompt

IDS = prompt(9, seed=1)


@pytest.fixture(scope="module")
def model():
    return decoder(torch.float32, tied=True)


def moved(model, directions, a: float, b: float) -> float:
    """The loss of a copy whose weights were moved one by one."""
    twin = decoder(torch.float32, tied=True)
    with torch.no_grad():
        for name, p in twin.named_parameters():
            p.copy_(model.get_parameter(name))
            for times, d in zip((a, b), directions, strict=True):
                p += times * d.get(name, torch.zeros_like(p))
        twin.tie()
        logits = twin(torch.tensor([IDS]))[0]
    return F.cross_entropy(logits[:-1], torch.tensor(IDS[1:])).item()


@pytest.mark.parametrize("matrix", ["", "blocks.1.mlp.out.weight"])
def test_the_loss_at_a_point_is_that_of_a_model_with_these_weights(model, matrix):
    directions = two_weights(model, IDS, matrix)[0] if matrix else random_directions(model, 3)
    plane = slice_of(model, IDS, matrix, 3)
    for a, b in [(0, 0), (0.5, -0.25), (-1, 1)]:
        assert plane.loss(a, b) == pytest.approx(moved(model, directions, a, b), rel=1e-5)


def test_the_slope_is_that_of_finite_differences_and_no_weight_is_touched(model):
    before = {name: p.clone() for name, p in model.named_parameters()}
    plane, h = slice_of(model, IDS, "", 0), 1e-3
    loss, g = plane.gradient(np.array([0.3, -0.2]))
    assert loss == pytest.approx(plane.loss(0.3, -0.2))
    along = [(plane.loss(0.3 + h, -0.2) - plane.loss(0.3 - h, -0.2)) / (2 * h)]
    along.append((plane.loss(0.3, -0.2 + h) - plane.loss(0.3, -0.2 - h)) / (2 * h))
    np.testing.assert_allclose(g, along, rtol=0.02, atol=2e-3)
    assert all(torch.equal(before[name], p) for name, p in model.named_parameters())


def test_rows_of_random_directions_are_as_long_as_the_weights(model):
    first, second = random_directions(model, 5)
    for name, d in first.items():
        torch.testing.assert_close(d.norm(dim=1), model.get_parameter(name).norm(dim=1))
        assert not torch.equal(d, second[name])
    assert all(model.get_parameter(name).dim() > 1 for name in first)
    again, _ = random_directions(model, 5)
    assert all(torch.equal(d, again[name]) for name, d in first.items())


def test_two_weights_are_the_steepest(model):
    directions, places = two_weights(model, IDS, "blocks.0.attn.v.weight")
    assert [float(d["blocks.0.attn.v.weight"][at]) for d, at in zip(directions, places, strict=True)] == [1, 1]
    _, g = slice_of(model, IDS, "blocks.0.attn.v.weight", 0).gradient(np.zeros(2))
    assert abs(g[0]) >= abs(g[1]) > 0


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_way_is_torchs_on_the_same_plane(model, name):
    s, plane = Settings(0.05, decay=0.1), slice_of(model, IDS, "", 1)
    way = path(plane, name, np.array([0.4, -0.3]), 6, s)
    theirs = torch.tensor([0.4, -0.3], dtype=torch.double, requires_grad=True)
    optimizer = TORCH[name]([theirs], s)
    for _ in range(6):
        theirs.grad = torch.tensor(plane.gradient(theirs.detach().numpy())[1])
        optimizer.step()
    np.testing.assert_allclose(way.points[-1], theirs.detach(), rtol=1e-4, atol=1e-5)
    assert way.away < 1e-12 and way.points.shape == (7, 2) and len(way.losses) == len(way.gradients) == 7


def test_clipping_bounds_each_step_and_what_runs_away_ends(model):
    plane = slice_of(model, IDS, "", 1)
    way = path(plane, "sgd", np.array([0.4, -0.3]), 5, Settings(1.0), 0.01)
    assert np.hypot(*np.diff(way.points, axis=0).T).max() <= 0.01 + 1e-9
    away = path(plane, "sgd", np.array([0.4, -0.3]), 50, Settings(1e9))
    assert len(away.points) < 5


def test_the_job_tells_every_row_and_every_way_the_same_again(tmp_path, monkeypatch, model):
    monkeypatch.setattr(engine, "load", lambda name: model)
    settings = dict(model="m", ids=IDS, matrix="", seed=0, reach=0.5, rows=5, start=[0.3, 0.2], steps=3)
    settings |= dict(rate=0.05, beta1=0.9, beta2=0.99, decay=0.0, clip=0.1)
    first, second = (list(landscape.job(settings, tmp_path)) for _ in range(2))
    assert [event.get("row") for event in first[:5]] == list(range(5))
    assert [(event["path"], event["clip"]) for event in first[5:]] == [
        (name, most) for most in (0.1, 0.0) for name in OPTIMIZERS
    ]
    for a, b in zip(first, second, strict=True):
        assert all(np.array_equal(a[key], b[key]) for key in a)
    plane = slice_of(model, IDS, "", 0)
    assert first[0]["losses"][4] == pytest.approx(plane.loss(0.5, -0.5))
    assert [e for e in landscape.job(settings | {"rows": 0}, tmp_path) if "row" in e] == []
