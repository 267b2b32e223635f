"""All heads at once: what is sent is the run's own, who is called by a role has it, a pick holds everywhere."""

import numpy as np
import pytest
import torch
from hypothesis import given as drawn_with
from hypothesis import settings
from hypothesis import strategies as st

from app import catalogue, compute, weights
from app.architecture import steps_of
from app.views.machine.lanes import lanes_of
from engine import analysis, roles
from engine.trace import Edit
from tests.app.conftest import NAMES
from tests.app.visit import (
    drawn,
    fire,
    full_prompt,
    given,
    keys,
    model,
    notices,
    report,
    reported,
    run_of,
    tensors,
    texts,
    view,
    visit,
    what_if,
)

SHORT = "The cat sat on the mat because the cat was"


def decoded(codes: np.ndarray) -> np.ndarray:
    """What `coded` told: 0 for what is tiny, −∞ for what is masked."""
    power, digits = np.divmod(codes.astype(float) - weights.FIRST, weights.EACH)
    values = (digits + 100) * 10.0 ** (power + weights.LEAST - 2)
    return np.where(codes == weights.MASKED, -np.inf, np.where(codes == weights.TINY, 0.0, values))


def unpacked(data: np.ndarray, count: int) -> np.ndarray:
    """The codes that `packed` packed."""
    a, b, c = data.reshape(-1, 3).astype(np.uint16).T
    return np.stack([a << 4 | b >> 4, (b & 15) << 8 | c], -1).reshape(-1)[:count]


def heads(**link):
    at = visit(step="all_heads", **link)
    assert not at.exception
    return at


def header(at) -> dict:
    return given(at, "all_heads")


def sent(at) -> np.ndarray:
    """The numbers of all heads as the page has them [L, H, R, C]."""
    data = header(at)
    shape = data["layers"], data["heads"], len(data["rows"]), len(data["cols"])
    bytes_ = tensors(at)[data["src"]]
    if not data["half"]:
        return decoded(unpacked(bytes_, int(np.prod(shape)))).reshape(shape)
    below = np.tril(np.ones(shape[2:], bool))
    values = np.full(shape, -np.inf)
    values[:, :, below] = decoded(unpacked(bytes_, below.sum() * shape[0] * shape[1])).reshape(*shape[:2], -1)
    return values


def three_digits(x: float) -> float:
    return float(f"{x:.3g}") if x >= 0.00009995 else 0.0 if np.isfinite(x) else x


def check_sent(at, run, start: str, part: str) -> None:
    """Every cell is its weight to three digits; of those that share one, the largest."""
    values, data = sent(at), header(at)
    first = data["first"]
    for layer in range(data["layers"]):
        own = drawn(run, f"{start}blocks.{layer}.{part}.pattern")
        for axis, starts in ((1, first[0]), (2, first[1])):
            own = np.maximum.reduceat(own, starts, axis)
        told = np.vectorize(three_digits)(own.astype(float))
        np.testing.assert_allclose(values[layer], told, rtol=1e-9)


def check_named(at, run, side: str, part: str) -> None:
    """A head has a name where its score is high enough, and the page's scores are the engine's."""
    data, found = header(at), roles.of_run(run, side, part)
    for layer in range(data["layers"]):
        for head in range(data["heads"]):
            scores = {role: float(x[layer, head]) for role, x in found.items()}
            assert data["named"][layer][head] == roles.named(scores)
            assert [data["scores"][role][layer][head] for role in scores] == pytest.approx(
                list(scores.values()), abs=6e-4
            )
            assert data["dormant"][layer][head] == (scores["first"] >= 0.9)


def kinds(one) -> list[tuple[str, str]]:
    if len(one.reads) == 1:
        return [("", "attn")]
    return [("encoder", "attn"), ("decoder", "attn"), ("decoder", "cross")]


