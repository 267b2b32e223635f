"""What all encoder–decoders share: one text or image is read, another text is written
(Sutskever et al. 2014)."""

from torch import Tensor

from engine.model.base import Model
from engine.trace.inputs import Inputs
from engine.trace.tap import SILENT


class SequenceToSequence(Model):
    """An `encoder` turns its input into a memory; a `decoder` writes from that memory.

    Subclasses implement encode() and decode(). Their points are prefixed "encoder." and "decoder.".
    """

    def initialise(self) -> None:
        """A random start of both."""
        self.encoder.initialise()
        self.decoder.initialise()

    def forward(
        self,
        ids: Tensor,
        target: Tensor,
        padding: Tensor | None = None,
        target_padding: Tensor | None = None,
        tap=SILENT,
    ) -> Tensor:
        """Source ids [B, S] or images, the target as read so far [B, T] (the start token first), their padding
        -> logits [B, T, V]: at each position for the token after it."""
        memory = self.encode(ids, padding, tap.at("encoder"))
        return self.decode(target, memory, target_padding, padding, tap.at("decoder"))

    def read(self, inputs: Inputs, tap=SILENT) -> Tensor:
        """The whole pass over checked inputs; returns the same as `forward`."""
        return self(inputs.ids, inputs.target, inputs.padding, inputs.target_padding, tap)

    @property
    def start(self) -> int:
        """The token that the decoder reads first."""
        return self.config.start

    @property
    def end(self) -> int:
        """The token that ends what it writes."""
        return self.config.end
