"""Digits: an autoencoder that is pre-trained without labels, and a vision transformer that is with them.

What pre-training is worth where labels are few: reconstruct first, then learn to name (Bengio et al. 2006).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import Config
from engine.model.build import fresh
from engine.training.tuning.data import digits

PIXELS, HIDDEN, CODE, CLASSES = 64, 128, 64, 10
HELD_OUT, SPLIT_SEED = 360, 0
PRE_STEPS, PRE_BATCH, PRE_RATE, PUT_OUT = 800, 64, 3e-3, 0.2
FINE_STEPS, FINE_BATCH, FINE_RATE = 200, 20, 1e-2
VIT_STEPS, VIT_RATE = 400, 3e-3  # of the vision transformer's pre-training
VIT_FINE, VIT_FINE_RATE = 60, 2e-3
EMPTY = -0.6  # where nothing is drawn
VIT = dict(vocabulary=0, context=5, width=32, layers=2, heads=4, mlp_width=64, image=8, patch=4, classes=10)
VIT |= dict(ending="classes", causal=False, tied=False)


@dataclass(frozen=True, eq=False)
class Digits:
    """Pixels [N, 64] from 0 to 1 and what they show [N]: to learn from, and held out."""

    pixels: Tensor
    labels: Tensor
    held_pixels: Tensor
    held_labels: Tensor

    def drawn(self, each: int, seed: int) -> Tensor:
        """Places of `each` images of every digit; more of the same seed begin with the same."""
        draw = np.random.default_rng([seed, 1])
        rows = [draw.permutation(np.flatnonzero(self.labels.numpy() == k))[:each] for k in range(CLASSES)]
        return torch.from_numpy(np.concatenate(rows))

    def shown(self) -> Tensor:
        """The first held-out image of every digit [10, 64]."""
        return torch.stack([self.held_pixels[self.held_labels == k][0] for k in range(CLASSES)])


def split() -> Digits:
    """All digits, 360 of them held out."""
    pixels, labels = (torch.from_numpy(x) for x in digits())
    order = torch.from_numpy(np.random.default_rng(SPLIT_SEED).permutation(len(labels)))
    held, train = order[:HELD_OUT], order[HELD_OUT:]
    return Digits(pixels[train].flatten(1), labels[train], pixels[held].flatten(1), labels[held])


class Autoencoder(nn.Module):
    """x [B, 64] → z [B, 64] → x′ [B, 64]: what it is to predict is its input. Sigmoids, as in 2006."""

    def __init__(self):
        super().__init__()
        sizes = (nn.Linear(PIXELS, HIDDEN), nn.Linear(HIDDEN, CODE), nn.Linear(CODE, HIDDEN))
        self.encoder = nn.Sequential(sizes[0], nn.Sigmoid(), sizes[1], nn.Sigmoid())
        self.decoder = nn.Sequential(sizes[2], nn.Sigmoid(), nn.Linear(HIDDEN, PIXELS))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, 64] -> its reconstruction x′ [B, 64]."""
        return self.decoder(self.encoder(x))

    def loss(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        """‖x − x′‖², the mean of the images; x′ is made of x, or of what is `seen` of it."""
        return (x - self(x if seen is None else seen)).square().sum(-1).mean()


def pretrain(data: Digits, seed: int, steps: int = PRE_STEPS, every: int = 50) -> Iterator[dict]:
    """Reconstruct, without labels, images of which some pixels are put out (Vincent et al. 2008): {"step",
    "loss", "held", "shown"}; the model last, as {"model"}."""
    torch.manual_seed(seed)
    model, draw = Autoencoder(), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=PRE_RATE)
    for i in range(steps):
        rows = torch.randint(len(data.labels), (PRE_BATCH,), generator=draw)
        x = data.pixels[rows]
        loss = model.loss(x, x * (torch.rand(x.shape, generator=draw) > PUT_OUT))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (i + 1) % every == 0 or i + 1 == steps:
            with torch.no_grad():
                held, shown = model.loss(data.held_pixels).item(), model(data.shown()).numpy()
            yield {"step": i + 1, "steps": steps, "loss": loss.item(), "held": held, "shown": shown}
    yield {"model": model}


