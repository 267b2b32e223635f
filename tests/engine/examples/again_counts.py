"""Examples of recurrence and counting, computed once more: networks by a loop, parameters by their shapes."""

import datetime
import math
from collections.abc import Callable

import numpy as np

from tests.engine.examples.again import Numbers, hidden, softmax


def states(inputs, w, u, start=None):
    """The states of a plain recurrent network, one after the other."""
    found, h = [], np.zeros(len(u)) if start is None else start
    for x in inputs:
        h = np.array([math.tanh(sum(x * w[:, j]) + sum(h * u[:, j])) for j in range(len(u))])
        found.append(h)
    return found


def as_rows(vectors, *names):
    return {name: vector[None] for name, vector in zip(names, vectors, strict=True)}


def rnn_unrolled(g: Numbers) -> Numbers:
    found = states(g["X"], g["W_x"], g["W_h"], g["h0"][0])
    return as_rows(found, "h1", "h2", "h3") | {"H": found, "Y": [h @ g["W_y"] for h in found]}


def rnn_wirings(g: Numbers) -> Numbers:
    found = states(g["X"], g["W_x"], g["W_h"])
    said, h = [found[0] @ g["W_y"]], found[0]
    heard = []
    for _ in range(2):
        (h,) = states([said[-1]], g["W_x"], g["W_h"], h)
        heard.append(h)
        said.append(h @ g["W_y"])
    result = as_rows(found, "h1", "h2", "h3") | as_rows(heard, "g2", "g3") | as_rows(said[:2], "y1", "y2")
    every = [h @ g["W_y"] for h in found]
    return result | {"many_to_many": every, "many_to_one": every[-1:], "one_to_many": said}


def rnn_bidirectional(g: Numbers) -> Numbers:
    right, left = states(g["X"], g["W_f"], g["U_f"]), states(g["X"][::-1], g["W_b"], g["U_b"])[::-1]
    both = [np.append(f, b) for f, b in zip(right, left, strict=True)]
    found = as_rows(right, "f1", "f2", "f3") | as_rows(left, "b1", "b2", "b3")
    return found | {"R": g["X"][::-1], "H": both}


def seq2seq(g: Numbers) -> Numbers:
    *read, c = states(g["X"], g["W_x"], g["W_h"])
    once = states(g["Y"], g["U_y"], g["U_s"], c)
    inputs = [np.append(y, c) for y in g["Y"]]  # the word before and the context, side by side
    always = states(inputs, np.vstack([g["U_y"], g["U_c"]]), g["U_s"], c)
    found = as_rows([*read, c], "h1", "h2", "c") | as_rows(once, "s1", "s2", "s3")
    return found | as_rows(always, "z1", "z2", "z3")


def rnn_against_transformer(g: Numbers) -> Numbers:
    lengths, L, d = [int(n) for n in g["n"]], int(g["L"]), int(g["d"])
    diagonals = [len({word + layer for word in range(n) for layer in range(L)}) for n in lengths]
    return {
        "rnn_steps": diagonals,  # a cell waits for its word before and the layer below
        "transformer_steps": [L] * 3,
        "writing_steps": [sum(L for _ in range(n)) for n in lengths],
        "rnn_products": [sum(L * 2 * d * d for _ in range(n)) for n in lengths],
        "score_products": [L * sum(n * d + n * d for _ in range(n)) for n in lengths],
        "scores": [L * sum(n for _ in range(n)) for n in lengths],
        "path_rnn": [len(range(1, n)) for n in lengths],
        "path_transformer": [1] * 3,
    }


def positions(g: Numbers) -> Numbers:
    d, half = int(g["d"]), int(g["d"]) // 2
    turn = np.array([[t / 10000 ** (2 * i / d) for i in range(half)] for t in g["t"]])
    slow = np.array([[t * 10000 ** (-i / (d / 2 - 1)) for i in range(half)] for t in g["t"]])
    woven = np.stack([np.sin(turn), np.cos(turn)], -1).reshape(len(g["t"]), d)
    found = {"pair": range(half), "divisor": [10000 ** (2 * i / d) for i in range(half)], "PE": woven}
    found["sines_first"] = np.hstack([np.sin(turn), np.cos(turn)])
    return found | {"program": np.hstack([np.sin(slow), np.cos(slow)])}


def rank(g: Numbers) -> Numbers:
    s = np.outer(g["Q"][:, 0], g["K"][:, 0])
    a, causal = softmax(s), softmax(hidden(s))
    full = [3 if abs(np.linalg.det(each)) > 1e-9 else 0 for each in (a, causal)]
    found = {"S": s, "rank_S": 1, "A": a, "rank_A": full[0]}
    return found | {"A_causal": causal, "rank_causal": full[1]}


