"""What training makes of a text, checked by putting it together again: batches, masks, sentinels, orders.

Everything here is whole numbers, so that right means equal.
"""

from itertools import pairwise

import numpy as np

from engine.worked.steps import Check, held_against


def _equal(shown, value) -> Check:
    return held_against(np.asarray(shown, float), np.asarray(value, float), 0.0)


def check_batch(rows, block: int, pad: int, left: bool, last: int | None, ids, real) -> Check:
    """Texts as ids, cut and padded: each position asked for by itself."""
    made = np.array([[_at(row, t, block, pad, left, last) for t in range(block)] for row in rows])
    return _equal(np.stack([ids, real]), made.transpose(2, 0, 1))


def _at(row, t: int, block: int, pad: int, left: bool, last: int | None) -> tuple[int, bool]:
    place = t - max(0, block - len(row)) if left else t
    if not 0 <= place < len(row):
        return pad, False
    return (last if last is not None and len(row) > block == t + 1 else row[place]), True


def check_masking(
    dice, ids, special, mask: int, shares: tuple[float, float, float], read, done, names=None
) -> Check:
    """Which tokens [T] dice choose and what is done to each, token by token: 0 kept, 1 the mask, 2 another
    entry, 3 itself.

    dice    (chosen, how, entry), each [T], as they were thrown
    shares  of chosen ones, of those the masked and the random ones
    names   the tokens as the vocabulary writes them, where a word is chosen as a whole; None: each by itself
    """
    (share, masked, other), made, first = shares, [], 0
    for t, id in enumerate(ids):
        first = first if t and names and names[t][:2] == "##" else t
        chosen, how, entry = float(dice[0][first]), float(dice[1][t]), float(dice[2][t])
        if special[t] or chosen >= share:
            made.append((id, 0))
        elif how < masked:
            made.append((mask, 1))
        else:
            made.append((entry, 2) if how < masked + other else (id, 3))
    return _equal(np.stack([read, done]), np.array(made).T)


def check_spans(ids, read, wanted) -> Check:
    """Each sentinel replaced by the run that the target has after it: the text is there again. Sentinels are
    −1, −2 … in this order in both, and one more closes the target."""
    runs, order = {}, []
    for token in wanted:
        if token < 0:
            order.append(token)
            runs[token] = []
        else:
            runs[order[-1]].append(token)
    again = [token for part in read for token in ([part] if part >= 0 else runs.get(part, [-9]))]
    count = len(order)
    sentinels = [token for token in read if token < 0] + [-count]
    return _equal([*again, *order, *sentinels], [*ids, *range(-1, -count - 1, -1), *range(-1, -count - 1, -1)])


def check_sentinels(ids, sentinels, read, wanted) -> Check:
    """The same where the sentinels are entries of a vocabulary: `sentinels` in their order."""
    numbers = {id: -n for n, id in enumerate(sentinels, 1)}
    return check_spans(ids, *([numbers.get(id, id) for id in part] for part in (read, wanted)))


def check_filled(sentinels, special, read, written, shown) -> Check:
    """A text put together: where a sentinel was read stands what comes in the decoder's text between it and the
    next sentinel, looked up for each anew; `special` begin or end a text and stand nowhere."""
    marks, made = set(sentinels), []
    for token in read:
        if token not in marks:
            made += [token] * (token not in special)
            continue
        at = written.index(token) + 1 if token in written else len(written)
        ends = [t for t in range(at, len(written)) if written[t] in marks]
        made += [id for id in written[at : min(ends, default=len(written))] if id not in special]
    return _equal(shown, made)


def check_rolled(hidden, shown) -> Check:
    """The same runs of hidden tokens, from some token of the text on, that run's beginning if it is in one."""
    count, hidden, shown = len(hidden), list(map(bool, hidden)), list(map(bool, shown))
    starts = [i for i in range(count) if not (hidden[i] and hidden[i - 1])]
    return _equal([any(shown == [hidden[(i + n) % count] for n in range(count)] for i in starts)], [True])


def check_denoised(kind: str, sentences, came) -> Check:
    """Whether a damaged text is one that this damage can make. came: where each token stood, −1 for a mask."""
    count, came = sentences[-1].stop, list(came)
    kept = [t for t in came if t >= 0]
    rising = all(a < b for a, b in pairwise(kept))
    fits = {
        "mask": all(t in (-1, i) for i, t in enumerate(came)) and len(came) == count,
        "delete": rising and kept == came,
        "infill": rising and _each_gap_has_a_mask(came, count),
        "permute": sorted(came) == list(range(count)) and _whole(sentences, came),
        "rotate": any(came == [(t + n) % count for t in range(count)] for n in range(count)),
    }
    return _equal([fits[kind]], [True])


def _each_gap_has_a_mask(came: list[int], count: int) -> bool:
    """Where tokens are missing stands one mask, and no two stand beside each other."""
    pairs = list(zip([-2, *came], [*came, -2], strict=True))
    if (-1, -1) in pairs:
        return False
    kept = [-1, *(t for t in came if t >= 0), count]
    gaps = [(a, b) for a, b in pairwise(kept) if b - a > 1]
    text = [-2, *came, count]
    return all(text[text.index(b) - 1] == -1 for _, b in gaps)


def _whole(sentences, came: list[int]) -> bool:
    """Each sentence stands together, in its own order."""
    starts = {one.start: one for one in sentences}
    t = 0
    while t < len(came):
        one = starts.get(came[t])
        if one is None or came[t : t + len(one)] != list(one):
            return False
        t += len(one)
    return True


def check_order(order, content: bool, shown) -> Check:
    """Who may look at whom [T, T]: the positions one after the other, each at those before it in the order."""
    made = np.zeros((len(order), len(order)))
    for n, t in enumerate(order):
        made[t, order[:n]] = 1
        made[t, t] = content
    return _equal(shown, made)


def check_lookup(table, ids, shown) -> Check:
    """Vectors [T, D]: each the row of the table that its id names."""
    table = np.asarray(table)
    return _equal(shown, np.stack([table[id] for id in ids]))


def check_mask(real, causal: bool, shown) -> Check:
    """Who may look at whom in a padded text [T, T], query by query: at real tokens; a causal model at those so
    far, and always at itself."""
    made = np.array([real] * len(real), float)
    for t in range(len(real) if causal else 0):
        made[t, t + 1 :] = 0
        made[t, t] = 1
    return _equal(shown, made)
