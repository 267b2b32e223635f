"""The walk through a model of the LLaMA kind: its own norm, shared keys and values, gates."""

import re
from dataclasses import replace

import numpy as np
import pytest

import engine
from app.architecture import STEPS
from app.state import DEFAULT
from engine.model.cache import Cache
from tests.app.visit import (
    boxes,
    curves,
    drawn,
    given,
    keys,
    mark,
    markdown,
    pictures,
    tensors,
    value_of,
    visit,
)


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
            expected = drawn(run, point)
            np.testing.assert_array_equal(tensor, np.repeat(expected, 2, 0) if len(expected) == 2 else expected)
            assert header["light"]["ok"], header["light"]["text"]
    for box in boxes(at):
        assert box.shown == pytest.approx(value_of(at, box, run), rel=1e-4, abs=1e-12)
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


def test_the_curve_over_distances_is_of_the_key_that_is_shared(llama, run):
    at = visit(model=llama.name, step="scores", layer=1, head=3, token=7, key=2)
    x, y = mark(at, "plot-distance")
    assert (x, y) == (5, pytest.approx(run["blocks.1.attn.dots"][0, 3, 7, 2].item(), rel=1e-4))


@pytest.mark.parametrize("group", [0, 1])
def test_heads_are_ticked_where_they_use_the_keys_and_values_that_are_shared(llama, run, group):
    """Another key and value of one group change the heads in its row, and no other."""
    at = visit(model=llama.name, step="qkv", layer=1, head=3, letter="v")
    for point, seen in (("k", "dots"), ("v", "z")):
        edit = engine.Edit(f"blocks.1.attn.{point}", "scale", {"G": group}, 2.0)
        changed = engine.run(llama, DEFAULT.prompt, [edit])[f"blocks.1.attn.{seen}"]
        differs = (changed != run[f"blocks.1.attn.{seen}"]).flatten(2).any(-1)[0].numpy()
        np.testing.assert_array_equal(tensors(at)[given(at, "matrix-groups")["src"]][0, group], differs)


def test_the_sentence_says_who_shares_and_how_much_less_is_kept(llama):
    at = visit(model=llama.name, step="qkv", head=1)
    assert given(at, "matrix-groups")["pick"] == [0, 1]
    said = next(text for text in markdown(at) if "grouped-query" in text)
    c, wide = llama.config, replace(llama.config, key_heads=llama.config.heads)
    kept = [Cache(config, room=1).keys.numel() * 2 for config in (c, wide)]
    factors = [[2, c.layers, heads, c.head_width] for heads in (c.key_heads, c.heads)]
    shares = [c.heads, c.key_heads, 0, 1, 0]  # 0 to 1 share number 0
    expected = [*shares, *factors[0], kept[0], *factors[1], kept[1]]
    assert [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?<!,)", said)] == expected


def test_where_every_head_has_its_own_nothing_is_said_of_sharing():
    at = visit(step="qkv")
    assert "matrix-groups" not in keys(at)
    assert not any("grouped" in text for text in markdown(at))


def test_the_thumbnails_say_which_keys_and_values_a_head_takes(llama):
    names = given(visit(model=llama.name, step="heads"), "head_grid")["names"]
    assert [name.rpartition(" ")[2] for name in names] == ["0", "0", "1", "1"]


def test_the_sizes_said_of_the_maps_are_those_of_the_weights(llama):
    for letter in "qkv":
        at = visit(model=llama.name, step="qkv", letter=letter)
        out, into = llama.get_submodule(f"blocks.0.attn.{letter}").weight.shape
        assert any(f"W{letter.upper()} ({into}×{out})" in text for text in markdown(at))


def test_rmsnorm_has_no_mean_to_show(llama):
    at = visit(model=llama.name, step="layernorm")
    assert {box.point.rpartition(".")[2] for box in boxes(at)} == {"square", "scaled", "out"}
    assert any("RMSNorm" in text for text in markdown(at))


def test_the_curve_makes_the_gate_and_the_gate_times_what_would_pass_is_what_does(llama, run):
    at = visit(model=llama.name, step="mlp", layer=1, token=3, unit=7)
    x, y = mark(at, "plot-curve")
    pre, gate, up, act = (run[f"blocks.1.mlp.{name}"][0, 3, 7].item() for name in ("pre", "gate", "up", "act"))
    assert (x, y) == pytest.approx((pre, gate))
    assert gate * up == pytest.approx(act)
    said = next(text for text in markdown(at) if "(gate)" in text).replace("−", "-")
    factors = re.search(r"Unit 7: (\S+) \(gate\) × (\S+) = (\S+)\.$", said).groups()
    assert list(map(float, factors)) == pytest.approx([gate, up, act], abs=0.00051)
    assert {box.point.rpartition(".")[2] for box in boxes(at)} == {"pre", "gate", "act"}


def test_the_turn_of_a_shared_key_is_drawn(llama, run):
    at = visit(model=llama.name, step="qkv", letter="k_rot", head=2, token=6, unit=1)
    assert "plot-turn" in keys(at)
    for (x, y), point in zip(curves(at, "plot-turn").values(), ("k", "k_rot"), strict=True):
        vector = run[f"blocks.0.attn.{point}"][0, 1, 6].tolist()
        assert (x, y) == ([0, vector[1]], [0, vector[4]])
