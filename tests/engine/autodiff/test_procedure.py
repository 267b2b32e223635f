"""The backward pass written out by hand, and its planted bugs, against finite differences."""

import numpy as np
import pytest

from engine.autodiff import BUGS, nn_backward, nn_forward, slopes

RNG = np.random.default_rng(5)
X, Y, ALPHA, BETA = RNG.normal(size=3), np.eye(3)[1], RNG.normal(size=(4, 3)), RNG.normal(size=(3, 4))


def _measured():
    alpha, beta = slopes(lambda alpha, beta: nn_forward(X, Y, alpha, beta).J, ALPHA, BETA)
    return {"alpha": alpha, "beta": beta}


def _gap(bug):
    told = nn_backward(ALPHA, BETA, nn_forward(X, Y, ALPHA, BETA), bug)
    return max(np.abs(getattr(told, name) - slope).max() for name, slope in _measured().items())


def test_it_is_what_finite_differences_measure():
    assert _gap("") < 1e-8


@pytest.mark.parametrize("bug", BUGS)
def test_finite_differences_find_every_bug(bug):
    assert _gap(bug) > 1e-3


def test_an_unknown_bug_is_told():
    with pytest.raises(ValueError, match="choose one of"):
        nn_backward(ALPHA, BETA, nn_forward(X, Y, ALPHA, BETA), "moth")
