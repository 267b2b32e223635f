"""LoRA: merged equals applied, the light sees when it does not, and what is added has the rank."""

import numpy as np
import pytest
import torch
from torch import nn

from engine.training.tuning import lora, runs
from engine.training.tuning.head import Classifier, batch_of, scores_of
from engine.training.tuning.jobs.adapter import check
from engine.training.tuning.lora import (
    TARGETS,
    LoRA,
    change_of,
    inject,
    layers_of,
    merge,
)
from engine.training.tuning.runs import Recipe, tuned
from tests.engine.training.test_tuning import few, tiny


def layer(rank: int = 3, out: int = 9, into: int = 7) -> LoRA:
    torch.manual_seed(1)
    made = LoRA(nn.Linear(into, out), rank)
    nn.init.normal_(made.B)
    return made


def test_applied_is_the_papers_formula():
    one, x = layer(), torch.randn(5, 7)
    whole = one.linear.weight + lora.ALPHA / 3 * one.B @ one.A
    torch.testing.assert_close(one(x), x @ whole.T + one.linear.bias)
    torch.testing.assert_close(one.merged()(x), one(x))


@pytest.mark.parametrize("choices", [{}, dict(norm="rms", gated=True, key_heads=1, attention_bias=False)])
@pytest.mark.parametrize("targets", TARGETS)
def test_a_merged_model_says_what_the_tuned_one_says(choices, targets):
    model, of = tiny(**choices), few()
    one = tuned(model, of, of.train, Recipe("lora", steps=5, rate=0.05, rank=2, targets=targets)).classifier
    held = batch_of(model, of.held)
    applied = scores_of(one, held)
    merged = Classifier(merge(one.model), 2)
    merged.head = one.head
    assert not layers_of(merged.model)
    torch.testing.assert_close(scores_of(merged, held), applied, rtol=1e-4, atol=1e-5)


def test_before_the_first_step_nothing_has_changed():
    model = tiny()
    ids = torch.randint(258, (2, 11))
    before = model(ids)
    names = inject(model, 4, "all")
    assert torch.equal(model(ids), before)
    assert len(names) == len({*names}) == 2 * 6  # q, k, v, out, pre and out of the MLP, of two blocks


def test_what_is_added_has_the_rank():
    one = change_of("q", layer(rank=3))
    assert (one.singular[:3] > 1e-3).all() and (one.singular[3:] < 1e-5).all()
    np.testing.assert_allclose(one.delta, lora.ALPHA / 3 * one.B @ one.A, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one.singular, np.linalg.svd(one.delta.astype(float))[1], atol=1e-5)


@pytest.mark.parametrize("rank", [0, -1, 8, 10**9])
def test_a_rank_that_no_matrix_has_is_told(rank):
    with pytest.raises(ValueError, match=f"rank is {rank}; .* is from 1 to 7"):
        LoRA(nn.Linear(7, 9), rank)


def test_unknown_matrices_are_told():
    with pytest.raises(ValueError, match="known are"):
        inject(tiny(), 2, "everything")


def test_the_light_of_a_run_is_green_and_turns_red(monkeypatch):
    model, of = tiny(), few()
    one = tuned(model, of, of.train, Recipe("lora", steps=3, rate=0.05)).classifier
    told = check(one, of)
    assert told["ok"] and told["apart"] < 1e-4
    monkeypatch.setattr(LoRA, "merged", lambda self: self.linear)
    assert not check(one, of)["ok"]


def test_the_numbers_that_are_trained_are_counted():
    classifier = runs.prepare(tiny(), 2, Recipe("lora", rank=3))
    numbers, _ = runs.count_trained(classifier)
    assert numbers == 2 * 2 * 3 * (16 + 16) + 2 * 17  # q and v of two blocks; the head
