"""Mixture of experts: where each token goes, and that the others change nothing."""

import math

import pytest
import torch

from engine.config import Config
from engine.model.mlp import Experts, highest
from engine.points import points_of
from engine.trace import run
from engine.trace.tap import Edit
from engine.worked import check, work
from engine.worked.rerun import check_run
from tests.engine.tiny import MIXTRAL, SIZES, assert_close, decoder, full, prompt

BATCH = [prompt(11, seed=1), prompt(4, seed=2), prompt(1, seed=3)]
PART = "blocks.1.mlp"
EDITS = {
    "sent to another expert": [
        Edit(f"{PART}.chosen", "zero", {"T": 3}),
        Edit(f"{PART}.chosen", "set", {"T": 3, "X": 4}, 1.0),
    ],
    "sent nowhere": [Edit(f"{PART}.chosen", "zero", {"T": 3})],
    "sent everywhere": [Edit(f"{PART}.chosen", "set", {}, 1.0)],
    "all scores equal": [Edit(f"{PART}.router", "zero")],
    "one expert cannot be chosen": [Edit(f"{PART}.router", "set", {"X": 1}, -math.inf)],
    "one is always chosen": [Edit(f"{PART}.router", "set", {"X": 1}, 1e6)],
    "a share for one that is not chosen": [Edit(f"{PART}.shares", "add", {}, 0.5)],
    "an expert writes nothing": [Edit(f"{PART}.experts.2.out", "zero")],
    "an expert reads what it is not sent": [Edit(f"{PART}.experts.2.read", "add", {}, 1.0)],
    "no number at all": [Edit("blocks.0.attn.masked", "set", {"T": 5}, -math.inf)],
    "enlarge the stream": [Edit("blocks.1.resid_pre", "scale", {}, 1e6)],
}


@pytest.fixture(scope="module")
def model():
    return decoder(torch.float32, **MIXTRAL)


def failing(trace) -> list[str]:
    return [point for point in trace.points() if not check(trace, point).ok]


def test_the_points_of_the_experts_have_their_axes_and_order(model):
    trace, c = full(model, BATCH), model.config
    assert list(trace._kept) == list(points_of(c)) == trace.points()
    lengths = dict(B=3, T=11, D=c.width, F=c.mlp_width, X=5)
    for name, point in points_of(c).items():
        if point.part.startswith("mlp") and "norm" not in point.part:
            assert list(trace[name].shape) == [lengths[axis] for axis in point.axes], name


def test_every_weight_belongs_to_a_point(model):
    kinds = ("token_embedding", "affine", "linear", "heads", "merge_heads")
    with_weights = {point.weights for point in points_of(model.config).values() if point.kind in kinds}
    parts = {name.rpartition(".")[0] for name, _ in model.named_parameters(remove_duplicate=False)}
    assert with_weights == parts


def test_a_token_goes_to_the_experts_with_the_highest_scores_by_a_softmax_of_these():
    trace = full(decoder(**MIXTRAL), BATCH[0])
    for scores, shares in zip(trace[f"{PART}.router"][0], trace[f"{PART}.shares"][0], strict=True):
        best, places = scores.topk(2)
        assert_close(shares[places], best.softmax(-1))
        assert sorted(shares.nonzero().flatten().tolist()) == sorted(places.tolist())


def test_shares_are_the_softmax_of_all_scores_made_to_sum_to_one_again():
    trace = full(decoder(**MIXTRAL), BATCH[0])
    cut = trace[f"{PART}.router"].softmax(-1) * trace[f"{PART}.chosen"]
    assert_close(trace[f"{PART}.shares"], cut / cut.sum(-1, keepdim=True))


def test_an_expert_has_zeros_for_the_tokens_that_do_not_go_to_it(model):
    trace = full(model, BATCH)
    for i in range(5):
        away = ~trace[f"{PART}.chosen"][..., i]
        assert away.any() and not away.all()
        for name in ("read", "pre", "gate", "up", "act", "out"):
            x = trace[f"{PART}.experts.{i}.{name}"]
            assert not x[away].any() and x[~away].any(-1).all(), name


def test_the_silent_pass_runs_an_expert_on_its_own_tokens_alone(model, monkeypatch):
    x, seen = torch.randn(2, 7, model.config.width), []
    part = model.blocks[1].mlp
    for expert in part.experts:
        expert.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    part(x)
    assert sum(seen) == 2 * 7 * 2


def test_of_equal_scores_the_first_are_chosen():
    scores = torch.tensor([[1.0, 2.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    assert highest(scores, 2).tolist() == [[True, True, False, False], [True, True, False, False]]


@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS)
def test_every_tensor_agrees_with_its_edit(model, edits):
    assert failing(run(model, BATCH, edits)) == []


def test_a_token_can_be_sent_to_another_expert(model):
    changed = run(model, BATCH[0], EDITS["sent to another expert"])
    assert changed[f"{PART}.shares"][0, 3].tolist() == [0, 0, 0, 0, 1]
    assert_close(changed[f"{PART}.out"][0, 3], changed[f"{PART}.experts.4.out"][0, 3], noise=1e-5)


def test_the_whole_run_agrees_and_a_wrong_number_is_found(model):
    trace = full(model, BATCH)
    assert check_run(trace, "logits").ok
    for name in ("router", "chosen", "shares", "experts.3.read", "experts.3.act", "out"):
        own = trace._kept[f"{PART}.{name}"]
        wrong = trace._kept[f"{PART}.{name}"] = own.clone()
        wrong[0, 3, 1] = ~wrong[0, 3, 1] if wrong.dtype == torch.bool else wrong[0, 3, 1] + 0.01
        assert not check(trace, f"{PART}.{name}").ok, name
        trace._kept[f"{PART}.{name}"] = own


def test_the_arithmetic_of_a_share_names_the_chosen_experts(model):
    trace = run(model, BATCH[0])
    chosen = trace[f"{PART}.chosen"][0, 3].nonzero().flatten().tolist()
    other = next(i for i in range(5) if i not in chosen)
    worked = work(trace, f"{PART}.shares", (0, 3, chosen[0]))
    assert {term.label for term in worked.terms} == {f"expert {i}" for i in chosen}
    assert work(trace, f"{PART}.shares", (0, 3, other)).value == 0
    assert work(trace, f"{PART}.chosen", (0, 3, chosen[0])).numbers.endswith(r"\Rightarrow 1")
    assert len(work(trace, f"{PART}.out", (0, 3, 2)).terms) == 5


def test_a_random_start_is_smaller_where_experts_write_to_the_stream():
    part = Experts(Config(**SIZES | MIXTRAL))
    assert {name for name, _ in part.named_parameters() if name.endswith("out.weight")} == {
        f"experts.{i}.out.weight" for i in range(5)
    }


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (dict(experts=-1), "experts is -1"),
        (dict(experts=True), "experts is True"),
        (dict(experts_used=0), "experts_used is 0"),
        (dict(experts=1), "cannot go to 2 experts_used of 1 experts"),
        (dict(gated=False), "gated must be true, mlp_bias false"),
        (dict(mlp_bias=True), "gated must be true, mlp_bias false"),
    ],
)
def test_experts_that_cannot_be_are_refused(choices, message):
    with pytest.raises(ValueError, match=message):
        Config(**SIZES | MIXTRAL | choices)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="activation is 'tanh'; known are gelu"):
        Experts(Config(**SIZES | MIXTRAL | dict(activation="tanh")))
