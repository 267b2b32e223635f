"""The steps of recurrent encoder-decoders: each for a whole tensor, and below it for a single cell."""

import numpy as np

from engine.recipes.attention import rule
from engine.recipes.scene import Scene
from engine.recipes.terms import factor, number, product_cell, simple_cell


def _step(s: Scene) -> int:
    return int(s.point.name.split(".")[2])


GATES = {  # in the order in which their weights are stacked, as torch and cuDNN do
    "rnn": ("h",),
    "gru": ("reset", "update", "candidate"),
    "lstm": ("input", "forget", "candidate", "output"),
}


def _maps(s: Scene, side: str) -> tuple[np.ndarray, np.ndarray]:
    """The map of one gate [D, D] and its bias [D]: those of all gates are stacked."""
    gate = GATES[s.config.cell].index(s.point.name.rpartition(".")[2].rpartition("_")[0])
    weight, bias = (s.parameter(f"{s.point.part}.{side}.{name}") for name in ("weight", "bias"))
    rows = slice(gate * s.config.width, (gate + 1) * s.config.width)
    return weight[rows], np.zeros(s.config.width) if bias is None else bias[rows]


def _through(x: np.ndarray, maps: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    w, b = maps
    return x @ w.T + b, np.abs(x) @ np.abs(w).T + np.abs(b)


def zeros(s: Scene):
    value = np.zeros((s.B, s.config.width))
    return value, value


def zeros_cell(s: Scene, b, d):
    return simple_cell("h_{-1,d}", "0", 0.0)


def sigmoid(s: Scene):
    (x,) = s.sources
    value = 1 / (1 + np.exp(-x))
    return value, value


def sigmoid_cell(s: Scene, *at):
    x = float(s.sources[0][at])
    value = float(1 / (1 + np.exp(-x)))
    return simple_cell(r"\frac{1}{1+e^{-x}}", rf"\frac{{1}}{{1+e^{{{number(-x)}}}}}", value, *s.point.sources)


def gate_sum(s: Scene):
    token, before = s.sources
    parts = _through(token[:, _step(s)], _maps(s, "x")), _through(before, _maps(s, "h"))
    return tuple(x + h for x, h in zip(*parts, strict=True))


def gate_sum_cell(s: Scene, b, d):
    token, before = s.sources
    (w, bias), (u, state_bias), t = _maps(s, "x"), _maps(s, "h"), _step(s)
    numbers = range(s.config.width)
    return product_cell(
        r"\sum_i x_{t,i}\,W_{i,d} + \sum_i h_{t-1,i}\,U_{i,d} + b_d",
        (f"{s.point.sources[0]}[{t}, :]", f"{s.point.sources[1]}[:]", f"weights, column {d}"),
        [f"token, number {j}" for j in numbers] + [f"state, number {j}" for j in numbers],
        [*token[b, t], *before[b]],
        [*w[d], *u[d]],
        bias[d] + state_bias[d],
    )


def gate_map(s: Scene):
    return _through(s.sources[0], _maps(s, "h"))


def gate_map_cell(s: Scene, b, d):
    (before,), (u, bias) = s.sources, _maps(s, "h")
    return product_cell(
        r"\sum_i h_{t-1,i}\,U_{i,d} + b'_d",
        (f"{s.point.sources[0]}[:]", f"weights, column {d}"),
        [f"number {j}" for j in range(s.config.width)],
        before[b],
        u[d],
        bias[d],
    )


def reset_sum(s: Scene):
    token, reset, recalled = s.sources
    value, size = _through(token[:, _step(s)], _maps(s, "x"))
    return value + reset * recalled, size + np.abs(reset * recalled)


def reset_sum_cell(s: Scene, b, d):
    token, reset, recalled = s.sources
    (w, bias), t = _maps(s, "x"), _step(s)
    return product_cell(
        r"\sum_i x_{t,i}\,W_{i,d} + b_d + r_d\,(h_{t-1}U + b')_d",
        (f"{s.point.sources[0]}[{t}, :]", *s.point.sources[1:], f"weights, column {d}"),
        [f"token, number {j}" for j in range(s.config.width)] + ["reset · state through its map"],
        [*token[b, t], reset[b, d]],
        [*w[d], recalled[b, d]],
        bias[d],
    )


def blend(s: Scene):
    update, candidate, before = s.sources
    new, old = (1 - update) * candidate, update * before
    return new + old, (1 + np.abs(update)) * np.abs(candidate) + np.abs(old)


def blend_cell(s: Scene, b, d):
    update, candidate, before = (float(x[b, d]) for x in s.sources)
    symbols, labels = r"(1 - u_d)\,n_d + u_d\,h_{t-1,d}", ["the candidate", "the state before"]
    return product_cell(symbols, s.point.sources, labels, [1 - update, update], [candidate, before])


def keep_and_add(s: Scene):
    forget, cell, input, candidate = s.sources
    return forget * cell + input * candidate, np.abs(forget * cell) + np.abs(input * candidate)


def keep_and_add_cell(s: Scene, b, d):
    forget, cell, input, candidate = (float(x[b, d]) for x in s.sources)
    symbols, labels = r"f_d\,c_{t-1,d} + i_d\,g_d", ["what stays", "what is let in"]
    return product_cell(symbols, s.point.sources, labels, [forget, input], [cell, candidate])


def carry(s: Scene):
    new, before = s.sources
    value = np.where(s.real[:, _step(s), None], new, before)
    return value, np.abs(value)


def carry_cell(s: Scene, b, d):
    real = bool(s.real[b, _step(s)])
    new, before = (float(x[b, d]) for x in s.sources)
    symbols = r"h_{t,d}\text{ at a token, }h_{t-1,d}\text{ at padding}"
    numbers = rf"{factor(new if real else before)}\text{{ ({'a token' if real else 'padding'})}}"
    return simple_cell(symbols, numbers, new if real else before, *s.point.sources)


def stack(s: Scene):
    value = np.stack(s.sources, axis=1)
    return value, np.abs(value)


def stack_cell(s: Scene, b, t, d):
    return simple_cell("h_{t,d}", "h", float(s.sources[t][b, d]), *s.point.sources)


def dot_product(s: Scene):
    states, source = s.sources
    return states @ source.swapaxes(1, 2), np.abs(states) @ np.abs(source).swapaxes(1, 2)


def dot_product_cell(s: Scene, b, t, k):
    states, source = s.sources
    return product_cell(
        r"e_{t,j} = \sum_d s_{t,d}\,h_{j,d}",
        (f"{s.point.sources[0]}[{t}, :]", f"{s.point.sources[1]}[{k}, :]"),
        [f"number {d}" for d in range(states.shape[-1])],
        states[b, t],
        source[b, k],
    )


def additive(s: Scene):
    query, keys = s.sources[0][:, :, None], s.sources[1][:, None]
    fit = np.tanh(query + keys)
    inside = (np.abs(query) + np.abs(keys)) * (1 - fit**2)  # the sum's rounding, as far as tanh lets it through
    return fit @ s.weight[0], (np.abs(fit) + inside) @ np.abs(s.weight[0])


def additive_cell(s: Scene, b, t, k):
    query, keys = s.sources
    return product_cell(
        r"e_{t,j} = \sum_d v_d\,\tanh(q_{t,d} + k_{j,d})",
        (f"{s.point.sources[0]}[{t}, :]", f"{s.point.sources[1]}[{k}, :]", "weights v"),
        [f"number {d}: v · tanh(q + k)" for d in range(query.shape[-1])],
        s.weight[0],
        np.tanh(query[b, t] + keys[b, k]),
    )


def real(s: Scene):
    mask = s.mask[:, 0]
    return mask, np.ones(mask.shape)


def real_cell(s: Scene, b, t, k):
    return rule(s, b, 0, t, k)


def weighted_sum(s: Scene):
    weights, source = s.sources
    return weights @ source, np.abs(weights) @ np.abs(source)


def weighted_sum_cell(s: Scene, b, t, d):
    weights, source = s.sources
    return product_cell(
        r"z_{t,d} = \sum_j a_{t,j}\,h_{j,d}",
        (f"{s.point.sources[0]}[{t}, :]", f"{s.point.sources[1]}[:, {d}]"),
        [f"position {k}" for k in range(weights.shape[-1])],
        weights[b, t],
        source[b, :, d],
    )


def joined(s: Scene):
    return _through(np.concatenate(s.sources, axis=-1), (s.weight, s.bias))


def joined_cell(s: Scene, b, t, i):
    context, state = s.sources
    return product_cell(
        r"\sum_i [z_t, s_t]_i\,W_{i,d}",
        (*(f"{source}[{t}, :]" for source in s.point.sources), f"weights, column {i}"),
        [f"{name}, number {d}" for name in ("context", "state") for d in range(state.shape[-1])],
        [*context[b, t], *state[b, t]],
        s.weight[i],
    )
