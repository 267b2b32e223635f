"""The backward pass written out by hand, and its planted bugs, against finite differences."""

import numpy as np
import pytest

from engine.autodiff import BUGS, nn_backward, nn_forward, planted, slopes

RNG = np.random.default_rng(5)
X, Y, ALPHA, BETA = RNG.normal(size=3), np.eye(3)[1], RNG.normal(size=(4, 3)), RNG.normal(size=(3, 4))


O = nn_forward(X, Y, ALPHA, BETA)
AFTER = ("y_hat", "b", "beta", "z", "a", "alpha")  # the order of the lines


def _rest(name, value):
    """J, from one of its quantities on."""
    at = dict(vars(O), alpha=ALPHA, beta=BETA) | {name: value}
    if name == "alpha":
        at["a"] = at["alpha"] @ X
    if name in ("alpha", "a"):
        at["z"] = 1 / (1 + np.exp(-at["a"]))
    if name in ("alpha", "a", "z", "beta"):
        at["b"] = at["beta"] @ at["z"]
    if name != "y_hat":
        at["y_hat"] = np.exp(at["b"]) / np.exp(at["b"]).sum()
    return -Y @ np.log(at["y_hat"])


def _gaps(bug):
    told = vars(planted(bug)[0](ALPHA, BETA, O))
    values = dict(vars(O), alpha=ALPHA, beta=BETA)
    found = {name: slopes(lambda v, name=name: _rest(name, v), values[name])[0] for name in AFTER}
    return {name: np.abs(told[name] - found[name]).max() for name in AFTER}


def test_it_is_what_finite_differences_measure():
    assert max(_gaps("").values()) < 1e-8
    assert vars(nn_backward(ALPHA, BETA, O)).keys() == set(AFTER)


@pytest.mark.parametrize("bug", BUGS)
def test_finite_differences_find_every_bug_and_none_before_it(bug):
    gaps, (first, _, wrong) = _gaps(bug), BUGS[bug]
    wrongs = [name for name in AFTER if gaps[name] > 1e-3]
    assert wrongs[0] == first
    source = planted(bug)[1]
    assert wrong in source and source.count("\n") == planted("")[1].count("\n")


def test_an_unknown_bug_is_told():
    with pytest.raises(ValueError, match="choose one of"):
        planted("moth")
