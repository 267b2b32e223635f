"""Vision transformers that name handwritten digits (scikit-learn's, 8 × 8 pixels)."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.config import Config
from engine.images import Preparation, to_signs
from engine.model.build import fresh
from engine.model.transformer import Transformer
from engine.training.evaluate import report
from engine.training.options import Option, pace, sizes, whole
from engine.training.run import Work
from engine.training.task import Material, Measured, Task

SIDE, BRIGHTEST = 8, 16  # pixels of scikit-learn's digits along each side, and their largest number
LEARNED, HELD_OUT = 1437, 360  # pictures, a fifth of them held out
LABELS = tuple("0123456789")
AIM = ("≥", 0.95)
MISTAKES = 2  # shown among the examples


@dataclass(frozen=True)
class Digits:
    """Prepared images [N, 1, 8, 8] and what they show [N], and how the batches of a step are drawn."""

    images: Tensor
    labels: Tensor

    def batch(self, seed: int, step: int, count: int, context: int) -> tuple[Tensor, Tensor]:
        """Images of `step`, each moved by up to a pixel in both directions, and their labels: the same for the
        same seed."""
        draw = np.random.default_rng([seed, step])
        chosen = torch.from_numpy(draw.integers(0, len(self.images), count))
        dark = self.images.min()
        wide = F.pad(self.images[chosen], (1, 1, 1, 1), value=dark.item())
        moves = draw.integers(0, 3, (count, 2))
        moved = [image[:, y : y + 8, x : x + 8] for image, (y, x) in zip(wide, moves, strict=True)]
        return torch.stack(moved), self.labels[chosen]

    @staticmethod
    def loss(model: Transformer, images: Tensor, labels: Tensor) -> Tensor:
        """Nats for what an image shows."""
        return F.cross_entropy(model(images), labels)


def split(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pixels [N, 1, 8, 8] from 0 to 255 and labels, to learn from and held out, drawn by the seed."""
    from sklearn.datasets import load_digits  # here: only who trains on them needs it

    digits = load_digits()
    pixels = torch.from_numpy(digits.images).float()[:, None] * 255 / BRIGHTEST
    labels = torch.from_numpy(digits.target).long()
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(pixels)))
    held, train = order[:HELD_OUT], order[HELD_OUT:]
    return pixels[train], labels[train], pixels[held], labels[held]


def prepared(prepare: Preparation, pixels: Tensor) -> Tensor:
    """Pixels [N, height, width] -> images as the model reads them [N, channels, height, width]."""
    return torch.cat([prepare(image) for image in pixels])


def config(options: argparse.Namespace, vocabulary: int) -> Config:
    """A vision transformer that reads its first vector for the kind of image."""
    return Config(
        vocabulary=vocabulary,
        context=(SIDE // options.patch) ** 2 + 1,
        width=options.width,
        layers=options.layers,
        heads=options.heads,
        mlp_width=4 * options.width,
        image=SIDE,
        patch=options.patch,
        classes=len(LABELS),
        ending="classes",
        causal=False,
        tied=False,
    )


def check(options: argparse.Namespace) -> None:
    """A ValueError where patches do not fill an image."""
    if SIDE % options.patch:
        raise ValueError(f"--patch {options.patch} does not divide the {SIDE} pixels of a side; 1, 2, 4, 8 do")


def read(options: argparse.Namespace, work: Work) -> Material:
    """All the digits, some of them held out."""
    pixels, labels, *held = split(options.seed)
    mean, std = (round(f(pixels / 255).item(), 4) for f in (torch.mean, torch.std))
    prepare = Preparation(SIDE, (mean,), (std,))
    train, unseen = (Digits(prepared(prepare, x), y) for x, y in ((pixels, labels), held))
    told = f"{len(labels):,} digits to learn from; {len(held[1]):,} held out"
    return Material(train, unseen, told, prepare=prepare, labels=LABELS, test=held)


# --- how well it does ----------------------------------------------------------------------------


def measure(model: Transformer, material: Material, options, share: float, steps: int) -> Measured:
    """How many held-out digits it names, with its random start and two simple rules beside it."""
    digits, (pixels, labels) = material.train, material.test
    guesses = guesses_of(model, digits, pixels, options.seed)
    wrong = confused(guesses["this model"], labels)
    facts = {
        "learned": len(digits.labels),
        "epochs": round(steps * options.batch / len(digits.labels)),
        "count": len(labels),
        "errors": ", ".join(wrong) or "none",
    }
    examples = {"examples": list(_examples(model, pixels, labels))}
    return Measured([_row(guesses, labels)], tuple(guesses), examples, facts, {"errors": wrong})


def guesses_of(model: Transformer, digits: Digits, pixels: Tensor, seed: int) -> dict[str, Tensor]:
    """What held-out digits are called by the model, its random start, the nearest average, the commonest."""
    images = prepared(model.prepare, pixels)
    averages = torch.stack([digits.images[digits.labels == i].mean(0) for i in range(10)])
    distances = (images[:, None] - averages).square().sum((2, 3, 4))
    commonest = int(digits.labels.bincount().argmax())
    return {
        "this model": model(images).argmax(-1),
        "random start": fresh(model.config, seed)(images).argmax(-1),
        "nearest average": distances.argmin(-1),
        "commonest digit": torch.full((len(pixels),), commonest),
    }


def _row(guesses: dict[str, Tensor], labels: Tensor) -> dict:
    scores = [report.share((guess == labels).tolist()) for guess in guesses.values()]
    return report.row("held-out digits recognised", scores, aim=AIM)


def confused(guesses: Tensor, labels: Tensor) -> list[str]:
    """Each kind of error, true → predicted, and how often where more than once."""
    pairs = Counter(zip(labels.tolist(), guesses.tolist(), strict=True))
    wrong = {pair: n for pair, n in sorted(pairs.items()) if pair[0] != pair[1]}
    return [f"{true} → {guess}" + f" ({n} times)" * (n > 1) for (true, guess), n in wrong.items()]


def _examples(model: Transformer, pixels: Tensor, labels: Tensor) -> Iterator[dict]:
    """Held-out digits to try: the first of each kind, then the first that the model mistakes."""
    guesses = model(prepared(model.prepare, pixels)).argmax(-1)
    firsts = [int((labels == digit).nonzero()[0]) for digit in labels.unique()]
    wrong = (guesses != labels).nonzero().flatten().tolist()
    for i in [*firsts, *[i for i in wrong if i not in firsts][:MISTAKES]]:
        taken = "" if guesses[i] == labels[i] else f", which it takes for {_a(guesses[i])}"
        yield {"text": to_signs(pixels[i]), "note": f"{_a(labels[i]).capitalize()}{taken}"}


def _a(digit: Tensor) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"


TASK = Task(
    name="digits",
    about="a vision transformer that names handwritten digits",
    options=sizes(patch=2, width=64, layers=4, heads=4)
    | pace(batch=64, rate=0.02, warm_up=100)
    | {"epochs": Option(100, whole(1, 10**6), "how often each digit is learned from")},
    config=config,
    check=check,
    tokens=lambda options, config: options.epochs * LEARNED * config.context,
    read=read,
    measure=measure,
    needs={"sklearn": ("scikit-learn", "for its pictures of digits alone")},
)


if __name__ == "__main__":
    from engine.training.__main__ import main as command

    sys.exit(command(["digits", *sys.argv[1:]]))
