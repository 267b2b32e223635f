"""Models that read images through convolutions: cells as sums over squares have them, with blocks or without,
beside a recurrent decoder or a Transformer's."""

import re
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from engine.analysis import parameters_of, path_to_target, sequential_steps
from engine.config import Config, RecurrentConfig
from engine.decode import Decoding, generate
from engine.decode.cost import image_products
from engine.images import Preparation
from engine.load import glassbox
from engine.load.files import read_json
from engine.model.build import fresh
from engine.trace import Edit, run
from engine.worked import check, check_run, work
from tests.engine.tiny import (
    BARE,
    CONVOLVED,
    FILTERS,
    GRID,
    SIZES,
    assert_close,
    full,
    images,
    pair,
    prompt,
    recurrent,
)

TARGET = [[3, *prompt(4)], [3, *prompt(4, seed=1)]]
KINDS = {  # of decoder, and what reads the image
    "looks back": ("gru", "additive", CONVOLVED),
    "looks back at bare cells": ("rnn", "dot", replace(BARE, positions="learned")),
    "one state": ("lstm", "none", CONVOLVED),
    "one state of bare cells": ("gru", "none", BARE),
}


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    cell, attention, encoder = KINDS[request.param]
    return recurrent(cell, attention, encoder=encoder)


@pytest.fixture(scope="module")
def trace(model):
    return full(model, images(), target=TARGET)


def maps(model, x: torch.Tensor) -> list[torch.Tensor]:
    """The feature maps, with each square below a filter written out as a row."""
    found = []
    for layer in model.encoder.embed.conv:
        weight, (stride, _) = layer.pre.weight, layer.pre.stride
        squares = F.unfold(x, weight.shape[-1], padding=1, stride=stride)  # [B, K · 9, I · J]
        side = round(squares.shape[-1] ** 0.5)
        made = weight.flatten(1) @ squares + layer.pre.bias[:, None]
        x = made.clamp_min(0).unflatten(-1, (side, side))
        found.append(x)
    return found


def test_maps_are_sums_over_squares(model, trace):
    for i, expected in enumerate(maps(model, images().double())):
        assert_close(trace[f"encoder.embed.conv.{i}.act"], expected)
    last = expected.flatten(2).mT  # cells, row by row
    assert_close(trace["encoder.embed.token"], last)
    embed = model.encoder.embed
    total = last if embed.position is None else last + embed.position.weight
    normalised = F.layer_norm(total, (9,), embed.norm.weight, embed.norm.bias)
    assert_close(trace["encoder.embed.out"], normalised)


def test_the_decoder_starts_from_a_state_made_of_the_cells(model, trace):
    cells, start = (
        trace[[point for point in trace if point.startswith("encoder.")][-1]],
        model.decoder.start.pre,
    )
    looks = model.config.attention != "none"
    assert ("decoder.start.mean" in trace) == looks
    read = cells.mean(1) if looks else cells.flatten(1) / 3  # √9
    for name in model.decoder.cell.carried:
        assert_close(trace[f"decoder.start.{name}"], (read @ start.weight.T + start.bias).tanh())


def test_every_light_is_green_and_so_is_the_whole_run():
    for cell, attention, encoder in KINDS.values():
        run = full(recurrent(cell, attention, torch.float32, encoder=encoder), images(), target=TARGET)
        assert [point for point in run.points() if not check(run, point).ok] == []
        assert check_run(run, "decoder.logits").ok


