"""One named intermediate: where in a model it belongs, its axes, and the step that computes it."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

AXES = {  # the letters of axes; 1 is an axis of size 1
    "B": "batch",
    "T": "query positions",
    "S": "key positions",
    "D": "model width",
    "H": "heads",
    "G": "key/value heads, each shared by several query heads",
    "E": "head width",
    "F": "MLP units",
    "X": "experts",
    "V": "vocabulary",
    "C": "classes",
    "N": "patches of an image",
    "P": "values of a patch",
    "K": "channels of an image or a feature map: a filter makes one",
    "I": "rows of an image or a feature map",
    "J": "columns of an image or a feature map",
}


class Place(NamedTuple):
    """Where points belong in a model: the fields a Point begins with, so that `Point(*place, …)` is one there.

    stack  "encoder" or "decoder" in a model that has both; "" in any other
    layer  the number of the block; None outside the blocks
    step   the number of the step of a recurrent stack; None outside the steps
    part   the module that computes it, by its name in the block or stack: "embed", "attn", "attn.norm",
           "cross", "mlp", "final_norm", "head"; "" for the residual stream, the logits and the class scores
    """

    stack: str = ""
    layer: int | None = None
    step: int | None = None
    part: str = ""

    def name(self, short: str = "") -> str:
        """The full name of the point or module `short` here; if it is empty, of the place itself."""
        block = () if self.layer is None else ("blocks", str(self.layer))
        step = () if self.step is None else ("steps", str(self.step))
        return ".".join(filter(None, (self.stack, *block, *step, self.part, short)))

    def inside(self, part: str) -> "Place":
        """The place of a part of this one: "norm" in "attn" is "attn.norm"."""
        return self._replace(part=f"{self.part}.{part}" if self.part else part)


@dataclass(frozen=True)
class Point:
    """One named intermediate.

    stack, layer, step, part   where it belongs: see Place
    short    its name there, such as "q" or "resid_mid"
    axes     a letter of AXES for each axis of its tensor
    kind     the step that computes it: a recipe of engine.worked.recipes
    sources  the full names of the points it is computed from
    meaning  what it is, in a few words for the reader
    module   the module of its stack that holds its weights, if that does not share the point's own name
    bias     whether a bias is added, if the config decides that; None: if the module has one
    gate     of a recurrent cell, which stacks its gates' weights: the gate whose rows are meant
    """

    stack: str
    layer: int | None
    step: int | None
    part: str
    short: str
    axes: str
    kind: str
    sources: tuple[str, ...]
    meaning: str
    module: str = ""
    bias: bool | None = None
    gate: str = ""

    @property
    def place(self) -> Place:
        """Where it belongs."""
        return Place(self.stack, self.layer, self.step, self.part)

    @cached_property
    def name(self) -> str:
        """Its full name, such as "decoder.blocks.0.attn.q": no other point of the model has it."""
        return self.place.name(self.short)

    @property
    def local(self) -> str:
        """Its name within its block or stack, such as "attn.q": the same in all of them."""
        return Place(step=self.step, part=self.part).name(self.short)

    @property
    def weights(self) -> str:
        """The full name of the module that holds its weights, if it has any."""
        return Place(self.stack).name(self.module) if self.module else self.name
