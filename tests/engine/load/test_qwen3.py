"""The Hugging Face layout of Qwen3: LLaMA's with two norms more, and what is refused with its reason."""

import re

import pytest
import torch

import engine
from engine.worked import check, work
from tests.engine.load.damage import configure, load, refused
from tests.engine.tiny import prompt

LAYOUT = "qwen3"
IDS = torch.tensor([prompt(9)])


def test_every_query_and_key_has_the_same_size_but_for_the_learned_one(folder):
    model = load(folder)
    trace = engine.run(model, IDS)
    for letter in "qk":
        part = f"blocks.1.attn.{letter}_norm"
        sizes = trace[f"{part}.scaled"].square().mean(-1)
        torch.testing.assert_close(sizes, torch.ones_like(sizes), rtol=1e-3, atol=0)
        gamma = model.get_submodule(part).weight
        assert gamma.shape == (10,)
        assert torch.equal(trace[f"{part}.out"], trace[f"{part}.scaled"] * gamma)


def test_every_point_is_worked_out_by_the_second_route(folder):
    trace = engine.run(load(folder), [prompt(23), prompt(4)])
    assert [point for point in trace.points() if not check(trace, point).ok] == []
    worked = work(trace, "blocks.0.attn.k_norm.square", (0, 1, 7, 0))
    assert r"\frac{1}{E}\sum_e" in worked.symbols and len(worked.terms) == 10
    assert r"\tilde k_{t,3} &= k_{t,3}" in work(trace, "blocks.0.attn.k_rot", (0, 1, 7, 3)).symbols


def test_heads_have_128_numbers_where_the_file_does_not_say(folder):
    configure(folder, head_dim=...)
    refused(folder, re.escape("misshapen: blocks.0.attn.k.weight is (20, 24), config.json asks for (256, 24)"))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(use_sliding_window=True), "a sliding window (use_sliding_window)"),
        (
            dict(layer_types=["full_attention", "sliding_attention"]),
            "only 'full_attention' is read here, for each of the 3 layers",
        ),
        (dict(rope_parameters={"rope_type": "yarn", "factor": 4.0}), "rope_type 'yarn'; only 'default'"),
        (
            dict(rope_parameters=..., rope_scaling={"type": "linear", "factor": 2}),
            "rope_type 'linear'; only 'default'",
        ),
        (dict(attention_bias=True), "missing: blocks.0.attn.k.bias"),
        (dict(model_type="llama"), "asks for layer_types ["),
        (dict(num_key_value_heads=3), "4 heads cannot share 3 key_heads evenly"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(folder, entries, message):
    configure(folder, **entries)
    refused(folder, re.escape(message))