def named(
    data: Digits, rows: Tensor, seed: int, start: Autoencoder | None, steps: int = FINE_STEPS
) -> tuple[np.ndarray, list[float]]:
    """Learn to name digits from a few labelled ones, all weights: the encoder with a linear head, from the
    pre-trained one or (None) from a random start. Which held-out digits it names rightly, and the losses."""
    torch.manual_seed(1000 + seed)
    encoder = Autoencoder().encoder
    if start is not None:
        encoder.load_state_dict(start.encoder.state_dict())
    model, draw = nn.Sequential(encoder, nn.Linear(CODE, CLASSES)), torch.Generator().manual_seed(seed)
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=FINE_RATE), []
    for _ in range(steps):
        some = rows[torch.randperm(len(rows), generator=draw)[:FINE_BATCH]]
        loss = F.cross_entropy(model(data.pixels[some]), data.labels[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        guesses = model(data.held_pixels).argmax(-1)
    return (guesses == data.held_labels).numpy(), losses


def nearest_average(data: Digits, rows: Tensor) -> np.ndarray:
    """The baseline: each held-out digit is called what the nearest average of the labelled ones shows."""
    means = torch.stack([data.pixels[rows][data.labels[rows] == k].mean(0) for k in range(CLASSES)])
    guesses = torch.cdist(data.held_pixels, means).argmin(-1)
    return (guesses == data.held_labels).numpy()


# --- pre-trained on more and more images ----------------------------------------------------------------

OLD, NEW = (
    (0, 1, 2, 3, 4),
    (5, 6, 7, 8, 9),
)  # what a pre-training names, and what is learned after it


def vit_pretrain(data: Digits, count: int, seed: int, steps: int = VIT_STEPS) -> nn.Module:
    """A small vision transformer that learned to name 0 to 4 from `count` images; 0: its random start."""
    model = fresh(Config(**VIT), seed)
    rows = _of(data.labels, OLD)
    rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))][:count]
    if count:
        _learn(model, data, rows, steps, VIT_RATE, seed)
    return model


def vit_named(data: Digits, model: nn.Module, rows: Tensor, seed: int, steps: int = VIT_FINE) -> np.ndarray:
    """Learn to name 5 to 9 from those of these labelled images; which held-out ones are named rightly."""
    rows = rows[_of(data.labels[rows], NEW)]
    nn.init.zeros_(model.classes.weight)  # a new head
    nn.init.zeros_(model.classes.bias)
    _learn(model, data, rows, steps, VIT_FINE_RATE, seed)
    held = _of(data.held_labels, NEW)
    with torch.no_grad():
        scores = model(_images(data.held_pixels[held]))[:, list(NEW)]
    return (scores.argmax(-1) + NEW[0] == data.held_labels[held]).numpy()


def new_by_average(data: Digits, rows: Tensor) -> np.ndarray:
    """The baseline: the nearest average of the labelled 5 to 9."""
    rows, held = rows[_of(data.labels[rows], NEW)], _of(data.held_labels, NEW)
    means = torch.stack([data.pixels[rows][data.labels[rows] == k].mean(0) for k in NEW])
    guesses = torch.cdist(data.held_pixels[held], means).argmin(-1) + NEW[0]
    return (guesses == data.held_labels[held]).numpy()


def _of(labels: Tensor, kinds: tuple[int, ...]) -> Tensor:
    """Places of the labels that are among some."""
    return torch.from_numpy(np.flatnonzero(np.isin(labels.numpy(), kinds)))


def _learn(model: nn.Module, data: Digits, rows: Tensor, steps: int, rate: float, seed: int) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    draw = torch.Generator().manual_seed(seed)
    for i in range(steps):
        some = rows[torch.randint(len(rows), (32,), generator=draw)]
        optimizer.param_groups[0]["lr"] = rate * (1 - i / steps)
        loss = F.cross_entropy(model(shifted(_images(data.pixels[some]), draw)), data.labels[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def shifted(images: Tensor, draw: torch.Generator) -> Tensor:
    """Images [B, 1, S, S], each moved by up to one pixel: a few of them teach more."""
    side = images.shape[-1]
    places = F.pad(images, (1, 1, 1, 1), value=EMPTY).unfold(2, side, 1).unfold(3, side, 1)
    across, down = torch.randint(3, (2, len(images)), generator=draw)
    return places[torch.arange(len(images)), :, down, across]


def _images(pixels: Tensor) -> Tensor:
    side = math.isqrt(pixels.shape[-1])
    return 2 * pixels.reshape(-1, 1, side, side) + EMPTY  # about 0 on average, and as far from it as 1