# --- parameters, as shapes of matrices ---------------------------------------------------------------


def numbers(*shapes) -> int:
    return sum(math.prod(shape) for shape in shapes)


def layers(d: int) -> tuple[list, list, list]:
    """The shapes of one block with biases: attention, MLP, norms."""
    attention = [(d, d), (d,)] * 4
    return attention, [(d, 4 * d), (4 * d,), (4 * d, d), (d,)], [(d,)] * 4


def blocks(L: float, d: float) -> int:
    return int(L) * numbers(*(shape for part in layers(int(d)) for shape in part))


def _each(g: Numbers, *names: str):
    return zip(*(g[name].astype(int).tolist() for name in names), strict=True)


def parameters_gpt1(g: Numbers) -> Numbers:
    V, T, L, d = (int(g[name]) for name in "VTLd")
    attention, mlp, norms = (L * numbers(*part) for part in layers(d))
    found = {"embeddings": numbers((V, d), (T, d)), "attention": attention, "mlp": mlp, "norms": norms}
    return found | {"total": sum(found.values())}


def parameters_gpt2(g: Numbers) -> Numbers:
    d = [64 * int(h) for h in g["heads"]]
    tables = [numbers((50257, n), (1024, n)) for n in d]
    inner = [blocks(L, n) for L, n in zip(g["L"], d, strict=True)]
    total = [a + b + numbers((n,), (n,)) for a, b, n in zip(tables, inner, d, strict=True)]
    older = [x - numbers((50257 - 40478, n)) for x, n in zip(total, d, strict=True)]
    return {"d": d, "embeddings": tables, "blocks": inner, "total": total, "old_total": older}


def parameters_bert(g: Numbers) -> Numbers:
    tables = [numbers((30522, d), (512, d), (2, d), (d,), (d,)) for (d,) in _each(g, "d")]
    inner = [blocks(L, d) for L, d in _each(g, "L", "d")]
    pooler = [numbers((d, d), (d,)) for (d,) in _each(g, "d")]
    total = [sum(parts) for parts in zip(tables, inner, pooler, strict=True)]
    return {"embeddings": tables, "blocks": inner, "pooler": pooler, "total": total}


def parameters_large(g: Numbers) -> Numbers:
    squares = [L * numbers(*[(d, d)] * 4, (d, 4 * d), (4 * d, d)) for L, d in _each(g, "L", "d")]
    total = [blocks(L, d) + numbers((V, d), (T, d), (d,), (d,)) for L, d, V, T in _each(g, "L", "d", "V", "T")]
    return {"blocks": squares, "total": total}


def parameters_llama(g: Numbers) -> Numbers:
    attention = [numbers((d, d), (d, d), (d, 1024), (d, 1024)) for (d,) in _each(g, "d")]
    mlp = [numbers((d, f), (d, f), (f, d)) for d, f in _each(g, "d", "f")]
    total = [
        sum(a + m + numbers((d,), (d,)) for _ in range(L)) + numbers((V, d), (V, d), (d,))
        for a, m, L, d, V in zip(attention, mlp, *zip(*_each(g, "L", "d", "V"), strict=True), strict=True)
    ]
    return {"attention": attention, "mlp": mlp, "total": total}


def parameters_network(g: Numbers) -> Numbers:
    first, second = numbers((784, 512), (512,)), numbers((512, 512), (512,))
    found = {"inputs": 28 * 28, "linear1": first, "linear2": second, "total": first + second}
    return found | {"without_biases": numbers((784, 512), (512, 512))}


def parameters_t5(g: Numbers) -> Numbers:
    found = {name: [] for name in ("attention", "mlp", "encoder", "decoder", "total")}
    for L, d, h, k, f in _each(g, "L", "d", "h", "k", "f"):
        attention, mlp = [(d, h * k)] * 3 + [(h * k, d)], [(d, f), (f, d)]
        ends = [(d,), (32, h)]  # the last norm, and the biases of distances
        found["attention"].append(numbers(*attention))
        found["mlp"].append(numbers(*mlp))
        found["encoder"].append(L * numbers(*attention, *mlp, (d,), (d,)) + numbers(*ends))
        found["decoder"].append(L * numbers(*attention * 2, *mlp, (d,), (d,), (d,)) + numbers(*ends))
        found["total"].append(found["encoder"][-1] + found["decoder"][-1] + numbers((32128, d)))
    return found


def parameters_vit(g: Numbers) -> Numbers:
    found = {"patch_map": numbers((768, 768), (768,)), "positions": numbers((14 * 14 + 1, 768), (768,))}
    found |= {"blocks": blocks(12, 768), "head": numbers((768, 1000), (1000,))}
    return found | {"total": sum(found.values()) + numbers((768,), (768,))}


