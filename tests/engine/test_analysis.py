"""What pages ask of a trace, against cases that can be worked out by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.analysis import (
    dots_at,
    entropy,
    flat_map,
    lens,
    nearest,
    parameters_of,
    path_length,
    path_to_target,
    pooled,
    project,
    promotes,
    sequential_steps,
    spread,
    value_weighted,
    without_first,
)
from engine.roles import duplicate_token, first_token, induction, patterns, previous_token
from engine.trace import run
from engine.trace.tap import Edit
from tests.engine.tiny import (
    BERT,
    LLAMA,
    RECURRENT,
    ROTARY,
    assert_close,
    decoder,
    full,
    pair,
    prompt,
    recurrent,
)


def test_n_tokens_alike_are_log2_n_bits_and_one_alone_none():
    assert_close(entropy(torch.tensor([[0.25] * 4, [1.0, 0, 0, 0]])), torch.tensor([2.0, 0.0]))


def test_without_the_first_token_the_others_share_its_part(trace):
    pattern = trace["blocks.0.attn.pattern"]
    rest = without_first(pattern)
    assert (rest[..., 0] == 0).all()
    assert_close(rest[..., 1:, :].sum(-1), torch.ones_like(rest[..., 1:, 0]))
    assert_close(rest[..., 2, 1] / rest[..., 2, 2], pattern[..., 2, 1] / pattern[..., 2, 2])


def test_what_hands_over_nothing_weighs_nothing(trace):
    v = trace["blocks.0.attn.v"].clone()
    v[:, :, 4] = 0
    weighted = value_weighted(trace["blocks.0.attn.pattern"], v)
    assert (weighted[..., 4] == 0).all()
    assert_close(weighted[:, :, :4].sum(-1), torch.ones_like(weighted[:, :, :4, 0]))


@pytest.fixture(scope="module", params=[ROTARY, LLAMA, LLAMA | dict(rotary_base=2.5)])
def turning(request):
    """A run of a model with rotary positions, and its queries and keys before their turns, head by head."""
    trace = full(decoder(**request.param), prompt(11))
    q, k = (trace[f"blocks.1.attn.{letter}"][0] for letter in "qk")
    return trace, q, k.repeat_interleave(trace.model.config.group_size, 0)


def test_at_their_own_places_query_times_key_is_the_models_own_dot_product(turning):
    trace, q, k = turning
    for t in range(11):
        for s in range(11):
            found = dots_at(q[:, t], k[:, s], trace.model.angles(t, 1), trace.model.angles(s, 1))
            assert_close(found, trace["blocks.1.attn.dots"][0, :, t, s])


def test_what_is_moved_together_keeps_its_dot_product_and_what_is_moved_alone_does_not(turning):
    trace, q, k = turning
    own, angles = trace["blocks.1.attn.dots"][0, :, 7, 2], trace.model.angles
    moved = [dots_at(q[:, 7], k[:, 2], angles(7 + by, 1), angles(2 + by, 1)) for by in (-2, 3, 400)]
    assert_close(torch.stack(moved), own.expand(3, -1), noise=1e-4)  # angles are of float32
    alone = dots_at(q[:, 7, None], k[:, 2, None], angles(8, 5), angles(2, 1))
    assert ((alone - own[:, None]).abs().amax(-1) > 0.1).all()


def test_many_places_at_once_are_each_place_alone(turning):
    trace, q, k = turning
    angles = trace.model.angles
    together = dots_at(q[0, 4], k[0, 1], angles(-3, 9), angles(1, 1))
    alone = [dots_at(q[0, 4], k[0, 1], angles(place, 1), angles(1, 1)) for place in range(-3, 6)]
    assert_close(together, torch.cat(alone))


def test_the_nearest_row_is_the_one_that_points_the_same_way():
    table = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [5, 1]])
    rows, cosines = nearest(table, 0, 10)
    assert rows == [3, 1, 2]
    assert cosines[1:] == [0, -1]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_flat_map_keeps_the_distances_of_what_lies_flat(count):
    points = torch.randn(count, 2, dtype=torch.float64)
    flat = flat_map(points @ torch.linalg.qr(torch.randn(7, 2, dtype=torch.float64)).Q.T)
    assert_close(torch.cdist(flat, flat), torch.cdist(points, points))


def test_others_are_projected_onto_the_widest_directions_of_a_basis():
    """A basis that spreads along its axes, the second most: these come back in that order, from its mean."""
    basis = torch.tensor([[1.0, 5, 0], [1, -3, 0], [3, 1, 0], [-1, 1, 0]])
    points = project(torch.tensor([[1.0, 1, 7], [4, 1, 0], [1, 3, 0]]), basis, 2)
    assert_close(points.abs(), torch.tensor([[0, 0], [0, 3], [2, 0]], dtype=torch.float64))


def test_spread_is_the_mean_squared_distance_from_the_mean():
    assert spread(torch.tensor([[0.0, 0], [2, 0]])) == 1
    vectors = torch.randn(9, 4)
    whole = project(vectors, vectors, 4)
    assert spread(whole) == pytest.approx(spread(vectors))
    assert spread(whole[:, :1]) < spread(whole[:, :2]) < spread(vectors)


def test_the_lens_ends_with_what_the_model_says(model, ids):
    tokens, shares = lens(run(model, ids[:1], [Edit("blocks.1.resid_pre", "scale", {}, 2.0)]))
    last = run(model, ids[:1], [Edit("blocks.1.resid_pre", "scale", {}, 2.0)])["logits"][0].softmax(-1)
    assert tokens.shape == shares.shape == (model.config.layers + 1, 11)
    assert torch.equal(tokens[-1], last.argmax(-1))
    assert_close(shares[-1], last.max(-1).values)


@pytest.mark.parametrize("choices", [dict(post_norm=True), dict(ending="nothing"), BERT])
def test_where_a_unit_has_no_direct_way_to_the_scores_that_is_said(choices):
    with pytest.raises(ValueError, match="only through other parts"):
        promotes(decoder(torch.float32, **choices), 1, 0, 3)


def test_a_unit_raises_the_logits_it_promotes(model, ids):
    """With the last norm's measures held, one more of it gives the gains, over the spread."""
    at, own = {"T": 10}, tuple(ids[0].tolist())
    steps = ("square",) if model.config.norm == "rms" else ("mean", "var")
    held = [Edit(f"final_norm.{step}", "copy", at, own) for step in steps]
    firing = Edit("blocks.2.mlp.act", "add", {"F": 4} | at, 1.0)
    before, after = (run(model, ids[:1], edits) for edits in (held, [*held, firing]))
    spread = (before[f"final_norm.{steps[-1]}"][0, 10] + model.config.norm_eps).sqrt()
    raised = (after["logits"] - before["logits"])[0, 10] * spread
    tokens, gains = promotes(model, 2, unit=4, count=97)
    assert_close(torch.tensor(gains, dtype=torch.float64), raised[tokens])
    assert gains == sorted(gains, reverse=True)


