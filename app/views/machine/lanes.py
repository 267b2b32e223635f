"""Which tokens share a lane of the picture, where there are more of them than lanes."""

from dataclasses import dataclass

from engine.config import Config

MOST = 48  # lanes


@dataclass(frozen=True)
class Lanes:
    """`count` positions, `size` of them a lane; `before` places of the first lane stand empty, so that the
    vector before an image's patches has a lane of its own, and each of the others whole rows of patches."""

    count: int
    size: int = 1
    before: int = 0

    @property
    def number(self) -> int:
        return -(-(self.count + self.before) // self.size)

    def first(self, lane: int) -> int:
        return max(0, lane * self.size - self.before)

    def last(self, lane: int) -> int:
        return min((lane + 1) * self.size - self.before, self.count) - 1

    @property
    def starts(self) -> tuple[int, ...]:
        """The first position of each lane."""
        return tuple(self.first(lane) for lane in range(self.number))

    def names(self, labels: list[str]) -> list[str]:
        """What each lane is called: its token, or the first of those that share it."""
        shared = ("" if self.first(i) == self.last(i) else " …" for i in range(self.number))
        return [labels[self.first(i)] + more for i, more in enumerate(shared)]


def blocks_of(rows: Lanes, columns: Lanes) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many rows and columns of a matrix share a cell, and how many places stand before the first of them,
    as engine.analysis.pooled and largest take them."""
    return (rows.size, columns.size), (rows.before, columns.before)


def lanes_of(config: Config, count: int, most: int = MOST) -> Lanes:
    """The lanes of so many positions of a stack, at most so many."""
    if count <= most:
        return Lanes(count)
    if config.image:
        across = config.image // config.patch
        size = across * -(-across // (most - 1))
        return Lanes(count, size, (size - 1) * config.leading)
    return Lanes(count, -(-count // most))
