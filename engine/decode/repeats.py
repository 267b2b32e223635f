"""How much a text repeats itself."""

from collections.abc import Sequence


def repeats(ids: Sequence[int], size: int = 4) -> int:
    """How many of a text's runs of `size` tokens were there before in it."""
    runs = [tuple(ids[i : i + size]) for i in range(len(ids) - size + 1)]
    return len(runs) - len(set(runs))
