"""Recurrent language models: a text is read token by token, and each state scores the token after it."""

from dataclasses import dataclass

from torch import Tensor, nn

from engine.config import RecurrentConfig
from engine.model.base import Model
from engine.model.cache import States
from engine.model.recurrent import Reader
from engine.trace.inputs import Inputs
from engine.trace.tap import SILENT

FORGET = 1.0  # bias of an LSTM's forget gates at the start: open (Jozefowicz et al. 2015)
SPREAD = 0.1  # of the token table at the start: its rows are also what states are scored by


@dataclass(frozen=True, eq=False)
class Carried:
    """What a pass needs beside the tokens.

    cache    the state after the tokens read before; None: nothing was read
    padding  [B, T], True = a real token; None: all are
    last     only the last position is scored: enough to go on writing
    """

    cache: States | None = None
    padding: Tensor | None = None
    last: bool = False


class RecurrentLM(Reader, Model):
    """A state is carried through the text; its dot product with each row of the token table is the score of
    that token to come next (Mikolov et al. 2010; tied weights, Press & Wolf 2017)."""

    def __init__(self, config: RecurrentConfig):
        super().__init__(config)
        self.logits = nn.Linear(config.width, config.vocabulary, bias=False)
        self.tie()

    def tie(self) -> None:
        """The scores' weights are the token table: at the start, and again after a weight has been replaced."""
        self.logits.weight = self.token.weight

    def initialise(self) -> None:
        """A random start: a small token table, and what an LSTM has read stays at first."""
        super().initialise()
        nn.init.normal_(self.token.weight, std=SPREAD)
        if "forget" in self.cell.gates:
            gate, width = self.cell.gates.index("forget"), self.config.width
            nn.init.constant_(self.cell.x.bias.data[gate * width : (gate + 1) * width], FORGET)

    def forward(self, ids: Tensor, context: Carried | None = None, tap=SILENT) -> Tensor:
        """Token ids [B, T] -> logits [B, T, V]: at each position for the token after it; of a context with
        `last`, T is 1 there."""
        context = context or Carried()
        cache = context.cache
        start = self.empty(len(ids)) if cache is None or cache.state is None else cache.state
        states, last = self.unroll(ids, start, context.padding, tap)
        if cache is not None:
            cache.advance(ids.shape[1], last)
        return tap("logits", self.logits(states[:, -1:] if context.last else states))

    def empty(self, batch: int) -> tuple[Tensor, ...]:
        """The state before anything was read: zeros [B, D]."""
        return (self.token.weight.new_zeros(batch, self.config.width),) * len(self.cell.carried)

    def unroll(
        self, ids: Tensor, state: tuple[Tensor, ...], padding: Tensor | None = None, tap=SILENT
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """As `Reader.unroll`; where nobody looks and nothing is padding, by torch's fused kernel."""
        if tap is SILENT and padding is None:
            return self.cell.fused(self.token(ids), state)
        return super().unroll(ids, state, padding, tap)

    def context(
        self, ids: Tensor, padding: Tensor | None = None, cache: States | None = None, last: bool = False
    ) -> Carried:
        """What a pass over `ids` needs; the arguments are those of `Transformer.context`."""
        return Carried(cache, padding, last)

    def new_cache(self, batch: int = 1, room: int | None = None) -> States:
        """An empty cache: a state takes the same room for any number of texts' tokens."""
        return States()

    def read(self, inputs: Inputs, tap=SILENT) -> Tensor:
        """The whole pass over checked inputs; returns the same as `forward`."""
        return self(inputs.ids, Carried(padding=inputs.padding), tap)

    def recompute(self, segment: str, inputs: Inputs, kept, tap) -> None:
        """Run the pass again: it is one segment, because each step needs the one before."""
        self.read(inputs, tap)
