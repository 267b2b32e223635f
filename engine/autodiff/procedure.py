"""The procedural method: forward and backward of one network, line by line (lecture 004, algorithms 1 and 2).

The network is a = αx, z = σ(a), b = βz, ŷ = softmax(b), J = −yᵀ log ŷ. Vectors are columns of numbers.
"""

import inspect
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

import numpy as np


def nn_forward(x, y, alpha, beta) -> SimpleNamespace:
    """All intermediate quantities: x [M], a and z [D], b and y_hat [K], and the loss J."""
    a = alpha @ x
    z = 1 / (1 + np.exp(-a))
    b = beta @ z
    y_hat = np.exp(b - b.max()) / np.exp(b - b.max()).sum()
    J = -y @ np.log(y_hat)
    return SimpleNamespace(x=x, y=y, a=a, z=z, b=b, y_hat=y_hat, J=J)


def nn_backward(alpha, beta, o: SimpleNamespace) -> SimpleNamespace:
    """The gradient of J with respect to every quantity, called as the quantity is."""
    g_y_hat = -o.y / o.y_hat
    g_b = g_y_hat @ (np.diag(o.y_hat) - np.outer(o.y_hat, o.y_hat))
    g_beta = np.outer(g_b, o.z)
    g_z = beta.T @ g_b
    g_a = g_z * o.z * (1 - o.z)
    g_alpha = np.outer(g_a, o.x)
    return SimpleNamespace(y_hat=g_y_hat, b=g_b, beta=g_beta, z=g_z, a=g_a, alpha=g_alpha)


# Bugs that a class can look for, one a module: which gradient it spoils first, the right line, the wrong one.
BUGS = {
    "cross-entropy": ("y_hat", "-o.y / o.y_hat", "o.y / o.y_hat"),
    "softmax": ("b", " - np.outer(o.y_hat, o.y_hat))", ")"),
    "linear 2": ("beta", "np.outer(g_b, o.z)", "np.outer(g_b, o.a)"),
    "sigmoid": ("a", "g_z * o.z * (1 - o.z)", "g_z * o.z"),
    "linear 1": ("alpha", "np.outer(g_a, o.x)", "np.outer(g_z, o.x)"),
}


@cache
def planted(bug: str) -> tuple[Callable, str]:
    """`nn_backward` with one of `BUGS` in it, and its source; without a bug where there is none to plant."""
    source = inspect.getsource(nn_backward)
    if not bug:
        return nn_backward, source
    if bug not in BUGS:
        raise ValueError(f"there is no bug {bug!r:.40}; choose one of {', '.join(BUGS)}")
    _, right, wrong = BUGS[bug]
    spoiled, made = source.replace(right, wrong), {}
    exec(compile(spoiled, f"<{bug}>", "exec"), dict(globals()), made)
    return made["nn_backward"], spoiled
