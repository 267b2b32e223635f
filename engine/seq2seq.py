"""What the kinds of encoder-decoder share: one text or image is read, another text is written
(Sutskever et al. 2014)."""

import torch
from torch import Tensor, nn

from engine.inputs import Inputs
from engine.tap import SILENT


class SequenceToSequence(nn.Module):
    """A kind has an `encoder`, a `decoder`, and says what the one hands to the other: `encode` and `decode`.

    The points of the two carry "encoder." and "decoder." before their names. `tokenizer`, `prepare` and `name`
    are set by engine.load.
    """

    tokenizer = None
    prepare = None  # where the encoder reads images: what makes their numbers of pixels
    labels: tuple[str, ...] = ()
    name = "model"

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
        -> logits [B, T, V]: at each place for the token after it."""
        told = self.encode(ids, padding, tap.at("encoder"))
        return self.decode(target, told, target_padding, padding, tap.at("decoder"))

    # --- what a trace asks of a model (engine.trace) ---------------------------------------------

    @property
    def reads(self) -> tuple:
        """The config of what reads the source, and of what reads the target."""
        return self.config.stacks

    @property
    def start(self) -> int:
        return self.config.start

    @property
    def end(self) -> int:
        return self.config.end

    @property
    def device(self) -> torch.device:
        return next(self.decoder.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.decoder.parameters()).dtype

    def read(self, inputs: Inputs, tap) -> Tensor:
        return self(inputs.ids, inputs.target, inputs.padding, inputs.target_padding, tap)

    def stack_of(self, point: str, inputs: Inputs) -> tuple[nn.Module, Inputs]:
        if point.startswith("encoder."):
            return self.encoder, Inputs(inputs.ids, inputs.padding)
        return self.decoder, Inputs(inputs.target, inputs.target_padding)
