"""Recurrent encoder-decoders: one vector, the state, is carried from token to token.

The encoder reads the source from left to right; the decoder starts from its last state and reads the target
(Sutskever et al. 2014). With attention, each of the decoder's states looks back at all of the encoder's. For
image captioning, the last vectors of a vision transformer, or the cells of a convolutional network, replace the
encoder's states.
"""

import torch
from torch import Tensor, nn

from engine.config import RecurrentConfig
from engine.masks import softmax
from engine.model.cache import States
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
        """A random start with torch's defaults: token tables normal, linear layers within ±1/√D."""
        for part in self.modules():
            if isinstance(part, nn.Linear | nn.Embedding):
                part.reset_parameters()

    def unroll(
        self, ids: Tensor, state: tuple[Tensor, ...], padding: Tensor | None = None, tap=SILENT
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """ids and padding [B, T], the state before the first -> all states h [B, T, D], the state after the
        last. At padding the state does not change."""
        state = tuple(tap(f"start.{name}", x) for name, x in zip(self.cell.carried, state, strict=True))
        x = self.cell.x(tap("token", self.token(ids)))  # [B, T, gates · D], for all steps at once
        states = []
        for t in range(ids.shape[1]):
            at = tap.at(f"steps.{t}")
            after = self.cell(x[:, t], state, at)
            state = after if padding is None else self._carry(state, after, padding[:, t, None], at)
            states.append(state[0])
        return tap("states", torch.stack(states, 1)), state

    def _carry(self, before, after, real: Tensor, tap) -> tuple[Tensor, ...]:
        """The new state at a real token, the previous one at padding."""
        parts = zip(self.cell.carried, before, after, strict=True)
        return tuple(tap(f"{name}_carried", torch.where(real, new, old)) for name, old, new in parts)


class Attention(nn.Module):
    """A state looks back at all of the encoder's: tanh(W [context; state]) (Luong et al. 2015, equation 5).

    A state looks back after its step, so that all states do it at once; in Bahdanau et al. 2014 the previous
    state looks back, and the context enters the step.
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
    """The score is v · tanh(W_q s + W_k h) (Bahdanau et al. 2014, section A.1.2)."""

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
    """The score is s · h (Luong et al. 2015, equation 8)."""

    def score(self, s: Tensor, h: Tensor, tap=SILENT) -> Tensor:
        """s [B, T, D], h [B, S, D] -> [B, T, S]."""
        return s @ h.mT


_ATTENTIONS = {"additive": Additive, "dot": Dot}


class Start(nn.Module):
    """The state to start from, made of an image's cells z: tanh(W z + b). Of all cells side by side where that
    is all that is learned of the image, of their mean where each is looked at afterwards (Xu et al. 2015,
    section 3.1.2). The numbers side by side are divided by √S: a sum over S cells would grow with their number.
    """

    def __init__(self, cells: int, width: int, averaged: bool):
        super().__init__()
        self.averaged = averaged
        self.pre = nn.Linear(width if averaged else cells * width, width)

    def forward(self, z: Tensor, tap=SILENT) -> Tensor:
        """z [B, S, D] -> [B, D]."""
        S = z.shape[1]
        z = tap("mean", z.mean(1)) if self.averaged else z.flatten(1) / S**0.5  # [B, D] or [B, S · D]
        return tap("pre", self.pre(z)).tanh()


class Decoder(Reader):
    """Reads the target, starting from the encoder's last state, or from one made of an image's cells; scores
    every entry of the vocabulary."""

    def __init__(self, config: RecurrentConfig):
        super().__init__(config)
        attends = config.attention != "none"
        self.cross = _ATTENTIONS[config.attention](config.width) if attends else None
        sees = config.encoder is not None and bool(config.encoder.filters)
        self.start = Start(config.encoder.context, config.width, attends) if sees else None
        self.logits = nn.Linear(config.width, config.vocabulary, bias=False)

    def forward(
        self,
        ids: Tensor,
        start: tuple[Tensor, ...],
        source: Tensor,
        padding: Tensor | None = None,
        source_padding: Tensor | None = None,
        tap=SILENT,
        cache: States | None = None,
    ) -> Tensor:
        """ids and padding [B, T], the state to start from, the encoder's states [B, S, D] and the source's
        padding [B, S] -> logits [B, T, V]. A cache that holds a state goes on from there."""
        start = self.begin(start, source, tap) if cache is None or cache.state is None else cache.state
        states, last = self.unroll(ids, start, padding, tap)
        if cache is not None:
            cache.advance(ids.shape[1], last)
        if self.cross is not None:
            states = self.cross(states, source, source_padding, tap.at("cross"))
        return tap("logits", self.logits(states))

    def begin(self, given: tuple[Tensor, ...], source: Tensor, tap=SILENT) -> tuple[Tensor, ...]:
        """The state before the first token: the given one, or one made of the source."""
        if self.start is None:
            return given
        return (self.start(source, tap.at("start")),) * len(self.cell.carried)


class Recurrent(SequenceToSequence):
    """Encoder and decoder. Without attention, the encoder's last state is all that the decoder receives.

    For an image in patches it is the first vector, before them. Beside a convolutional encoder the decoder
    makes its own start of the cells; with attention this is Xu et al. 2015.
    """

    def __init__(self, config: RecurrentConfig):
        super().__init__()
        self.config = config
        self.encoder = Reader(config) if config.encoder is None else Transformer(config.encoder)
        self.decoder = Decoder(config)

    def tie(self) -> None:
        """Tie shared weights: encoder and decoder share none, a Transformer's blocks may."""
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
        cache: States | None = None,
    ) -> Tensor:
        """The target [B, T] and the result of `encode`, with their padding -> logits [B, T, V]; with a cache
        the part of the target after its state."""
        source, last = memory
        return self.decoder(target, last, source, padding, source_padding, tap, cache)

    def new_cache(self, batch: int = 1, room: int | None = None) -> States:
        """An empty cache: a state takes the same room for any number of texts' tokens."""
        return States()

    def recompute(self, segment: str, inputs: Inputs, kept, tap) -> None:
        """Run the pass again: it is one segment, because each step needs the one before."""
        self.read(inputs, tap)
