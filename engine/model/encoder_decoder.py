"""Two stacks: an encoder reads a text or an image; a decoder writes another text and attends to the first."""

from torch import Tensor

from engine.config import PairConfig
from engine.model.cache import Cache
from engine.model.seq2seq import SequenceToSequence
from engine.model.transformer import Transformer
from engine.trace.inputs import Inputs
from engine.trace.tap import SILENT


class EncoderDecoder(SequenceToSequence):
    """The Transformer of 2017 (Vaswani et al.), and T5: the encoder's output is the memory that every block of
    the decoder attends to.

    The points of the two stacks are those of any stack.
    """

    def __init__(self, config: PairConfig):
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Transformer(config.encoder), Transformer(config.decoder)
        self.tie()

    def tie(self) -> None:
        """Tie shared weights: at the start, and again after a weight has been replaced."""
        if self.config.shared:
            self.decoder.embed.token.weight = self.encoder.embed.token.weight
        self.encoder.tie()
        self.decoder.tie()

    def encode(self, ids: Tensor, padding: Tensor | None = None, tap=SILENT) -> Tensor:
        """The source [B, S] or images -> the memory [B, S, D]."""
        return self.encoder(ids, self.encoder.context(ids, padding), tap=tap)

    def decode(
        self,
        target: Tensor,
        memory: Tensor,
        padding: Tensor | None = None,
        source_padding: Tensor | None = None,
        tap=SILENT,
        cache: Cache | None = None,
    ) -> Tensor:
        """The target [B, T] and the memory [B, S, D], with their padding -> logits [B, T, V]; with a cache the
        part of the target that it does not hold yet."""
        context = self.decoder.context(target, padding, cache, memory, source_padding)
        return self.decoder(target, context, tap=tap)

    def new_cache(self, batch: int = 1, room: int | None = None) -> Cache:
        """An empty cache for targets of up to `room` tokens; None: of a full context."""
        return self.decoder.new_cache(batch, room)

    def recompute(self, segment: str, inputs: Inputs, kept, tap) -> None:
        """Run one segment of one stack again, such as "decoder.blocks.3"; `kept` has the points between."""
        stack, _, inside = segment.partition(".")
        kept, tap = _Inside(kept, stack), tap.at(stack)
        if stack == "encoder":
            self.encoder.recompute(inside, Inputs(inputs.ids, inputs.padding), kept, tap)
        else:
            target = Inputs(inputs.target, inputs.target_padding)
            self.decoder.recompute(inside, target, kept, tap, inputs.padding)


class _Inside:
    """What a trace keeps of one of the two stacks, by that stack's own names."""

    def __init__(self, kept, stack: str):
        self.kept, self.stack = kept, stack

    def __getitem__(self, name: str) -> Tensor:
        return self.kept[f"{self.stack}.{name}"]