# --- roles of heads ------------------------------------------------------------------------------

TWICE = torch.tensor([3, 1, 4, 5, 3, 1, 4, 5])
ROLES = {
    "previous token": lambda pattern, ids: previous_token(pattern),
    "first token": lambda pattern, ids: first_token(pattern),
    "duplicate token": duplicate_token,
    "induction": induction,
}
PERFECT = {  # where a head looks from t, in a string of four tokens read twice
    "previous token": lambda t: t - 1,
    "first token": lambda t: 0,
    "duplicate token": lambda t: t - 4,
    "induction": lambda t: t - 3,
}


def looking(where) -> torch.Tensor:
    """The pattern [8, 8] of a head that looks from t at where(t) alone, or at itself if that is none."""
    places = [where(t) if 0 <= where(t) <= t else t for t in range(8)]
    return torch.eye(8)[places]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("head", PERFECT)
def test_a_head_that_does_nothing_else_scores_one_and_any_other_little(role, head):
    score = float(ROLES[role](looking(PERFECT[head]), TWICE))
    assert score == 1 if role == head else score < 0.3


@pytest.mark.parametrize(
    ("role", "score"),
    [
        ("previous token", (1 / 2 + 1 / 3 + 1 / 4) / 3),
        ("first token", (1 / 2 + 1 / 3 + 1 / 4) / 3),
        ("duplicate token", (1 / 3 + 2 / 4) / 2),  # the third token has one earlier copy, the fourth two
        ("induction", (1 / 3 + 2 / 4) / 2),
    ],
)
def test_the_score_of_a_head_that_looks_everywhere_alike(role, score):
    uniform = torch.ones(4, 4).tril() / torch.arange(1, 5)[:, None]
    assert float(ROLES[role](uniform, torch.tensor([6, 2, 2, 2]))) == pytest.approx(score)


