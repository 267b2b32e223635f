"""Recurrent encoder-decoders: one vector, the state, is carried from token to token.

The encoder reads the source from left to right; the decoder starts from its last state and reads the target
(Sutskever et al. 2014). With attention, each of the decoder's states looks back at all of the encoder's. Where
it tells what an image shows, a vision transformer's last vectors stand in the place of the encoder's states.
"""

import torch
from torch import Tensor, nn

from engine.config import RecurrentConfig
from engine.masks import softmax
from engine.model.cells import CELLS
from engine.model.seq2seq import SequenceToSequence
from engine.model.transformer import Transformer
from engine.trace.inputs import Inputs
from engine.trace.tap import SILENT


class Reader(nn.Module):
    """A token table and a cell, the same at every step."""

    def __init__(self, config: RecurrentConfig):
        super().__init__()
        self.config = config
        self.token = nn.Embedding(config.vocabulary, config.width)
        self.cell = CELLS[config.cell](config.width)

    def initialise(self) -> None:
        """A random start, as torch starts each part: token tables normal, maps within ±1/√D."""
        for part in self.modules():
            if isinstance(part, nn.Linear | nn.Embedding):
                part.reset_parameters()

    def unroll(
        self, ids: Tensor, state: tuple[Tensor, ...], padding: Tensor | None = None, tap=SILENT
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """ids and padding [B, T], the state before the first -> all states h [B, T, D], the state after the
        last. Over padding the state stays what it was."""
        state = tuple(tap(f"start.{name}", x) for name, x in zip(self.cell.carried, state, strict=True))
        x = self.cell.x(tap("token", self.token(ids)))  # [B, T, gates · D]: of all steps at once
        states = []
        for t in range(ids.shape[1]):
            at = tap.at(f"steps.{t}")
            after = self.cell(x[:, t], state, at)
            state = after if padding is None else self._carry(state, after, padding[:, t, None], at)
            states.append(state[0])
        return tap("states", torch.stack(states, 1)), state

    def _carry(self, before, after, real: Tensor, tap) -> tuple[Tensor, ...]:
        """The state after a real token, the one before it where there is none."""
        parts = zip(self.cell.carried, before, after, strict=True)
        return tuple(tap(f"{name}_carried", torch.where(real, new, old)) for name, old, new in parts)


class Attention(nn.Module):
    """A state looks back at all of the encoder's: tanh(W [context; state]) (Luong et al. 2015, equation 5).

    It looks after its step, so that all states of the decoder look at once; in Bahdanau et al. 2014 the state
    before looks, and what it finds enters the step.
    """

    def __init__(self, width: int):
        super().__init__()
        self.mixed_pre = nn.Linear(2 * width, width, bias=False)

    def forward(self, s: Tensor, h: Tensor, padding: Tensor | None = None, tap=SILENT) -> Tensor:
        """The decoder's states s [B, T, D], the encoder's h [B, S, D], the source's padding [B, S]
        -> [B, T, D]."""
        align = tap("align", self.score(s, h, tap))  # [B, T, S]
        real = align.new_ones(1, h.shape[1], dtype=torch.bool) if padding is None else padding
        mask = tap("mask", real[:, None].expand_as(align))  # [B, T, S]
        masked = tap("masked", torch.where(mask, align, -torch.inf))  # [B, T, S]
        weights = tap("weights", softmax(masked))  # [B, T, S]
        context = tap("context", weights @ h)  # [B, T, D]
        pre = tap("mixed_pre", self.mixed_pre(torch.cat([context, s], -1)))  # [B, T, D]
        return tap("mixed", pre.tanh())


class Additive(Attention):
    """Scored by v · tanh(W_q s + W_k h) (Bahdanau et al. 2014, section A.1.2)."""

    def __init__(self, width: int):
        super().__init__(width)
        self.query = nn.Linear(width, width, bias=False)
        self.keys = nn.Linear(width, width, bias=False)
        self.align = nn.Linear(width, 1, bias=False)  # v

    def score(self, s: Tensor, h: Tensor, tap=SILENT) -> Tensor:
        """s [B, T, D], h [B, S, D] -> [B, T, S]."""
        query = tap("query", self.query(s))  # [B, T, D]
        keys = tap("keys", self.keys(h))  # [B, S, D]
        return self.align((query[:, :, None] + keys[:, None]).tanh())[..., 0]


class Dot(Attention):
    """Scored by s · h (Luong et al. 2015, equation 8)."""

    def score(self, s: Tensor, h: Tensor, tap=SILENT) -> Tensor:
        """s [B, T, D], h [B, S, D] -> [B, T, S]."""
        return s @ h.mT


_ATTENTIONS = {"additive": Additive, "dot": Dot}


class Decoder(Reader):
    """Reads the target from the encoder's last state on; a score for every entry of the vocabulary."""

    def __init__(self, config: RecurrentConfig):
        super().__init__(config)
        attends = config.attention != "none"
        self.cross = _ATTENTIONS[config.attention](config.width) if attends else None
        self.logits = nn.Linear(config.width, config.vocabulary, bias=False)

    def forward(
        self,
        ids: Tensor,
        start: tuple[Tensor, ...],
        source: Tensor,
        padding: Tensor | None = None,
        source_padding: Tensor | None = None,
        tap=SILENT,
    ) -> Tensor:
        """ids and padding [B, T], the state to start from, the encoder's states [B, S, D] and the source's
        padding [B, S] -> logits [B, T, V]."""
        states, _ = self.unroll(ids, start, padding, tap)
        if self.cross is not None:
            states = self.cross(states, source, source_padding, tap.at("cross"))
        return tap("logits", self.logits(states))


class Recurrent(SequenceToSequence):
    """Encoder and decoder. Without attention, the encoder's last state is all that the decoder gets of the
    source.

    Of an image it is the first vector, which stands before the patches. With attention this is the model of
    Xu et al. 2015, whose encoder is convolutional, and who start from the mean of its vectors through a map.
    """

    def __init__(self, config: RecurrentConfig):
        super().__init__()
        self.config = config
        self.encoder = Reader(config) if config.encoder is None else Transformer(config.encoder)
        self.decoder = Decoder(config)

    def tie(self) -> None:
        """Tie shared weights: encoder and decoder share none, the blocks of a Transformer may."""
        if self.config.encoder is not None:
            self.encoder.tie()

    def encode(
        self, ids: Tensor, padding: Tensor | None = None, tap=SILENT
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The source -> what the decoder looks back at [B, S, D], and the state that it starts from."""
        parts = len(self.decoder.cell.carried)
        if self.config.encoder is not None:
            vectors = self.encoder(ids, self.encoder.context(ids, padding), tap=tap)
            return vectors, (vectors[:, 0],) * parts
        nothing = self.encoder.token.weight.new_zeros(len(ids), self.config.width)
        return self.encoder.unroll(ids, (nothing,) * parts, padding, tap)

    def decode(
        self,
        target: Tensor,
        memory: tuple[Tensor, tuple[Tensor, ...]],
        padding: Tensor | None = None,
        source_padding: Tensor | None = None,
        tap=SILENT,
    ) -> Tensor:
        """The target [B, T] and what `encode` gave, with their padding -> logits [B, T, V]."""
        source, last = memory
        return self.decoder(target, last, source, padding, source_padding, tap)

    def recompute(self, segment: str, inputs: Inputs, kept, tap) -> None:
        """Run the pass again: it is one segment, because each step is made of the one before."""
        self.read(inputs, tap)
