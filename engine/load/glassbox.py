"""This project's own layout: config.json, model.safetensors, a vocabulary, card.md."""

import json
from dataclasses import asdict, fields
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.config import Config
from engine.load import moments, pictures
from engine.load.folder import build, read_json, read_weights
from engine.models import Transformer
from engine.tokenize import RankTokenizer, WordPieceTokenizer

VOCABULARIES = {"vocabulary.tiktoken": RankTokenizer, "tokenizer.json": WordPieceTokenizer}


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
    if shapes.image:
        pictures.attach(model, folder, read_json(folder / pictures.FILE))
    else:
        model.tokenizer = _vocabulary(folder, shapes.vocabulary)
    return model


def _vocabulary(folder: Path, size: int) -> RankTokenizer | WordPieceTokenizer:
    file = next((name for name in VOCABULARIES if (folder / name).exists()), None)
    if file is None:
        raise ValueError(f"{folder} has no {' or '.join(VOCABULARIES)}")
    tokenizer = VOCABULARIES[file].read(folder / file)
    if len(tokenizer) != size:
        raise ValueError(f"{folder}: {file} has {len(tokenizer)} entries, config.json says {size}")
    return tokenizer


def write(model: Transformer, folder: Path) -> None:
    """Weights go to disk in float16; reading them back gives exactly those numbers in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"format": "glassbox"} | asdict(model.config)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    write_weights(model, folder / "model.safetensors")
    if model.config.image:
        return pictures.write(model, folder)
    file = next(name for name, kind in VOCABULARIES.items() if isinstance(model.tokenizer, kind))
    model.tokenizer.write(folder / file)


def write_weights(model: Transformer, path: Path) -> None:
    """All parameters in float16."""
    weights = {n: p.detach().to(torch.float16).contiguous() for n, p in model.named_parameters()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, path)
