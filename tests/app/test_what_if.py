"""Every what-if equals the same experiment computed again by hand, in float64."""

import numpy as np
import pytest
from hypothesis import given as given_strategy
from hypothesis import settings
from hypothesis import strategies as st

import engine
from app import compute
from app.architecture import GLANCE, STEPS
from app.edits import layer_of, read, write
from app.state import DEFAULT
from app.ui.labels import token_labels
from engine.trace.tap import Edit
from tests.app.strategies import EDITS
from tests.app.visit import (
    bars,
    boxes,
    drawn,
    figure,
    fire,
    given,
    keys,
    model,
    notices,
    numbers,
    picture,
    pictures,
    point_of,
    softmax,
    tempered,
    tensors,
    texts,
    undivided,
    value_of,
    view,
    visit,
    what_if,
)
from tests.app.visit import masked as masked_as

AT = dict(layer=2, head=4, token=8, key=3)
COUNT = len(numbers("blocks.0.resid_pre"))
RULES = {
    "causal": lambda t, s, n: s <= t,
    "none": lambda t, s, n: s >= 0,
    "window": lambda t, s, n: (s <= t) & (t - s < n),
    "prefix": lambda t, s, n: (s <= t) | ((t < n) & (s < n)),
    "padding": lambda t, s, n: (s <= t) & (s >= n) | (s == t),
}


def scores(divide: bool = True) -> np.ndarray:
    q, k = (numbers(f"blocks.{AT['layer']}.attn.{name}").astype(float) for name in ("q_rot", "k_rot"))
    return q @ k.transpose(0, 2, 1) / (np.sqrt(q.shape[-1]) if divide else 1)


def masked(x: np.ndarray, kind: str = "causal", n: int = 0) -> np.ndarray:
    t, s = np.indices((COUNT, COUNT))
    return np.where(RULES[kind](t, s, n), x, -np.inf)


def weights(x: np.ndarray) -> np.ndarray:
    """The softmax of masked scores, −∞ where they are."""
    return np.where(np.isinf(x), -np.inf, softmax(x))


@pytest.mark.parametrize("n", [1, 4, 9999])
@pytest.mark.parametrize("kind", RULES)
def test_each_mask_gives_the_weights_of_its_rule(kind, n):
    at = visit(step="mask", **AT, **what_if(masked_as(kind, n, AT["layer"])))
    assert not at.exception
    expected = masked(scores(), kind, n)
    header, tensor = picture(at, "attn.masked")
    np.testing.assert_array_equal(np.isinf(tensor), np.isinf(expected))
    np.testing.assert_allclose(tensor, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(picture(at, "attn.pattern")[1], weights(expected), rtol=1e-4, atol=1e-6)
    assert point_of(header) and header["model"] == f"{model().name}, what if"


@pytest.mark.parametrize("kind", ["none", "window"])
def test_the_arithmetic_under_another_mask_is_that_masks(kind):
    at = visit(step="mask", **AT | {"key": 7}, **what_if(masked_as(kind, 2, AT["layer"])))
    found = {box.point.split(".")[-1]: box.shown for box in boxes(at)}
    assert found["pattern"] == pytest.approx(softmax(masked(scores(), kind, 2))[4, 8, 7], rel=1e-4)


def test_without_dividing_the_weights_are_the_softmax_of_the_dot_products():
    at = visit(step="scores", **AT, **what_if(undivided(AT["layer"])))
    usual, other = (softmax(masked(scores(divide)))[AT["head"], AT["token"]] for divide in (True, False))
    divided, not_divided = figure(at, "plot-without").data
    best = np.argsort(-usual)[: len(divided.x)]
    assert divided.x == pytest.approx(usual[best], rel=1e-4)
    assert not_divided.x == pytest.approx(other[best], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0, 5.0])
def test_the_softmax_at_a_temperature(temperature):
    at = visit(step="softmax", **AT, **what_if(tempered(temperature, AT["layer"])))
    expected = softmax(masked(scores()) / temperature)
    assert bars(at, "plot-row") == pytest.approx(
        expected[AT["head"], AT["token"], : AT["token"] + 1], rel=1e-3, abs=1e-6
    )
    tensor = picture(at, "attn.pattern")[1]
    if temperature != 1:
        np.testing.assert_allclose(tensor, weights(masked(scores()) / temperature), rtol=1e-3, atol=1e-6)


def no_first(a: np.ndarray) -> np.ndarray:
    rest = np.where(np.arange(COUNT) == 0, 0, a)
    return rest / np.maximum(rest.sum(-1, keepdims=True), 1e-12)


