"""Checks, by the second route, of what pages derive from a trace and a model's weights (engine.analysis,
engine.decode). Each takes what is shown and what it was derived from."""

from collections.abc import Iterable

import numpy as np

from engine.trace import Trace
from engine.worked.recipes import analysis as second
from engine.worked.recipes.step_inputs import Parameters, float64, stops
from engine.worked.steps import Check, compare, held_against


def check_nearest(model, table: str, row: int, ids: list[int], cosines: list[float]) -> Check:
    """The rows of a table [V, D] nearest to one of them, and their cosines; `table` is its full name."""
    made = second.nearest(Parameters(model)(f"{table}.weight"), row, ids)
    return compare(np.stack([cosines, cosines]), *made)


def check_map(vectors, points, first: int | None = None) -> Check:
    """Vectors [N, D] as points [N, k] along their principal components, or those of the `first` of them."""
    points, first = np.asarray(points, float), first or len(points)
    return compare(second.spread_and(points, first), *second.principal(float64(vectors), points, first))


def check_curve(activation: str, x, y) -> Check:
    """An activation y at x."""
    return compare(y, *second.curve(float64(x), activation))


def check_promoted(model, stack: str, layer: int, unit: int, ids: list[int], scores: list[float]) -> Check:
    """What one unit of an MLP adds to the scores of the entries `ids`, which are those it raises most.

    stack: the one that answers, "decoder" where there are two.
    """
    answers = model.get_submodule(stack)  # of "" the model itself
    parameters, config = Parameters(answers), answers.config
    head = "classes" if config.ending == "classes" else "embed.token" if config.tied else "logits"
    column = parameters(f"blocks.{layer}.mlp.out.weight")[:, unit]
    gamma = np.ones(config.width) if config.norm == "none" else parameters("final_norm.weight")
    scale = config.width**-0.5 if config.scale_logits else 1.0
    value, size = second.raised(parameters(f"{head}.weight"), gamma, column, scale)
    best = np.argsort(-value, kind="stable")[: len(ids)]
    both = np.stack([best, ids])
    return compare(np.stack([scores, scores]), value[both], size[both])


def check_distances(q, k, base: float, places, other, shown) -> Check:
    """q · k, each [E], after q is rotated to positions `places` [N] and k to positions `other` [N]."""
    return compare(shown, *second.turned_dots(*map(float64, (q, k)), base, *map(np.asarray, (places, other))))


def check_without_first(pattern, shown) -> Check:
    """Attention weights [..., T, S] without the first position, each row summing to 1 again."""
    return compare(shown, *second.without_first(float64(pattern)))


def check_value_sized(pattern, v, shown) -> Check:
    """Attention weights [H, T, S] times the norm of each value, v [G, S, E]."""
    return compare(shown, *second.value_sized(float64(pattern), float64(v)))


def check_without(pattern, keys: list[int], shown) -> Check:
    """Attention weights [..., T, S] without some positions, each row summing to 1 again."""
    return compare(shown, *second.without(float64(pattern), keys))


def check_by_distance(scores, shown) -> Check:
    """The mean score [H, T] of keys so many positions before the query, from scores [H, T, T]."""
    return compare(shown, *second.by_distance(float64(scores)))


def check_read_off(vectors, weights, offset: float, shown) -> Check:
    """The place [T] that a line reads off vectors [T, D]."""
    return compare(shown, *second.read_off(float64(vectors), np.asarray(weights, float), offset))


def check_apart(first, other, order: list[int], shown: float) -> Check:
    """How far vectors [T, D], put into another order, are from those of a run in that order."""
    return compare(np.array([shown]), *second.apart(float64(first), float64(other), order))


def check_rollout(patterns, shown) -> Check:
    """Attention rollout [T, S] of the blocks' weights [H, T, S]."""
    return compare(shown, *second.rollout([float64(pattern) for pattern in patterns]))


def check_roles(pattern, seen, most: float, shown: dict) -> Check:
    """The scores of each role, for each head of a pattern [H, T, S]; seen: what stands along its sides
    (engine.roles.Seen); most: even attention's score above which a role is not told."""
    heads = len(pattern)
    allowed = np.broadcast_to(np.asarray(seen.allowed), pattern.shape)
    ids, special = np.asarray(seen.ids), np.asarray(seen.special)
    made = second.roles(float64(pattern), allowed, ids, special, seen.own, most)
    value, size = (np.stack([made[role][i] for role in shown]) for i in (0, 1))
    return compare(np.stack([np.asarray(shown[role]).reshape(heads) for role in shown]), value, size)


def check_value_weighted(pattern, v, shown) -> Check:
    """Attention weights [H, T, S] times the norm of each value, v [G, S, E], each row summing to 1 again."""
    return compare(shown, *second.value_weighted(float64(pattern), float64(v)))


