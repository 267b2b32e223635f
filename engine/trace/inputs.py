"""What one run reads: texts, token ids or images as checked tensors."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import index
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.pictures import is_picture, pixels_of
from engine.tokenize.library import check_text


@dataclass(frozen=True, eq=False)
class Inputs:
    """What one run reads.

    ids      token ids [B, S], or images [B, channels, image, image]
    padding  [B, S], True = a real token; None: all are
    segments [B, S], which sentence each token belongs to; None: all 0
    target   ids [B, T] that a decoder beside an encoder reads, the start token first, with target_padding
    pixels   [B, channels, height, width] from 0 to 255, of which the images were prepared; None: given prepared
    """

    ids: Tensor
    padding: Tensor | None = None
    segments: Tensor | None = None
    target: Tensor | None = None
    target_padding: Tensor | None = None
    pixels: Tensor | None = None

    def copy(self) -> "Inputs":
        """The same in tensors of their own: whoever writes into them changes nothing here."""
        parts = (getattr(self, part.name) for part in fields(self))
        return Inputs(*(None if part is None else part.clone() for part in parts))


def inputs_of(model, given, padding=None, segments=None, target=None, target_padding=None) -> Inputs:
    """Inputs from texts, ids or images, as `engine.trace.run` takes them, checked.

    Raises a ValueError that says what the model cannot read, and what it can.
    """
    pixels = None
    if model.reads[0].image:
        if padding is not None:
            raise ValueError(f"{model.name} reads images, which have no padding: leave it out")
        ids, pixels = _images(model, given)
    else:
        ids, padding = _ids(model, given, padding)
    if segments is None and model.reads[0].segments > 1 and (isinstance(given, str) or _texts(given)):
        segments = [model.tokenizer.segments(row) for row in ids.tolist()]
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


def tokenizer_of(model):
    """The tokenizer of a model, or a ValueError that says why it has none."""
    if model.tokenizer is None:
        raise ValueError(f"{model.name} {model.without_tokenizer}: give token ids, not text")
    return model.tokenizer


def encode(model, text: str) -> list[int]:
    """Token ids of `text`, or a ValueError where the model came without a tokenizer."""
    check_text(text)
    return tokenizer_of(model).encode(text)


def encode_target(model, text: str) -> list[int]:
    """What the decoder reads of a text: the start token first, without the token that ends it."""
    ids = encode(model, text)
    return [model.start, *(ids[:-1] if ids[-1:] == [model.end] else ids)]


def check_ids(ids: Tensor, model, side: int = 0) -> None:
    """A ValueError where `ids` [..., T] are too few, too many or not of the vocabulary (side 1: a target's)."""
    check_length(ids.shape[-1], model, side)
    vocabulary = model.reads[side].vocabulary
    if ids.min() < 0 or ids.max() >= vocabulary:
        raise ValueError(f"token ids go from 0 to {vocabulary - 1}; got {ids.min()} to {ids.max()}")


def check_length(count: int, model, side: int = 0) -> None:
    """A ValueError where a prompt (side 1: a target) of `count` tokens is empty or over the context limit."""
    what, context = ("prompt", "target")[side], model.reads[side].context
    if count == 0:
        raise ValueError(f"the {what} is empty: type at least one character")
    if count > context:
        raise ValueError(
            f"the {what} has {count:,} tokens; {model.name} can read {context:,}. "
            f"Shorten it by {count - context:,} {'token' if count - context == 1 else 'tokens'}"
        )


def _ids(model, given, padding=None, side: int = 0) -> tuple[Tensor, Tensor | None]:
    """Token ids [B, T] and their padding mask, checked."""
    what, made = ("prompt", "target")[side], (encode, encode_target)[side]
    if given is None or is_picture(given) or isinstance(given, bytes | dict | set):
        raise ValueError(
            f"the {what} is {_kind(given)}; {model.name} reads a text, token ids, or a list of texts or of "
            "lists of ids"
        )
    if isinstance(given, str):
        given = made(model, given)
    elif _texts(given):
        given = [made(model, text) for text in given]
    ids, own = _rows(given, what, model.reads[side].vocabulary)
    ids = ids.to(model.device)
    check_ids(ids, model, side)
    padding = _padding(padding, ids, own)
    if padding is not None and getattr(model.reads[side], "next_sentence", False) and not padding[:, 0].all():
        row = int(padding[:, 0].long().argmin())
        raise ValueError(
            f"row {row} begins with padding; {model.name} reads an answer off the first token: pad at the end"
        )
    return ids, padding


def _kind(given) -> str:
    return "None" if given is None else f"{type(given).__name__} {given!r:.40}"


def _texts(given) -> bool:
    """Whether it is a list of texts."""
    return isinstance(given, list | tuple) and any(isinstance(x, str) for x in given)


def _rows(given, what: str, vocabulary: int) -> tuple[Tensor, Tensor | None]:
    """Token ids [B, T] and, of rows that were given one by one, which of them are real."""
    if isinstance(given, Tensor | np.ndarray):
        if given.ndim not in (1, 2):
            raise ValueError(f"token ids have the shape [T] or [B, T], not {list(given.shape)}")
        ids = _whole(given, f"the {what}'s token ids")
        return ids[None] if ids.dim() == 1 else ids, None
    if not isinstance(given, Iterable):
        raise ValueError(f"the {what} is {_kind(given)}: give a text or a list of token ids")
    rows = list(given)
    if not any(_is_row(row) for row in rows):
        return torch.tensor([_checked(rows, what, vocabulary)], dtype=torch.long).reshape(1, -1), None
    if not all(_is_row(row) for row in rows):
        raise ValueError(f"the {what} is a list of rows and of single ids: give one or the other")
    return _pad([_checked(list(row), what, vocabulary) for row in rows])


def _is_row(x) -> bool:
    return isinstance(x, list | tuple | range) or (isinstance(x, Tensor | np.ndarray) and x.ndim > 0)


def _checked(row: list, what: str, vocabulary: int) -> list[int]:
    """Token ids as whole numbers; a ValueError names the one that is none."""
    ids = []
    for place, id in enumerate(row):
        try:
            flag = isinstance(id, bool) or (isinstance(id, Tensor) and id.dtype == torch.bool)
            ids.append(None if flag else index(id))
        except TypeError:
            ids.append(None)
        if ids[-1] is None:
            raise ValueError(f"token ids are whole numbers; number {place + 1} of the {what} is {id!r:.40}")
    if ids and not 0 <= min(ids) <= max(ids) < vocabulary:
        raise ValueError(f"token ids go from 0 to {vocabulary - 1}; got {min(ids)} to {max(ids)}")
    return ids


def _whole(given, what: str) -> Tensor:
    """Whole numbers as a tensor; a ValueError where they are others."""
    x = _tensor(given, what)
    if x.numel() and (x.is_floating_point() or x.is_complex() or x.dtype == torch.bool):
        raise ValueError(f"{what} are whole numbers, not {str(x.dtype).removeprefix('torch.')}")
    return x.long()


def _tensor(given, what: str) -> Tensor:
    try:
        return torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        kind = f"{type(given).__name__} {given!r:.40}"
        raise ValueError(f"{what} are whole numbers in rows of one length, not {kind}") from None


def _padding(given, ids: Tensor, own: Tensor | None) -> Tensor | None:
    """Which of the ids [B, T] are real: as given, but nothing that is behind the `own` end of a row."""
    own = None if own is None else own.to(ids.device)
    if given is None:
        padding = own
    else:
        rows = isinstance(given, list | tuple) and any(_is_row(row) for row in given)
        given = _fill(given)[0] if rows and own is not None else given
        padding = _tensor(given, "the entries of padding").to(ids.device)
        padding = padding[None] if padding.dim() == 1 else padding
        if padding.shape != ids.shape:
            raise ValueError(f"padding is {list(padding.shape)}, the ids are {list(ids.shape)}")
        if not ((padding == 0) | (padding == 1)).all():
            raise ValueError("padding is true (1) for a real token and false (0) for padding, nothing else")
        padding = padding.bool()
        if own is not None and (padding & ~own).any():
            row = int((padding & ~own).any(-1).long().argmax())
            raise ValueError(
                f"row {row} has {int(own[row].sum())} tokens; its padding says that there are more: give rows "
                "of one length, or a shorter padding"
            )
    if padding is not None and not padding.any(-1).all():
        row = int(padding.any(-1).long().argmin())
        raise ValueError(f"row {row} of the batch is padding alone: give it at least one token")
    return padding


def _target(model, given, padding: Tensor | None, count: int) -> tuple[Tensor, Tensor | None]:
    """The target's ids [B, T] and padding, one row for each of the `count` prompts; None: the start token."""
    ids, padding = _ids(model, [[model.start]] * count if given is None else given, padding, side=1)
    if len(ids) != count:
        raise ValueError(f"there are {count} prompts and {len(ids)} targets: give one for each")
    return ids, padding


def _images(model, given) -> tuple[Tensor, Tensor | None]:
    """Images [B, channels, image, image] as the model reads them, and the pixels they were prepared from."""
    c = model.reads[0]
    shape = (c.channels, c.image, c.image)
    prepared = _prepared(model, given, shape)
    if prepared is not None:
        return prepared.to(model.device, model.dtype), None
    if model.prepare is None:
        raise ValueError(f"{model.name} reads images {list(shape)}, not {_shape(given)}, as they are prepared")
    several = isinstance(given, list | tuple) or (isinstance(given, Tensor | np.ndarray) and given.ndim == 4)
    pixels = [_pixels(model, one) for one in (given if several else [given])]
    if not pixels:
        raise ValueError("there is no image in the list: give one at least")
    if len({x.shape for x in pixels}) != 1:
        raise ValueError(f"images of one size can be read together, not {[list(x.shape) for x in pixels]}")
    ids = torch.cat([model.prepare(x) for x in pixels])
    return ids.to(model.device, model.dtype), torch.stack(pixels)


def _pixels(model, given) -> Tensor:
    """The pixels of one image; a text is one only if it is the path of a file."""
    text = isinstance(given, str) and not Path(given[:4000]).is_file()
    if text or given is None or not (is_picture(given) or isinstance(given, str | Tensor | np.ndarray)):
        raise ValueError(
            f"{model.name} reads images, not {_shape(given)}: give the path of a picture, a PIL image, or "
            f"numbers from 0 to 255 [{model.reads[0].channels}, height, width]"
        )
    return pixels_of(given, model.reads[0].channels)


def _prepared(model, given, shape: tuple[int, ...]) -> Tensor | None:
    """Images as `model.prepare` makes them [B, *shape]; None where these are pixels, or no numbers.

    Prepared numbers are counted from a mean: some are below 0, as no pixel is. A ValueError where numbers may
    be either or are neither.
    """
    if not isinstance(given, Tensor | np.ndarray) or not _floats(given) or 0 in given.shape:
        return None
    x = torch.as_tensor(given)
    if not x.isfinite().all():
        raise ValueError("the image has numbers that are not finite")
    low, high = x.min().item(), x.max().item()
    if x.dim() in (3, 4) and x.shape[-3:] == shape and (model.prepare is None or low < 0):
        return x if x.dim() == 4 else x[None]
    if model.prepare is not None and (low < 0 or high <= 1):
        raise ValueError(
            f"{model.name} reads images {list(shape)}, not {list(x.shape)} from {low:g} to {high:g}, as "
            "model.prepare makes them, or pixels from 0 to 255 of any size: engine.images.Pixels(255 * x), if "
            "1 is bright"
        )
    return None


def _floats(x: Tensor | np.ndarray) -> bool:
    return x.is_floating_point() if isinstance(x, Tensor) else x.dtype.kind == "f"


def _shape(given) -> str:
    shape = getattr(given, "shape", None)
    if shape is None:
        return _kind(given)
    return str([1, *shape] if len(shape) == 3 else list(shape))


def _segments(model, given, ids: Tensor) -> Tensor | None:
    if given is None:
        return None
    rows = isinstance(given, list | tuple) and any(_is_row(row) for row in given)
    given = _fill(given)[0] if rows else given
    count, segments = model.reads[0].segments, _whole(given, "segments").to(ids.device)
    segments = segments[None] if segments.dim() == 1 else segments
    if segments.shape != ids.shape:
        raise ValueError(f"segments are {list(segments.shape)}, the ids are {list(ids.shape)}")
    if not count or segments.min() < 0 or segments.max() >= count:
        raise ValueError(f"segments go from 0 to {count - 1}" if count else "this model knows no segments")
    return segments


def _pad(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Rows of ids, shorter ones filled up at their end, and which are real, both [B, T]."""
    ids, real = _fill(rows)
    return ids.long(), real


def _fill(rows) -> tuple[Tensor, Tensor]:
    rows = [list(row) for row in rows]
    longest = max(map(len, rows))
    filled = _tensor([[*row, *[0] * (longest - len(row))] for row in rows], "the entries of rows")
    return filled, torch.tensor([[i < len(row) for i in range(longest)] for row in rows])
