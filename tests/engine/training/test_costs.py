"""Bytes by formula are those that torch keeps; papers' own numbers follow; lines through points are right."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.decode import cost
from engine.examples import shipped as example
from engine.examples import values_of
from engine.model.build import fresh
from engine.training.costs import SHAPES, Plan, memory_of, runs
from engine.training.costs.fit import fit, student
from engine.training.costs.flops import trainings
from engine.training.costs.measure import measure
from engine.training.costs.memory import (
    KEPT,
    OFFLOADS,
    adapters,
    block_parameters,
    devices_needed,
    parameters,
    price_of,
)

GPT3 = SHAPES["GPT-3"]
SMALL = {
    "learned": {},
    "rotary": dict(positions="rotary"),
    "LLaMA": cost.LLAMA | dict(key_heads=2),
    "untied": dict(tied=False, mlp_width=20),
}


def config(**choices):
    return engine.config.Config(
        **dict(vocabulary=50, context=32, width=24, layers=3, heads=4, mlp_width=96) | choices
    )


# --- against torch ---------------------------------------------------------------------------------


@pytest.mark.parametrize("choices", SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("texts, tokens", [(1, 7), (3, 12)])
@pytest.mark.parametrize("checkpoints", [False, True])
def test_the_formula_is_what_torch_keeps_to_the_byte(choices, texts, tokens, checkpoints):
    model = fresh(config(**choices), 0)
    ids = torch.randint(50, (texts, tokens + 1), generator=torch.Generator().manual_seed(1))
    kept, _ = measure(model, ids, "adam", checkpoints)
    told = memory_of(model.config, Plan(tokens, texts, checkpoints=checkpoints))
    found = [getattr(kept, part) for part in ("weights", "gradients", "optimizer", "activations")]
    assert [told.weights, told.gradients, told.optimizer, told.activations] == found


@pytest.mark.parametrize("name", ["storybook", "bookworm", "fabulist"])
def test_so_it_is_of_the_shipped_models(name):
    model = engine.load(name)
    before = {key: p.clone() for key, p in model.named_parameters()}
    kept, loss = measure(model, torch.tensor([model.tokenizer.encode("The cat sat on the mat.")]))
    tokens = len(model.tokenizer.encode("The cat sat on the mat.")) - 1
    told = memory_of(model.config, Plan(tokens))
    assert told.activations == kept.activations and told.total == sum(
        (kept.weights, kept.gradients, kept.optimizer, kept.activations)
    )
    assert 0 < loss < 12 and all(torch.equal(before[key], p) for key, p in model.named_parameters())


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_the_state_of_every_optimizer(optimizer):
    model = fresh(config(), 0)
    kept, _ = measure(model, torch.zeros(1, 5, dtype=torch.long), optimizer)
    assert kept.optimizer == memory_of(model.config, Plan(4, optimizer=optimizer)).optimizer


def test_what_is_recomputed_gives_the_same_loss():
    model, ids = fresh(config(), 0), torch.arange(12)[None]
    assert measure(model, ids)[1] == pytest.approx(measure(model, ids, checkpoints=True)[1], rel=1e-6)


# --- against papers --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHAPES)
def test_parameters_are_those_of_the_model_that_would_be_built(name):
    assert parameters(SHAPES[name]) == cost.parameters(SHAPES[name])
    assert SHAPES[name].layers * block_parameters(SHAPES[name]) < parameters(SHAPES[name])


def test_the_shapes_are_those_of_the_worked_examples():
    large = values_of(example("parameters_large"))["total"].numbers
    assert [parameters(SHAPES[name]) for name in ("Megatron-LM", "GPT-3")] == large[[0, 2]].tolist()
    llama = values_of(example("parameters_llama"))["total"].numbers
    names = ("LLaMA-2-70B", "Llama 3 8B", "Llama 3 70B")
    assert [parameters(SHAPES[name]) for name in names] == llama.tolist()
    assert (
        parameters(SHAPES["GPT"]) == values_of(example("parameters_gpt1"))["total"].numbers + 2 * 768
    )  # a last norm


def test_zero_has_the_numbers_of_its_paper():
    """Rajbhandari et al. 2020, figure 1: Ψ = 7.5B, 64 devices, Adam, mixed: 120, 31.4, 16.6, 1.9 GB."""
    shape, psi = config(width=240, heads=4), 7.5e9
    share = psi / parameters(shape)
    told = []
    for stage in range(4):
        one = memory_of(shape, Plan(8, mixed=True, stage=stage, devices=64))
        told.append(round(share * (one.weights + one.gradients + one.optimizer) / 1e9, 1))
    assert told == [120.0, 31.4, 16.6, 1.9]


def test_a_block_keeps_what_korthikanti_count_without_dropout():
    """34·s·b·h without the two bytes of dropout's masks, 32·s·b·h; of attention that is not fused 2·a·s²·b."""
    h, s, a = GPT3.width, 2048, GPT3.heads
    one, two = (memory_of(replace(GPT3, layers=n), Plan(s, mixed=True)).activations for n in (1, 2))
    assert two - one == pytest.approx(32 * s * h, rel=0.002)
    loose = memory_of(GPT3, Plan(s, mixed=True, fused=False)).activations
    assert loose - memory_of(GPT3, Plan(s, mixed=True)).activations == 96 * 2 * a * s**2


