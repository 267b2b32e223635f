"""Train, evaluate and write a vision transformer on handwritten digits (scikit-learn's, 8 × 8 pixels).

    python -m engine.training.digits --name digits

Needs scikit-learn, for its pictures alone: pip install scikit-learn
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.config import Config
from engine.images import Preparation, to_signs
from engine.model.build import fresh
from engine.model.transformer import Transformer
from engine.training import report, work
from engine.training.train import Recipe

BRIGHTEST = 16  # of a pixel in scikit-learn's digits
HELD_OUT = 360  # images, a fifth
AIM = ("≥", 0.95)
MISTAKES = 2  # shown among the examples
CARD = Path(__file__).parent / "card_digits.md"


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
        """Nats per image."""
        return F.cross_entropy(model(images), labels)


def split(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pixels [N, 1, 8, 8] from 0 to 255 and labels, to learn from and held out, drawn by the seed."""
    from sklearn.datasets import load_digits  # here: only training needs it

    digits = load_digits()
    pixels = torch.from_numpy(digits.images).float()[:, None] * 255 / BRIGHTEST
    labels = torch.from_numpy(digits.target).long()
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(pixels)))
    held, train = order[:HELD_OUT], order[HELD_OUT:]
    return pixels[train], labels[train], pixels[held], labels[held]


def main() -> None:
    """Train a vision transformer on handwritten digits, from the command line."""
    options = _options()
    folder = work.begin(options)
    pixels, labels, held, held_labels = split(options.seed)
    mean, std = (round(f(pixels / 255).item(), 4) for f in (torch.mean, torch.std))
    prepare = Preparation(8, (mean,), (std,))
    digits = Digits(prepared(prepare, pixels), labels)
    patches = (8 // options.patch) ** 2
    config = Config(
        vocabulary=0,
        context=patches + 1,
        width=options.width,
        layers=options.layers,
        heads=options.heads,
        mlp_width=4 * options.width,
        image=8,
        patch=options.patch,
        classes=10,
        ending="classes",
        causal=False,
        tied=False,
    )
    recipe = Recipe(tokens=options.epochs * len(labels) * config.context, batch=64, seed=options.seed)
    model = work.trained(config, digits, recipe, folder, options, prepare=prepare, labels=tuple("0123456789"))
    if model is not None:
        model = work.written(model, work.MODELS / options.name, folder, "engine.training.digits", options)
        write_card(model, work.MODELS / options.name, digits, (held, held_labels), options)


def measure(folder: Path, texts: None, work_folder: Path, options) -> None:
    """Measure a finished model again, on the held-out images."""
    model, (pixels, labels, *held) = work.read_back(folder), split(options.seed)
    write_card(model, folder, Digits(prepared(model.prepare, pixels), labels), held, options)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(
        prog="python -m engine.training.digits", description=__doc__.splitlines()[0]
    )
    options.add_argument("--name", required=True, help="the model's folder in assets/models")
    options.add_argument("--work", default="digits-work", help="where the state of the run is kept")
    options.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    for name, size in dict(epochs=100, seed=0, patch=2, width=64, layers=4, heads=4).items():
        options.add_argument(f"--{name}", type=int, default=size)
    return options.parse_args()


def prepared(prepare: Preparation, pixels: Tensor) -> Tensor:
    """Pixels [N, height, width] -> images as the model reads them [N, channels, height, width]."""
    return torch.cat([prepare(image) for image in pixels])


# --- how well it does ----------------------------------------------------------------------------


def write_card(model: Transformer, folder: Path, digits: Digits, held, options) -> None:
    """Measure a finished model, and write its scores, examples and card."""
    guesses = guesses_of(model, digits, held[0], options.seed)
    rows = [_row(guesses, held[1])]
    mistaken = confused(guesses["this model"], held[1])
    report.write(folder / "scores.json", {"rows": rows, "errors": mistaken})
    report.write(folder / "examples.json", {"examples": list(_examples(model, *held))})
    facts = _facts(model, folder, digits, options) | {"count": len(held[1])}
    card = CARD.read_text("utf-8").format(
        **facts,
        table=report.told(rows, tuple(guesses)),
        errors=", ".join(mistaken) or "none",
    )
    (folder / "card.md").write_text(card, encoding="utf-8")
    print(f"{folder}: {rows[0]['values'][0]:.1%} of {len(held[1])} held-out digits")


def guesses_of(model: Transformer, digits: Digits, pixels: Tensor, seed: int) -> dict[str, Tensor]:
    """The labels that the model, its random start and the baselines give to held-out digits."""
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


def _facts(model: Transformer, folder: Path, digits: Digits, options) -> dict:
    return dict(
        work.logged(folder),
        name=model.name,
        layers=model.config.layers,
        heads=model.config.heads,
        width=model.config.width,
        patches=model.config.patches,
        patch=model.config.patch,
        parameters=sum(p.numel() for p in model.parameters()),
        learned=len(digits.labels),
        epochs=options.epochs,
        seed=options.seed,
    )


if __name__ == "__main__":
    main()
