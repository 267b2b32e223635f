"""This project's own layout: config.json, model.safetensors, vocabulary.tiktoken, card.md."""

import json
from dataclasses import asdict, fields
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.config import Config
from engine.load import moments
from engine.load.folder import build, read_weights
from engine.models import Transformer
from engine.tokenize import RankTokenizer

VOCABULARY = "vocabulary.tiktoken"


def read(folder: Path, config: dict, step: int | None = None) -> Transformer:
    """The model of a folder, or what it was after `step` steps of its training."""
    known = {field.name for field in fields(Config)}
    strange = config.keys() - known - {"format"}
    if strange:
        raise ValueError(f"{folder}/config.json has unknown entries: {', '.join(sorted(strange))}")
    try:
        shapes = Config(**{k: v for k, v in config.items() if k in known})
    except TypeError as error:
        raise ValueError(f"{folder}/config.json is incomplete: {error}") from None
    if step is None:
        model = build(shapes, read_weights(folder), str(folder))
    else:
        model = moments.read(folder, shapes, step)
    if not (folder / VOCABULARY).exists():
        raise ValueError(f"{folder} has no {VOCABULARY}")
    model.tokenizer = RankTokenizer.read(folder / VOCABULARY)
    if len(model.tokenizer) != shapes.vocabulary:
        raise ValueError(
            f"{folder}: {VOCABULARY} has {len(model.tokenizer)} entries, config.json says {shapes.vocabulary}"
        )
    return model


def write(model: Transformer, folder: Path) -> None:
    """Weights go to disk in float16; reading them back gives exactly those numbers in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"format": "glassbox"} | asdict(model.config)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    write_weights(model, folder / "model.safetensors")
    model.tokenizer.write(folder / VOCABULARY)


def write_weights(model: Transformer, path: Path) -> None:
    """All parameters in float16."""
    weights = {n: p.detach().to(torch.float16).contiguous() for n, p in model.named_parameters()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, path)