def test_mixed_precision_saves_nothing_of_what_learns():
    exact, mixed = (memory_of(GPT3, Plan(2048, mixed=mixed)) for mixed in (False, True))
    assert exact.total - exact.activations == mixed.total - mixed.activations
    assert mixed.activations < 0.52 * exact.activations


def test_lora_of_gpt_3_has_the_numbers_of_its_paper():
    """Hu et al. 2022, table 4: rank 4 on W_Q and W_V makes 18.9M at r = 4, so 4.7M at r = 1."""
    assert round(adapters(GPT3, 1) / 1e6, 1) == 4.7 and round(adapters(GPT3, 4) / 1e6, 1) == 18.9


def test_operations_of_gpt_3_are_those_of_its_paper():
    one = next(one for one in trainings() if one.name == "GPT-3")
    assert one.flops == pytest.approx(one.told, rel=0.01)
    assert one.days(1e15, 0.5, 10) == pytest.approx(one.flops / 5e15 / 86_400)


def test_the_lectures_models_are_those_that_were_trained():
    """Shoeybi et al. 2019, table 2: heads are 128 wide. Devlin et al. 2019: nine of ten steps are short."""
    assert SHAPES["Megatron-LM"].head_width == 128 == GPT3.head_width
    bert = next(one for one in trainings() if one.name == "BERT large")
    assert bert.d == pytest.approx(0.1 * 1e6 * 256 * 512 * (1 + 9 / 4))


# --- what each way costs ---------------------------------------------------------------------------


def test_communication_is_that_of_zeros_paper():
    """Section 7: 2Ψ for the gradients alone, for stages 1 and 2 the same, for stage 3 half as much again."""
    psi = 2 * parameters(GPT3)
    sent = [price_of(GPT3, Plan(2048, mixed=True, stage=stage, devices=10**6)).sent for stage in range(4)]
    assert [round(x / psi, 3) for x in sent] == [2, 2, 2, 3]
    assert price_of(GPT3, Plan(2048, mixed=True, stage=3)).sent == 0


def test_recomputing_is_a_third_more_and_the_rule_is_near():
    plain, again = (price_of(GPT3, Plan(2048, checkpoints=x)).flops for x in (False, True))
    assert again == pytest.approx(plain * 4 / 3)
    assert plain == pytest.approx(6 * parameters(GPT3) * 2048, rel=0.05)