@pytest.mark.parametrize("role", ["duplicate token", "induction"])
def test_where_no_token_comes_twice_there_is_nothing_to_score(role):
    pattern = torch.ones(2, 3, 5, 5).tril() / torch.arange(1, 6)[:, None]
    assert torch.equal(ROLES[role](pattern, torch.arange(5)), torch.zeros(2, 3))


@given(ids=st.lists(st.integers(0, 3), min_size=2, max_size=12), seed=st.integers(0, 99))
def test_each_head_of_each_layer_has_its_own_score_between_nothing_and_one(ids, seed):
    T = len(ids)
    scores = torch.randn(2, 3, T, T, generator=torch.Generator().manual_seed(seed))
    pattern = scores.masked_fill(~torch.ones(T, T).tril().bool(), -torch.inf).softmax(-1)
    for role in ROLES.values():
        found = role(pattern, torch.tensor(ids))
        assert found.shape == (2, 3)
        assert ((found >= 0) & (found <= 1 + 1e-6)).all()
        assert_close(found[1, 2], role(pattern[1, 2], torch.tensor(ids)))


def test_patterns_are_those_of_all_layers_for_one_prompt(trace):
    found = patterns(trace, row=1)
    assert found.shape == (3, trace.model.config.heads, 11, 11)
    for i in range(3):
        assert torch.equal(found[i], trace[f"blocks.{i}.attn.pattern"][1])
    assert not torch.equal(found, patterns(trace))


# --- how far and how long ------------------------------------------------------------------------


def step_of(point: str) -> str:
    """The step that a point belongs to, or the look at the source; the empty text where it is neither."""
    name = point.split(".")
    return ".".join(name[:3]) if "steps" in name else "look" if "cross" in name else ""


def fewest_steps(table: dict, start: str) -> dict[str, int]:
    """Counted in the table of points: through how many steps at least each point hangs on `start`."""
    steps = {start: 0}
    for name, point in table.items():  # sources come first
        known = [source for source in point.sources if source in steps]
        ways = [steps[s] + (step_of(name) not in ("", step_of(s))) for s in known]
        steps |= {name: min(ways)} if ways else {}
    return steps


@pytest.mark.parametrize("choices", RECURRENT.values(), ids=RECURRENT)
def test_what_a_source_token_says_takes_as_many_steps_as_there_are_states_between(choices):
    model = recurrent(*choices)
    for T in range(1, 4):
        table = run(model, prompt(5), target=prompt(T)).table
        for place in range(5):
            steps = fewest_steps(table, f"encoder.steps.{place}.h")
            for later in range(place, 5):
                assert steps[f"encoder.steps.{later}.h"] == path_length(model.config, later - place)
            ends = f"decoder.steps.{T - 1}.h" if choices[1] == "none" else "decoder.logits"
            assert steps[ends] == path_to_target(model.config, 5, place, T - 1)


def test_each_token_of_a_transformer_is_one_look_away_from_each(model):
    trace = run(model, prompt(9))
    changed = run(model, prompt(9), [Edit("blocks.0.attn.v", "add", {"T": 1}, 0.5)])
    apart = (trace["blocks.0.attn.out"] != changed["blocks.0.attn.out"]).any(-1)[0]
    assert [path_length(model.config, t - 1) for t in range(1, 9)] == [0] + [1] * 7
    assert apart.tolist() == [False] + [True] * 8


def test_a_recurrent_model_waits_for_every_token_and_a_transformer_for_every_block():
    model = recurrent("gru")
    for length in (1, 4, 9):
        steps = fewest_steps(run(model, prompt(length)).table, "encoder.start.h")
        assert steps[f"encoder.steps.{length - 1}.h"] == sequential_steps(model.config, length)
        assert sequential_steps(decoder().config, length) == 3


