"""Two stacks: an encoder reads one text (or an image), a decoder writes another and looks at it as it goes."""

from dataclasses import replace
from functools import cache

import torch
from torch import Tensor, nn

from engine.config import Config, PairConfig
from engine.inputs import Inputs
from engine.models import Transformer
from engine.points import Point, within
from engine.tap import SILENT


class EncoderDecoder(nn.Module):
    """The Transformer of 2017 (Vaswani et al.), and T5: what the encoder's last block leaves is the memory at
    which every block of the decoder looks by cross-attention.

    The points of the two stacks are those of any stack, with "encoder." and "decoder." before their names.
    `tokenizer`, `prepare` and `name` are set by engine.load.
    """

    tokenizer = None
    prepare = None  # where the encoder reads images: what makes their numbers of pixels
    labels: tuple[str, ...] = ()
    name = "model"

    def __init__(self, config: PairConfig):
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Transformer(config.encoder), Transformer(config.decoder)
        self.tie()

    def tie(self) -> None:
        """Let the parts that share a table have one: at first, and whenever a table was put in its place."""
        if self.config.shared:
            self.decoder.embed.token.weight = self.encoder.embed.token.weight
        self.encoder.tie()
        self.decoder.tie()

    def initialise(self) -> None:
        """A random start of both stacks."""
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
        """ids [B, S] or images, target [B, T] (the start token first) and their paddings -> logits [B, T, V] of
        what comes after each token of the target."""
        memory = self.encoder(ids, padding, tap=tap.at("encoder"))
        return self.decoder(
            target, target_padding, memory=memory, memory_padding=padding, tap=tap.at("decoder")
        )

    # --- what a trace asks of a model (engine.trace) ---------------------------------------------

    @property
    def start(self) -> int:
        return self.config.start

    @property
    def end(self) -> int:
        return self.config.end

    @property
    def reads(self) -> tuple[Config, ...]:
        return self.config.stacks

    @property
    def device(self) -> torch.device:
        return self.decoder.device

    @property
    def dtype(self) -> torch.dtype:
        return self.decoder.dtype

    def points(self, inputs: Inputs) -> dict[str, Point]:
        return _points(self.config)

    def read(self, inputs: Inputs, tap) -> Tensor:
        return self(inputs.ids, inputs.target, inputs.padding, inputs.target_padding, tap)

    def room_of(self, point: str) -> str:
        """ "encoder.embed", "decoder.blocks.3", …"""
        part, _, name = point.partition(".")
        return f"{part}.{self.get_submodule(part).room_of(name)}"

    def enter(self, room: str, inputs: Inputs, kept, tap) -> None:
        """Compute the inside of one room again; `kept` has the streams between the blocks, and the memory."""
        part, _, inside = room.partition(".")
        stack, read = self.stack_of(room, inputs)
        stack.enter(inside, read, _Inside(kept, part), tap.at(part), inputs.padding)

    def stack_of(self, point: str, inputs: Inputs) -> tuple[Transformer, Inputs]:
        if point.startswith("encoder."):
            return self.encoder, Inputs(inputs.ids, inputs.padding)
        return self.decoder, Inputs(inputs.target, inputs.target_padding)


class _Inside:
    """What a trace keeps of one of the two stacks, by the names of that stack."""

    def __init__(self, kept, part: str):
        self.kept, self.part = kept, part

    def __getitem__(self, name: str) -> Tensor:
        return self.kept[f"{self.part}.{name}"]


@cache
def _points(config: PairConfig) -> dict[str, Point]:
    """The points of both stacks; the memory is what the encoder made last."""
    encoder, decoder = within("encoder", config.encoder), within("decoder", config.decoder)
    memory = replace(decoder[0], sources=(encoder[-1].name,))
    return {point.name: point for point in (*encoder, memory, *decoder[1:])}