# --- counts and figures ------------------------------------------------------------------------------


def patches(g: Numbers) -> Numbers:
    picture = np.zeros((224, 224, 3))
    cut = [picture[i : i + 16, j : j + 16] for i in range(0, 224, 16) for j in range(0, 224, 16)]
    across = len(range(0, 224, 16))
    return {"patch": cut[0].size, "across": across, "patches": len(cut), "tokens": len(cut) + 1}


def receptive_field(g: Numbers) -> Numbers:
    field, seen = [], {0}
    for _ in g["layer"]:
        seen = {place + step for place in seen for step in (-1, 0, 1)}
        field.append(len(seen))
    deep = next(n for n in range(1000) if 1 + 2 * n >= 224)
    return {"field": field, "layers_for_all": deep, "attention": [224] * len(field)}


def flops(g: Numbers) -> Numbers:
    n = [8_030_261_248, 70_553_706_496]
    tokens, second = 15 * 10**12, 40 * 10**13
    forward = [2 * x * tokens for x in n]
    found = {"forward": forward, "backward": [2 * x for x in forward], "both": [3 * x for x in forward]}
    hours = [3 * x / second / 60 / 60 for x in forward]
    return found | {"ratio": 3, "hours": hours, "days": [x / 24_576 / 24 for x in hours]}


def facts_batch(g: Numbers) -> Numbers:
    kept = [min(int(n), 10) for n in g["lengths"]]
    cut = [int(n) - k for n, k in zip(g["lengths"], kept, strict=True)]
    padding = [10 - k for k in kept]
    found = {"sentences": len(kept), "cut": cut, "kept": kept, "padding": padding, "grid": 80}
    return found | {"waste": sum(padding) / 80}


def facts_data(g: Numbers) -> Numbers:
    gib = math.fsum(g["parts"])
    found = {"datasets": 22, "gib": gib, "bytes": gib * 2**30}
    return found | {"tokens": gib * 2**30 * 0.29335, "bytes_a_token": gib * 2**30 / 12e11}


def facts_dates(g: Numbers) -> Numbers:
    later = [datetime.date(2023, 9, 19) + datetime.timedelta(int(n)) for n in g["days"]]
    since = [datetime.date(2024, m, d) for m, d in ((3, 21), (3, 21), (5, 2), (11, 7))]
    due = [day + datetime.timedelta(int(n)) for day, n in zip(since, g["wait"], strict=True)]
    counted = [(day - datetime.date(2023, 8, 31)).days for day in later]
    return {"counted": counted, "date": [day.day for day in later], "due": [day.day for day in due]}


def facts_hardware(g: Numbers) -> Numbers:
    found = {"gpu_days": 28, "gpu_hours": 672, "work": 672 * 60 * 60 * 9.5e12}
    return found | {"thousands": 24, "together": 49_152}


def facts_images(g: Numbers) -> Numbers:
    shares = [14_197_122 / 21_841, 1_281_167 / 1000]
    return {"a_class": shares, "thousand": 1_281_167, "digits": 70_000, "objects": 82_783 + 40_504 + 81_434}


def facts_masking(g: Numbers) -> Numbers:
    found = {"masked": 80 / 100, "masked_of_all": 12 / 100, "random_of_all": 1.5 / 100}
    return found | {"kept_of_all": 1.5 / 100, "masks": 512 * 12 / 100}


def facts_memory(g: Numbers) -> Numbers:
    return {"weights": 350e9, "training": 2800e9, "gpus": 35}


def facts_benchmarks(g: Numbers) -> Numbers:
    return {"all_examples": 285}


def facts_bleu(g: Numbers) -> Numbers:
    return {"gain": 2.04}


def facts_code(g: Numbers) -> Numbers:
    return {"lines": 17}


def facts_pieces(g: Numbers) -> Numbers:
    return {"words": 6, "tokens": 12, "each": 2}


def facts_vocabulary(g: Numbers) -> Numbers:
    return {"gpt4": 100_277, "unused": 16, "llama3": 128_256, "sides": 50_257}


def facts_years(g: Numbers) -> Numbers:
    found = {"year": [2018, 2018, 2019, 2019, 2020, 2020, 2020, 2022], "behind": [3, 1, 0]}
    return found | {"year_of_vectors": [2013, 2014, 2018, 2018], "year_of_ideas": [2014, 2016, 2017]}


COUNTED: dict[str, Callable[[Numbers], Numbers]] = {
    name: function
    for name, function in list(globals().items())
    if name.startswith(("rnn_", "parameters_", "facts_"))
    or name in ("seq2seq", "positions", "rank", "patches", "receptive_field", "flops")
}