def by_size(a: np.ndarray) -> np.ndarray:
    v = numbers(f"blocks.{AT['layer']}.attn.v").astype(float)
    weighted = a * np.linalg.norm(v, axis=-1)[:, None, :]
    return weighted / weighted.sum(-1, keepdims=True)


@pytest.mark.parametrize(
    "switches, expected",
    [
        (dict(sink=1), no_first),
        (dict(weighted=1), by_size),
        (dict(sink=1, weighted=1), lambda a: no_first(by_size(a))),
    ],
)
def test_the_pattern_without_the_first_token_and_by_the_size_of_the_values(switches, expected):
    at = visit(step="heads", **AT, **switches)
    wanted = np.where(np.isinf(masked(scores())), -np.inf, expected(softmax(masked(scores()))))
    header, tensor = picture(at, "attn.pattern")
    np.testing.assert_allclose(tensor, wanted, rtol=1e-4, atol=1e-6)
    assert not point_of(header) and header["foot"]
    np.testing.assert_array_equal(tensors(at)[given(at, "head_grid")["src"]], tensor)


# --- they stay from step to step, in the link, and are told of ---------------------------------------

HEAD = Edit("blocks.2.attn.z", "zero", {"H": 4})
NO_MLP = Edit("blocks.3.mlp.out", "zero")


def run(*edits: Edit):
    return engine.run(model(), DEFAULT.prompt, edits)


def outcome(at) -> str:
    return next(text for text in texts(at) if "bits apart" in text)


@pytest.mark.parametrize("step", [step for step in STEPS if step != "tokens"])
def test_every_step_is_of_the_changed_run_and_its_lights_are_green(step):
    at, changed = visit(step=step, layer=4, **what_if(HEAD, NO_MLP)), run(HEAD, NO_MLP)
    assert not at.exception
    for header, tensor in pictures(at):
        assert header["light"] is None or header["light"]["ok"], header["foot"]
        if point_of(header):
            np.testing.assert_array_equal(tensor, drawn(changed, point_of(header)))
    plots = [given(at, key) for key in keys(at, "plot-")]
    assert all(header["light"]["ok"] for header in plots if header.get("light"))
    for box in boxes(at):
        assert box.shown == pytest.approx(value_of(at, box, changed), rel=1e-4, abs=1e-6)


def test_what_became_of_the_answer_stands_at_the_top_of_every_step():
    before, after = (run(*edits)["logits"][0, -1].double().softmax(-1) for edits in ((), (HEAD, NO_MLP)))
    bits = float((before * (before / after).log2()).sum())
    names = [
        token_labels([model().tokenizer.bytes_of(int(i))])[0].removeprefix("·") for i in after.topk(3).indices
    ]
    for step in (*GLANCE, *STEPS):
        said = outcome(visit(step=step, **what_if(HEAD, NO_MLP)))
        assert f"{bits:.2f} bits apart" in said
        assert all(
            f"{name} {share:.1%}" in said for name, share in zip(names, after.topk(3).values, strict=True)
        )
    assert not [text for text in texts(visit()) if "bits apart" in text]


def test_a_what_if_is_set_seen_elsewhere_shared_and_taken_back():
    at = fire(visit(step="heads", layer=2, head=4), "control-out-attn.z", change="zero")
    assert view(at).edits == (HEAD,)
    fire(at, "map", step=9)
    fire(at, "bar", layer=3)
    fire(at, "control-out-mlp.out", change="zero")
    assert view(at).edits == (HEAD, NO_MLP)
    other = visit(**dict(at.query_params))
    assert view(other) == view(at) and outcome(other) == outcome(at)
    assert len(given(other, "edits")["items"]) == 2
    fire(other, "edits", remove=0)
    assert view(other).edits == (NO_MLP,)
    fire(other, "edits", clear=True)
    assert view(other).edits == () and "edits" not in keys(other)
    assert view(at).edits == (HEAD, NO_MLP)


def test_a_part_can_be_its_average_and_itself_again():
    at = fire(visit(step="residual", layer=1), "control-out-attn.out", change="mean")
    assert view(at).edits == (Edit("blocks.1.attn.out", "mean"),)
    assert given(at, "control-out-attn.out")["value"] == "mean"
    assert view(fire(at, "control-out-attn.out", change="own")).edits == ()


def test_the_picked_cell_can_be_given_any_number():
    at = visit(step="scores", **AT)
    fire(at, "worked_arithmetic", set=[1, 7.5])
    cell = {"H": AT["head"], "T": AT["token"], "S": AT["key"]}
    assert view(at).edits == (Edit("blocks.2.attn.scores", "set", cell, 7.5),)
    assert boxes(at)[1].shown == 7.5
    fire(at, "worked_arithmetic", set=[1, -1])
    assert [edit.value for edit in view(at).edits] == [-1]


