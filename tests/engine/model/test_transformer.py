"""The whole model: a sum of what its parts write, blind to the future, the same however it is run."""

import pytest
import torch

from engine.config import Config
from engine.model.build import fresh
from engine.model.cache import Cache
from engine.model.transformer import Transformer
from engine.points import points_of
from engine.trace import run
from tests.engine.tiny import CHOICES, KINDS, SIZES, assert_close, at_positions, decoder, full, prompt


def test_the_first_vector_is_the_token_plus_its_position_where_positions_are_learned(trace, ids):
    embed = trace.model.embed
    position = 0 if embed.position is None else embed.position.weight[:11]
    assert_close(trace["embed.out"], embed.token.weight[ids] + position)
    assert torch.equal(trace["blocks.0.resid_pre"], trace["embed.out"])


@pytest.mark.parametrize("i", range(3))
def test_each_part_adds_its_result_to_the_stream(trace, i):
    before, between, after = (trace[f"blocks.{i}.resid_{place}"] for place in ("pre", "mid", "post"))
    assert_close(between, before + trace[f"blocks.{i}.attn.out"])
    assert_close(after, between + trace[f"blocks.{i}.mlp.out"])


def test_the_stream_is_the_sum_of_everything_written(trace):
    parts = [trace[f"blocks.{i}.{part}.out"] for i in range(3) for part in ("attn", "mlp")]
    assert_close(trace["blocks.2.resid_post"], trace["embed.out"] + sum(parts))


def test_each_block_reads_what_the_one_before_it_left(trace):
    for i in (1, 2):
        assert torch.equal(trace[f"blocks.{i}.resid_pre"], trace[f"blocks.{i - 1}.resid_post"])


@pytest.mark.parametrize("choices", CHOICES.values(), ids=CHOICES)
def test_the_silent_pass_equals_the_traced_one(choices):
    model, ids = decoder(**choices), torch.tensor([prompt(9)])
    trace = full(model, ids)
    assert_close(model(ids), trace[trace.points()[-1]])


def test_the_silent_pass_equals_the_traced_one_with_padding(model, ids):
    padding = torch.arange(11) < torch.tensor([[11], [6]])
    assert_close(model(ids, model.context(ids, padding)), full(model, ids, padding=padding)["logits"])


@pytest.mark.parametrize("changed", [0, 4, 8])
def test_a_changed_token_changes_nothing_before_it(model, changed):
    before = prompt(9)
    after = [*before[:changed], (before[changed] + 1) % 97, *before[changed + 1 :]]
    one, other = full(model, before), full(model, after)
    for name, point in points_of(model.config).items():
        earlier = torch.arange(9) < changed
        assert_close(*(at_positions(x[name], point.axes, earlier) for x in (one, other)), name)
    assert not torch.equal(one["logits"][0, changed], other["logits"][0, changed])


def test_a_prompt_in_a_batch_equals_the_prompt_alone(model):
    prompts = [prompt(9, seed=1), prompt(4, seed=2), prompt(1, seed=3)]
    batch = run(model, prompts)
    for row, alone in enumerate(prompts):
        T = len(alone)
        assert_close(batch["logits"][row, :T], run(model, alone)["logits"][0])
        pattern = batch["blocks.2.attn.pattern"][row, :, :T, :T]
        assert_close(pattern, run(model, alone)["blocks.2.attn.pattern"][0])


@pytest.mark.parametrize("pieces", [(1,) * 12, (12,), (5, 4, 3), (1, 10, 1)])
def test_reading_in_pieces_with_a_cache_equals_reading_at_once(model, pieces):
    ids = torch.tensor([prompt(12, seed=1), prompt(12, seed=2)])
    cache = Cache(model.config, batch=2, like=model.embed.token.weight)
    parts = [model(piece, model.context(piece, cache=cache)) for piece in ids.split(pieces, dim=1)]
    assert_close(torch.cat(parts, dim=1), model(ids))


def test_tied_models_have_one_table_and_untied_ones_two():
    tied, untied = (Transformer(Config(**SIZES, tied=tied)) for tied in (True, False))
    assert tied.logits.weight is tied.embed.token.weight
    assert untied.logits.weight is not untied.embed.token.weight


@pytest.mark.parametrize("choices", KINDS.values(), ids=KINDS)
def test_a_random_start_depends_on_its_seed_alone(choices):
    config = Config(**SIZES | choices)
    torch.manual_seed(5)
    one, again, other = (dict(fresh(config, seed).named_parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["embed.token.weight"], other["embed.token.weight"])


def test_a_random_start_is_small_where_it_adds_to_the_stream_and_its_norms_change_nothing():
    config = Config(**SIZES | dict(width=60, mlp_width=120, layers=8))
    for name, p in fresh(config, 0).named_parameters():
        if p.dim() == 2:
            expected = 0.02 / 4 if name.endswith("out.weight") else 0.02
            assert float(p.detach().std()) == pytest.approx(expected, rel=0.1), name
        else:
            assert (p == (0 if name.endswith("bias") else 1)).all(), name


def test_an_unknown_activation_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'tanh'.*gelu"):
        Transformer(Config(**SIZES, activation="tanh"))
