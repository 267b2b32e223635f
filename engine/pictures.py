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
