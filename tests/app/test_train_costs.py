"""What it costs: the numbers are the engine's, what is typed wrong is told and kept, links hold it all."""

from dataclasses import replace

import numpy as np
import pytest

import engine
from app import jobs, settings
from app.text import say
from app.views.train.costs import ways
from app.views.train.costs.settings import DECODERS, PARTS, Costs, number_of
from app.views.train.costs.shown import scientific
from engine.training.costs import SHAPES, Plan, memory_of, runs
from engine.training.jobs import job as job_of
from engine.training.landscape import path, slice_of
from engine.training.optimizers import OPTIMIZERS, Settings
from tests.app.visit import (
    MAIN,
    curves,
    enter,
    figure,
    fire,
    formulas,
    given,
    keys,
    notices,
    parts,
    press,
    rows_of,
    texts,
    view,
    visit,
)
from tests.hostile import HOSTILE


def page(**what):
    """The page with these settings."""
    at = visit(train="costs", costs=settings.write(Costs(**what)))
    at.switch_page(str(MAIN.parent / "views" / "train" / "page.py")).run()
    assert not at.exception
    return at


def tables(at) -> list[list[list[str]]]:
    return [rows for part in parts(at) if (rows := rows_of(part))]


def light(at) -> dict:
    """The light of the step by hand."""
    return given(at, "light-step")


def now(at) -> Costs:
    return settings.parse(Costs, view(at).costs)[0]


@pytest.mark.parametrize("part", PARTS)
def test_every_part_shows_a_picture_or_numbers(part):
    at = page(part=part)
    assert notices(at) == [] and (keys(at, "plot-") or tables(at))


PLAN = Plan(2048, 8, True, filled=0.75, dynamic=True, parts=8, checkpoints=True, stage=3, devices=64)


# --- memory ----------------------------------------------------------------------------------------


def test_the_bars_are_the_engines_bytes():
    at = page()
    ladder = [memory_of(SHAPES["GPT-3"], each) for _, each in ways.ladder(PLAN)]
    drawn = {trace.name: trace.x.tolist() for trace in figure(at, "plot-ladder").data}
    assert drawn["weights"] == pytest.approx([one.weights / 1e9 for one in ladder])
    assert drawn["activations"] == pytest.approx([one.activations / 1e9 for one in ladder])
    assert sum(x[-1] for x in drawn.values()) == pytest.approx(ladder[-1].total / 1e9)
    assert ladder[0].total > 50 * ladder[-1].total and "fits into" in " ".join(texts(at))


def test_a_switch_changes_the_numbers_and_its_row_says_by_how_much():
    at = page()
    rows = {row[0]: row for row in next(rows for rows in tables(at) if rows[0][0] == "way")}
    enter(at, "costs.checkpoints", False)
    on, off = (memory_of(SHAPES["GPT-3"], replace(PLAN, checkpoints=x)).total for x in (True, False))
    assert (
        rows["checkpointing"][1:3] == ["on", f"{(off - on) / 1e9:.1f} GB"]
        and "+33%" in rows["checkpointing"][3]
    )
    assert not now(at).checkpoints and "too much" in " ".join(texts(at))
    rows = {row[0]: row for row in next(rows for rows in tables(at) if rows[0][0] == "way")}
    assert rows["checkpointing"][1] == "off"


@pytest.mark.parametrize(
    "typed",
    ["0", "-3", "1e300", "nan", "inf", "10³⁰⁰", "x", "2.5", "--1", "1e999999", *list(HOSTILE.values())[:6]],
)
def test_what_cannot_be_used_is_told_and_kept(typed):
    typed = typed[:24]
    at = page()
    enter(at, "costs.devices", typed)
    assert not at.exception and now(at).devices == typed
    said = " ".join(notices(at))
    assert "Devices" in said and "allowed is a number from 1" in said and "64 counts" in said
    assert len(figure(at, "plot-ladder").data) == 5


@pytest.mark.parametrize(
    ("text", "value"),
    [("1024", 1024), ("1e3", 1000), ("175B", 175e9), ("1,000", 1000), (" 2K ", 2000), ("+5", 5)],
)
def test_numbers_are_read_as_people_write_them(text, value):
    assert number_of(text, 1, 1e12, True) == (value, "")


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (dict(shape="own", width="100", heads="7"), "cannot be divided among 7 heads"),
        (dict(parts="9"), "cannot be read in 9 parts"),
        (dict(split="7"), "choose a divisor"),
    ],
)
def test_what_does_not_go_together_is_told(what, says):
    at = page(**what)
    assert says in " ".join(notices(at)) and figure(at, "plot-ladder").data


@pytest.mark.parametrize("shape", [*SHAPES, *DECODERS, "own"])
def test_every_shape_and_way_has_numbers(shape):
    at = page(shape=shape, offload="everything", rank="8", optimizer="adam8", fused=False, stage="0")
    assert notices(at) == [] and len(tables(at)) == 2


def test_the_formulas_beside_torch_do_not_differ():
    at = page(small="bookworm")
    fire(at, "costs-measured", toggle=True)
    rows = next(rows for rows in tables(at) if "by torch" in rows[0][2])
    assert len(rows) == 6 and {row[3] for row in rows[1:]} == {"0"}
    model = engine.load("bookworm")
    assert rows[1][2] == f"{sum(4 * p.numel() for p in model.parameters()):,}"


# --- optimizers ------------------------------------------------------------------------------------

SMALL = dict(part="optimizers", rows=5, steps=4, model="bookworm")


