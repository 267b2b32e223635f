"""What pages derive from a trace (engine.analysis, engine.decode), by the second route: numpy and float64.

Every function returns (value, size), as engine.worked.recipes.kinds explains them.
"""

import numpy as np

from engine.worked.recipes.activations import activate, softmax_rows

Made = tuple[np.ndarray, np.ndarray]


def cosines(a: np.ndarray, b: np.ndarray) -> Made:
    """The cosine of one vector [D] with each of [N, D]."""
    sizes = np.sqrt((a**2).sum()) * np.sqrt((b**2).sum(-1))
    return (b * a).sum(-1) / sizes, np.abs(b * a).sum(-1) / sizes + 1


def nearest(table: np.ndarray, row: int, ids: list[int]) -> Made:
    """Rows of a table [V, D] by cosine with one of them [2, count]: the largest, and those of the rows `ids`.

    The two are equal where `ids` are the nearest, in order.
    """
    value, size = cosines(table[row], table)
    best = np.argsort(-np.delete(value, row), kind="stable")[: len(ids)]
    others = np.delete(np.arange(len(table)), row)[best]
    both = np.stack([others, ids])
    return value[both], size[both]


def principal(vectors: np.ndarray, points: np.ndarray, first: int) -> Made:
    """Vectors [N, D] along the principal components that points [N, k] claim, those of the first of them.

    [N + 1, k]: the first row is the spread along each (root of the sum of squares), from the eigenvalues of the
    covariance. To be compared with `spread_and(points, first)`.
    """
    centred, count = vectors - vectors[:first].mean(0), points.shape[1]
    basis = centred[:first]
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh(basis.T @ basis)[::-1], 0))[:count]
    spread = np.pad(spread, (0, count - len(spread)))
    directions = basis.T @ points[:first]
    length = np.sqrt((directions**2).sum(0))
    spreads = spread > 1e-6 * spread.max(initial=0)  # without spread a direction is arbitrary
    value = centred @ (directions / np.where(spreads & (length > 0), length, np.inf))
    return np.vstack([spread, value]), np.full((len(points) + 1, count), spread.max(initial=0))


def spread_and(points: np.ndarray, first: int) -> np.ndarray:
    """Points [N, k], preceded by the spread of the first of them along each axis: [N + 1, k]."""
    return np.vstack([np.sqrt((points[:first].astype(float) ** 2).sum(0)), points])


def curve(x: np.ndarray, activation: str) -> Made:
    """An activation by its name at x."""
    return activate(x, activation), np.abs(x)


def raised(scores: np.ndarray, gamma: np.ndarray, column: np.ndarray, scale: float) -> Made:
    """What one unit of an MLP adds to each score [V].

    scores: the output matrix [V, D]; gamma: the last norm's [D]; column: the unit's in W_out [D].
    """
    return scores @ (gamma * column) * scale, np.abs(scores) @ np.abs(gamma * column) * scale


def turned_dots(q: np.ndarray, k: np.ndarray, base: float, places: np.ndarray, other: np.ndarray) -> Made:
    """q · k [E] rotated to positions `places` [N] and `other` [N]: each pair by the distance only."""
    half = len(q) // 2
    pairs = (q[:half] + 1j * q[half:]) * np.conj(k[:half] + 1j * k[half:])
    angles = (places - other)[:, None] / base ** (np.arange(half) / half)
    far = 1 + np.maximum(np.abs(places), np.abs(other))[:, None]  # float32 rounds the angles of both positions
    return (pairs * np.exp(1j * angles)).real.sum(-1), (np.abs(pairs) * far).sum(-1)


def without_first(pattern: np.ndarray) -> Made:
    """Attention weights [..., T, S] without the first position, each row summing to 1 again."""
    return without(pattern, [0])


def without(pattern: np.ndarray, keys: list[int]) -> Made:
    """Attention weights [..., T, S] without some positions, each row summing to 1 again."""
    rest = pattern * ~np.isin(np.arange(pattern.shape[-1]), keys)
    value = rest / np.maximum(rest.sum(-1, keepdims=True), 1e-12)
    return value, value


def rollout(patterns: list[np.ndarray]) -> Made:
    """Attention rollout [T, S] of the blocks' weights [H, T, S], one row of the input after another."""
    columns = []
    for start in np.eye(patterns[0].shape[-1]):
        held = start
        for pattern in patterns:
            held = (held + np.einsum("hts,s->t", pattern, held) / len(pattern)) / 2
        columns.append(held)
    value = np.stack(columns, -1)
    return value, value


