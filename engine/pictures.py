"""An image in any of the ways in which people have one -> its pixels."""

import os
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.images import Pixels

BIGGEST = 50_000_000  # pixels of a picture that is opened
DEEP = ("I", "F")  # first letters of PIL's modes whose numbers go beyond 255


def is_picture(given) -> bool:
    """Whether it is an image by its kind: Pixels, a PIL image, or the path of a file."""
    return isinstance(given, Pixels | os.PathLike) or hasattr(given, "getbands")


def pixels_of(given, channels: int) -> Tensor:
    """The pixels of one image [channels, height, width], from 0 dark to 255 bright.

    given  Pixels, the path of a picture, a PIL image (transparent is dark), or numbers from 0 to 255 as array
           or tensor: [channels, height, width], [height, width, channels] or, of a grey image, [height, width]
    A ValueError says what it is not, and what to do.
    """
    if isinstance(given, Pixels):
        return _in_range(_numbers(given.values))
    if isinstance(given, str | os.PathLike):
        given = _opened(Path(given))
    if hasattr(given, "getbands"):
        given = _drawn(given, channels)
    return _in_range(_channels_first(_numbers(given), channels))


def _opened(path: Path):
    """The PIL image of a file, turned as its camera was held."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise ValueError("to open a picture Pillow is needed: pip install pillow") from None
    if not path.is_file():
        raise ValueError(f"there is no picture {str(path)!r:.200}")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            if image.width * image.height <= BIGGEST:
                return ImageOps.exif_transpose(image)
    except Exception as error:  # the library raises many kinds
        raise ValueError(f"{path.name} is no picture that can be opened: {error}") from None
    raise ValueError(f"{path.name} has {image.width} × {image.height} pixels; at most {BIGGEST:,} are read")


def _drawn(image, channels: int) -> np.ndarray:
    """The numbers of a PIL image [height, width] or [height, width, 3], on black where it is transparent."""
    if image.mode.startswith(DEEP):
        raise ValueError(f"the image has numbers beyond 255 (PIL's mode {image.mode}): convert it to L or RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        black = image.copy()
        black.paste((0, 0, 0, 255), (0, 0, *image.size))
        black.alpha_composite(image)
        image = black
    return np.array(image.convert("L" if channels == 1 else "RGB"))


def _numbers(given) -> Tensor:
    """Numbers as a tensor; whole ones of any size as torch computes with them."""
    try:
        x = torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"an image is numbers from 0 to 255, not {type(given).__name__} {given!r:.40}"
        ) from None
    return x if x.is_floating_point() or x.is_complex() or x.dtype in (torch.bool, torch.uint8) else x.long()


def _channels_first(x: Tensor, channels: int) -> Tensor:
    if x.dim() == 2 and channels == 1:
        return x[None]
    first, last = x.dim() == 3 and len(x) == channels, x.dim() == 3 and x.shape[-1] == channels
    if first == last:
        ways = f"[{channels}, height, width] or [height, width, {channels}]"
        which = "both" if first else f"not {list(x.shape)}"
        raise ValueError(f"an image is {ways}, {which}: say which by engine.images.Pixels([{channels}, …])")
    return x if first else x.movedim(-1, 0)


def _in_range(x: Tensor) -> Tensor:
    """Pixels as they are, or a ValueError where they are not from 0 to 255."""
    if x.dtype == torch.bool or x.is_complex() or not x.numel():
        raise ValueError(f"an image is numbers from 0 to 255, not {str(x.dtype)[6:]} {list(x.shape)}")
    if x.is_floating_point() and not x.isfinite().all():
        raise ValueError("the image has numbers that are not finite")
    low, high = x.min().item(), x.max().item()
    if low < 0 or high > 255:
        raise ValueError(f"pixels go from 0 dark to 255 bright; these go from {low:g} to {high:g}")
    if x.is_floating_point() and 0 < high <= 1:
        raise ValueError(
            f"pixels go from 0 dark to 255 bright; these go from {low:g} to {high:g}: times 255, "
            "engine.images.Pixels(255 * x), if 1 is bright"
        )
    return x
