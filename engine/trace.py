"""Run a model on a prompt and look at any number it computed.

A Trace keeps the residual stream between the blocks. The inside of a block is computed again, by the same
code with the same edits, when somebody looks into it: a long prompt costs megabytes, not gigabytes.
"""

import threading
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from engine.decode import check_ids, encode
from engine.models import Transformer
from engine.points import points_of
from engine.tap import Edit, Recorder, known

ROOM_BYTES = 16 * 2**20  # rooms looked into are remembered up to this size


def everything(name: str) -> bool:
    return True


def boundaries(name: str) -> bool:
    """The points that a lean trace keeps: what enters each block and what leaves the last."""
    return name.endswith((".resid_pre", ".resid_post"))


class Trace:
    """All intermediates of one run, by name: `trace["blocks.0.attn.pattern"]` -> tensor [B, H, T, S].

    ids [B, T], or images [B, channels, image, image]; padding [B, T] with True = a real token, or None;
    segments [B, T], or None for all 0; edits as given to `run`.
    """

    def __init__(
        self,
        model: Transformer,
        ids: Tensor,
        padding: Tensor | None,
        edits: tuple[Edit, ...],
        segments: Tensor | None = None,
    ):
        self.model, self.ids, self.edits = model, ids, edits
        self.padding, self.segments = padding, segments
        self._points = points_of(model.config)
        self._axes = {name: point.axes for name, point in self._points.items()}
        self._others = {e.value: run(model, e.value) for e in edits if e.op == "copy"}
        self._kept: dict[str, Tensor] = {}
        self._rooms: dict[str, dict[str, Tensor]] = {}  # oldest first
        self._lock = threading.RLock()

    @property
    def length(self) -> int:
        """T, how many positions there are: tokens, or patches and the vector before them."""
        return self.model.config.context if self.model.config.image else self.ids.shape[1]

    def points(self) -> list[str]:
        """The names of all points, in the order in which the model makes them."""
        return list(self._points)

    def __getitem__(self, point: str) -> Tensor:
        known(point, self._points)
        if point in self._kept:
            return self._kept[point]
        name = _room(point)
        with self._lock:  # visitors share traces
            if name not in self._rooms:
                self._forget()
                self._rooms[name] = self._look_into(name)
            return self._rooms[name][point]

    def tokens(self, row: int = 0) -> list[bytes]:
        """The bytes of each token of one prompt of the batch, padding left out."""
        real = self.ids[row] if self.padding is None else self.ids[row][self.padding[row]]
        return [self.model.tokenizer.bytes_of(int(id)) for id in real]

    def _record(self, wanted: Callable[[str], bool]) -> None:
        def keep(name: str) -> bool:
            return boundaries(name) or wanted(name)

        tap = Recorder(self._axes, keep, self.edits, self._others)
        self.model(self.ids, self.padding, segments=self.segments, tap=tap)
        self._kept = tap.kept

    @torch.inference_mode()
    def _look_into(self, room: str) -> dict[str, Tensor]:
        """Every point of one room: "embed", "blocks.3" or "end"."""
        tap = Recorder(self._axes, everything, self.edits, self._others)
        blocks = self.model.blocks
        if room == "embed":
            self.model.begin(self.ids, 0, self.segments, tap)
        elif room == "end":
            self.model.finish(self[f"blocks.{len(blocks) - 1}.resid_post"], tap)
        else:
            T = self.length
            mask = self.model.mask(T, T, self.padding)
            block = blocks[int(room.removeprefix("blocks."))]
            block(self[f"{room}.resid_pre"], mask, self.model.angles(0, T), tap=tap.at(room))
        return tap.kept

    def _forget(self) -> None:
        """Drop the oldest rooms until the rest fits: before a new one is made, not after."""
        held = {name: sum(x.nbytes for x in room.values()) for name, room in self._rooms.items()}
        while held and sum(held.values()) > ROOM_BYTES:
            oldest = next(iter(held))
            held.pop(oldest), self._rooms.pop(oldest, None)


def _room(point: str) -> str:
    first, _, rest = point.partition(".")
    return f"blocks.{rest.partition('.')[0]}" if first == "blocks" else "embed" if first == "embed" else "end"


@torch.inference_mode()
def run(
    model: Transformer,
    text_or_ids: str | list | Tensor,
    edits: Iterable[Edit] = (),
    padding: Tensor | None = None,
    segments: Tensor | None = None,
    wanted: Callable[[str], bool] = boundaries,
) -> Trace:
    """Run `model` on a prompt, or a batch of prompts, and trace it.

    text_or_ids  a text, token ids, a list of lists of ids (shorter ones are padded at their end), or a
                 tensor [T] or [B, T] with its `padding` mask [B, T], True = a real token; images
                 [B, channels, image, image] for a model that reads them
    segments     which sentence each token belongs to [T] or [B, T], for models that tell them apart
    edits        changes to points, applied on the way
    wanted       which points to keep during the run besides the stream between blocks; the others are
                 recomputed when they are read
    """
    ids, padding = (_images if model.config.image else _ids)(model, text_or_ids, padding)
    trace = Trace(model, ids, padding, tuple(edits), _segments(model, segments, ids))
    trace._record(wanted)
    return trace


def _ids(model: Transformer, given, padding: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Token ids [B, T] and their padding mask, checked."""
    if isinstance(given, str):
        given = encode(model, given)
    if not isinstance(given, Tensor) and len(given) and isinstance(given[0], list | tuple):
        given, padding = _pad(given)
    ids = torch.as_tensor(given, dtype=torch.long, device=model.device)
    ids = ids[None] if ids.dim() == 1 else ids
    if ids.dim() != 2:
        raise ValueError(f"token ids have the shape [T] or [B, T], not {list(ids.shape)}")
    check_ids(ids, model)
    if padding is not None:
        padding = torch.as_tensor(padding, dtype=torch.bool, device=ids.device)
        if padding.shape != ids.shape:
            raise ValueError(f"padding is {list(padding.shape)}, the ids are {list(ids.shape)}")
    return ids, padding


def _images(model: Transformer, given, padding: None) -> tuple[Tensor, None]:
    """Images [B, channels, image, image], checked."""
    c, images = model.config, torch.as_tensor(given, dtype=model.embed.patch.weight.dtype, device=model.device)
    images = images[None] if images.dim() == 3 else images
    if images.shape[1:] != (c.channels, c.image, c.image):
        raise ValueError(
            f"{model.name} reads images [{c.channels}, {c.image}, {c.image}], not {list(images.shape)}"
        )
    if not images.isfinite().all():
        raise ValueError("the image has numbers that are not finite")
    return images, None


def _segments(model: Transformer, given, ids: Tensor) -> Tensor | None:
    if given is None:
        return None
    count, segments = model.config.segments, torch.as_tensor(given, dtype=torch.long, device=ids.device)
    segments = segments[None] if segments.dim() == 1 else segments
    if segments.shape != ids.shape:
        raise ValueError(f"segments are {list(segments.shape)}, the ids are {list(ids.shape)}")
    if not count or segments.min() < 0 or segments.max() >= count:
        raise ValueError(f"segments go from 0 to {count - 1}" if count else "this model knows no segments")
    return segments


def _pad(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    longest = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
    padding = torch.tensor([[i < len(row) for i in range(longest)] for row in rows])
    return ids, padding