@pytest.mark.parametrize(
    "sent", [[9, 1.0], [-1, 1.0], [0, "1"], [0, None], [0, 1e300], "x", None, [[0], 1], [0, float("nan")]]
)
def test_nothing_else_sets_a_number(sent):
    at = fire(visit(step="scores", **AT), "worked_arithmetic", set=sent)
    assert not at.exception and view(at).edits == ()


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("scale", 1),
        ("uniform", 1),
        ("attention", 1),
        ("mlp", 1),
        ("positions", 2),
        ("norm", 2),
        ("residual", 2),
    ],
)
def test_a_mechanism_is_off_in_one_block_or_in_all(name, count):
    at = visit(step="next", layer=2)
    at.session_state["open-mechanisms"] = True
    at.run()
    fire(at, f"control-mechanism-{name}", change="here")
    assert [layer_of(edit) for edit in view(at).edits] == [2] * count
    fire(at, f"control-mechanism-{name}", change="all")
    layers = range(model().config.layers)
    assert sorted(layer_of(edit) for edit in view(at).edits) == sorted([*layers] * count)
    assert len(given(at, "edits")["items"]) == count
    assert view(visit(**dict(at.query_params))) == view(at)
    assert not at.exception and given(at, "plot-candidates")["light"]["ok"]
    assert view(fire(at, f"control-mechanism-{name}", change="own")).edits == ()


@pytest.mark.parametrize("name", ["distant", "bloom"])
def test_without_positions_nothing_is_added_for_the_distance(family, name):
    at = visit(model=name, step="scores", layer=1)
    at.session_state["open-mechanisms"] = True
    fire(at.run(), "control-mechanism-positions", change="here")
    assert view(at).edits == (Edit("blocks.1.attn.bias", "zero"),)
    assert not at.exception and not picture(at, "attn.bias")[1].any()


def test_without_choosing_where_to_look_every_row_is_even():
    at = visit(step="softmax", layer=1, **what_if(Edit("blocks.1.attn.scores", "zero")))
    _, tensor = picture(at, "attn.pattern")
    for t in range(COUNT):
        np.testing.assert_allclose(tensor[:, t, : t + 1], 1 / (t + 1), rtol=1e-6)


@given_strategy(st.lists(EDITS, max_size=8))
@settings(deadline=None)
def test_a_link_holds_exactly_the_edits(edits):
    assert read(write(tuple(edits))) == (tuple(edits), [])


@given_strategy(st.text() | st.text("zero~blocks.atn!HT0123mskSe"))
@settings(deadline=None)
def test_any_text_gives_edits_or_is_told_of(text):
    edits, unread = read(text)
    assert len(edits) + len(unread) == (len(text.split("!")) if text else 0)


@pytest.mark.parametrize(
    "link",
    [
        "zero~blocks.9.attn.z",
        "zero~blocks.0.attn.z~H77",
        "mask~blocks.0.mlp.out~~none.1",
        "mean~final_norm.nothing",
        "scale~blocks.0.attn.masked~~0",
        "scale~blocks.0.attn.masked~~-2.0",
        "take~blocks.0.attn.q~~logits",
    ],
)
def test_a_what_if_that_the_model_cannot_have_is_left_out_and_said(link):
    at = visit(edits=f"{link}!{write((HEAD,))}")
    assert not at.exception and view(at).edits == (HEAD,)
    (said,) = notices(at, "info")
    assert "A what-if was left out" in said


def test_a_shorter_prompt_leaves_out_what_has_no_place_in_it():
    at = fire(visit(**what_if(Edit("blocks.0.attn.z", "zero", {"T": 9}), HEAD)), "prompt", prompt="a b")
    assert not at.exception and view(at).edits == (HEAD,)


@pytest.mark.parametrize("name", ["wordfinder", "interpreter", "digits", "captioner", "lookback-gru"])
def test_other_families_have_their_answer_before_and_after(name):
    one = compute.model(name)
    point = {
        "digits": "blocks.1.mlp.out",
        "wordfinder": "blocks.1.mlp.out",
        "lookback-gru": "decoder.steps.1.h",
    }
    at = visit(model=name, step="next", **what_if(Edit(point.get(name, "decoder.blocks.1.mlp.out"), "zero")))
    assert not at.exception and one
    assert outcome(at)


def test_without_positions_normed_queries_and_keys_stay_normed(family):
    at = visit(model="qwen", step="scores", prompt="the cat sat on the mat")
    at.session_state["open-mechanisms"] = True
    at.run()
    fire(at, "control-mechanism-positions", change="here")
    taken = [f"blocks.0.attn.{x}_norm.out" for x in "qk"]
    assert not at.exception and [edit.value for edit in view(at).edits] == taken