@pytest.mark.parametrize("name", NAMES)
def test_every_head_of_every_model_is_the_runs_own(family, name):
    read = {} if name in catalogue.shipped() else {"prompt": "the cat sat"}
    one = compute.model(name)
    for side, part in kinds(one):
        if "all_heads" not in steps_of(one.get_submodule(side).config, side):
            continue
        link = read | ({"stack": side} if side else {}) | {"attention": "cross" if part == "cross" else "self"}
        at = heads(model=name, **link)
        run, start = run_of(at), side and f"{side}."
        check_sent(at, run, start, part)
        check_named(at, run, side, part)
        own = drawn(run, f"{start}blocks.0.{part}.pattern")[0]
        large = given(at, "matrix-all_heads")
        np.testing.assert_array_equal(tensors(at)[large["src"]][0], own)
        assert not [text for text in texts(at) if "[[" in text] and not notices(at)
        fire(at, "rest", rested=given(at, "rest")["name"])
        assert header(at)["light"]["ok"] and not at.exception


@pytest.mark.parametrize("name", ["courier-gru", "lookback-gru"])
def test_recurrent_models_have_no_such_step(name):
    for stack in ("encoder", "decoder"):
        at = heads(model=name, stack=stack)
        assert "all_heads" not in keys(at) and "all_heads" not in given(at, "map")["names"]
        assert view(at).step == "machine"


def test_a_prompt_as_long_as_the_model_reads_is_pooled_and_says_so():
    at = heads(prompt=full_prompt())
    count = model().config.context
    assert len(header(at)["rows"]) <= 64 and "share a row or a column" in header(at)["say"]
    assert len(given(at, "matrix-all_heads")["rows"]) <= 160
    check_sent(at, run_of(at), "", "attn")
    assert lanes_of(model().config, count, 64).number == len(header(at)["rows"])


# --- a few bytes a weight ------------------------------------------------------------------------


@drawn_with(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40))
def test_three_digits_are_the_numbers_rounded(values):
    codes = weights.coded(np.array(values, np.float32))
    assert (codes < 4096).all()
    told = decoded(unpacked(weights.packed(codes), len(codes)))
    for x, y in zip(values, told, strict=True):
        assert abs(y - x) <= max(0.0005 * 10 ** np.floor(np.log10(max(x, 1e-9)) + 1), 0.0001) * 1.01
        if x >= 0.0001:
            assert y == pytest.approx(float(f"{x:.3g}"), rel=1e-9) or abs(y - x) / x < 0.00501


def test_ends_of_the_scale():
    values = [
        0.0,
        1e-30,
        0.00009994,
        0.0001,
        0.001,
        0.0099951,
        0.01,
        0.1,
        0.99949,
        0.9996,
        1.0,
        1.0000001,
        -np.inf,
    ]
    told = [0, 0, 0, 0.0001, 0.001, 0.01, 0.01, 0.1, 0.999, 1, 1, 1, -np.inf]
    codes = weights.coded(np.array(values, np.float32))
    np.testing.assert_allclose(decoded(codes), told, rtol=1e-9)
    assert (np.diff(codes[:-1].astype(int)) >= 0).all()  # a larger weight never has a smaller code


@settings(max_examples=30, deadline=None)
@drawn_with(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9), st.booleans(), st.integers(0, 999))
def test_any_number_of_heads_and_tokens_comes_out_as_it_went_in(N, T, S, causal, seed):
    draw = np.random.default_rng(seed)
    S = T if causal else S
    values = draw.random((N, T, S), np.float32)
    if causal:
        values[:, np.triu(np.ones((T, S), bool), 1)] = -np.inf
    data, half = weights.thumbnails(values)
    assert half == (causal or (T == S == 1))
    count = T * (T + 1) // 2 if half else T * S
    told = decoded(unpacked(data, N * count))
    kept = values[:, np.tril(np.ones((T, S), bool))] if half else values
    np.testing.assert_allclose(told, decoded(weights.coded(kept.reshape(-1))))


