"""The steps of recurrent cells: Elman 1990, LSTM (Hochreiter & Schmidhuber 1997), GRU (Cho et al. 2014).

And what encoder-decoders add to them, except their attention, which is in engine.worked.recipes.attention.
"""

import numpy as np

from engine.worked.recipes.kinds import recipe
from engine.worked.recipes.linear import mapped
from engine.worked.recipes.step_inputs import StepInputs
from engine.worked.recipes.terms import factor, plain, product_cell, simple_cell

_GATES = {  # in the order in which their weights are stacked, as torch and cuDNN do
    "rnn": ("h",),
    "gru": ("reset", "update", "candidate"),
    "lstm": ("input", "forget", "candidate", "output"),
}


def _maps(s: StepInputs, side: str) -> tuple[np.ndarray, np.ndarray]:
    """The weights of the point's gate [D, D] and its bias [D], for the token ("x") or the state ("h")."""
    gate = _GATES[s.config.cell].index(s.point.gate)
    weight, bias = (s.parameter(f"{s.point.weights}.{side}.{name}") for name in ("weight", "bias"))
    rows = slice(gate * s.config.width, (gate + 1) * s.config.width)
    return weight[rows], np.zeros(s.config.width) if bias is None else bias[rows]


def zeros(s: StepInputs):
    """[B, D], the state before anything has been read."""
    return plain(np.zeros((s.B, s.config.width)))


def _zeros_cell(s: StepInputs, b, d):
    return simple_cell("h_{-1,d}", "0", 0.0)


recipe("zeros", whole=zeros, cell=_zeros_cell)


def gate_sum(s: StepInputs):
    """[B, D], x W + h U + b of one gate, before its activation."""
    token, before = s.sources
    parts = mapped(token[:, s.point.step], *_maps(s, "x")), mapped(before, *_maps(s, "h"))
    return tuple(x + h for x, h in zip(*parts, strict=True))


def _gate_sum_cell(s: StepInputs, b, d):
    token, before = s.sources
    (w, bias), (u, state_bias), t = _maps(s, "x"), _maps(s, "h"), s.point.step
    numbers = range(s.config.width)
    return product_cell(
        r"\sum_i x_{t,i}\,W_{i,d} + \sum_i h_{t-1,i}\,U_{i,d} + b_d",
        (s.source_cells(0, t, ":"), s.source_cells(1, ":"), f"weights, column {d}"),
        [f"token, dimension {j}" for j in numbers] + [f"state, dimension {j}" for j in numbers],
        [*token[b, t], *before[b]],
        [*w[d], *u[d]],
        bias[d] + state_bias[d],
    )


recipe("gate_sum", whole=gate_sum, cell=_gate_sum_cell)


def state_map(s: StepInputs):
    """[B, D], h U + b' of the candidate of a GRU, on which the reset gate acts."""
    return mapped(*s.sources, *_maps(s, "h"))


def _state_map_cell(s: StepInputs, b, d):
    (before,), (u, bias) = s.sources, _maps(s, "h")
    return product_cell(
        r"\sum_i h_{t-1,i}\,U_{i,d} + b'_d",
        (s.source_cells(0, ":"), f"weights, column {d}"),
        [f"dimension {j}" for j in range(s.config.width)],
        before[b],
        u[d],
        bias[d],
    )


recipe("state_map", whole=state_map, cell=_state_map_cell)


def reset_sum(s: StepInputs):
    """[B, D], x W + b + r (h U + b') of the candidate of a GRU, as cuDNN has it."""
    token, reset, recalled = s.sources
    value, size = mapped(token[:, s.point.step], *_maps(s, "x"))
    return value + reset * recalled, size + np.abs(reset * recalled)


def _reset_sum_cell(s: StepInputs, b, d):
    token, reset, recalled = s.sources
    (w, bias), t = _maps(s, "x"), s.point.step
    return product_cell(
        r"\sum_i x_{t,i}\,W_{i,d} + b_d + r_d\,(h_{t-1}U + b')_d",
        (s.source_cells(0, t, ":"), *s.point.sources[1:], f"weights, column {d}"),
        [f"token, dimension {j}" for j in range(s.config.width)] + ["reset · (h U + b')"],
        [*token[b, t], reset[b, d]],
        [*w[d], recalled[b, d]],
        bias[d],
    )


recipe("reset_sum", whole=reset_sum, cell=_reset_sum_cell)


def interpolate(s: StepInputs):
    """[B, D], the next state of a GRU: between the candidate and the state before, by the update gate."""
    update, candidate, before = s.sources
    new, old = (1 - update) * candidate, update * before
    return new + old, (1 + np.abs(update)) * np.abs(candidate) + np.abs(old)


def _interpolate_cell(s: StepInputs, b, d):
    update, candidate, before = (float(x[b, d]) for x in s.sources)
    symbols, labels = r"(1 - u_d)\,n_d + u_d\,h_{t-1,d}", ["the candidate", "the previous state"]
    return product_cell(symbols, s.point.sources, labels, [1 - update, update], [candidate, before])


recipe("interpolate", whole=interpolate, cell=_interpolate_cell)


def cell_update(s: StepInputs):
    """[B, D], the next cell of an LSTM: what the forget gate keeps and what the input gate admits."""
    forget, cell, input, candidate = s.sources
    return forget * cell + input * candidate, np.abs(forget * cell) + np.abs(input * candidate)


def _cell_update_cell(s: StepInputs, b, d):
    forget, cell, input, candidate = (float(x[b, d]) for x in s.sources)
    symbols, labels = r"f_d\,c_{t-1,d} + i_d\,g_d", ["what stays", "what enters"]
    return product_cell(symbols, s.point.sources, labels, [forget, input], [cell, candidate])


recipe("cell_update", whole=cell_update, cell=_cell_update_cell)


def carry(s: StepInputs):
    """[B, D], the new state at a token, the one before at padding."""
    new, before = s.sources
    return plain(np.where(s.real[:, s.point.step, None], new, before))


def _carry_cell(s: StepInputs, b, d):
    real = bool(s.real[b, s.point.step])
    new, before = (float(x[b, d]) for x in s.sources)
    symbols = r"h_{t,d}\text{ at a token, }h_{t-1,d}\text{ at padding}"
    numbers = rf"{factor(new if real else before)}\text{{ ({'a token' if real else 'padding'})}}"
    return simple_cell(symbols, numbers, new if real else before, *s.point.sources)


recipe("carry", whole=carry, cell=_carry_cell)


def stack(s: StepInputs):
    """[B, T, D], the states of all steps."""
    return plain(np.stack(s.sources, axis=1))


def _stack_cell(s: StepInputs, b, t, d):
    return simple_cell("h_{t,d}", "h", float(s.sources[t][b, d]), *s.point.sources)


recipe("stack", whole=stack, cell=_stack_cell)


def concat_linear(s: StepInputs):
    """[B, T, D], context and state side by side, through a linear layer (Luong et al. 2015, equation 5)."""
    return mapped(np.concatenate(s.sources, axis=-1), s.weight, s.bias)


def _concat_linear_cell(s: StepInputs, b, t, i):
    context, state = s.sources
    return product_cell(
        r"\sum_i [z_t, s_t]_i\,W_{i,d}",
        (s.source_cells(0, t, ":"), s.source_cells(1, t, ":"), f"weights, column {i}"),
        [f"{name}, dimension {d}" for name in ("context", "state") for d in range(state.shape[-1])],
        [*context[b, t], *state[b, t]],
        s.weight[i],
    )


recipe("concat_linear", whole=concat_linear, cell=_concat_linear_cell)
