"""Before and after: what is shown is what the jobs told, with baselines; what is wrong is said."""

import re

import numpy as np
import pytest

from app import jobs
from app.text import say
from app.views.train.tune.charts import points, rules
from app.views.train.tune.settings import PARTS
from engine.training.tuning import three
from engine.training.tuning.data import reviews
from tests.app.visit import MAIN, curves, enter, fire, given, keys, notices, tensors, texts, view, visit


def page(tune: str = ""):
    at = visit(train="tune", tune=tune)
    at.switch_page(str(MAIN.parent / "views" / "train" / "page.py")).run()
    assert not at.exception
    return at


def answers(share: float, seed: int = 0, n: int = 80) -> np.ndarray:
    return (np.random.default_rng(seed).random(n) < share).astype(np.uint8)


def told(monkeypatch, kind: str, *events: dict) -> None:
    """The visitor has a job of this kind that has told this."""
    one = jobs.Running("", kind, {}, MAIN, state="done", events=list(events))
    monkeypatch.setattr(jobs, "mine", lambda: one)


SETUP = {"kind": "setup", "model": "storybook", "held": 80, "draws": 1, "room": 9, "context": 256}
SETUP |= {"numbers": {"head": 386, "lora": 18_818, "all": 4_242_818, "random": 4_242_818}, "own": []}


def point(way: str, count: int, share: float, draw: int = 0, **more) -> dict:
    told = {"kind": "point", "way": way, "count": count, "draw": draw, "right": answers(share, count + draw)}
    return told | {"seconds": 1.5, "memory": 17_000_000, "numbers": 386, "loss": 0.1} | more


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_drawn(part):
    at = page(f"part={part}")
    assert say("tune", f"part/{part}") in str(given(at, "control-tune.part")["options"])
    assert notices(at) == [] and keys(at, "plot-")


def test_the_simplest_rules_stand_there_before_anything_runs():
    at = page()
    shown = {name: y for name, (_, y) in curves(at, "plot-ways").items()}
    of = rules("reviews", (4, 8, 16, 32, 64, 120), 1)
    np.testing.assert_allclose(shown["bag of words"], [one.share for one in of["words"]])
    assert set(shown) == {"bag of words", "commonest label"}
    table = " ".join(texts(at))
    assert "4.24M" in table and "386" in table and "18.8K" in table


def test_curves_are_what_the_job_told(monkeypatch):
    events = [SETUP, point("head", 4, 0.5), point("head", 120, 0.7), point("all", 120, 0.9)]
    told(monkeypatch, "tune", *events)
    assert "point by point" in " ".join(texts(page()))  # no verdict before all four have come as far
    events += [point("lora", 120, 0.7), point("random", 120, 0.5)]
    events += [{"kind": "forgot", "way": "before", "bits": 1.44, "bytes": 3870}]
    events += [{"kind": "forgot", "way": "all", "bits": 2.44, "bytes": 3870}]
    told(monkeypatch, "tune", *events)
    at = page()
    shown = {name: y for name, (_, y) in curves(at, "plot-ways").items()}
    assert shown["head only"] == [events[1]["right"].mean(), events[2]["right"].mean()]
    (one,) = points(events, "all", "reviews")
    assert one.low < one.share < one.high and one.held == 80
    words = " ".join(texts(at))
    assert one.told in words and "all weights" in words and "divided by 2.00" in words
    assert "The reading has paid" in words


@pytest.mark.parametrize(
    ("share", "says"),
    [(0.9, "reading has paid"), (0.55, "do not show what the reading is worth"), (0.1, "reading has not paid")],
)
def test_what_the_reading_is_worth_follows_from_the_numbers(monkeypatch, share, says):
    told(
        monkeypatch,
        "tune",
        SETUP,
        *(point(way, 120, 0.5) for way in ("head", "lora", "random")),
        point("all", 120, share),
    )
    assert says in " ".join(texts(page()))


@pytest.mark.parametrize(
    ("none", "most", "says"),
    [(0.3, 0.98, "does better than that rule"), (0.6, 0.6, "do not settle it"), (0.6, 0.2, "has done harm")],
)
def test_what_other_images_are_worth_follows_from_the_numbers(monkeypatch, none, most, says):
    setup = {"kind": "setup", "held": 187, "draws": 1, "each": 2}
    events = [setup, point("vit", 700, most)]
    events[1]["right"] = answers(most, 1, 187)
    told(monkeypatch, "tune_images", *events)
    assert "Without pre-training" not in " ".join(texts(page("part=images")))
    first = point("vit", 0, none) | {"right": answers(none, 2, 187)}
    told(monkeypatch, "tune_images", *events, first)
    words = " ".join(texts(page("part=images")))
    assert says in words and ("simple rule is hard to beat" in words) == (most < 0.7)


def test_draws_are_joined_and_narrow_nothing_away():
    events = [point("lora", 16, 0.7, draw) for draw in range(3)]
    (one,) = points(events, "lora", "reviews")
    assert one.share == pytest.approx(np.mean([e["right"].mean() for e in events])) and one.draws == 3


