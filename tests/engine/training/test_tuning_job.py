"""The jobs: they tell their points one by one, the same for the same settings."""

import numpy as np
import pytest
import torch

from engine.training.jobs import KINDS, job
from engine.training.tuning import pictures, three
from engine.training.tuning.data import reviews
from engine.training.tuning.jobs import common, curves, digits, options
from engine.training.tuning.pictures import Autoencoder
from tests.engine.training.test_tuning import tiny

SETTINGS = dict(
    model="tiny", ways=["head", "lora", "all", "random"], way="lora", draws=2, steps=1, seed=0, count=8
)
SETTINGS |= dict(rate=0.001, lora_rate=0.005, rank=2, targets="attention", own=["Good."], pre=4, each=1)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(curves.engine, "load", lambda name: tiny(context=256))
    monkeypatch.setattr(curves, "COUNTS", (4, 120))
    monkeypatch.setattr(options, "PROMPT_COUNTS", (0, 1, 4))
    monkeypatch.setattr(digits, "EACH", (1, 2))
    monkeypatch.setattr(digits, "PRETRAINED", (0, 20))
    for name in ("FINE_STEPS", "VIT_STEPS", "VIT_FINE"):
        monkeypatch.setattr(pictures, name, 2)


def told(kind: str, folder, **more) -> list[dict]:
    return list(job(kind)(SETTINGS | more, folder))


def points(events) -> set:
    return {(e["way"], e["count"], e["draw"]) for e in events if e["kind"] == "point"}


def test_all_jobs_are_there():
    assert {name for name in KINDS if name.startswith("tune")} == {
        "tune",
        *(f"tune_{part}" for part in ("options", "lora", "digits", "images", "entailment")),
    }


def test_the_ends_of_a_curve_come_first():
    assert common.ends_first((4, 8, 16, 32, 64, 120)) == [120, 4, 16, 64, 8, 32]
    for count in range(9):
        assert sorted(common.ends_first(range(count))) == list(range(count))


def test_curves(tmp_path):
    events = told("tune", tmp_path)
    assert points(events) == {(way, n, d) for way in SETTINGS["ways"] for n in (4, 120) for d in (0, 1)}
    assert [e["way"] for e in events if e["kind"] == "point"][:4] == ["head"] * 4  # what is quick comes first
    assert [e["count"] for e in events if e["kind"] == "point"][4:10] == [120] * 3 + [4] * 3  # the ends first
    assert {e["way"] for e in events if e["kind"] == "forgot"} == {"before", "lora", "all"}
    assert all(len(e["right"]) == events[0]["held"] for e in events if e["kind"] == "point")
    again = told("tune", tmp_path)
    for a, b in zip(events, again, strict=True):
        assert a.keys() == b.keys()
        assert all(np.array_equal(a[name], b[name]) for name in a if name != "seconds")


def test_the_heads_of_curves_are_those_of_single_runs(tmp_path):
    (one,) = (e for e in told("tune", tmp_path, ways=["head"], draws=1) if e.get("count") == 4)
    (other,) = common.point(tiny(context=256), reviews(), common.recipe_of("head", SETTINGS, 0), 4, 0)
    assert np.array_equal(one["right"], other["right"])
    assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)


def test_options(tmp_path):
    events = told("tune_options", tmp_path)
    room = events[0]["room"]
    prompts = {(n, d) for way, n, d in points(events) if way == "prompt"}
    assert prompts == {(n, d) for n in (0, 1, 4) for d in (0, 1) if n <= room and (n or not d)}
    assert {(n, d) for way, n, d in points(events) if way == "lora"} == {(4, 0), (4, 1)}
    by_count = [
        e["cache"] for e in events if e.get("way") == "prompt" and e["kind"] == "point" and not e["draw"]
    ]
    assert by_count == sorted(by_count)


def test_adapter(tmp_path):
    events = told("tune_lora", tmp_path)
    (found,) = (e for e in events if e["kind"] == "lora")
    assert found["ok"] and len(found["names"]) == 8 and found["A.0"].shape == (2, 16)
    (own,) = (e for e in events if e["kind"] == "own")
    assert own["positive"].shape == (1,) and (tmp_path / "adapter.safetensors").exists()


def test_digits_and_images(tmp_path):
    events = told("tune_digits", tmp_path)
    assert points(events) == {(way, n, d) for way in ("pretrained", "random") for n in (10, 20) for d in (0, 1)}
    assert [e["shown"].shape for e in events if e["kind"] == "pre"] == [(10, 64)]
    assert points(told("tune_images", tmp_path)) == {("vit", n, d) for n in (0, 20) for d in (0, 1)}


@pytest.mark.parametrize("wrong", [dict(draws=0), dict(draws=99), dict(rate=1e9), dict(rank=0), dict(rank=17)])
def test_settings_that_cannot_be_are_told_at_once(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"."):
        told("tune", tmp_path, **wrong)


# --- digits, and the toy ------------------------------------------------------------------------------------


def test_the_autoencoders_loss_is_the_lectures():
    torch.manual_seed(0)
    model, x = Autoencoder(), torch.rand(3, 64)
    by_hand = sum(((x[i] - model(x)[i]) ** 2).sum() for i in range(3)) / 3
    torch.testing.assert_close(model.loss(x), by_hand)


def test_reconstruction_is_learned_and_pays(monkeypatch):
    monkeypatch.setattr(pictures, "FINE_STEPS", 200)
    found = pictures.split()
    *steps, last = pictures.pretrain(found, 0, 300)
    assert steps[-1]["held"] < 0.6 * steps[0]["held"]
    rows = found.drawn(5, 0)
    assert sorted(found.labels[rows].tolist()) == sorted(list(range(10)) * 5)
    errors = [1 - pictures.named(found, rows, 0, start, 200)[0].mean() for start in (last["model"], None)]
    assert errors[0] < errors[1]


def test_a_shifted_image_is_the_same_a_pixel_away():
    image = torch.full((1, 1, 8, 8), pictures.EMPTY)
    image[0, 0, 3:5, 3] = 1.0
    moved = pictures.shifted(image.expand(200, -1, -1, -1), torch.Generator().manual_seed(0))
    places = [(one[0] > 0).nonzero().tolist() for one in moved]
    assert all(len(two) == 2 and two[1] == [two[0][0] + 1, two[0][1]] for two in places)
    assert {tuple(two[0]) for two in places} == {(2 + y, 2 + x) for y in range(3) for x in range(3)}


@pytest.mark.parametrize("seed", range(3))
def test_three_ways_beat_guessing(seed):
    points = three.points(seed)
    found = [
        three.from_labels(points, 30),
        three.without_labels(points, seed),
        three.from_rewards(points, seed),
    ]
    for one in found:
        assert one.shares[-1] == (one.guesses == points.held_y).mean() > 0.6
    assert [one.teaching for one in found] == [30, 0, three.ROUNDS]


def test_labels_and_torch_learn_the_same():
    points = three.points(0)
    one = three.from_labels(points, 9, steps=5)
    x = torch.tensor(three.features(points.x[:9]))
    w = torch.zeros(3, 3, dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    for _ in range(5):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(x @ w, torch.tensor(points.y[:9])).backward()
        optimizer.step()
    np.testing.assert_allclose(one.weights, w.detach().numpy(), rtol=1e-9)
