"""What a person picks changes the view, the link follows, and nothing else moves."""

from dataclasses import replace

import pytest

from app.architecture import STEPS
from app.state import DEFAULT, RANGES, write_link
from tests.app.visit import boxes, enter, fire, given, notices, view, visit

PICKED = [
    ("tokens", "map", dict(step=4), dict(step="scores")),
    ("tokens", "tokens", dict(token=2), dict(token=2)),
    ("tokens", "tokens", dict(merge=1), dict(merge=1)),
    ("embeddings", "plot-map", dict(pick=4), dict(token=4)),
    ("qkv", "matrix-attn.q-", dict(pick=[5, 9]), dict(token=5, unit=9)),
    ("scores", "bar", dict(token=3), dict(token=3)),
    ("scores", "bar", dict(layer=2), dict(layer=2)),
    ("scores", "bar", dict(head=4), dict(head=4)),
    ("scores", "matrix-attn.dots-", dict(pick=[3, 2]), dict(token=3, key=2)),
    ("softmax", "plot-row", dict(pick=2), dict(key=2)),
    ("heads", "head_grid", dict(head=3), dict(head=3)),
    ("mlp", "matrix-mlp.act-", dict(pick=[1, 300]), dict(token=1, unit=300)),
    ("layers", "matrix-lens", dict(pick=[3, 2]), dict(layer=2, token=2)),
    ("layers", "matrix-lens", dict(pick=[0, 2]), dict(token=2)),
]
SET = [
    ("layernorm", "choice", "norm", "mlp"),
    ("qkv", "choice", "letter", "v"),
    ("heads", "switch", "sink", True),
    ("heads", "switch", "weighted", True),
    ("next", "slider", "temperature", 0.5),
    ("next", "number", "top_k", 40),
    ("next", "slider", "top_p", 0.9),
    ("next", "slider", "min_p", 0.05),
]


@pytest.mark.parametrize("step, part, trigger, expected", PICKED)
def test_a_pick_changes_the_view_and_the_link(step, part, trigger, expected):
    at = fire(visit(step=step), part, **trigger)
    assert not at.exception
    assert view(at) == replace(DEFAULT, **{"step": step} | expected)
    assert dict(at.query_params) == write_link(view(at))


@pytest.mark.parametrize("step, kind, field, value", SET)
def test_a_control_changes_the_view_and_the_link(step, kind, field, value):
    at = visit(step=step)
    enter(at, field, value)
    assert not at.exception
    assert view(at) == replace(DEFAULT, step=step, **{field: value})
    assert dict(at.query_params) == write_link(view(at))


ENDS = [(step, kind, field, end) for step, kind, field, _ in SET for end in RANGES.get(field, ())]


@pytest.mark.parametrize("step, kind, field, value", SET + ENDS)
def test_a_link_sets_the_control(step, kind, field, value):
    at = visit(step=step, **{field: int(value) if isinstance(value, bool) else value})
    assert not at.exception
    control = given(at, f"control-{field}")
    assert control["type"] == kind and control["value"] == value == getattr(view(at), field)


def test_one_walks_all_steps_and_back_with_the_map():
    at = visit()
    for i in (*range(12), *range(10, -1, -1)):
        fire(at, "map", step=i)
        assert not at.exception
        assert view(at).step == given(at, "map")["names"][given(at, "map")["at"]] == STEPS[i]
    fire(at, "map", step="machine")
    assert dict(at.query_params) == {}


def test_a_picked_cell_holds_on_all_steps():
    at = fire(visit(step="scores", layer=1, head=2), "matrix-attn.scores-", pick=[6, 4])
    for i, box in ((5, "attn.masked"), (6, "attn.pattern")):
        fire(at, "map", step=i)
        assert (f"blocks.1.{box}", (2, 6, 4)) in {(b.point, b.cell) for b in boxes(at)}


def test_a_new_prompt_asks_from_its_last_token():
    at = fire(visit(step="scores", token=3, key=2, layer=4), "prompt", prompt="a b c")
    assert view(at) == replace(DEFAULT, step="scores", layer=4, prompt="a b c")
    assert given(at, "bar")["token"] == 2
    assert at.query_params["prompt"] == "a b c"


def test_a_link_is_opened_as_far_as_it_fits_and_says_so():
    at = visit(step="scores", layer=99, token=500, colour="red", top_p="much")
    assert given(at, "bar")["layer"] == 5 and given(at, "bar")["token"] == len(given(at, "bar")["ids"]) - 1
    (said,) = notices(at, "info")
    assert all(word in said for word in ("block 99", "token 500", "colour", "much"))
    fire(at, "bar", head=1)
    assert not notices(at, "info")
    assert view(at).head == 1


def test_pickers_stand_where_they_matter():
    uses = {step: set(given(visit(step=step), "bar")["use"]) for step in ("tokens", "qkv", "mlp", "next")}
    assert uses == {"tokens": set(), "qkv": {"layer", "head"}, "mlp": {"layer"}, "next": set()}


def test_the_code_that_ran_is_shown_when_it_is_unfolded():
    at = visit(step="scores")
    assert not at.code
    at.session_state[at.expander[0].key] = True
    at.run()
    assert any("def attend" in block.value for block in at.code)
