"""From the pixels of an image to the numbers that a model reads, and back to a picture of any size."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Preparation:
    """How a model wants its images: `size` pixels a side, each number of a pixel less `mean`, over `std`."""

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, pixels: Tensor) -> Tensor:
        """pixels [channels, H, W], 0 dark to 255 bright -> [1, channels, size, size]."""
        if pixels.dim() != 3 or len(pixels) != len(self.mean):
            wanted = f"[{len(self.mean)}, height, width]"
            raise ValueError(f"an image is {wanted} numbers from 0 to 255, not {list(pixels.shape)}")
        x = pixels[None].float() / 255
        if x.shape[-2:] != (self.size, self.size):
            x = F.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True)
        return (x - self._column(self.mean)) / self._column(self.std)

    def pixels(self, image: Tensor) -> Tensor:
        """What was prepared [channels, size, size] -> brightness from 0 to 1, to be drawn."""
        return image * self._column(self.std)[0] + self._column(self.mean)[0]

    def _column(self, numbers: tuple[float, ...]) -> Tensor:
        return torch.tensor(numbers)[None, :, None, None]


SIGNS = "0123456789abcdefg"  # a pixel's brightness, dark to bright, where an image is written as a text


def to_signs(pixels: Tensor) -> str:
    """pixels [1, side, side], 0 dark to 255 bright -> a sign a pixel, to the nearest of 17 steps."""
    steps = (pixels.flatten() * (len(SIGNS) - 1) / 255).round().int()
    return "".join(SIGNS[step] for step in steps)


def from_signs(text: str, side: int) -> Tensor:
    """What `to_signs` wrote -> pixels [1, side, side]; a ValueError where it is not such a text."""
    if len(text) != side**2 or not set(text) <= set(SIGNS):
        raise ValueError(
            f"an image is written with {side**2} signs from 0 (dark) to {SIGNS[-1]} (bright), one a pixel; "
            f"these are {len(text)}: {text[:20]!r}"
        )
    steps = torch.tensor([SIGNS.index(sign) for sign in text])
    return (steps * 255.0 / (len(SIGNS) - 1)).view(1, side, side)