def test_each_vector_of_an_encoder_is_one_look_away_from_all_that_a_decoder_beside_it_writes():
    model = pair()
    ids, target = prompt(5), [model.start, *prompt(3)]
    own = run(model, ids, target=target)["decoder.blocks.0.cross.out"]
    for place in range(5):
        edits = [Edit("decoder.blocks.0.cross.v", "add", {"S": place}, 0.5)]
        there = run(model, ids, edits, target=target)["decoder.blocks.0.cross.out"]
        reached = (own != there).any(-1)[0].tolist()
        assert reached == [path_to_target(model.config, 5, place, t) == 1 for t in range(4)] == [True] * 4


@pytest.mark.parametrize(("place", "t"), [(5, 0), (-1, 0), (0, -1)])
def test_a_place_that_is_not_there_is_refused(place, t):
    with pytest.raises(ValueError, match=f"from 0 to 4 .* got {place} and {t}"):
        path_to_target(recurrent("gru").config, 5, place, t)


# --- what was learned where ----------------------------------------------------------------------


@pytest.mark.parametrize(("attention", "inside"), [("none", 0), ("dot", 2), ("additive", 4)])
@pytest.mark.parametrize(("cell", "gates", "biases"), [("rnn", 1, 1), ("gru", 3, 2), ("lstm", 4, 1)])
def test_every_parameter_of_a_recurrent_model_is_in_its_part(cell, gates, biases, attention, inside):
    counts, D, V = parameters_of(recurrent(cell, attention)), 9, 97
    assert counts["tables"] == 2 * V * D  # the source's and the target's
    assert counts["cells"] == 2 * gates * (2 * D * D + biases * D)  # one reads, one writes
    assert counts["attention"] == inside * D * D + (attention == "additive") * D
    assert counts["ending"] == V * D
    assert sum(counts.values()) == sum(p.numel() for p in recurrent(cell, attention).parameters())


def test_every_parameter_of_a_pair_is_in_its_part_and_a_shared_table_counts_once():
    model = pair(shared=True)
    counts, D, V = parameters_of(model), 15, 97
    assert counts["tables"] == V * D + (23 + 13) * D  # one of tokens, two of places
    assert counts["attention"] == 3 * 2 * (4 * D * D + 4 * D)  # two of the decoder, one of the encoder
    assert counts["cells"] == counts["ending"] == 0
    assert sum(counts.values()) == sum(p.numel() for p in model.parameters())


# --- pooled --------------------------------------------------------------------------------------

SIDES = st.integers(1, 9)


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 8), st.integers(0, 8), st.integers(0, 2**32 - 1))
def test_a_pooled_cell_is_the_entry_largest_in_size_at_the_place_told(R, C, r, c, top, left, seed):
    top, left = top % r, left % c
    values = np.random.default_rng(seed).normal(size=(R, C)).astype(np.float32)
    entries, at = pooled(values, (r, c), (top, left))
    assert entries.shape == (-(-(R + top) // r), -(-(C + left) // c)) == at.shape[:2]
    for i, j in np.ndindex(entries.shape):
        row, column = at[i, j]
        assert ((row + top) // r, (column + left) // c) == (i, j) and entries[i, j] == values[row, column]
        block = values[max(0, i * r - top) : (i + 1) * r - top, max(0, j * c - left) : (j + 1) * c - left]
        assert abs(entries[i, j]) == np.abs(block).max()


def test_what_is_masked_is_told_only_where_all_of_a_block_is():
    inf = -np.inf
    values = np.array([[inf, inf, inf], [0.0, inf, inf]])
    entries, at = pooled(values, (2, 2))
    assert entries.tolist() == [[0.0, inf]] and at[0, 0].tolist() == [1, 0]


def test_blocks_of_one_are_the_matrix():
    values = np.arange(6.0).reshape(2, 3) - 3
    entries, at = pooled(values, (1, 1))
    assert (entries == values).all() and (at == np.indices((2, 3)).transpose(1, 2, 0)).all()
