"""How far a measured number can be trusted: intervals against what is known of them."""

import numpy as np
import pytest

from engine.training.evaluate.intervals import Z, bootstrap, jackknife, wilson


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (255, 1000, 0.2290, 0.2829)],
)
def test_wilsons_interval_as_it_is_printed_elsewhere(right, n, low, high):
    assert wilson(right, n) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.97])
def test_wilsons_interval_holds_the_true_share_95_times_in_100(share):
    counts = np.random.default_rng(0).binomial(80, share, 2000)
    held = [low <= share <= high for low, high in (wilson(int(k), 80) for k in counts)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)


def test_the_bootstrap_of_a_mean_is_as_wide_as_the_normal_interval():
    values = np.random.default_rng(0).normal(3, 2, 400)
    low, high = bootstrap(values)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * Z * values.std() / 20, rel=0.1)


def test_the_bootstrap_draws_a_value_with_its_weight():
    weights = np.array([1.0, 2, 3, 4, 5] * 20)
    assert bootstrap(3 * weights, weights) == pytest.approx((3, 3))
    low, high = bootstrap(weights**2, weights)
    assert low < (weights**2).sum() / weights.sum() < high


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(30.0)
    assert bootstrap(values) == bootstrap(values) != bootstrap(values, seed=1)


def test_the_jackknife_of_a_mean_is_the_normal_interval():
    values = np.random.default_rng(1).normal(size=50)
    without = [np.delete(values, i).mean() for i in range(50)]
    half = Z * values.std(ddof=1) / 50**0.5
    assert jackknife(values.mean(), without) == pytest.approx((values.mean() - half, values.mean() + half))
