"""A text that a model has written: what it was given, what it added, and how probable that is."""

import math
from dataclasses import dataclass, replace

from app import catalogue, compute, writing
from app.once import once
from app.state import View
from app.views.decode.settings import decoding_of
from engine.decode import Decoding, Surprise, joined, repeats
from engine.trace.inputs import encode, encode_target
from engine.worked import Check, derived


@dataclass(frozen=True)
class Written:
    """What model `name` adds to the tokens `read` of what it was given."""

    name: str
    given: compute.Given
    read: tuple[int, ...]
    decoding: Decoding

    @once
    def _continued(self) -> tuple[tuple[writing.Chosen, ...], bool]:
        return writing.continued(self.name, self.given, self.read, self.decoding)

    @once
    def added(self) -> tuple[int, ...]:
        return tuple(one.id for one in self._continued[0])

    @property
    def more(self) -> bool:
        """Whether the model would write on."""
        return self._continued[1]

    @property
    def ids(self) -> tuple[int, ...]:
        return (*self.read, *self.added)

    @property
    def model(self):
        return compute.model(self.name)

    @property
    def full(self) -> bool:
        return len(self.ids) == self.model.reads[-1].context

    @once
    def _read(self) -> tuple[Surprise, Check]:
        """Of what was read; of each token that was added it is known since it was chosen."""
        return writing.surprises(self.name, self.given, self.read)

    @once
    def surprise(self) -> Surprise:
        return joined([self._read[0], *(one.surprise for one in self._continued[0])])

    @once
    def check(self) -> Check:
        found = self.surprise
        sums = derived.check_summed(found.bits, found.total, found.perplexity)
        return derived.worst([self._read[1], *(one.check for one in self._continued[0]), sums])

    @property
    def log_probability(self) -> float:
        """Of what was added, in nats."""
        return -float(self.surprise.bits[len(self.read) - 1 :].sum()) * math.log(2)

    @property
    def repeats(self) -> int:
        return repeats(self.ids)

    def with_seed(self, seed: int) -> "Written":
        return replace(self, decoding=replace(self.decoding, seed=seed))

    def text(self, ids: tuple[int, ...]) -> str:
        """Tokens as text, without those that begin or end one."""
        special = set(self.model.tokenizer.special.values())
        return self.model.tokenizer.decode([id for id in ids if id not in special])


def written(name: str, view: View) -> Written:
    """The text of a view."""
    return Written(name, *read_of(name, view), decoding_of(view))


def read_of(name: str, view: View) -> tuple[compute.Given, tuple[int, ...]]:
    """What is given to a model, and the tokens after which it writes: the prompt's, or a decoder's beside an
    encoder: those of its target or the one that starts a text."""
    model, view = compute.model(name), replace(view, prompt=catalogue.opening(name, view.prompt))
    given = catalogue.given(name, view)
    if len(model.reads) == 1:
        return given, tuple(encode(model, view.prompt))
    return given, tuple(encode_target(model, view.target) if view.target else [model.start])
