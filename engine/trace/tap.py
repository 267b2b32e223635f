"""The tap: how a forward pass names its intermediates, and how an experiment changes them.

A module calls `x = tap("name", x)` at the line that computes a quantity. With SILENT nothing happens. With a
Recorder the edits of that point are applied, and the tensor is kept under its full name.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Real
from operator import index

import torch
from torch import Tensor

from engine.masks import MASKS, mask_of
from engine.points.point import AXES, Point

OPS = ("zero", "mean", "set", "add", "scale", "copy", "take", "mask")


class Silent:
    """The tap that does nothing, so that modules may run their fused kernels."""

    def __call__(self, name: str, x: Tensor) -> Tensor:
        return x

    def at(self, part: str) -> "Silent":
        """The tap inside `part`: just as silent."""
        return self


SILENT = Silent()


@dataclass(frozen=True)
class Edit:
    """One change to one point, as data: hashable, comparable, writable into a link.

    point  the full name of a point, such as "blocks.0.attn.pattern"
    op     zero, mean (over the prompt's positions), set, add, scale (by value),
           copy (from the run of another prompt: activation patching), take (what an earlier point of the
           same run holds), mask (another attention mask)
    at     axis letter -> index, or a list of pairs (letter, index); letters left out mean everywhere
    value  a number for set, add, scale (−∞ hides a score; of any other infinite number the lights are red);
           for copy the other prompt (text, or a tuple of token ids; of encoder-decoders also a pair of
           prompt and target); for take the name of that point; for mask its kind and n, as
           engine.masks.mask_of takes them
    """

    point: str
    op: str
    at: tuple[tuple[str, int], ...] = ()
    value: float | str | tuple | None = None

    def __post_init__(self):
        if not isinstance(self.point, str):
            raise ValueError(f"an edit's point is the name of one, not {self.point!r:.40}")
        try:
            pairs = self.at.items() if isinstance(self.at, dict) else self.at
            object.__setattr__(self, "at", tuple(sorted((str(a), index(i)) for a, i in pairs)))
        except (TypeError, ValueError):
            raise ValueError(
                f"at is {self.at!r:.60}; it has the letter of an axis and a whole number for each, {{'T': 3}}"
            ) from None
        letters = [letter for letter, _ in self.at]
        for letter in letters:
            if letter not in AXES:
                raise ValueError(f"{letter!r} is not an axis; the axes are {' '.join(AXES)}")
            if letters.count(letter) > 1:
                raise ValueError(f"the edit of {self.point} names the axis {letter} twice")
        if self.op not in OPS:
            raise ValueError(f"there is no edit {self.op!r}; choose one of {', '.join(OPS)}")
        number = isinstance(self.value, Real) and type(self.value) is not bool and self.value == self.value
        if number and not isinstance(self.value, int | float):  # numpy's, or a fraction
            object.__setattr__(self, "value", float(self.value))
        if self.op in ("set", "add", "scale") and not number:
            raise ValueError(f"{self.op!r} needs a number as value, not {self.value!r}")
        if self.op == "take" and not isinstance(self.value, str):
            raise ValueError("'take' needs the name of another point as value")
        if self.op == "copy" and not isinstance(self.value, str | tuple):
            raise ValueError("'copy' needs the other prompt as value: a text or a tuple of token ids")
        kind, n = self.value if isinstance(self.value, tuple) and len(self.value) == 2 else (None, None)
        if self.op == "mask" and (kind not in MASKS or type(n) is not int):
            raise ValueError(f"'mask' needs a kind and n as value: ({' or '.join(MASKS)}, n)")
        if self.op == "mask" and self.point.endswith(".cross.mask") and kind != "none":
            raise ValueError(
                f"{self.point} masks one text for another, where {kind!r} has no meaning: "
                "choose 'none', or set single cells"
            )

    def apply(self, x: Tensor, point: Point, other: Tensor | None = None) -> Tensor:
        """A changed copy of `x`, the tensor of `point`; `other` is the tensor that "copy" and "take" take from.

        ValueError if the point cannot be changed so: an axis it lacks, an index out of range, another shape.
        """
        if self.op == "mask":
            return self._mask(x, point)
        axes = point.axes
        if isinstance(self.value, Real) and x.is_floating_point():
            self._check_size(x)
        where = self._index(x, axes)
        part = x[where]
        if self.op == "mean":
            place = next((axes.index(letter) for letter in "TS" if letter in axes), None)
            if place is None:
                raise ValueError(f"{self.point} has no positions (T) to take the mean over")
            if x.dtype == torch.bool:
                raise ValueError(f"{self.point} is boolean, which has no mean")
            part = x.mean(place, keepdim=True).expand_as(x)[where]
        new = {
            "zero": lambda: torch.zeros_like(part),
            "mean": lambda: part,
            "set": lambda: torch.full_like(part, self.value),
            "add": lambda: part + self.value,
            "scale": lambda: part * self.value,
            "copy": lambda: self._other_part(other, axes, part),
            "take": lambda: self._other_part(other, axes, part),
        }[self.op]()
        changed = x.clone()
        changed[where] = new
        return changed

    def _check_size(self, x: Tensor) -> None:
        most = torch.finfo(x.dtype).max
        if most < abs(self.value) < math.inf:
            raise ValueError(f"{self.point} cannot hold {self.value!r}: its numbers go to {most:.3g}")

    def _mask(self, x: Tensor, point: Point) -> Tensor:
        if point.kind != "attention_mask" or self.at:
            raise ValueError(f"'mask' replaces a whole attention mask; {self.point} with {self.at} is not one")
        kind, n = self.value
        if point.part == "cross":
            return torch.ones_like(x)
        return mask_of(kind, x.shape[-1], n, x.device).expand_as(x)

    def _other_part(self, other: Tensor, axes: str, part: Tensor) -> Tensor:
        theirs = other[self._index(other, axes)] if other.dim() == len(axes) else other
        if theirs.shape != part.shape:
            given = "the other prompt" if self.op == "copy" else self.value
            raise ValueError(
                f"{self.op} at {self.point}: {given} gives {tuple(theirs.shape)}, this one needs "
                f"{tuple(part.shape)}; name a position (T, and S for attention) in `at`"
            )
        return theirs

    def _index(self, x: Tensor, axes: str) -> tuple:
        where = [slice(None)] * x.dim()
        for letter, i in self.at:
            if letter not in axes:
                raise ValueError(f"{self.point} has the axes {' '.join(axes)}, not {letter!r}")
            axis = axes.index(letter)
            if not -x.shape[axis] <= i < x.shape[axis]:
                raise ValueError(f"{self.point}: {letter} = {i} is outside its {x.shape[axis]} entries")
            where[axis] = i
        return tuple(where)


class Recorder:
    """The tap that applies the edits and keeps the points for which `wanted(name)` is true.

    table    full name -> Point, of all points that the model has
    others   the value of a "copy" edit -> the trace it copies from
    look     called with each point's full name and tensor, edits included
    earlier  full name -> tensor, of points computed before this pass, if it is a segment of a whole one
    kept     full name -> tensor, filled during the pass
    """

    def __init__(
        self,
        table: dict[str, Point],
        wanted: Callable[[str], bool] = lambda name: True,
        edits: Iterable[Edit] = (),
        others: dict | None = None,
        earlier: dict[str, Tensor] | None = None,
        look: Callable[[str, Tensor], None] | None = None,
    ):
        self.table, self.wanted, self.others, self.look = table, wanted, others or {}, look
        self._made = dict(earlier or {})  # what "take" edits may take from
        self.edits: dict[str, list[Edit]] = {}
        self.kept: dict[str, Tensor] = {}
        self._seen: set[str] = set()
        edits = tuple(edits)
        for edit in edits:
            self.edits.setdefault(known(edit.point, table), []).append(edit)
        self._taken = {known(edit.value, table) for edit in edits if edit.op == "take"}

    def __call__(self, name: str, x: Tensor) -> Tensor:
        if name in self._seen:
            raise RuntimeError(f"the point {name} was tapped twice in one pass")
        self._seen.add(name)
        for edit in self.edits.get(name, ()):
            x = edit.apply(x, self.table[name], self._other(edit, name))
        if name in self._taken:
            self._made[name] = x
        if self.wanted(name):
            self.kept[name] = x
        if self.look:
            self.look(name, x)
        return x

    def _other(self, edit: Edit, name: str) -> Tensor | None:
        """The tensor that an edit of the point `name` takes from, if it takes from any."""
        if edit.op == "copy":
            return self.others[edit.value][name]
        if edit.op == "take" and edit.value not in self._made:
            raise ValueError(f"{name} cannot take {edit.value}, which is not computed before it")
        return self._made[edit.value] if edit.op == "take" else None

    def at(self, part: str) -> "_Inside":
        """The tap inside `part`; never silent, so that looking changes no number."""
        return _Inside(self, part)


class _Inside:
    __slots__ = ("path", "root")

    def __init__(self, root: Recorder, path: str):
        self.root, self.path = root, path

    def __call__(self, name: str, x: Tensor) -> Tensor:
        return self.root(f"{self.path}.{name}", x)

    def at(self, part: str) -> "_Inside":
        return self.root.at(f"{self.path}.{part}")


def known(point: str, names: Iterable[str]) -> str:
    """`point` itself if it is among the names; otherwise a KeyError that lists similar names."""
    names = list(names)
    if point not in names:
        near = get_close_matches(str(point), names, n=4, cutoff=0.4) or names[:4]
        raise KeyError(f"there is no point {point!r} in this model; similar names: {', '.join(near)}")
    return point
