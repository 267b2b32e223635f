"""The steps of the examples computed once more with numpy alone, from the numbers in their files."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[3] / "assets" / "examples"
Numbers = dict[str, np.ndarray]


def given(name: str) -> Numbers:
    """What a file gives, as arrays."""
    entries = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))["given"]
    return {
        key: np.array(entry["numbers"] if isinstance(entry, dict) else entry, float)
        for key, entry in entries.items()
    }


def softmax(s: np.ndarray) -> np.ndarray:
    e = np.exp(s)  # small scores: nothing needs to be subtracted
    return e / e.sum(-1, keepdims=True)


def hidden(s: np.ndarray) -> np.ndarray:
    masked = s.copy()
    for i in range(len(s)):
        masked[i, i + 1 :] = -np.inf
    return masked


def normal(x: np.ndarray, epsilon: float) -> np.ndarray:
    rows = [(r - np.mean(r)) / np.sqrt(np.mean((r - np.mean(r)) ** 2) + epsilon) for r in x]
    return np.array(rows)


def image_attention(g: Numbers) -> Numbers:
    e = np.array([z @ g["h"] for z in g["Z"]])
    return {"e": e, "a": softmax(e), "c": sum(share * z for share, z in zip(softmax(e), g["Z"], strict=True))}


def general_attention(g: Numbers) -> Numbers:
    dots = np.einsum("md,nd->mn", g["Q"], g["X"])
    a = softmax(dots / 2)
    return {"dots": dots, "E": dots / 2, "A": a, "Y": np.einsum("mn,nd->md", a, g["X"])}


def keys_values(g: Numbers) -> Numbers:
    k, v = np.einsum("nd,de->ne", g["X"], g["W_k"]), np.einsum("nd,de->ne", g["X"], g["W_v"])
    e = np.einsum("me,ne->mn", g["Q"], k) / 2
    return {"K": k, "V": v, "E": e, "A": softmax(e), "Y": np.einsum("mn,ne->me", softmax(e), v)}


def self_attention(g: Numbers) -> Numbers:
    q, k, v = (np.einsum("nd,de->ne", g["X"], g[f"W_{each}"]) for each in "qkv")
    qk = np.einsum("me,ne->mn", q, k)
    a = softmax(qk / 2**0.5)
    return {"Q": q, "K": k, "V": v, "QK": qk, "E": qk / 2**0.5, "A": a, "Y": np.einsum("mn,ne->me", a, v)}


def permutation(g: Numbers) -> Numbers:
    def attention(x):
        a = softmax(np.einsum("me,ne->mn", x @ g["W_q"], x @ g["W_k"]) / 2**0.5)
        return a, np.einsum("mn,ne->me", a, x @ g["W_v"])

    x2 = g["X"][g["order"].astype(int) - 1]
    (a, y), (a2, y2) = attention(g["X"]), attention(x2)
    return {"A": a, "Y": y, "X2": x2, "A2": a2, "Y2": y2, "difference": np.zeros_like(y)}


def masked_self_attention(g: Numbers) -> Numbers:
    e = np.einsum("me,ne->mn", g["X"] @ g["W_q"], g["X"] @ g["W_k"]) / 2**0.5
    a = softmax(hidden(e))
    return {"E": e, "masked": hidden(e), "A": a, "Y": np.einsum("mn,ne->me", a, g["X"] @ g["W_v"])}


def multi_head(g: Numbers) -> Numbers:
    q, k, v = (np.einsum("nd,de->ne", g["X"], g[f"W_{each}"]) for each in "qkv")
    found = {"d_k": np.array(2.0), "Q": q, "K": k, "V": v}
    for h in (1, 2):
        mine = slice(2 * h - 2, 2 * h)
        s = np.einsum("me,ne->mn", q[:, mine], k[:, mine]) / 2**0.5
        found |= {f"S{h}": s, f"A{h}": softmax(hidden(s)), f"X{h}": softmax(hidden(s)) @ v[:, mine]}
    return found | {"joined": np.hstack([found["X1"], found["X2"]])}


def reza_lives(g: Numbers) -> Numbers:
    qk = np.array([[sum(a * b for a, b in zip(q, k, strict=True)) for k in g["K"]] for q in g["Q"]])
    w = softmax(qk / 3**0.5)
    first, second = (np.array([[w[i, m] * v for v in g["V"][m]] for i in (0, 1)]) for m in (0, 1))
    shapes = {"shape_Q": np.array([2.0, 3.0]), "shape_K": np.array([3.0, 2.0]), "root": np.array(3**0.5)}
    found = shapes | {"QK": qk, "S": qk / 3**0.5, "W": w, "Z": first + second}
    return found | {"first": first, "second": second, "together": first + second}


def causal_mask(g: Numbers) -> Numbers:
    masked = hidden(g["S"])
    m = hidden(np.zeros_like(g["S"]))
    return {"M": m, "masked": masked, "causal_A": softmax(masked), "A_with_D": softmax(g["S"] + g["D"])}


def john_kicked_the(g: Numbers) -> Numbers:
    return {"masked": hidden(g["S"]), "A": softmax(hidden(g["S"]))}


def one_matrix(g: Numbers) -> Numbers:
    x, w_q, w_k = g["X"], g["W_q"], g["W_k"]
    s = np.einsum("mi,ie,je,nj->mn", x, w_q, w_k, x) / 2**0.5
    q, k, w = x @ w_q, x @ w_k, np.einsum("ie,je->ij", w_q, w_k)
    return {"Q": q, "K": k, "S": s, "W": w, "S2": s, "difference": np.zeros_like(s)}


def cross_attention(g: Numbers) -> Numbers:
    q, k, v = g["X"] @ g["W_q"], g["C"] @ g["W_k"], g["C"] @ g["W_v"]
    s = np.einsum("me,ne->mn", q, k) / 2**0.5
    return {"Q": q, "K": k, "V": v, "S": s, "A": softmax(s), "Y": np.einsum("mn,ne->me", softmax(s), v)}


def swap_poll(g: Numbers) -> Numbers:
    x2, a2 = g["X"][[0, 2, 1, 3]], g["a"][[0, 2, 1, 3]]
    before = sum(share * x for share, x in zip(g["a"], g["X"], strict=True))
    assert before.tolist() == [0.1, 0.2, 1.2, 0.1]
    found = {"V": g["X"], "before": before, "P": np.eye(4)[[0, 2, 1, 3]], "X2": x2, "a2": a2, "after": before}
    return found | {"wrong": np.array([0.1, 0.6, 0.4, 0.1])}


def positions_break(g: Numbers) -> Numbers:
    mix = lambda x: softmax(np.einsum("md,nd->mn", x, x) / 2**0.5) @ x  # noqa: E731
    w2 = g["W"][[1, 0, 2]]
    x, x2 = g["W"] + g["P"], w2 + g["P"]
    assert np.allclose(mix(g["W"])[2], mix(w2)[2]) and not np.allclose(mix(x)[2], mix(x2)[2])
    found = {"plain": mix(g["W"]), "W2": w2, "plain2": mix(w2), "X": x, "Y": mix(x), "X2": x2, "Y2": mix(x2)}
    return found | {"change": mix(x2)[2] - mix(x)[2]}


def layernorm(g: Numbers) -> Numbers:
    normalised = np.array([0, 2**0.5, 0, -(2**0.5)])
    found = {"mu": np.array(100.0), "centred": np.array([0.0, 100, 0, -100]), "variance": np.array(5000.0)}
    found |= {"squares": np.array([0.0, 1e4, 0, 1e4]), "share": np.array(0.25), "root": np.array(5000**0.5)}
    found |= {"normalised": normalised, "y": g["a"] * normalised + g["b"]}
    return found | {"mean_after": np.array(0.0), "variance_after": np.array(1.0)}


def layernorm_vectors(g: Numbers) -> Numbers:
    normalised = np.array([0, 100, 0, -100]) / (5000 + 1e-5) ** 0.5
    y = normalised * g["gamma"] + g["beta"]
    return {"mu": np.array(100.0), "var": np.array(5000.0), "normalised": normalised, "y": y}


def layernorm_residual(g: Numbers) -> Numbers:
    r = g["X"] + g["O"]
    found = {"R": r, "mu": np.array([[sum(x) / 4] for x in r])}
    found["var"] = np.array([[sum((t - sum(x) / 4) ** 2 for t in x) / 4] for x in r])
    return found | {"normalised": normal(r, 1e-5), "Y": normal(r, 1e-5)}


def little_network(g: Numbers) -> Numbers:
    a = np.array([sum(w * x for w, x in zip(row, g["x"], strict=True)) for row in g["alpha"]])
    z = np.array([1 / (1 + np.exp(-t)) for t in a])
    b = np.array([sum(w * x for w, x in zip(row, z, strict=True)) for row in g["beta"]])
    return {"a": a, "z": z, "b": b, "p": softmax(b), "J": -np.log(softmax(b)[1])}


def greedy_tree(g: Numbers) -> Numbers:
    p, second = g["p"], g["P"]
    joint = np.array([[p[i] * second[i, j] for j in range(3)] for i in range(3)])
    found = {"first_edges": -np.log(p), "second_edges": -np.log(second), "i": np.array(1.0), "j": np.array(1.0)}
    found |= {"greedy": -np.log(joint[:1, 0]), "sums": -np.log(joint), "best": -np.log([[joint.max()]])}
    return found | {"probability": np.array([[0.36]]), "greedy_probability": np.array([0.2])}


def five_tokens(g: Numbers) -> Numbers:
    x = g["X"]
    q, k, v = x @ g["W_q"], x @ g["W_k"], x @ g["W_v"]
    qk = np.einsum("me,ne->mn", q, k)
    a = softmax(hidden(qk / 2**0.5))
    z = np.einsum("mn,ne->me", a, v)
    r = x + z @ g["W_o"]
    n = normal(r, 1e-5)
    h = np.clip(n @ g["W_1"], 0, None)
    r2 = n + h @ g["W_2"]
    found = {"n": np.array(5.0), "Q": q, "K": k, "V": v, "QK": qk, "S": qk / 2**0.5, "A": a, "Z": z}
    found |= {"masked": hidden(qk / 2**0.5), "O": z @ g["W_o"], "R": r, "N": n, "H": h, "F": h @ g["W_2"]}
    return found | {"R2": r2, "Y": normal(r2, 1e-5)}


AGAIN: dict[str, Callable[[Numbers], Numbers]] = {
    each.__name__: each
    for each in (
        image_attention,
        general_attention,
        keys_values,
        self_attention,
        permutation,
        masked_self_attention,
        multi_head,
        reza_lives,
        causal_mask,
        john_kicked_the,
        one_matrix,
        cross_attention,
        swap_poll,
        positions_break,
        layernorm,
        layernorm_vectors,
        layernorm_residual,
        little_network,
        greedy_tree,
        five_tokens,
    )
}