@pytest.mark.parametrize("change", [("set", 7.0), ("scale", -1.0), ("scale", 1e9)])
@pytest.mark.parametrize("causal", [True, False])
def test_weights_that_a_what_if_made_no_shares_are_told_as_they_are(change, causal):
    op, value = change
    link = what_if(Edit("blocks.1.attn.pattern", op, {"H": 2, "T": 5}, value))
    mask = {} if causal else {"model": "wordfinder"}
    at = heads(prompt=SHORT, **link, **mask)
    data, run = header(at), run_of(at)
    assert view(at).edits
    shown, count = tensors(at)[data["src"]], len(data["rows"])
    assert shown.dtype == np.float32 and data["half"] == causal
    cells = np.tril(np.ones((count, count), bool)) if causal else np.ones((count, count), bool)
    own = np.stack([drawn(run, f"blocks.{i}.attn.pattern") for i in range(data["layers"])])
    np.testing.assert_array_equal(shown, own[:, :, cells].reshape(-1))


def test_twelve_by_twelve_heads_at_32_tokens_are_few_bytes():
    values = np.random.default_rng(0).random((144, 32, 32), np.float32)
    assert weights.thumbnails(values)[0].nbytes <= 222_000
    values[:, np.triu(np.ones((32, 32), bool), 1)] = -np.inf
    assert weights.thumbnails(values)[0].nbytes <= 115_000


# --- as the switches want it ---------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [0, 1])
@pytest.mark.parametrize("name", ["storybook", "wordfinder", "interpreter"])
def test_hidden_tokens_and_sizes_of_values_hold_for_small_and_large(name, weighted):
    at = heads(model=name, sink=1, weighted=weighted, layer=1, head=2, stack="decoder")
    run = run_of(at)
    start = "decoder." if name == "interpreter" else ""
    pattern, v = (run[f"{start}blocks.1.attn.{point}"][0] for point in ("pattern", "v"))
    pattern = analysis.value_weighted(pattern, v) if weighted else pattern
    ids = (run.target if start else run.ids)[0].tolist()
    special = set(run.model.tokenizer.special.values())
    gone = [i for i, id in enumerate(ids) if i == 0 or id in special]
    own = analysis.without(pattern, gone).numpy()
    masked = np.isneginf(drawn(run, f"{start}blocks.1.attn.pattern"))
    expected = np.where(masked, -np.inf, own)
    np.testing.assert_allclose(tensors(at)[given(at, "matrix-all_heads")["src"]][0], expected[2], rtol=1e-5)
    told = np.vectorize(three_digits)(expected.astype(float))
    np.testing.assert_allclose(sent(at)[1], told, rtol=6e-3, atol=1e-9)
    assert given(at, "matrix-all_heads")["light"]["ok"] and "without the first" in header(at)["foot"]


def test_lines_draw_the_same_tensor_as_squares():
    squares, lines = heads(prompt=SHORT, layer=2, head=3), heads(prompt=SHORT, layer=2, head=3, lines=1)
    one, other = given(squares, "matrix-all_heads"), given(lines, "lines")
    assert one["src"] == other["src"] and one["rows"] == other["rows"] and "lines" not in keys(squares)
    fire(lines, "control-form", change="squares")
    assert not view(lines).lines and "matrix-all_heads" in keys(lines)


def test_the_roles_found_are_those_to_choose_from():
    at = heads(prompt=SHORT)
    found = {name for row in header(at)["named"] for name in row} - {""}
    assert found and {name for name, _ in given(at, "control-role")["options"]} == {"", *found}
    for role in found:
        fire(at, "control-role", change=role)
        assert view(at).role == role and header(at)["role"] == role
        listed = [
            f"{i}.{h}" for i, row in enumerate(header(at)["named"]) for h, n in enumerate(row) if n == role
        ]
        (told,) = [text for text in texts(at) if "heads**" in text]
        assert f"**{len(listed)} of 36 heads**" in told and ", ".join(listed[:6]) in told


def test_a_role_that_nobody_has_is_said_so():
    at = heads(prompt="The cat", role="induction")
    assert "**0 of 36 heads**" in "".join(texts(at))


def test_the_light_is_red_where_a_score_is_wrong(monkeypatch):
    found = compute.head_roles

    def wrong(*args):
        scores = found(*args)
        return scores | {"self": scores["self"] + 0.01}

    monkeypatch.setattr(compute, "head_roles", wrong)
    compute.checked_heads.cache_clear()
    at = heads(prompt="A prompt of its own for a wrong score here")
    fire(at, "rest", rested=given(at, "rest")["name"])
    assert not header(at)["light"]["ok"]
    compute.checked_heads.cache_clear()