@pytest.mark.parametrize(("share", "says"), [(0.5, "learns nothing from its prompt"), (0.95, "no such limit")])
def test_a_prompt_that_teaches_nothing_is_told(monkeypatch, share, says):
    told(monkeypatch, "tune_options", SETUP, point("prompt", 0, share), point("lora", 4, 0.6))
    at = page("part=options")
    assert says in " ".join(texts(at)) and {"seconds", "memory"} <= {key[5:] for key in keys(at, "plot-")}


@pytest.mark.parametrize(
    ("count", "says"), [(17, "no better than chance"), (28, "understands more"), (57, "above the best rule")]
)
def test_entailment_is_told_as_it_came_out(monkeypatch, count, says):
    right = (np.random.default_rng(1).permutation(57) < count).astype(np.uint8)
    one = point("all", 87, 1) | {"right": right, "shares": np.full((57, 3), 1 / 3)}
    later = one | {"count": 12, "shares": np.eye(3)[np.zeros(57, int)]}
    told(monkeypatch, "tune_entailment", SETUP, one, later)
    at = page("part=entailment")
    assert says in " ".join(texts(at)) and "87 pairs" in given(at, "plot-answer")["title"]


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_digits_are_told_as_they_came_out(monkeypatch, share):
    shown = {"kind": "pre", "step": 50, "steps": 50, "loss": 4.0, "held": 3.0, "shown": np.zeros((10, 64))}
    each = [
        point(way, n, share) | {"right": answers(share, n, 360)}
        for n in (10, 500)
        for way in ("pretrained", "random")
    ]
    told(monkeypatch, "tune_digits", SETUP, shown, *each)
    at = page("part=digits")
    assert "With 500 labelled images" in " ".join(texts(at)) and "matrix-digits-shown" in keys(at, "matrix-")


def test_lora_shows_what_is_added_and_its_light(monkeypatch):
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 16)).astype(np.float32), draw.normal(size=(12, 2)).astype(np.float32)
    found = {"kind": "lora", "names": ["blocks.0.attn.q"], "sizes": [0.1], "A.0": a, "B.0": b, "scale": 8.0}
    found |= {"singular.0": np.linalg.svd(8 * b @ a)[1], "ok": True, "apart": 1e-6, "size": 1.0}
    told(monkeypatch, "tune_lora", SETUP, found, point("lora", 120, 0.8))
    at = page("part=lora")
    assert given(at, "matrix-delta")["light"]["ok"] and given(at, "matrix-delta")["foot"] == "[12, 16]"
    ((_, y),) = curves(at, "plot-singular").values()
    assert min(y[:2]) > 0.1 and max(map(abs, y[2:])) < 1e-4
    np.testing.assert_allclose(tensors(at)["lora-delta"][0], 8 * b @ a, rtol=1e-5)
    told(monkeypatch, "tune_lora", SETUP, found | {"ok": False})
    assert not given(page("part=lora"), "matrix-delta")["light"]["ok"]


@pytest.mark.parametrize(
    ("tune", "says"),
    [
        ("rate=1000000000", "learning rate is a number above 0"),
        ("rate=fast", "“fast” is not one"),
        ("rate=nan", "“nan” is not one"),
        ("lora_rate=-1", "“-1” is not one"),
        ("part=lora,rank=0", "The rank is 0"),
        ("part=lora,rank=193", "from 1 to 192"),
        ("part=lora,rank=two", "A rank is a whole number"),
    ],
)
def test_what_cannot_be_used_is_told_and_kept(tune, says):
    at = page(tune)
    assert any(says in re.sub(r"\\", "", notice) for notice in notices(at)), notices(at)
    assert given(at, "button-job-start")["disabled"]
    assert tune.split("=")[-1] in view(at).tune


def test_no_review_of_ones_own_is_told():
    assert "no review of your own yet" in " ".join(texts(page("part=lora")))


def test_a_part_and_a_setting_are_kept_in_the_link():
    at = page()
    fire(at, "control-tune.part", change="lora")
    enter(at, "tune.rank", "8")
    assert view(at).tune == "part=lora,rank=8"
    assert "rank 8" in " ".join(texts(at))


def test_three_ways_show_the_engines_numbers():
    at = page("part=three,labels=30,seed=4")
    one = three.from_labels(three.points(4), 30)
    ((_, y),) = curves(at, "plot-curve-labels").values()
    np.testing.assert_allclose(y, one.shares)
    assert f"{one.shares[-1]:.0%}" in " ".join(texts(at))


def test_the_script_to_take_along_is_python():
    for part in ("ways", "options", "lora", "digits", "images", "entailment"):
        at = page(f"part={part}")
        script = given(at, f"take-{part}")["text"]
        compile(script, part, "exec")
        assert "engine.training.jobs import job" in script


def test_samples_are_reviews():
    few = {one.text for one in reviews().train}
    shown = str(given(page(), "samples-ways"))
    assert sum(text in shown for text in few) >= 4
