"""Two stacks: an encoder reads one text (or an image), a decoder writes another and looks at it as it goes."""

from dataclasses import replace
from functools import cache

from torch import Tensor

from engine.config import PairConfig
from engine.inputs import Inputs
from engine.points import Point, within
from engine.seq2seq import SequenceToSequence
from engine.tap import SILENT
from engine.transformer import Transformer


class EncoderDecoder(SequenceToSequence):
    """The Transformer of 2017 (Vaswani et al.), and T5: what the encoder's last block leaves is the memory at
    which every block of the decoder looks by cross-attention.

    The points of the two stacks are those of any stack.
    """

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

    def encode(self, ids: Tensor, padding: Tensor | None = None, tap=SILENT) -> Tensor:
        """The source -> the memory [B, S, D]."""
        return self.encoder(ids, padding, tap=tap)

    def decode(self, target: Tensor, told: Tensor, padding=None, source_padding=None, tap=SILENT) -> Tensor:
        """The target [B, T] and the memory -> logits [B, T, V]."""
        return self.decoder(target, padding, memory=told, memory_padding=source_padding, tap=tap)

    # --- what a trace asks of a model (engine.trace) ---------------------------------------------

    def points(self, inputs: Inputs) -> dict[str, Point]:
        return _points(self.config)

    def room_of(self, point: str) -> str:
        """ "encoder.embed", "decoder.blocks.3", …"""
        part, _, name = point.partition(".")
        return f"{part}.{self.get_submodule(part).room_of(name)}"

    def enter(self, room: str, inputs: Inputs, kept, tap) -> None:
        """Compute the inside of one room again; `kept` has the streams between the blocks, and the memory."""
        part, _, inside = room.partition(".")
        stack, read = self.stack_of(room, inputs)
        stack.enter(inside, read, _Inside(kept, part), tap.at(part), inputs.padding)


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
