"""The models that were kept on the way of a training: some ship, and all are measured."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from engine.load import checkpoints
from engine.load.folder import build
from engine.model.build import fresh
from engine.model.transformer import Transformer
from engine.training.evaluate import report
from engine.training.evaluate.language import accuracy, bits_per_byte, questions, repetition, roles
from engine.training.progress import show

SHARE_KEPT = (0.015, 0.06, 0.2, 0.5)  # of the run after which a checkpoint ships
TOKENS, QUESTIONS, STRINGS, TEXTS = 60_000, 100, 40, 8  # that each is measured with
EACH_FROM = 0.5  # of the whole test: from so much on those are measured, too, that do not ship


def write(
    model: Transformer, folder: Path, kept: Path, row: np.ndarray, seed: int, steps: int, share: float
) -> None:
    """Measure what was kept of a training of so many steps, and ship some of it with the finished model.

    share: how much of the whole test is asked, from 0 to 1
    """
    if learned := list(_learning(model, folder, kept, row, seed, steps, share)):
        report.write(folder / "learning.json", {"seed": seed, "checkpoints": learned})


def _learning(
    model, folder: Path, kept: Path, row: np.ndarray, seed: int, steps: int, share: float
) -> Iterator[dict]:
    files = [file for file in sorted(kept.glob("*.safetensors")) if int(file.stem) < steps]
    if not files:
        return
    shipped = {min(files, key=lambda f: abs(int(f.stem) - part * steps)) for part in SHARE_KEPT}
    row = row[: max(2000, int(share * TOKENS))]
    show("measuring: the model before its first step")
    yield {"step": 0, "ships": True, **_checkpoint(fresh(model.config, seed), model, row, share)}
    for file in files if share >= EACH_FROM else sorted(shipped):
        show(f"measuring: the model after {int(file.stem):,} steps")
        weights = load_file(file)
        if file in shipped:
            checkpoints.write(weights, folder, int(file.stem))
            weights = checkpoints.unpacked(checkpoints.packed(weights))  # measured as it ships
        then = build(model.config, weights, file.name)
        yield {"step": int(file.stem), "ships": file in shipped, **_checkpoint(then, model, row, share)}
    show("measuring: the finished model")
    yield {"step": steps, "ships": True, **_checkpoint(model, model, row, share)}


def _checkpoint(then: Transformer, model: Transformer, row: np.ndarray, share: float) -> dict:
    then = then.requires_grad_(False).eval()
    then.tokenizer = model.tokenizer
    prefix = model.tokenizer.prefix
    first, second = repetition(then, model.config.vocabulary, max(8, int(share * STRINGS)), prefix)
    best = {role: round(float(scores.mean(0).max()), 4) for role, scores in roles(then, row, TEXTS).items()}
    bits = bits_per_byte(then, row, model.tokenizer, model.config.context)
    right = accuracy(then, questions("who-has", max(10, int(share * QUESTIONS))), model.tokenizer).value
    return {"bits": round(bits, 4), "first": first, "second": second, "who to whom": right, "roles": best}