@pytest.fixture
def job(monkeypatch, tmp_path):
    """A job that runs at once, in this process, as far as `upto` events."""

    def start(kind, asked, upto=None):
        one = jobs.Running("v", kind, asked, tmp_path, "done" if upto is None else "running")
        one.events = [event for _, event in zip(range(upto or 99), job_of(kind)(asked, tmp_path), strict=False)]
        monkeypatch.setattr(jobs, "mine", lambda: one)
        return one

    monkeypatch.setattr(jobs, "start", start)
    return start


def test_before_there_is_a_landscape_the_first_step_is_the_engines():
    at = page(**SMALL, rate="0.1")
    model = engine.load("bookworm")
    ids = model.tokenizer.encode(view(at).prompt)[:24]
    way = path(slice_of(model, ids, "", 0), "sgd", np.array([0.6, -0.5]), 1, Settings(0.1))
    row = next(row for row in tables(at)[0] if row[0] == "SGD")
    assert [float(x.replace("−", "-")) for x in row[1:3]] == pytest.approx(way.points[1], rel=1e-3)
    assert light(at)["ok"]


def test_the_landscape_and_the_ways_are_those_of_the_job(job):
    at = page(**SMALL)
    press(at, "landscape")
    one = jobs.mine()
    drawn = curves(at, "plot-contours")
    for event in one.events:
        if "path" in event:
            name = say("costs", f"name/{event['path']}")
            np.testing.assert_allclose(np.transpose(drawn[name]), event["points"], rtol=1e-12)
    ground = figure(at, "plot-surface").data[-1]
    assert np.array(ground.z).shape == (5, 5) and np.isfinite(np.array(ground.z)).all()
    for name in OPTIMIZERS:
        enter(at, "costs.judged", name)
        assert light(at)["ok"] and formulas(at)


def test_steps_are_scrubbed_and_only_ways_are_drawn_again(job):
    at = page(**SMALL)
    press(at, "landscape")
    fire(at, "control-at", change=2)
    drawn = curves(at, "plot-contours")
    assert {name: len(x) for name, (x, _) in drawn.items() if name != "ground"} == {
        say("costs", f"name/{name}"): 3 for name in OPTIMIZERS
    }
    assert now(at).at == 2
    enter(at, "costs.rate", "0.5")
    assert "other settings" in " ".join(texts(at))
    press(at, "ways")
    assert jobs.mine().settings["rows"] == 0 and len(figure(at, "plot-contours").data) == 5


def test_while_it_runs_what_is_there_is_drawn(job, monkeypatch):
    monkeypatch.setattr(jobs, "start", lambda kind, asked: job(kind, asked, upto=2))
    at = page(**SMALL)
    press(at, "landscape")
    z = np.array(figure(at, "plot-contours").data[-1].z, float)
    assert np.isfinite(z[:2]).all() and np.isnan(z[2:]).all()


@pytest.mark.parametrize("rate", ["1e9", "0", "nan", "-1"])
def test_whatever_the_rate_there_is_a_sentence(job, rate):
    at = page(**SMALL, rate=rate)
    press(at, "landscape")
    ends = [row[-1] for row in tables(at)[0][1:]]
    assert not at.exception and len(ends) == 4
    if rate == "1e9":
        assert "ran away" in ends[0]
    if rate in ("nan", "-1"):
        assert "Learning rate" in " ".join(notices(at))


@pytest.mark.parametrize("more", [{"rate": "1e9"}, {"rate": "1", "clip": "0.001"}, {"a": "50", "b": "-50"}])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_light_is_green_wherever_an_optimizer_goes(name, more):
    at = page(**SMALL, judged=name, **more)
    assert light(at)["ok"] and "\\" not in light(at)["say"]


def test_clipping_shows_the_norm_before_and_after_and_the_way_without(job):
    at = page(**SMALL, clip="0.5")
    press(at, "landscape")
    assert "SGD, not clipped" in curves(at, "plot-contours")
    assert "both parts are multiplied" in " ".join(texts(at))
    assert "clipped" in tables(at)[0][0] and light(at)["ok"]


# --- the rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["cosine", "inverse root", "constant"])
@pytest.mark.parametrize("warm_up", ["0", "100", "5000"])
def test_every_schedule_is_drawn(schedule, warm_up):
    at = page(part="schedule", schedule=schedule, warm_up=warm_up, moment=30)
    (line,) = curves(at, "plot-schedule").values()
    assert notices(at) == [] and len(line[0]) > 100 and min(line[1]) >= 0


def test_the_line_through_the_checkpoints_is_the_engines():
    at = page(part="scaling", skipped=10)
    tokens, bits = runs.held_out("storybook")
    drawn = curves(at, "plot-tokens")
    assert drawn["storybook"] == (tokens, bits) and "14 points" in " ".join(texts(at))
    at = page(part="scaling", sight="parameters")
    assert [row[0] for row in tables(at)[0][1:]] == [one.name for one in runs.finished()]


def test_runs_of_several_sizes_are_compared(job, monkeypatch):
    monkeypatch.setattr(runs, "WIDTHS", (4, 8, 16))
    at = page(part="scaling", sight="runs", run_steps=50)
    press(at, "sizes")
    assert len(tables(at)[0]) == 4 and "3 points" in " ".join(texts(at))
    assert len(curves(at, "plot-accuracy")["exact answers"][0]) == 3


def test_operations_are_six_n_d_and_days_follow():
    at = page(part="flops", speed="1000", kept_up="50", many="1000")
    row = next(row for row in tables(at)[0] if row[0] == "GPT-3")
    assert row[4] == scientific(3.1429e23) and row[5].startswith(scientific(3.14e23)) and row[6] == "7,275"
