"""A finished model as a folder with a card: what it is, what it learned from, how well it does."""

import json
from pathlib import Path

import numpy as np

from engine.load import glassbox
from engine.models import Decoder
from engine.training.evaluate import bits_per_byte, samples
from engine.training.train import Recipe

PROMPTS = [
    "Once upon a time there was a little",
    "The animal didn't cross the street because it",
    '"Where are you going?" asked',
    "It was a cold winter morning, and",
    "The king and the queen",
]

CARD = """# {name}

A decoder-only transformer (the GPT-2 kind): {layers} blocks of {heads} heads, {width} numbers a
token, {parameters:,} parameters, {vocabulary:,} byte-pair entries, at most {context} tokens.

- **Learned from:** {corpus}. Nothing else: no chat, no instructions, no web pages.
- **For how long:** {tokens:,} tokens in {steps:,} steps, {minutes:.0f} minutes on {device}, seed {seed}.
- **Last training loss:** {loss:.3f} nats a token.
- **Held out:** {held_count} whole texts ({held_bytes:,} bytes) that it never saw: **{bits:.3f} bits per byte**.
  They are {held}.
  They were drawn by the seed; other books of the same authors can be among those it learned from.
- **On disk:** float16; every number shown is computed in float32 from exactly these weights.

## What it cannot do

It is small and knows only its books. It completes sentences in their style; it does not answer
questions truthfully, does not follow instructions, and knows nothing of the world after the books were
written. The books are old: attitudes of their time can show in what it says.

## Samples, not picked

The first continuation for each prompt, drawn at temperature 0.8, seeds 0 to {last}.

{samples}
"""


def write_model(
    model: Decoder,
    folder: Path,
    work: Path,
    recipe: Recipe,
    held: list[Path],
    held_row: np.ndarray,
    corpus: str,
) -> None:
    """Write the weights, read them back as people will, measure that model, write its card."""
    glassbox.write(model, folder)
    tokenizer, name = model.tokenizer, model.name
    model = glassbox.read(folder, json.loads((folder / "config.json").read_text())).eval()
    model.tokenizer, model.name = tokenizer, name
    log = [json.loads(line) for line in (work / "log.jsonl").read_text().splitlines()]
    (folder / "log.jsonl").write_text((work / "log.jsonl").read_text())
    numbers = dict(
        name=name,
        layers=model.config.layers,
        heads=model.config.heads,
        width=model.config.width,
        vocabulary=model.config.vocabulary,
        context=model.config.context,
        parameters=sum(p.numel() for p in model.parameters()),
        corpus=corpus,
        tokens=log[-1]["tokens"],
        steps=log[-1]["step"],
        minutes=log[-1]["seconds"] / 60,
        device=log[-1]["device"],
        seed=recipe.seed,
        loss=float(np.mean([line["loss"] for line in log[-10:]])),
        held=", ".join(f"*{_title(f)}*" for f in held),
        held_count=len(held),
        held_bytes=sum(f.stat().st_size for f in held),
        bits=bits_per_byte(model, held_row),
        last=len(PROMPTS) - 1,
        samples="\n\n".join("> " + text.replace("\n", "\n> ") for text in samples(model, PROMPTS)),
    )
    (folder / "card.md").write_text(CARD.format(**numbers), encoding="utf-8")
    print(f"{folder}: {numbers['bits']:.3f} bits per byte on held-out texts")


def _title(file: Path) -> str:
    return file.stem.split("--")[0].replace("-", " ")