def roles(
    pattern: np.ndarray, allowed: np.ndarray, ids: np.ndarray, special: np.ndarray, own: bool, most: float
) -> dict[str, Made]:
    """For each role the score of each head of a pattern [H, T, S], query by query.

    allowed: bool [H, T, S]; ids [T]; special: bool [S]; own: do keys and queries stand in one text? A role
    is not told (0) where even attention's score is above `most`.
    """
    found = {}
    choice = allowed & (allowed.sum(-1) > 1)[..., None]
    for role, where in WHERE.items():
        wanted = np.zeros(pattern.shape[1:], bool)
        if own or role in ("first", "special"):
            for t, row in enumerate(wanted):
                row[where(t, ids, special, own)] = True
        heads = zip(pattern, allowed, choice & wanted, strict=True)
        found[role] = np.array([_role(*one, most) for one in heads])
    found["diffuse"] = np.array([_diffuse(*one, most) for one in zip(pattern, allowed, strict=True)])
    return {role: (value, 1 + value) for role, value in found.items()}


def _role(weights: np.ndarray, allowed: np.ndarray, wanted: np.ndarray, most: float) -> float:
    """The weight on the wanted cells [T, S] of one head, on average over the queries that have any."""
    asks = np.flatnonzero(wanted.any(-1))
    even = [wanted[t].sum() / allowed[t].sum() for t in asks]
    told = len(asks) and np.mean(even) <= most + 1e-6  # of rounding
    return np.mean([weights[t] @ wanted[t] for t in asks]) if told else 0.0


def _diffuse(weights: np.ndarray, allowed: np.ndarray, most: float) -> float:
    """The entropy of each row as a share of the largest possible, on average."""
    shares, even = [], []
    for row, keys in zip(weights, allowed, strict=True):
        if keys.sum() > 1:
            x = row[row > 0]
            shares.append(-(x * np.log(x)).sum() / np.log(keys.sum()))
            even.append(1 / keys.sum())
    return np.mean(shares) if shares and np.mean(even) <= most + 1e-6 else 0.0


def _same(t: int, ids: np.ndarray) -> list[int]:
    return [s for s in np.flatnonzero(ids == ids[t]) if s != t]


WHERE = {  # the keys that a head of each role looks at from the position t
    "previous": lambda t, ids, special, own: [t - 1][: int(t > 0)],
    "next": lambda t, ids, special, own: [t + 1][: int(t + 1 < len(special))],
    "self": lambda t, ids, special, own: [t],
    "first": lambda t, ids, special, own: [0][: int(t > 0 or not own)],
    "special": lambda t, ids, special, own: (
        [] if own and special[t] else [s for s in np.flatnonzero(special) if s]
    ),
    "duplicate": lambda t, ids, special, own: _same(t, ids),
    "induction": lambda t, ids, special, own: [s + 1 for s in _same(t, ids) if s + 1 < len(special)],
}


