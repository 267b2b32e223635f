"""What one run reads: texts, token ids or images as checked tensors."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from engine.images import Pixels


@dataclass(frozen=True, eq=False)
class Inputs:
    """What one run reads.

    ids      token ids [B, S], or images [B, channels, image, image]
    padding  [B, S], True = a real token; None: all are
    segments [B, S], which sentence each token belongs to; None: all 0
    target   ids [B, T] that a decoder beside an encoder reads, the start token first, with target_padding
    pixels   [1, channels, height, width] from 0 to 255, that the images come from; None: given prepared
    """

    ids: Tensor
    padding: Tensor | None = None
    segments: Tensor | None = None
    target: Tensor | None = None
    target_padding: Tensor | None = None
    pixels: Tensor | None = None

    def copy(self) -> "Inputs":
        """A deep copy: writing into it changes nothing here."""
        parts = (getattr(self, part.name) for part in fields(self))
        return Inputs(*(None if part is None else part.clone() for part in parts))


def inputs_of(model, given, padding=None, segments=None, target=None, target_padding=None) -> Inputs:
    """Inputs from a text, ids, lists of ids or images, as `engine.trace.run` takes them, checked.

    Raises a ValueError that says what the model cannot read, and what it can.
    """
    given, pixels = _prepared(model, given)
    ids, padding = (_images if model.reads[0].image else _ids)(model, given, padding)
    if segments is None and isinstance(given, str) and model.reads[0].segments > 1:
        segments = model.tokenizer.segments(ids[0].tolist())
    segments = _segments(model, segments, ids)
    if len(model.reads) == 1:
        if target is not None or target_padding is not None:
            came = "target_padding" if target is None else f"the target {target!r:.40}"
            raise ValueError(
                f"{came} was given; {model.name} has no decoder beside an encoder and reads no target: "
                "leave it out"
            )
        return Inputs(ids, padding, segments, pixels=pixels)
    target, target_padding = _target(model, target, target_padding, len(ids))
    return Inputs(ids, padding, segments, target, target_padding, pixels)


def encode(model, text: str) -> list[int]:
    """Token ids of `text`, or a ValueError if the model came without a tokenizer."""
    if model.tokenizer is None:
        raise ValueError(f"{model.name} came without a tokenizer.json: give token ids, not text")
    return model.tokenizer.encode(text)


def encode_target(model, text: str) -> list[int]:
    """What the decoder reads of a text: the start token first, without the token that ends it."""
    ids = encode(model, text)
    return [model.start, *(ids[:-1] if ids[-1:] == [model.end] else ids)]


def check_ids(ids: Tensor, model, side: int = 0) -> None:
    """A ValueError if `ids` [..., T] are too few, too many or not in the vocabulary (side 1: a target's)."""
    check_length(ids.shape[-1], model, side)
    vocabulary = model.reads[side].vocabulary
    if ids.min() < 0 or ids.max() >= vocabulary:
        raise ValueError(f"token ids go from 0 to {vocabulary - 1}; got {ids.min()} to {ids.max()}")


def check_length(count: int, model, side: int = 0) -> None:
    """A ValueError if a prompt (side 1: a target) of `count` tokens is empty or longer than the context."""
    what, context = ("prompt", "target")[side], model.reads[side].context
    if count == 0:
        raise ValueError(f"the {what} is empty: type at least one character")
    if count > context:
        raise ValueError(
            f"the {what} has {count:,} tokens; {model.name} can read {context:,}. "
            f"Shorten it by {count - context:,} tokens"
        )


def _ids(model, given, padding: Tensor | None, side: int = 0) -> tuple[Tensor, Tensor | None]:
    """Token ids [B, T] and their padding mask, checked."""
    if isinstance(given, str):
        given = (encode, encode_target)[side](model, given)
    if not isinstance(given, Tensor) and len(given) and isinstance(given[0], list | tuple):
        given, padding = _pad(given)
    ids = torch.as_tensor(given, dtype=torch.long, device=model.device)
    ids = ids[None] if ids.dim() == 1 else ids
    if ids.dim() != 2:
        raise ValueError(f"token ids have the shape [T] or [B, T], not {list(ids.shape)}")
    check_ids(ids, model, side)
    if padding is not None:
        padding = torch.as_tensor(padding, dtype=torch.bool, device=ids.device)
        if padding.shape != ids.shape:
            raise ValueError(f"padding is {list(padding.shape)}, the ids are {list(ids.shape)}")
        if not padding.any(-1).all():
            row = int(padding.any(-1).long().argmin())
            raise ValueError(f"row {row} of the batch is all padding: give it at least one token")
    return ids, padding


def _target(model, given, padding: Tensor | None, count: int) -> tuple[Tensor, Tensor | None]:
    """The target's ids [B, T] and padding, one row for each of the `count` prompts; None: the start token."""
    ids, padding = _ids(model, [[model.start]] * count if given is None else given, padding, side=1)
    if len(ids) != count:
        raise ValueError(f"there are {count} prompts and {len(ids)} targets: give one for each")
    return ids, padding


def _prepared(model, given):
    """The input, and the pixels it was prepared from, if any."""
    if not isinstance(given, Pixels):
        return given, None
    if model.prepare is None:
        raise ValueError(f"{model.name} reads no images: give it text or token ids, not pixels")
    return model.prepare(given.values), given.values[None]


def _images(model, given, padding: None) -> tuple[Tensor, None]:
    """Images [B, channels, image, image], checked."""
    c, images = model.reads[0], torch.as_tensor(given, dtype=model.dtype, device=model.device)
    images = images[None] if images.dim() == 3 else images
    if images.shape[1:] != (c.channels, c.image, c.image):
        raise ValueError(
            f"{model.name} reads images [{c.channels}, {c.image}, {c.image}], not {list(images.shape)}"
        )
    if not images.isfinite().all():
        raise ValueError("the image has values that are not finite")
    return images, None


def _segments(model, given, ids: Tensor) -> Tensor | None:
    if given is None:
        return None
    count, segments = model.reads[0].segments, torch.as_tensor(given, dtype=torch.long, device=ids.device)
    segments = segments[None] if segments.dim() == 1 else segments
    if segments.shape != ids.shape:
        raise ValueError(f"segments are {list(segments.shape)}, the ids are {list(ids.shape)}")
    if not count or segments.min() < 0 or segments.max() >= count:
        raise ValueError(f"segments go from 0 to {count - 1}" if count else "this model has no segments")
    return segments


def _pad(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    longest = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
    padding = torch.tensor([[i < len(row) for i in range(longest)] for row in rows])
    return ids, padding
