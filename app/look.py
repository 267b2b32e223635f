"""One view of one trace: what every step of the walk draws from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app import compute
from app.labels import token_labels
from app.state import View
from engine.models import Decoder
from engine.points import points_of
from engine.trace import Trace


@dataclass(frozen=True)
class Look:
    view: View  # with layer, head, token and key that exist
    model: Decoder
    trace: Trace

    @cached_property
    def labels(self) -> list[str]:
        return token_labels(self.trace.tokens())

    @property
    def ids(self) -> list[int]:
        return self.trace.ids[0].tolist()

    @property
    def token(self) -> str:
        """The asking token's label."""
        return self.labels[self.view.token]

    @property
    def key(self) -> str:
        return self.labels[self.view.key]

    def point(self, name: str) -> str:
        """The full name of a point of the picked block."""
        return f"blocks.{self.view.layer}.{name}"

    def axes(self, point: str) -> str:
        """The point's axes without the batch."""
        return points_of(self.model.config)[point].axes[1:]

    def array(self, point: str) -> np.ndarray:
        """The point's numbers for this prompt, without the batch axis."""
        return self.trace[point][0].cpu().numpy()

    def checked(self, point: str):
        return compute.checked(self.model.name, self.view.prompt, point)

    def id_of(self, point: str, variant: str = "") -> str:
        """A name for a tensor in the page: the same tensor has the same name."""
        return f"{self.model.name}|{hash(self.view.prompt):x}|{point}|{variant}"

    def label_of(self, token_id: int) -> str:
        return token_labels([self.model.tokenizer.bytes_of(token_id)])[0]
