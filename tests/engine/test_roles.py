"""Heads by what they look at: on attention made to have one role, on random one, and where none can be told."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import roles
from engine.roles import CELLS, CROSS, ROLES, Seen, named, scores
from engine.trace import run
from engine.worked.derived import check_roles
from tests.engine.tiny import BERT, PAIRS, decoder, pair, prompt

RECURRING = torch.tensor([9, 1, 2, 3, 4, 7, 6, 1, 2, 3, 5])  # 9 and 7 are special
SPECIAL = torch.isin(RECURRING, torch.tensor([9, 7]))


def seen_as(causal: bool, own: bool = True) -> Seen:
    allowed = torch.ones(11, 11, dtype=torch.bool)
    return Seen(allowed.tril() if causal else allowed, RECURRING, SPECIAL, own)


def looking(role: str, seen: Seen) -> torch.Tensor:
    """A head [1, T, S] of this role: all of its weight on the role's cells, where there are none evenly."""
    cells = (CELLS[role](seen) & seen.allowed).float()
    even = seen.allowed.float()
    rows = torch.where(cells.any(-1, keepdim=True), cells, even)
    return (rows / rows.sum(-1, keepdim=True))[None]


def of_one(pattern: torch.Tensor, seen: Seen) -> dict[str, float]:
    return {role: float(found[0]) for role, found in scores(pattern, seen).items()}


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("role", CELLS)
def test_a_head_made_for_a_role_is_called_by_it(role, causal):
    seen = seen_as(causal)
    if role == "next" and causal:
        assert of_one(looking("previous", seen), seen)["next"] == 0
        return
    found = of_one(looking(role, seen), seen)
    assert found[role] == pytest.approx(1) and named(found) == role


def test_even_attention_is_diffuse():
    for causal in (True, False):
        seen = seen_as(causal)
        even = seen.allowed / seen.allowed.sum(-1, keepdim=True)
        found = of_one(even[None], seen)
        assert found["diffuse"] == pytest.approx(1) and named(found) == "diffuse"


def test_a_head_that_looks_half_here_and_half_there_has_the_larger_half():
    seen = seen_as(causal=True)
    found = of_one(0.6 * looking("previous", seen) + 0.4 * looking("first", seen), seen)
    assert named(found) == "previous"
    found = of_one(0.4 * looking("previous", seen) + 0.35 * looking("first", seen), seen)
    assert named(found) == ""


def test_nobody_is_an_induction_head_where_nothing_recurs():
    allowed = torch.ones(9, 9, dtype=torch.bool).tril()
    seen = Seen(allowed, torch.arange(9), torch.zeros(9, dtype=torch.bool))
    found = of_one(looking("previous", seen), seen)
    assert found["induction"] == found["duplicate"] == found["special"] == 0


@pytest.mark.parametrize("length", [1, 2, 3])
def test_nobody_is_called_anything_on_a_prompt_of_a_few_tokens(length):
    allowed = torch.ones(length, length, dtype=torch.bool).tril()
    seen = Seen(allowed, torch.arange(length), torch.zeros(length, dtype=torch.bool))
    for role in ("previous", "first", "self"):
        assert named(of_one(looking(role, seen), seen)) == ""


def test_of_another_text_only_what_does_not_depend_on_its_order():
    seen = seen_as(causal=False, own=False)
    for role in CELLS:
        found = of_one(looking("first" if role not in CROSS else role, seen), seen)
        assert (found[role] > 0.9) == (role in CROSS)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 14),
    st.integers(1, 14),
    st.sampled_from(["causal", "full", "window", "cross"]),
    st.integers(0, 2**31),
)
def test_scores_of_any_size_are_shares_and_the_second_route_agrees(heads, T, S, kind, seed):
    draw = torch.Generator().manual_seed(seed)
    S = S if kind == "cross" else T
    allowed = torch.ones(heads, T, S, dtype=torch.bool)
    allowed = allowed if kind in ("full", "cross") else allowed.tril()
    allowed = allowed & ~allowed.tril(-3) if kind == "window" else allowed
    raw = torch.randn(heads, T, S, generator=draw) * 4
    pattern = raw.masked_fill(~allowed, -torch.inf).softmax(-1)
    ids, special = torch.randint(4, (T,), generator=draw), torch.rand(S, generator=draw) < 0.3
    seen = Seen(allowed, ids, special, own=kind != "cross")
    found = scores(pattern, seen)
    assert list(found) == list(ROLES)
    for score in found.values():
        assert score.shape == (heads,) and ((score >= 0) & (score <= 1 + 1e-5)).all()
    assert check_roles(pattern, seen, roles.CHANCE, found).ok


def test_all_heads_of_a_run_at_once():
    model = decoder(torch.float32)
    trace = run(model, prompt(9, seed=1))
    found = roles.of_run(trace)
    config = model.config
    assert all(score.shape == (config.layers, config.heads) for score in found.values())
    allowed = trace["blocks.1.attn.mask"][0]
    seen = roles.seen_of(trace, allowed, "")
    assert torch.equal(found["previous"][1], scores(trace["blocks.1.attn.pattern"][0], seen)["previous"])
    assert torch.allclose(found["previous"], roles.previous_token(roles.patterns(trace)))


def test_both_stacks_and_what_lies_between_them():
    model = pair(torch.float32, **next(iter(PAIRS.values())))
    trace = run(model, [prompt(9, seed=1)], target=[[3, *prompt(6, seed=2)]])
    for side, part in (("encoder", "attn"), ("decoder", "attn"), ("decoder", "cross")):
        config = model.get_submodule(side).config
        assert roles.of_run(trace, side, part)["first"].shape == (config.layers, config.heads)
    assert not roles.of_run(trace, "decoder", "cross")["previous"].any()


def test_an_encoders_special_tokens_are_those_of_its_tokenizer():
    trace = run(decoder(torch.float32, **BERT), prompt(9, seed=1))
    trace.model.tokenizer = type("", (), {"special": {"[SEP]": int(trace.ids[0, 5])}})()
    seen = roles.seen_of(trace, trace["blocks.0.attn.mask"][0], "")
    assert seen.special[5] and seen.own
