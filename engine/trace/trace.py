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
from numbers import Integral

import torch
from torch import Tensor

from engine.images import Pixels
from engine.notebook import HeatMap, heat_map
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

    def __contains__(self, point: object) -> bool:
        """Whether the model has a point of that name."""
        return point in self.table

    def __iter__(self) -> Iterator[str]:
        return iter(self.table)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        read = f"{len(self.ids)} prompts" if len(self.ids) > 1 else "1 prompt"
        if self.model.reads[0].image:
            read = read.replace("prompt", "image")
        else:
            read += f" of {self.ids.shape[1]} tokens"
        if self.target is not None:
            read += f", {self.target.shape[1]} tokens of the target"
        changed = [f"{edit.op} {edit.point}" for edit in self.edits]
        edits = f", edits: {', '.join(changed[:4])}{', …' if len(changed) > 4 else ''}" if changed else ""
        return (
            f"Trace({self.model.name}: {read}, {len(self.table)} points from {next(iter(self.table))}{edits})"
        )

    def show(self, point: str, **at: int) -> HeatMap:
        """Two axes of a point as a heat map, which a notebook draws: `show("blocks.2.attn.pattern", H=3)`.

        at  axis letter -> index; of the other axes the last two are shown, the rest are at 0
        """
        return heat_map(self, point, at)

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
        """The bytes of each token of one prompt of the batch, without padding; "<id 50300>" of one that the
        vocabulary lacks."""
        return self._bytes(self.ids, self.padding, row)

    def target_tokens(self, row: int = 0) -> list[bytes]:
        """The same for what the decoder read, the start token first."""
        return self._bytes(self.target, self.target_padding, row)

    def _bytes(self, ids: Tensor, padding: Tensor | None, row: int) -> list[bytes]:
        if self.model.tokenizer is None:
            raise ValueError(f"{self.model.name} came without a tokenizer: its tokens have no text")
        if ids is None or ids.is_floating_point():
            raise ValueError(f"{self.model.name} read no tokens there")
        if isinstance(row, bool) or not isinstance(row, Integral) or not 0 <= row < len(ids):
            raise ValueError(f"row is {row!r:.40}; the rows of this batch go from 0 to {len(ids) - 1}")
        real = ids[row] if padding is None else ids[row][padding[row]]
        return [self.model.tokenizer.shown(int(id)) for id in real]

    def _other(self, value: str | tuple) -> "Trace":
        """The run that a "copy" edit takes from: of another prompt, with this run's target if it has one, or of
        a pair (prompt, target)."""
        pair = isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str | tuple)
        prompt, target = value if pair else (value, None if self.target is None else self.target[:1])
        return run(self.model, prompt, target=target)

    def _record(self, wanted: Callable[[str], bool], look: Callable[[str, Tensor], None] | None) -> None:
        def keep(name: str) -> bool:
            return name in self._lean or wanted(name)

        tap = Recorder(self.table, keep, self.edits, self._others, look=look)
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
    text_or_ids: str | list | Tensor | Pixels,
    edits: Edit | Iterable[Edit] | None = (),
    padding: Tensor | None = None,
    segments: Tensor | None = None,
    wanted: Callable[[str], bool] = nothing,
    target: str | list | Tensor | None = None,
    target_padding: Tensor | None = None,
    look: Callable[[str, Tensor], None] | None = None,
) -> Trace:
    """Run `model` on a prompt, or a batch of prompts, and trace it.

    text_or_ids  a text, token ids, a list of texts or of lists of ids (shorter ones are padded at their end),
                 or a tensor or array [T] or [B, T]; for a model that reads images the path of a picture, a PIL
                 image, engine.images.Pixels or other numbers from 0 to 255, a list of them, or images
                 [B, channels, image, image] that `model.prepare` has prepared
    edits        changes to points, applied during the pass: one Edit or several
    padding      which tokens are real (True) [T] or [B, T]; places are counted over those alone, but for the
                 learned biases of T5, which are by distance
    segments     which sentence each token belongs to [T] or [B, T], for models that tell them apart
    wanted       which points to keep during the run besides the stream between the blocks; the others are
                 recomputed when they are read
    target       of encoder-decoders: what the decoder reads, a text, or ids that begin with the start token,
                 one row for each prompt, with `target_padding` as above; None: the start token alone
    look         called with the name and the tensor of every point as it is made, edits included; what it
                 raises ends the run
    """
    if not callable(wanted):
        raise ValueError(f"wanted is a function from a point's name to true or false, not {wanted!r:.60}")
    inputs = inputs_of(model, text_or_ids, padding, segments, target, target_padding)
    edits = _several(edits)
    _check_padded(edits, inputs)
    trace = Trace(model, inputs, edits)
    trace._record(wanted, look)
    return trace


def _several(edits: Edit | Iterable[Edit] | None) -> tuple[Edit, ...]:
    """Edits as a tuple; a ValueError names what is none."""
    if edits is None or isinstance(edits, Edit):
        return () if edits is None else (edits,)
    edits = tuple(edits) if isinstance(edits, Iterable) else (edits,)
    strange = [edit for edit in edits if not isinstance(edit, Edit)]
    if strange:
        raise ValueError(f"edits are engine.Edit(point, op, …), not {strange[0]!r:.60}")
    return edits


def _check_padded(edits: tuple[Edit, ...], inputs: Inputs) -> None:
    """A ValueError for a mean over positions some of which are padding."""
    padded = any(p is not None and not p.all() for p in (inputs.padding, inputs.target_padding))
    over = next((edit for edit in edits if edit.op == "mean"), None)
    if padded and over:
        raise ValueError(
            f"mean at {over.point} is over all positions, and some of this batch are padding: run its "
            "prompts one by one, or give prompts of one length"
        )
