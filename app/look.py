"""One view of one trace: what every step of the walk draws from."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from app import compute
from app.labels import patch_labels, token_labels
from app.state import View
from engine.analysis import ends
from engine.models import Transformer
from engine.points import points_of
from engine.tap import Edit
from engine.trace import Trace


@dataclass(frozen=True)
class Look:
    view: View  # with layer, head, token and key that exist
    model: Transformer
    given: str  # what the model reads: the prompt, or an image as a link writes it
    trace: Trace
    tensors: dict[str, np.ndarray] = field(default_factory=dict)  # what the step's pictures draw, by name

    @cached_property
    def labels(self) -> list[str]:
        return patch_labels(self.model.config) if self.model.config.image else token_labels(self.trace.tokens())

    @property
    def ids(self) -> list[int]:
        """The tokens' ids; of an image's patches their numbers, counted from the vector before them."""
        return list(range(self.model.config.context)) if self.model.config.image else self.trace.ids[0].tolist()

    @property
    def token(self) -> str:
        """The asking token's label."""
        return self.labels[self.view.token]

    @property
    def key(self) -> str:
        return self.labels[self.view.key]

    @property
    def kinds(self) -> tuple[str, ...]:
        """What kind of model this is, in the words that texts of their own are named by."""
        c = self.model.config
        others = {
            "image": c.image,
            "full": not c.causal,
            "post": c.post_norm,
            "segments": c.segments,
            "gated": c.gated,
            "shared": c.shared_by > 1,
            "no biases": not c.attention_bias,
        }
        return (c.ending, *(name for name, is_so in others.items() if is_so), c.positions, c.norm)

    @property
    def activation(self) -> str:
        """What papers call the model's activation."""
        return {"gelu_tanh": "GELU", "gelu": "GELU", "relu": "ReLU", "silu": "SiLU"}[
            self.model.config.activation
        ]

    def head_in(self, point: str) -> int:
        """Which head of a point the picked head works with: several may share one."""
        shared = self.axes(point).startswith("G")
        return self.view.head // self.model.config.shared_by if shared else self.view.head

    @property
    def seen(self) -> list[int]:
        """The positions that the picked token may look at, in the picked head."""
        allowed = self.trace[self.point("attn.mask")][0, self.view.head, self.view.token]
        return allowed.nonzero().flatten().tolist()

    def point(self, name: str) -> str:
        """The full name of a point of the picked block."""
        return f"blocks.{self.view.layer}.{name}"

    @property
    def ends(self) -> list[str]:
        """The points of the stream before the first block and after each."""
        return ends(self.model.config)

    def sources(self, point: str) -> tuple[str, ...]:
        """The points that a point is made from."""
        return points_of(self.model.config)[point].sources

    def axes(self, point: str) -> str:
        """The point's axes without the batch."""
        return points_of(self.model.config)[point].axes[1:]

    def array(self, point: str) -> np.ndarray:
        """The point's numbers for this prompt, without the batch axis."""
        return self.trace[point][0].cpu().numpy()

    def what_if(self, edit: Edit) -> "Look":
        """The same view of the run with one edit."""
        return replace(self, trace=compute.trace(self.model.name, self.given, (edit,)))

    def checked(self, point: str):
        return compute.checked(self.model.name, self.given, point, self.trace.edits)

    @property
    def source(self) -> str:
        """Which model the numbers come from, and whether it was changed for them."""
        return self.model.name + (", what if" if self.trace.edits else "")

    def id_of(self, point: str, variant: str = "") -> str:
        """A name for a tensor in the page: the same tensor has the same name."""
        return f"{self.model.name}|{hash((self.given, self.trace.edits)):x}|{point}|{variant}"

    def answer(self, index: int) -> str:
        """What one of the model's scores is for: an entry of the vocabulary, or a class."""
        return self.model.labels[index] if self.model.labels else self.label_of(index)

    def label_of(self, token_id: int) -> str:
        return token_labels([self.model.tokenizer.bytes_of(token_id)])[0]
