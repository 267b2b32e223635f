"""The walk through a mixture of experts: who goes where, with what share, and what an expert does."""

import re

import numpy as np
import pytest

import engine
from app.architecture import STEPS
from app.state import DEFAULT
from tests.app.visit import (
    boxes,
    check_marked,
    drawn,
    fire,
    given,
    keys,
    mark,
    markdown,
    notices,
    pictures,
    value_of,
    view,
    visit,
    what_if,
)

PART = "blocks.1.mlp"
AT = dict(model="mixed", step="mlp", layer=1, token=4)


@pytest.fixture
def run(family):
    return engine.run(family["mixed"], DEFAULT.prompt)


@pytest.fixture
def ranked(run) -> list[int]:
    """The experts by the share that the picked token gives them."""
    return run[f"{PART}.shares"][0, 4].argsort(descending=True).tolist()


def shown(at) -> dict[str, tuple[dict, np.ndarray]]:
    """Every matrix that names a point: its header and its numbers."""
    return {header["foot"].split("  ")[0]: (header, tensor) for header, tensor in pictures(at)}


@pytest.mark.parametrize("step", STEPS)
def test_every_step_shows_the_models_numbers_and_its_lights_are_green(run, step):
    at = visit(**AT | dict(step=step), head=3, unit=2)
    assert not at.exception
    for point, (header, tensor) in shown(at).items():
        if point in run.points():
            expected = drawn(run, point)
            np.testing.assert_array_equal(tensor, np.repeat(expected, 2, 0) if len(expected) == 2 else expected)
            assert header["light"]["ok"], header["light"]["text"]
    for key in keys(at, "plot-"):
        assert not given(at, key).get("light") or given(at, key)["light"]["ok"]
    check_marked(at, run, share=2)
    for box in boxes(at):
        assert box.shown == pytest.approx(value_of(at, box, run), rel=1e-4, abs=1e-12)
        assert box.by_hand == pytest.approx(box.shown, rel=1e-4, abs=1e-4)


def test_the_expert_with_the_largest_share_is_picked_until_another_is(run, ranked):
    at = visit(**AT)
    header, tensor = shown(at)[f"{PART}.shares"]
    assert header["pick"] == [4, ranked[0]] and header["told"] == "number"
    assert (header["rowName"], header["colName"]) == ("token", "expert")
    np.testing.assert_array_equal(tensor[0], run[f"{PART}.shares"][0].numpy())
    fire(at, "matrix-mlp.shares-", pick=[2, ranked[1]])
    assert (view(at).token, view(at).expert) == (2, ranked[1])


def test_the_sentence_names_the_experts_and_their_shares(run, ranked):
    shares = run[f"{PART}.shares"][0, 4]
    [said] = [text for text in markdown(visit(**AT)) if "each row has one token's shares" in text]
    expected = [(str(i), f"{shares[i]:.1%}") for i in ranked[:2]]
    assert re.findall(r"expert (\d) \((\S+?)\)", said) == expected


@pytest.mark.parametrize("place", [0, 1])
def test_a_chosen_experts_units_are_shown_and_worked_out(run, ranked, place):
    expert = ranked[place]
    at, inside = visit(**AT, expert=expert, unit=7), f"{PART}.experts.{expert}"
    x, y = mark(at, "plot-curve")
    assert (x, y) == pytest.approx(tuple(run[f"{inside}.{name}"][0, 4, 7].item() for name in ("pre", "gate")))
    cells = {(box.point, box.cell) for box in boxes(at)}
    assert {(f"{PART}.{name}", (4, expert)) for name in ("router", "shares")} <= cells
    assert {(f"{inside}.{name}", (4, 7)) for name in ("pre", "gate", "act")} <= cells
    tokens = int(run[f"{PART}.chosen"][0, :, expert].sum())
    assert any(f"{tokens} go to expert {expert}" in text.replace("goes", "go") for text in markdown(at))


def test_an_expert_that_was_not_chosen_has_nothing_to_show_for_the_token(run, ranked):
    at = visit(**AT, expert=ranked[-1])
    assert any("does not run for it" in text for text in markdown(at))
    assert not keys(at, "plot-")
    assert all(box.shown == 0 for box in boxes(at) if ".experts." in box.point)
    (share,) = (box for box in boxes(at) if box.point == f"{PART}.shares")
    assert share.shown == share.by_hand == 0


def test_a_link_to_an_expert_that_is_not_there_opens_the_last(family):
    at = visit(**AT, expert=9)
    assert view(at).expert == 4
    assert any("There is no expert 9 here; the last is 4." in text for text in notices(at, "info"))


def test_an_expert_can_be_taken_out(run, ranked):
    name = f"{PART}.experts.{ranked[0]}.out"
    at = visit(**AT, **what_if(engine.Edit(name, "zero")))
    assert not at.exception and given(at, "edits")["items"]
    assert all(header["light"]["ok"] for header, _ in pictures(at))


def test_a_plain_mlp_shows_no_experts(family):
    at = visit(step="mlp", model="llama")
    assert not [key for key in keys(at, "matrix-") if "experts" in key or "shares" in key]
    assert not any("expert" in text for text in markdown(at))
