"""From the pixels of an image to the numbers that a model reads, and back to a picture of any size."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

SIGNS = "0123456789abcdefg"  # of the colours of a palette, where an image is written as a text


@dataclass(frozen=True, eq=False)
class Pixels:
    """An image as it is seen [channels, height, width], from 0 dark to 255 bright: `engine.run` prepares it."""

    values: Tensor


Palette = tuple[tuple[float, ...], ...]  # colours, the numbers of a pixel from 0 dark to 255 bright each


def greys(channels: int = 1) -> Palette:
    """From dark to bright in equal steps, one for each sign."""
    return tuple((255 * step / (len(SIGNS) - 1),) * channels for step in range(len(SIGNS)))


GREYS = greys()


@dataclass(frozen=True)
class Preparation:
    """How a model wants its images: `size` pixels a side, each number of a pixel (from 0 to 1) less `mean`,
    over `std`; the colours with which they are written as texts (if None is given, greys); and whether an
    image of another size is resized or refused."""

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    palette: Palette | None = None
    resize: bool = True

    def __post_init__(self):
        if self.palette is None:
            object.__setattr__(self, "palette", greys(len(self.mean)))

    def __call__(self, pixels: Tensor) -> Tensor:
        """pixels [channels, H, W], 0 dark to 255 bright -> [1, channels, size, size]."""
        if pixels.dim() != 3 or len(pixels) != len(self.mean):
            wanted = f"[{len(self.mean)}, height, width]"
            raise ValueError(f"an image is {wanted} numbers from 0 to 255, not {list(pixels.shape)}")
        x = pixels[None].float() / 255
        if x.shape[-2:] != (self.size, self.size):
            if not self.resize:
                sides = f"{self.size} × {self.size} pixels, not {x.shape[-2]} × {x.shape[-1]}"
                raise ValueError(f"this model's images are not resized: give one of {sides}")
            x = F.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True)
        return (x - self._column(self.mean)) / self._column(self.std)

    def pixels(self, image: Tensor) -> Tensor:
        """What was prepared [channels, size, size] -> brightness from 0 to 1, to be drawn."""
        return image.cpu() * self._column(self.std)[0] + self._column(self.mean)[0]

    def _column(self, numbers: tuple[float, ...]) -> Tensor:
        return torch.tensor(numbers)[None, :, None, None]


def to_signs(pixels: Tensor, palette: Palette = GREYS) -> str:
    """pixels [channels, side, side], 0 dark to 255 bright -> a sign a pixel: that of the nearest colour."""
    distances = torch.cdist(pixels.flatten(1).T.float(), torch.tensor(palette))  # [side², colours]
    return "".join(SIGNS[colour] for colour in distances.argmin(-1))


def from_signs(text: str, side: int, palette: Palette = GREYS) -> Tensor:
    """What `to_signs` wrote -> pixels [channels, side, side]; a ValueError where it is not such a text."""
    signs = SIGNS[: len(palette)]
    strange = sorted(set(text) - set(signs))
    if len(text) != side**2 or strange:
        among = f", {strange[0]!r} among them" if strange else ""
        raise ValueError(
            f"an image is written with {side**2} signs from 0 to {signs[-1]}, one a pixel; "
            f"these are {len(text)}{among}: {text[:20]!r}"
        )
    return torch.tensor([palette[signs.index(sign)] for sign in text]).T.reshape(-1, side, side)