plans = st.builds(
    dict,
    tokens=st.integers(1, 4096),
    texts=st.integers(1, 64),
    mixed=st.booleans(),
    optimizer=st.sampled_from(list(KEPT)),
    fused=st.booleans(),
    filled=st.floats(0.01, 1),
    dynamic=st.booleans(),
    checkpoints=st.booleans(),
    rank=st.integers(0, 64),
    stage=st.integers(0, 3),
    offload=st.sampled_from(OFFLOADS),
)


@given(plans, st.integers(1, 5), st.integers(1, 64), st.sampled_from(list(SHAPES)))
def test_more_devices_never_hold_more_each_and_every_plan_has_numbers(own, split, groups, name):
    shape = SHAPES[name]
    one, more = (Plan(**own, split=split, devices=split * n) for n in (2, 2 * groups))
    a, b = memory_of(shape, one), memory_of(shape, more)
    assert 0 < b.total <= a.total * (1 + 1e-12) and np.isfinite([*vars(a).values()]).all()
    assert all(x >= 0 for x in vars(price_of(shape, more)).values())


@given(plans, st.floats(1e9, 1e12))
def test_the_fewest_devices_are_enough_and_one_fewer_is_not(own, room):
    fewest = devices_needed(GPT3, Plan(**own), room)
    if fewest is None:
        return
    assert memory_of(GPT3, Plan(**own, devices=fewest)).total <= room
    assert fewest == 1 or memory_of(GPT3, Plan(**own, devices=fewest - 1)).total > room


@pytest.mark.parametrize("wrong", [dict(devices=3, split=2), dict(texts=2, parts=3)])
def test_what_does_not_go_together_is_said(wrong):
    with pytest.raises(ValueError, match=r"choose|needs"):
        Plan(8, **wrong)


# --- lines and runs --------------------------------------------------------------------------------


def test_a_power_law_is_found_and_its_interval_holds_it():
    x = np.geomspace(1, 1e6, 9)
    line = fit(x, 3 * x**-0.2)
    assert (line.c, line.slope) == (pytest.approx(3), pytest.approx(-0.2)) and line.high - line.low < 1e-9
    dice, held = np.random.default_rng(0), 0
    for _ in range(300):
        noisy = fit(x, 3 * x**-0.2 * np.exp(0.1 * dice.standard_normal(9)))
        held += noisy.low <= -0.2 <= noisy.high
    assert 0.91 < held / 300 < 0.985
    np.testing.assert_allclose(line.at([1, 10]), [3, 3 * 10**-0.2])


def test_of_too_few_points_there_is_no_interval_or_no_line():
    assert fit([1, 2], [1, 2]).low == -np.inf and fit([1], [1]) is None and fit([2, 2], [1, 3]) is None


def test_student_has_its_table():
    assert [round(student(n), 3) for n in (1, 2, 3, 5, 10, 30)] == [12.706, 4.303, 3.182, 2.571, 2.228, 2.042]


def test_the_shipped_trainings_are_read_from_their_folders():
    found = {one.name: one for one in runs.finished()}
    assert set(found) == {"storybook", "bookworm", "fabulist"}
    for name, one in found.items():
        model = engine.load(name)
        assert one.n == sum(p.numel() for p in model.parameters()) and one.low < one.bits < one.high
    tokens, bits = runs.held_out("storybook")
    assert tokens[-1] == found["storybook"].tokens and len(tokens) == len(bits) == 24


def test_the_job_of_sizes_tells_the_same_again(tmp_path):
    settings = dict(task="copy", widths=[4, 8], layers=1, steps=2, seed=1)
    first, second = (list(runs.job(settings, tmp_path)) for _ in range(2))
    assert first == second and [(e["width"], e["step"], e["done"]) for e in first] == [
        (4, 2, True),
        (8, 2, True),
    ]
    assert first[0]["parameters"] < first[1]["parameters"] and first[0]["tokens"] > 0
