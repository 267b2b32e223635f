"""Run a model on a prompt and look at any number it computed.

A Trace keeps the residual stream between the blocks. The inside of a block is recomputed, by the same code with
the same edits, when it is read: a long prompt costs megabytes, not gigabytes.

It knows nothing of architectures: engine.trace.tables lists the points and the segment of the pass that
computes each. A model implements two methods,
    read(inputs, tap)                         the whole pass
    recompute(segment, inputs, kept, tap)     one segment, from the points that were kept
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from engine.trace.inputs import Inputs, inputs_of
from engine.trace.tables import segment_of, table_of
from engine.trace.tap import Edit, Recorder, known

SEGMENT_BYTES = 16 * 2**20  # recomputed segments are kept up to this size
# What a lean trace keeps: the residual stream between the blocks, and the encoder's output.
LEAN = ("resid_pre", "resid_post", "memory")


def everything(name: str) -> bool:
    """For `run`: keep every point."""
    return True


def nothing(name: str) -> bool:
    """For `run`: keep no point besides those of a lean trace."""
    return False


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute on `count` threads: the last digits of float32 sums depend on their number."""
    before = torch.get_num_threads()
    if before == count:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _versions(model) -> list[int]:
    """How often each of a model's parameters has been written into."""
    return [parameter._version for parameter in model.parameters() if not parameter.is_inference()]


class Trace:
    """All intermediates of one run, by name: `trace["blocks.0.attn.pattern"]` -> tensor [B, H, T, S].

    inputs  what the run read; its ids, padding, segments, target and target_padding are the trace's too
    edits   as given to `run`
    """

    def __init__(self, model, inputs: Inputs, edits: tuple[Edit, ...]):
        self.model, self.inputs, self.edits = model, inputs, edits
        self.ids, self.padding, self.segments = inputs.ids, inputs.padding, inputs.segments
        self.target, self.target_padding = inputs.target, inputs.target_padding
        self.table = table_of(model.config, inputs)
        self._lean = {name for name, point in self.table.items() if point.short in LEAN}
        self._others = {e.value: self._other(e.value) for e in edits if e.op == "copy"}
        self._versions = _versions(model)
        self._threads = torch.get_num_threads()  # of the run: segments are recomputed on as many
        self._kept: dict[str, Tensor] = {}
        self._recomputed: dict[str, dict[str, Tensor]] = {}  # oldest first
        self._lock = threading.RLock()

    def points(self) -> list[str]:
        """The full names of all points, in the order in which the model computes them."""
        return list(self.table)

    def __getitem__(self, point: str) -> Tensor:
        known(point, self.table)
        if point in self._kept:
            return self._kept[point]
        segment = self._segment(point)
        if point not in segment:
            raise KeyError(f"the pass never computed the point {point!r}, though this model has it")
        return segment[point]

    def has(self, point: str) -> bool:
        """Whether the pass tapped a point: true for the whole table, unless the model disagrees with it."""
        return point in self._kept or point in self._segment(point)

    def weights_changed(self) -> bool:
        """Whether the model's weights have been written into since the run."""
        return self._versions != _versions(self.model)

    def other_of(self, edit: Edit) -> "Trace":
        """The run that a "copy" edit takes from."""
        return self._others[edit.value]

    def _segment(self, point: str) -> dict[str, Tensor]:
        """Every point of the segment that computes `point`, recomputed unless read recently."""
        name = segment_of(self.model.config, self.table[point])
        with self._lock:  # visitors share traces
            if name not in self._recomputed:
                self._forget()
                self._recomputed[name] = self._look_into(name)
            return self._recomputed[name]

    def tokens(self, row: int = 0) -> list[bytes]:
        """The bytes of each token of one prompt of the batch, without padding."""
        return self._bytes(self.ids, self.padding, row)

    def target_tokens(self, row: int = 0) -> list[bytes]:
        """The same for what the decoder read, the start token first."""
        return self._bytes(self.target, self.target_padding, row)

    def _bytes(self, ids: Tensor, padding: Tensor | None, row: int) -> list[bytes]:
        real = ids[row] if padding is None else ids[row][padding[row]]
        return [self.model.tokenizer.bytes_of(int(id)) for id in real]

    def _other(self, value: str | tuple) -> "Trace":
        """The run that a "copy" edit takes from: of another prompt, with this run's target if it has one, or of
        a pair (prompt, target)."""
        pair = isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str | tuple)
        prompt, target = value if pair else (value, None if self.target is None else self.target[:1])
        return run(self.model, prompt, target=target)

    def _record(self, wanted: Callable[[str], bool]) -> None:
        def keep(name: str) -> bool:
            return name in self._lean or wanted(name)

        tap = Recorder(self.table, keep, self.edits, self._others)
        self.model.read(self.inputs.copy(), tap)
        self._kept = tap.kept

    @torch.inference_mode()
    def _look_into(self, segment: str) -> dict[str, Tensor]:
        """Every point of one segment."""
        tap = Recorder(self.table, everything, self.edits, self._others, self._kept)
        with threads(self._threads):
            self.model.recompute(segment, self.inputs.copy(), self, tap)
        return tap.kept

    def _forget(self) -> None:
        """Drop the oldest segments until the rest fits, before a new one is computed."""
        held = {name: sum(x.nbytes for x in points.values()) for name, points in self._recomputed.items()}
        while held and sum(held.values()) > SEGMENT_BYTES:
            oldest = next(iter(held))
            held.pop(oldest), self._recomputed.pop(oldest, None)


@torch.inference_mode()
def run(
    model,
    text_or_ids: str | list | Tensor,
    edits: Iterable[Edit] = (),
    padding: Tensor | None = None,
    segments: Tensor | None = None,
    wanted: Callable[[str], bool] = nothing,
    target: str | list | Tensor | None = None,
    target_padding: Tensor | None = None,
) -> Trace:
    """Run `model` on a prompt, or a batch of prompts, and trace it.

    text_or_ids  a text, token ids, a list of lists of ids (shorter ones are padded at their end), or a
                 tensor [T] or [B, T] with its `padding` mask [B, T], True = a real token; images
                 [B, channels, image, image] for a model that reads them
    edits        changes to points, applied during the pass
    segments     which text each token belongs to [T] or [B, T], for models with segments
    wanted       which points to keep during the run besides the stream between the blocks; the others are
                 recomputed when they are read
    target       of encoder-decoders: what the decoder reads, a text, or ids that begin with the start token,
                 one row for each prompt, with `target_padding` as above; None: the start token alone
    """
    trace = Trace(model, inputs_of(model, text_or_ids, padding, segments, target, target_padding), tuple(edits))
    trace._record(wanted)
    return trace
