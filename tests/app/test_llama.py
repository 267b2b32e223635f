"""The walk through a model of the LLaMA kind: its own norm, shared keys and values, gates."""

import numpy as np
import pytest

import engine
from app.state import DEFAULT, STEPS
from tests.app.visit import boxes, given, keys, markdown, pictures, tensors, visit


@pytest.fixture
def run(llama):
    return engine.run(llama, DEFAULT.prompt)


def shown(at) -> dict[str, tuple[dict, np.ndarray]]:
    """Every matrix that names a point: its header and its numbers."""
    return {header["foot"].split("  ")[0]: (header, tensor) for header, tensor in pictures(at)}


@pytest.mark.parametrize("step", STEPS)
def test_every_step_shows_the_models_numbers_and_its_lights_are_green(llama, run, step):
    at = visit(model=llama.name, step=step, layer=1, head=3, token=4, unit=2)
    assert not at.exception
    for point, (header, tensor) in shown(at).items():
        if point in run.points():
            expected = run[point][0].numpy()
            expected = np.repeat(expected, 2, 0) if expected.shape[0] == 2 and expected.ndim == 3 else expected
            np.testing.assert_array_equal(tensor, expected if expected.ndim == 3 else expected[None])
            assert header["light"]["ok"], header["light"]["text"]
    for box in boxes(at):
        assert box.shown == pytest.approx(float(run[box.point][0][box.cell]), rel=1e-4, abs=1e-12)
        assert box.by_hand == pytest.approx(box.shown, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("letter", ["k", "k_rot", "v"])
def test_a_head_shows_the_key_and_value_that_it_shares(llama, run, letter):
    at = visit(model=llama.name, step="qkv", layer=2, head=3, token=5, letter=letter)
    header, tensor = shown(at)[f"blocks.2.attn.{letter}"]
    np.testing.assert_array_equal(tensor[header["index"]], run[f"blocks.2.attn.{letter}"][0, 1].numpy())
    assert [box.cell[0] for box in boxes(at)] == [1]
    if letter != "k_rot":
        weights = tensors(at)[given(at, "matrix-weight")["src"]][0]
        first, end = given(at, "matrix-weight")["bands"][0][1:]
        vector = run["blocks.2.attn.norm.out"][0, 5].numpy() @ weights[:, first:end]
        np.testing.assert_allclose(vector, tensor[header["index"], 5], rtol=1e-4, atol=1e-5)


def test_rmsnorm_has_no_mean_to_show(llama):
    at = visit(model=llama.name, step="layernorm")
    assert {box.point.rpartition(".")[2] for box in boxes(at)} == {"square", "scaled", "out"}
    assert any("RMSNorm" in text for text in markdown(at))


def test_the_curve_makes_the_gate_and_the_gate_times_what_would_pass_is_what_does(llama, run):
    at = visit(model=llama.name, step="mlp", layer=1, token=3, unit=7)
    ((x, y, _),) = given(at, "plot-curve")["marks"]
    pre, gate, up, act = (run[f"blocks.1.mlp.{name}"][0, 3, 7].item() for name in ("pre", "gate", "up", "act"))
    assert (x, y) == pytest.approx((pre, gate))
    assert gate * up == pytest.approx(act)
    assert {box.point.rpartition(".")[2] for box in boxes(at)} == {"pre", "gate", "act"}


def test_the_turn_of_a_shared_key_is_drawn(llama, run):
    at = visit(model=llama.name, step="qkv", letter="k_rot", head=2, token=6, unit=1)
    assert "plot-turn" in keys(at)
    for line, point in zip(given(at, "plot-turn")["series"], ("k", "k_rot"), strict=True):
        vector = run[f"blocks.0.attn.{point}"][0, 1, 6].tolist()
        assert line["points"] == [[0, 0], [vector[1], vector[4]]]
