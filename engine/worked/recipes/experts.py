"""Mixture of experts: which experts a token goes to, what they read, and the sum of what they write."""

import numpy as np

from engine.worked.recipes.kinds import recipe
from engine.worked.recipes.step_inputs import StepInputs
from engine.worked.recipes.terms import (
    Term,
    Worked,
    plain,
    product_cell,
    share_in_numbers,
    simple_cell,
)


def highest(s: StepInputs):
    """[B, T, X], True for the highest scores of each row, as many as are used; of equal ones the first."""
    (scores,) = s.sources
    best = np.argsort(-scores, axis=-1, kind="stable")[..., : s.config.experts_used]
    chosen = np.zeros(scores.shape, bool)
    np.put_along_axis(chosen, best, True, -1)
    return chosen, np.ones(scores.shape)


def _highest_cell(s: StepInputs, b, t, x):
    row, used = s.sources[0][b, t], s.config.experts_used
    rank = 1 + np.argsort(-row, kind="stable").tolist().index(x)
    chosen = rank <= used
    symbols = rf"\text{{rank of }}\,r_{{t,x}} \le {used}"
    numbers = rf"{rank} \le {used} \Rightarrow 1" if chosen else rf"{rank} > {used} \Rightarrow 0"
    return Worked("", (), symbols, numbers, (), chosen, chosen, 0.0, (s.source_cells(0, t, ":"),))


recipe("highest", whole=highest, cell=_highest_cell)


def shares(s: StepInputs):
    """[B, T, X], the softmax of all scores, cut to the chosen experts and made to sum to 1 again."""
    scores, chosen = s.sources
    steps = scores - np.where(chosen, scores, -np.inf).max(-1, keepdims=True)
    exp = np.exp(np.where(chosen, steps, -np.inf))
    value = exp / exp.sum(-1, keepdims=True)
    return value, value * (1 + np.abs(np.where(np.isfinite(steps), steps, 0)))


def _shares_cell(s: StepInputs, b, t, x):
    row, chosen = (source[b, t] for source in s.sources)
    top = np.where(chosen, row, -np.inf).max()
    exps = np.where(chosen, np.exp(row - top), 0)
    used = np.flatnonzero(chosen)
    terms = [Term(f"expert {i}", (float(row[i]),), float(exps[i])) for i in used]
    terms.sort(key=lambda term: -term.value)
    total, value = float(exps.sum()), float(exps[x] / exps.sum())
    symbols = r"p_{t,x} = \frac{e^{r_{t,x} - r^*}}{\sum_{\text{chosen}} e^{r_{t,x'} - r^*}}"
    numbers = share_in_numbers(float(row[x]), float(top), total)
    numbers = numbers if chosen[x] else r"\text{not chosen} \Rightarrow 0"
    sources = tuple(s.source_cells(i, t, ":") for i in (0, 1))
    return Worked("", (), symbols, numbers, tuple(terms), total, value, 0.0, sources)


recipe("shares", whole=shares, cell=_shares_cell)


def _expert(s: StepInputs) -> int:
    """The number of the expert that the point is of."""
    return int(s.point.part.rpartition(".")[2])


def sent(s: StepInputs):
    """[B, T, D], the vectors of the tokens that go to this expert; zeros for the others."""
    x, chosen = s.sources
    return plain(np.where(chosen[..., _expert(s), None], x, 0))


def _sent_cell(s: StepInputs, b, t, d):
    (x, chosen), i = s.sources, _expert(s)
    goes, symbols = bool(chosen[b, t, i]), r"x_{t,d}\ \text{where the token goes to this expert, else } 0"
    numbers = "x" if goes else r"\text{it does not}"
    sources = (s.source_cells(0, t, d), s.source_cells(1, t, i))
    return simple_cell(symbols, numbers, float(x[b, t, d]) if goes else 0.0, *sources)


recipe("sent", whole=sent, cell=_sent_cell)


def mixture(s: StepInputs):
    """[B, T, D], what the experts write, summed by their shares."""
    weights, *written = s.sources
    terms = [weights[..., i, None] * one for i, one in enumerate(written)]
    return sum(terms), sum(np.abs(term) for term in terms)


def _mixture_cell(s: StepInputs, b, t, d):
    weights, *written = s.sources
    return product_cell(
        r"y_{t,d} = \sum_x p_{t,x}\,o^x_{t,d}",
        (s.source_cells(0, t, ":"), *(s.source_cells(1 + i, t, d) for i in range(len(written)))),
        [f"expert {i}" for i in range(len(written))],
        weights[b, t],
        [one[b, t, d] for one in written],
    )


recipe("mixture", whole=mixture, cell=_mixture_cell)