def value_sized(pattern: np.ndarray, v: np.ndarray) -> Made:
    """Attention weights [H, T, S] times the norm of each value, v [G, S, E]."""
    lengths = np.repeat(np.sqrt((v**2).sum(-1)), len(pattern) // len(v), 0)
    value = pattern * lengths[:, None, :]
    return value, value


def value_weighted(pattern: np.ndarray, v: np.ndarray) -> Made:
    """The same, each row summing to 1 again."""
    weighted, _ = value_sized(pattern, v)
    value = weighted / np.maximum(weighted.sum(-1, keepdims=True), 1e-12)
    return value, value


def largest(values: np.ndarray, sizes: tuple[int, int], before: tuple[int, int]) -> np.ndarray:
    """The largest entry of each block of matrices [..., R, C] -> [..., R', C'], to which each entry goes."""
    rows, columns = (
        (np.arange(n) + places) // size
        for n, size, places in zip(values.shape[-2:], sizes, before, strict=True)
    )
    found = np.full((*values.shape[:-2], rows[-1] + 1, columns[-1] + 1), -np.inf)
    np.maximum.at(found, (..., rows[:, None], columns[None, :]), values)
    return found


def placed(values: np.ndarray, at: np.ndarray, sizes: tuple[int, int], before: tuple[int, int]) -> np.ndarray:
    """The entries of a matrix [R, C] that stand at places [R', C', 2]; not a number where that is not in its
    block."""
    home, inside = np.indices(at.shape[:2]).transpose(1, 2, 0), at.clip(0, np.array(values.shape) - 1)
    there = (((at + before) // sizes == home) & (at == inside)).all(-1)
    return np.where(there, values[inside[..., 0], inside[..., 1]], np.nan)


def by_distance(scores: np.ndarray) -> Made:
    """The mean of scores [H, T, T] over all pairs 0, 1, 2 … positions apart, the query behind [H, T]."""
    places = np.arange(scores.shape[-1])
    pairs = [np.argwhere(places[:, None] - places[None, :] == d).T for d in places]
    told = [[of[:, t, s].mean(-1) for t, s in pairs] for of in (scores, np.abs(scores))]
    value, size = (np.stack(each, -1) for each in told)
    return value, size


def read_off(vectors: np.ndarray, weights: np.ndarray, offset: float) -> Made:
    """The place that a line reads off each vector [T, D]."""
    value = np.array([(vector * weights).sum() for vector in vectors]) + offset
    return value, np.abs(vectors) @ np.abs(weights) + abs(offset)


def apart(first: np.ndarray, second: np.ndarray, order: list[int]) -> Made:
    """The largest difference between vectors [T, D] in another order and those read in that order."""
    pairs = [(first[was], second[now]) for now, was in enumerate(order)]
    value = max(np.abs(a - b).max() for a, b in pairs)
    return np.array([value]), np.array([max((np.abs(a) + np.abs(b)).max() for a, b in pairs)])


def surprise(logits: np.ndarray, ids: np.ndarray) -> Made:
    """−log2 of the probability of each of the tokens `ids` [T] after the first, their sum, and two to the power
    of their mean [T + 1], from logits [T, V]."""
    each = np.arange(1, len(ids))
    shares = softmax_rows(logits[:-1])[each - 1, ids[1:]]
    bits = np.log2(1 / shares)
    spread = (logits[:-1].max(-1) - logits[each - 1, ids[1:]] + 1) / np.log(2)  # of the exponents, in bits
    sums, sizes = summed(bits, spread)
    return np.array([*bits, *sums]), np.array([*spread, *sizes])


def summed(bits: np.ndarray, spread: np.ndarray) -> Made:
    """The sum of bits [N], each of the size `spread`, and two to the power of their mean [2]."""
    mean, each = (x.mean() if len(x) else 0.0 for x in (bits, spread))
    return np.array([bits.sum(), np.exp2(mean)]), np.array([spread.sum(), np.exp2(mean) * (1 + each)])


def most_probable(logits: np.ndarray, ids: np.ndarray) -> Made:
    """The probabilities after each token but the last [2, N, best], from logits [N + 1, V]: the highest ones,
    and those of the entries `ids` [N, best]. The two are equal where `ids` are the most probable, in order."""
    shares = softmax_rows(logits[:-1])
    best = np.argsort(-shares, -1, kind="stable")[:, : ids.shape[-1]]
    value = np.stack([np.take_along_axis(shares, of, -1) for of in (best, ids)])
    return value, value * (1 + np.ptp(logits, -1)[:-1, None])


def penalised(logits: np.ndarray, penalty: float, there) -> np.ndarray:
    """Logits [V] after the repetition penalty for the entries `there`."""
    again = np.isin(np.arange(len(logits)), list(there))
    return np.where(again, logits * float(penalty) ** -np.sign(logits), logits)


def chances(logits: np.ndarray, decoding, said: np.ndarray | None = None, there=()) -> Made:
    """The probability of each entry [V] after repetition penalty, temperature, top-k, top-p and min-p, in this
    order.

    said: the entries that are said to be kept, [V] of bools. Top-p says how many of equal ones are, not which.
    there: the entries that the repetition penalty is for
    """
    logits = penalised(logits, decoding.repetition_penalty, there)
    said = np.zeros(len(logits), bool) if said is None else said
    best = np.arange(len(logits)) == np.argmax(logits)
    x = logits / decoding.temperature if decoding.temperature else np.where(best, logits, -np.inf)
    if decoding.top_k is not None:
        x = np.where(x >= np.sort(x)[-min(decoding.top_k, len(x))], x, -np.inf)
    if decoding.top_p is not None and decoding.top_p < 1:
        order = np.lexsort((said, x))  # the least probable first
        held = np.cumsum(softmax_rows(x)[order])
        kept = order[min(int((held <= 1 - decoding.top_p).sum()), len(x) - 1) :]
        x = np.where(np.isin(np.arange(len(x)), kept), x, -np.inf)
    if decoding.min_p is not None:
        x = np.where(softmax_rows(x) >= decoding.min_p * softmax_rows(x).max(), x, -np.inf)
    value = softmax_rows(x)
    return value, value * (1 + np.where(value > 0, x.max() - x, 0))


def far_looks(pattern: np.ndarray, across: int, patch: int) -> Made:
    """How many pixels away the heads of a pattern [H, T, S] look on average [H], among the last across² of its
    positions, which stand row by row."""
    count = across**2
    rows, columns = np.divmod(np.arange(count), across)
    away = patch * np.hypot(rows[:, None] - rows, columns[:, None] - columns)
    weights = pattern[:, -count:, -count:]
    value = ((weights * away).sum(-1) / np.maximum(weights.sum(-1), 1e-12)).mean(-1)
    return value, value + patch