@pytest.mark.parametrize("name", ["pixels", "conv.0.pre", "conv.1.pre", "conv.1.act", "token", "out"])
def test_the_arithmetic_of_a_cell_gives_its_number(trace, name):
    point = f"encoder.embed.{name}"
    shape = trace[point].shape
    for at in ((1, *(0 for _ in shape[1:])), tuple(n - 1 for n in shape), (0, *(n // 2 for n in shape[1:]))):
        worked = work(trace, point, at)
        assert worked.value == pytest.approx(worked.shown, abs=1e-9)


def test_a_corners_terms_leave_out_what_is_beyond_the_edge(trace):
    channels = GRID["channels"]
    assert len(work(trace, "encoder.embed.conv.0.pre", (0, 0, 0, 0)).terms) == 4 * channels + 1  # and the bias
    worked = work(trace, "encoder.embed.conv.0.pre", (0, 0, 2, 3))
    assert len(worked.terms) == 9 * channels + 1
    assert {"channel 2, row 1, column 4", "bias"} <= {term.label for term in worked.terms}


def test_what_if_a_filter_were_missing_or_a_cell_had_another_number(model):
    edits = [
        Edit("encoder.embed.conv.0.act", "zero", {"K": 1}),
        Edit("encoder.embed.conv.1.pre", "set", {"K": 0, "I": 1, "J": 2}, 5.0),
    ]
    same, changed = (full(model, images(), target=TARGET, edits=some) for some in ((), edits))
    assert (changed["encoder.embed.conv.0.act"][:, 1] == 0).all()
    assert (changed["encoder.embed.conv.1.act"][:, 0, 1, 2] == 5).all()
    assert not torch.allclose(changed["decoder.logits"], same["decoder.logits"])
    assert check(changed, "encoder.embed.conv.1.pre").ok and check_run(changed, "decoder.logits").ok


def test_a_transformers_decoder_looks_at_the_cells_too():
    for reads in (GRID, GRID | dict(layers=0), FILTERS):
        two = pair(torch.float32, encoder=reads)
        kept, lean = full(two, images(), target=TARGET), run(two, images(), target=TARGET)
        assert [point for point in lean.points() if not check(lean, point).ok] == []
        assert all(torch.equal(kept[point], lean[point]) for point in kept.points())
        assert check_run(lean, "decoder.logits").ok


def test_it_writes_what_is_most_probable_with_and_without_a_cache(model):
    image = images(1).double()
    written = [step.id for step in generate(model, image, Decoding(max_tokens=5))]
    again = [step.id for step in generate(model, image, Decoding(max_tokens=5), cached=False)]
    read = run(model, image, target=[model.start, *written])["decoder.logits"][0].argmax(-1).tolist()
    assert written == again == read[: len(written)]


def test_every_parameter_is_counted_and_has_a_gradient(model):
    counts = parameters_of(model)
    assert sum(counts.values()) == sum(p.numel() for p in model.parameters())
    assert counts["convolutions"] == (27 * 4 + 4) + (36 * 5 + 5) + (45 * 9 + 9)
    learning = recurrent(model.config.cell, model.config.attention, encoder=model.config.encoder)
    learning.requires_grad_(True)(images().double(), torch.tensor(TARGET)).square().sum().backward()
    for name, p in learning.named_parameters():
        small = name.endswith("attn.k.bias")  # the same for all keys: softmax does not see it
        assert p.grad is not None and (small or p.grad.abs().sum() > 0), name


def test_a_random_start_keeps_the_size_of_numbers():
    config = replace(CONVOLVED, filters=(64, 64, 96), width=96, heads=3, head_width=None, mlp_width=96)
    one = full(fresh(config, 0), torch.randn(4, 3, 6, 6))
    sizes = [float(one[f"embed.conv.{i}.act"].square().mean()) for i in range(3)]
    assert all(0.2 < size < 2 for size in sizes), sizes  # beyond the edge is nothing


def test_it_is_read_back_from_its_folder(model, tmp_path):
    bare = recurrent(model.config.cell, model.config.attention, torch.float32, encoder=model.config.encoder)
    bare.prepare = Preparation(6, (0.5,) * 3, (0.5,) * 3)
    glassbox.write(bare, tmp_path)  # without a vocabulary, which is not read here
    entries = read_json(tmp_path / "config.json")
    assert glassbox._shapes(tmp_path, entries) == model.config
    assert entries["recurrent"]["encoder"]["filters"] == [4, 5, 9]


def test_steps_and_products_are_counted(model):
    assert sequential_steps(CONVOLVED, 9) == 3 + 2 and sequential_steps(BARE, 9) == 3
    looks = model.config.attention != "none"
    assert [path_to_target(model.config, 9, 4, t) for t in (0, 3)] == ([1, 1] if looks else [2, 5])
    assert image_products(CONVOLVED) == 36 * 4 * 27 + 9 * 5 * 36 + 9 * 9 * 45


# --- the config ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (dict(filters=(4, 9)), "there are 2 filters and 3 strides"),
        (dict(filters=()), "there are 0 filters and 3 strides"),
        (dict(filters=(4, 0, 9)), "filters is (4, 0, 9); it must be a list of whole numbers of 1 or more"),
        (dict(strides="121"), "strides is '121'; it must be a list"),
        (dict(kernel=2), "kernel is 2; it must be odd"),
        (dict(filters=(4, 5, 8)), "the last of filters is 8; it must be the width, 9"),
        (dict(strides=(1, 2, 2)), "strides 1, 2, 2 lead from 4 pixels to a cell, not from 2"),
        (dict(context=10), "needs a context of 9, one for each cell, not 10"),
        (dict(ending="classes", classes=5), "ending must be 'nothing'"),
        (dict(causal=True), "causal False"),
        (dict(positions="rotary", width=18, filters=(4, 5, 18)), "cells have 'learned' ones or 'none'"),
        (dict(layers=-1), "layers is -1; it must be a whole number of 0 or more"),
        (dict(filters=(), strides=(), context=10, layers=0), "layers is 0; it must be a whole number of 1"),
    ],
)
def test_convolutions_that_do_not_fit_say_why(choices, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Config(**SIZES | GRID | choices)


def test_lists_of_a_file_are_as_good():
    listed = Config(**SIZES | GRID | dict(filters=[4, 5, 9], strides=[1, 2, 1]))
    assert listed == CONVOLVED and hash(listed) == hash(CONVOLVED)
    assert RecurrentConfig(97, 23, 9, 3, 5, encoder=listed).stacks[0].leading == 0
