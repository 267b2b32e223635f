"""The procedural method: forward and backward of one network, line by line (lecture 004, algorithms 1 and 2).

The network is a = αx, z = σ(a), b = βz, ŷ = softmax(b), J = −yᵀ log ŷ. Vectors are columns of numbers.
"""

from types import SimpleNamespace

import numpy as np

# Bugs that a class can look for: each spoils one line of the backward pass.
BUGS = {
    "cross-entropy": "the minus sign of the first line is missing",
    "softmax": "b bᵀ is left out of softmax's backward",
    "linear 2": "the rows of βᵀ are taken in the wrong order for the gradient of z",
    "sigmoid": "(1 − z) is left out of sigmoid's backward",
    "linear 1": "the gradient of α is multiplied by a instead of x",
}


def nn_forward(x, y, alpha, beta) -> SimpleNamespace:
    """All intermediate quantities: x [M], a and z [D], b and y_hat [K], and the loss J."""
    x, y, alpha, beta = (np.asarray(v, dtype=float) for v in (x, y, alpha, beta))
    a = alpha @ x
    z = 1 / (1 + np.exp(-a))
    b = beta @ z
    y_hat = np.exp(b - b.max()) / np.exp(b - b.max()).sum()
    J = -y @ np.log(y_hat)
    return SimpleNamespace(x=x, y=y, a=a, z=z, b=b, y_hat=y_hat, J=J)


def nn_backward(alpha, beta, o: SimpleNamespace, bug: str = "") -> SimpleNamespace:
    """The gradient of J with respect to every quantity; `bug` names one of `BUGS` to be planted."""
    alpha, beta = np.asarray(alpha, dtype=float), np.asarray(beta, dtype=float)
    if bug and bug not in BUGS:
        raise ValueError(f"there is no bug {bug!r:.40}; choose one of {', '.join(BUGS)}")
    y_hat = -o.y / o.y_hat if bug != "cross-entropy" else o.y / o.y_hat
    b = y_hat @ (np.diag(o.y_hat) - (np.outer(o.y_hat, o.y_hat) if bug != "softmax" else 0))
    beta_gradient = np.outer(b, o.z)
    z = beta.T @ b if bug != "linear 2" else beta.T[::-1] @ b
    a = z * o.z * ((1 - o.z) if bug != "sigmoid" else 1)
    alpha_gradient = np.outer(a, o.x) if bug != "linear 1" else np.outer(a, np.resize(o.a, o.x.shape))
    return SimpleNamespace(y_hat=y_hat, b=b, beta=beta_gradient, z=z, a=a, alpha=alpha_gradient)
