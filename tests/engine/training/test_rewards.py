"""Learning from rewards: losses against cases worked by hand and against a second route."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.training.rewards import dpo, ppo, preference, rejection, rule
from engine.training.rewards.policy import Texts, kl, of_tokens
from engine.training.rewards.preference import bradley_terry, pairs, pairs_by, right
from engine.training.rewards.reward_model import averages, fit
from engine.worked import rewards as second

NUMBERS = st.floats(-6, 6)


def tensor(*x):
    return torch.tensor(x, dtype=torch.float32)


# --- rules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, text, score",
    [
        ("animals", "The cat saw two dogs. The cat ran.", 3),
        ("animals", "A category of doggerel", 0),
        ("happy", "Happy, happy friends laughed!", 4),
        ("short", "One two three. Four! Five six?", -2),
        ("short", "no end at all", -4),
        ("short", " ... ", 0),
        ("speech", '"Yes," said he. “No.”', 4),
    ],
)
def test_a_rule_counts(name, text, score):
    assert rule.RULES[name](text) == score


def test_different_words_are_a_share_of_each_text():
    assert rule.distinct(["a girl a girl", "one two"]) == 0.75
    assert rule.distinct([]) == 1


# --- preferences -------------------------------------------------------------------------------------


def test_the_loss_of_a_pair_by_hand():
    # σ(2 − 1) = 1 / (1 + e⁻¹) = 0.731059; −log 0.731059 = 0.313262; equal rewards: log 2; turned: 1.313262
    losses = bradley_terry(tensor(2, 0, 1), tensor(1, 0, 2))
    assert losses.tolist() == pytest.approx([0.313262, 0.693147, 1.313262], abs=1e-6)


def test_a_ranking_of_four_makes_six_pairs_the_better_first():
    assert pairs([2, 0, 1, 3]) == [(2, 0), (2, 1), (2, 3), (0, 1), (0, 3), (1, 3)]
    assert pairs_by([1.0, 2.0, 1.0].__getitem__, range(3)) == [(1, 0), (1, 2)]


def test_equal_rewards_are_not_right():
    assert right(tensor(1, 1, 0), [(0, 1), (0, 2), (2, 1)]) == 1


def test_a_reward_model_learns_what_pairs_differ_in():
    draw = torch.Generator().manual_seed(0)
    given = torch.randn(80, 6, generator=draw)
    truth = given[:, 2]
    known = pairs_by(truth.tolist().__getitem__, range(40))
    model = fit(given, known)
    assert model.losses[0] == pytest.approx(math.log(2)) and model.losses[-1] < 0.4
    held = [pair for i in range(40, 80, 2) for pair in pairs_by(truth.tolist().__getitem__, (i, i + 1))]
    assert right(model.of(given), held) >= 18
    assert int(model.weights.abs().argmax()) == 2


def test_a_text_is_worth_the_average_of_its_tokens():
    draw = torch.Generator().manual_seed(1)
    vectors = torch.randn(5, 4, 6, generator=draw)
    mask = torch.tensor([[True] * 4, [True, False, False, False]] + [[True, True, False, False]] * 3)
    means = averages(vectors, mask)
    model = fit(means, [(0, 1), (2, 3)])
    by_tokens = (model.tokens(vectors) * mask).sum(1) / mask.sum(1)
    assert torch.allclose(model.of(means), by_tokens, atol=1e-6)


def test_without_a_pair_there_is_nothing_to_learn():
    with pytest.raises(ValueError, match="rank some texts"):
        fit(torch.zeros(4, 3), [])


# --- PPO -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ratio, advantage, gain",
    [(1.5, 2, 2.4), (0.5, 2, 1.0), (1.1, 2, 2.2), (0.5, -1, -0.8), (1.5, -1, -1.5), (0.9, -1, -0.9), (9, 0, 0)],
)
def test_the_clipped_step_by_hand(ratio, advantage, gain):
    # ε = 0.2: what is good gains up to 1.2 A, what is bad is pushed down to 0.8 A, and the way back stays open
    assert ppo.clipped(tensor(ratio), tensor(advantage), 0.2).item() == pytest.approx(gain)


def test_ppo_loss_of_a_batch_by_hand():
    # two texts with A = 1 and −1; ratios 2 → 1.2 and 1 → 1; 0.5 → −0.8; the last token is none
    old, new = torch.zeros(2, 2), tensor([math.log(2), 0.0], [math.log(0.5), 3.0])
    mask = torch.tensor([[True, True], [True, False]])
    loss = ppo.ppo_loss(new, old, tensor(1, -1), mask, 0.2)
    assert loss.item() == pytest.approx(-(1.2 + 1 - 0.8) / 3)


def test_a_token_that_went_far_enough_has_no_gradient():
    new = tensor([0.5, 0.1, -0.5]).requires_grad_()
    ppo.ppo_loss(new, torch.zeros(1, 3), tensor(1), torch.ones(1, 3, dtype=torch.bool), 0.2).backward()
    assert new.grad[0, 0] == 0 and new.grad[0, 1] < 0 and new.grad[0, 2] < 0


def test_the_leash_is_a_price_on_the_log_ratio():
    worth = ppo.leashed(tensor(1, 2), tensor(5, -3), 0.1)
    assert worth.tolist() == pytest.approx([0.5, 2.3])
    # mean 1.4, deviations −0.9 and 0.9
    assert ppo.advantages(worth).tolist() == pytest.approx([-1, 1], abs=1e-4)
    assert ppo.advantages(tensor(2, 2)).tolist() == [0, 0]


def test_kl_by_hand():
    # ½ log(½ / ¼) + ½ log(½ / ¾) = 0.143841; the second token comes after the end
    policy, reference = tensor([0.5, 0.5]).log(), tensor([0.25, 0.75]).log()
    found = kl(policy.expand(1, 2, 2), reference.expand(1, 2, 2), torch.tensor([[True, False]]))
    assert found.tolist() == pytest.approx([0.143841], abs=1e-6)


# --- DPO, best of n ------------------------------------------------------------------------------------


def test_dpo_loss_by_hand():
    # better −1 against −1.5 by the reference, worse −2 against −1.5: margin 1; β = 0.5: −log σ(0.5) = 0.474077
    given = tensor(-1), tensor(-2), tensor(-1.5), tensor(-1.5)
    assert dpo.margin(*given).tolist() == [1]
    assert dpo.dpo_loss(*given, 0.5).tolist() == pytest.approx([0.474077], abs=1e-6)
    assert dpo.dpo_loss(*given, 0.0).tolist() == pytest.approx([math.log(2)])


def test_best_of_n_by_hand():
    # of 1, 2, 3 two are drawn: 2, 3 or 3 is the best
    rewards = tensor(1, 3, 2)
    assert rejection.best_of(2, rewards, rewards) == pytest.approx(8 / 3)
    assert rejection.best_of(1, rewards, rewards) == pytest.approx(2)
    assert rejection.best_of(3, rewards, tensor(5, 7, 6)) == pytest.approx(7)
    assert rejection.kl_of(1) == 0 and rejection.kl_of(4) == pytest.approx(math.log(4) - 0.75)


# --- the second route ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(NUMBERS, NUMBERS, st.floats(-3, 3), st.floats(0.01, 0.9))
def test_gains_agree_with_the_second_route(old, new, advantage, epsilon):
    shown = ppo.clipped(ppo.ratio(tensor(new), tensor(old)), tensor(advantage), epsilon)
    values = [x.item() for x in (tensor(old), tensor(new), tensor(advantage))]
    assert second.check_gains([values[0]], [values[1]], values[2], epsilon, shown.tolist()).ok


@settings(deadline=None)
@given(st.lists(st.floats(-80, 0), min_size=4, max_size=4), st.floats(0, 5))
def test_dpo_agrees_with_the_second_route(log_probabilities, beta):
    given = [tensor(x) for x in log_probabilities]
    loss = dpo.dpo_loss(*given, beta).item()
    assert second.check_dpo([x.item() for x in given], beta, loss).ok


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5))
def test_pairs_agree_with_the_second_route(rewards):
    better, worse = (torch.tensor(side, dtype=torch.float32) for side in zip(*rewards, strict=True))
    given = list(zip(better.tolist(), worse.tolist(), strict=True))
    assert second.check_pairs(given, bradley_terry(better, worse).tolist()).ok


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=7), st.integers(1, 7))
def test_best_of_n_agrees_with_going_through_all_choices(rewards, n):
    n, values = min(n, len(rewards)), [x * x for x in rewards]
    given = tensor(*rewards)
    shown = rejection.best_of(n, given, tensor(*values))
    assert second.check_best(n, given.tolist(), tensor(*values).tolist(), shown).ok


def test_after_the_end_of_a_text_nothing_counts():
    texts = Texts(torch.tensor([[0, 1, 1]]), 1, torch.tensor([[True, False]]))
    log_probabilities = tensor([[[0.1, 0.9], [0.1, 0.9]]]).log().reshape(1, 2, 2)
    assert of_tokens(log_probabilities, texts).tolist() == [[pytest.approx(math.log(0.9)), 0]]
    assert preference.RANKED == 4