# --- what is done there --------------------------------------------------------------------------


def test_a_pick_holds_everywhere():
    at = heads(prompt=SHORT)
    fire(at, "all_heads", pick=[3, 4])
    assert (view(at).layer, view(at).head) == (3, 4)
    assert given(at, "matrix-all_heads")["title"].startswith("Block 3, head 4")
    fire(at, "map", step="heads")
    assert given(at, "head_grid")["head"] == 4


@pytest.mark.parametrize(("attention", "step"), [("self", "softmax"), ("cross", "cross")])
def test_a_double_click_opens_the_step_that_shows_these_weights(attention, step):
    at = heads(model="interpreter", attention=attention)
    fire(at, "all_heads", open=[1, 2, 3, 1])
    seen = view(at)
    assert (seen.step, seen.layer, seen.head, seen.token, seen.key) == (step, 1, 2, 3, 1)
    assert not at.exception and not notices(at)


@pytest.mark.parametrize("attention", ["self", "cross"])
def test_a_head_is_taken_out_and_put_back(attention):
    at = heads(model="interpreter", stack="decoder", attention=attention, layer=1, head=2)
    part = "cross" if attention == "cross" else "attn"
    fire(at, "control-take", change=True)
    assert view(at).edits == (Edit(f"decoder.blocks.1.{part}.z", "zero", {"H": 2}),)
    assert header(at)["off"] == [[1, 2]] and "edits" in keys(at)
    assert any("→" in text or "bits" in text for text in texts(at))
    fire(at, "all_heads", take=[1, 2])
    assert view(at).edits == () and header(at)["off"] == []


def test_what_is_looked_at_is_chosen_where_there_are_two_stacks():
    at = heads(model="interpreter")
    for kind, stack, attention in (
        ("cross", "decoder", "cross"),
        ("encoder", "encoder", "self"),
        ("self", "decoder", "self"),
    ):
        fire(at, "control-which", change=kind)
        assert (view(at).stack, view(at).attention) == (stack, attention)
        assert given(at, "control-which")["value"] == kind and not notices(at)


def test_a_cell_of_the_large_one_is_picked():
    at = heads(prompt=SHORT)
    fire(at, "matrix-all_heads", pick=[4, 2])
    assert (view(at).token, view(at).key) == (4, 2)


def test_a_link_to_cross_attention_opens_where_there_is_none():
    at = heads(prompt=SHORT, attention="cross")
    assert header(at)["foot"].startswith("blocks.0.attn.pattern") and not notices(at)


def test_rollout_is_the_engines():
    at = heads(prompt=SHORT)
    fire(at, "rollout", toggle=True)
    data = given(at, "matrix-rollout")
    expected = analysis.rollout(list(roles.patterns(run_of(at))))
    np.testing.assert_allclose(tensors(at)[data["src"]][0], expected, rtol=1e-6)
    assert data["light"]["ok"] and torch.allclose(expected.sum(-1), torch.ones(len(expected)))


FORGED = {
    "pick": [[0], [-1, 0], [6, 0], [0, 6], [0.0, 1], "0", None, [True, 0]],
    "take": [[0], [9, 9], [0, -1]],
    "open": [[0, 0, 0], [0, 0, 99, 0], [0, 0, 0, -1], [0, 0, 0, 0, 0]],
}


@pytest.mark.parametrize("event", FORGED)
def test_what_no_part_of_the_page_sends_does_nothing(event):
    at = heads(prompt=SHORT)
    before = view(at)
    for value in FORGED[event]:
        report(at, [reported(at, "all_heads", event, value)])
        assert not at.exception and view(at) == before, value


def test_another_what_if_strikes_nothing_out():
    at = heads(prompt=SHORT, **what_if(Edit("blocks.1.attn.z", "mean", {"H": 1})))
    assert header(at)["off"] == []


@pytest.mark.parametrize("text", ["", "a", "naïve café 🙂 שלום", "the the"])
def test_no_prompt_breaks_the_page(text):
    at = heads(prompt=text)
    assert "all_heads" in keys(at) or notices(at)