def check_cosine_similarity(trace: Trace, token: int, other: Trace, shown) -> Check:
    """The cosine of a token's vector with each of another run, before and after each block [L + 1, T]."""
    made = [second.cosines(float64(trace[stop][0, token]), float64(other[stop][0])) for stop in stops(trace)]
    return compare(shown, *(np.stack(part) for part in zip(*made, strict=True)))


def check_in_company(vectors, met, shown) -> Check:
    """The cosine of a word's vectors [L + 1, D] with those of words met [L + 1, N, D], less the average of
    these, after each block [L + 1, N] (engine.contextual)."""
    each = zip(float64(vectors), float64(met), strict=True)
    made = [second.cosines(own - others.mean(0), others - others.mean(0)) for own, others in each]
    return compare(shown, *(np.stack(part) for part in zip(*made, strict=True)))


def check_lengths(vectors, shown) -> Check:
    """The norms of vectors [N, D]."""
    value = np.sqrt((float64(vectors) ** 2).sum(-1))
    return compare(shown, value, value)


def check_cosines(vector, others, shown) -> Check:
    """The cosine of a vector [D] with each of [N, D]."""
    return compare(shown, *second.cosines(float64(vector), float64(others)))


def check_largest(weights, sizes: tuple[int, int], before: tuple[int, int], shown) -> Check:
    """Weights [..., T, S] in blocks, each told by the largest of them (engine.analysis.largest)."""
    value = second.largest(np.asarray(weights, float), sizes, before)
    return held_against(shown, value, 0.0, np.isneginf(value))


def check_pooled(values, sizes: tuple[int, int], before: tuple[int, int], shown, at) -> Check:
    """A matrix [R, C] in blocks, each told by its entry that is largest in size, and where these stand
    (engine.analysis.pooled)."""
    values, shown = np.asarray(values, float), np.asarray(shown, float)
    in_size = lambda x: np.where(np.isneginf(x), x, np.abs(x))  # noqa: E731
    most = second.largest(in_size(values), sizes, before)
    masked = np.isneginf(most)  # there no place says more than another
    there = np.where(masked, most, second.placed(values, np.asarray(at).astype(int), sizes, before))
    value = np.stack([most, there])
    return held_against(np.stack([in_size(shown), shown]), value, 0.0, np.isneginf(value))


def worst(checks: Iterable[Check]) -> Check:
    """Of several checks the one that is closest to what it allows, or exceeds it most."""
    return max(checks, key=lambda check: (not check.ok, check.largest / (check.allowed or 1)))


def check_choice(logits, decoding, shown, there=()) -> Check:
    """The probability of each entry [V] after repetition penalty (for the entries `there`), temperature, top-k,
    top-p and min-p."""
    return compare(shown, *second.chances(float64(logits), decoding, np.asarray(shown) > 0, there))


def check_surprise(logits, ids, bits, total: float, perplexity: float) -> Check:
    """The surprise of the tokens `ids` [T] after the first in bits [T - 1], their sum and their perplexity,
    from the logits [T, V]."""
    return compare([*np.asarray(bits), total, perplexity], *second.surprise(float64(logits), np.asarray(ids)))


def check_summed(bits, total: float, perplexity: float) -> Check:
    """The sum of bits [N], and the perplexity."""
    bits = np.asarray(bits)
    return compare([total, perplexity], *second.summed(bits, 1 + bits))


def check_alternatives(logits, alternatives, probabilities) -> Check:
    """The most probable entries [N, best] after each of N + 1 tokens but the last, and their probabilities."""
    shown = np.stack([probabilities, probabilities])
    if not shown.size:  # a text of one token
        return Check(0.0, 0.0, True)
    return compare(shown, *second.most_probable(float64(logits), np.asarray(alternatives)))


def check_cumulative(logits, decoding, shown, there=()) -> Check:
    """The cumulative probability of the n most probable entries, for every n [V]."""
    value = np.cumsum(-np.sort(-second.chances(float64(logits), decoding, None, there)[0]))
    return compare(shown, value, value)


def check_attention_distance(pattern, across: int, patch: int, shown) -> Check:
    """How many pixels away the heads of a pattern [H, T, S] of an image look on average [H]."""
    return compare(shown, *second.far_looks(float64(pattern), across, patch))


def check_receptive_fields(strides: tuple[int, ...], kernel: int, shown) -> Check:
    """The sides of what cells see, and the steps between cells, of each convolution [N, 2]: a row above is seen
    through the rows below it, as many as all strides between are multiplied."""
    steps = np.cumprod([1, *strides])
    return compare(shown, np.stack([1 + (kernel - 1) * np.cumsum(steps[:-1]), steps[1:]], -1), np.ones(1))
