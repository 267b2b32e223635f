"""This project's own layout: config.json, model.safetensors, a vocabulary, card.md; where texts begin with
a token of their own, tokenizer_config.json."""

import json
from dataclasses import asdict, fields
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from engine.config import Config, PairConfig, RecurrentConfig
from engine.load import checkpoints, images
from engine.load.files import MOST_TEXT, check_file, is_there, read_json
from engine.load.folder import build, read_weights
from engine.load.settings import one_name
from engine.tokenize import (
    BeginTokenizer,
    RankTokenizer,
    SentenceTokenizer,
    UnigramTokenizer,
    WordPieceTokenizer,
)
from engine.tokenize.bpe import BEGIN
from engine.tokenize.characters import CharacterTokenizer
from engine.tokenize.unigram import names_sentinels

VOCABULARIES = {"vocabulary.tiktoken": RankTokenizer, "tokenizer.json": WordPieceTokenizer}
VOCABULARIES |= {CharacterTokenizer.FILE: CharacterTokenizer}
BEGINS = "tokenizer_config.json"  # {"bos_token": BEGIN, "add_bos_token": true}, as other layouts have it
FORMERLY = {"farthest": "max_distance"}  # former names of entries of config.json
SENTENCES = {"vocabulary.tiktoken": SentenceTokenizer, "tokenizer.json": UnigramTokenizer}  # of two stacks


def read(folder: Path, config: dict, step: int | None = None, headers: bool = False):
    """The model of a folder, or its checkpoint after `step` training steps; with `headers` the model without
    its numbers and its vocabulary."""
    shapes = _shapes(folder, config)
    if step is None:
        model = build(shapes, read_weights(folder, headers), str(folder))
    else:
        model = checkpoints.read(folder, shapes, step)
    if model.reads[0].image:
        images.attach(model, folder, read_json(folder / images.FILE))
    sizes = {stack.vocabulary for stack in model.reads if not stack.image}
    kinds = VOCABULARIES if len(model.reads) == 1 else SENTENCES
    if sizes and headers:
        file = folder / _vocabulary_file(folder, kinds)
        check_file(file, MOST_TEXT)
        model.with_sentinels = kinds[file.name] is UnigramTokenizer and names_sentinels(file)
    elif sizes:
        model.tokenizer = _vocabulary(folder, sizes, kinds)
    if headers:
        model.without_tokenizer = ""
        return model
    if len(model.reads) == 2:
        _check_ends(folder, model)
    return model


def _shapes(folder: Path, entries: dict) -> Config | PairConfig | RecurrentConfig:
    """The config of one stack or, where config.json has an encoder and a decoder, of both; or of a recurrent
    model, all of whose entries are under that name."""
    entries = {name: entry for name, entry in entries.items() if name != "format"}
    if "recurrent" in entries:
        if not isinstance(entries["recurrent"], dict) or len(entries) > 1:
            raise ValueError(f"{folder}/config.json: recurrent is an object {{…}} that holds all entries")
        entries = dict(entries["recurrent"])
        if entries.get("encoder") is not None:
            entries["encoder"] = _stack(folder, entries, "encoder")
        return _made(RecurrentConfig, folder, entries)
    if "decoder" not in entries:
        alone = _made(Config, folder, entries)
        if alone.memory:
            raise ValueError(f"{folder}/config.json asks for cross-attention, which needs an encoder beside it")
        return alone
    stacks = {name: _stack(folder, entries, name) for name in ("encoder", "decoder")}
    return _made(PairConfig, folder, entries | stacks)


def _stack(folder: Path, entries: dict, name: str) -> Config:
    """The config of one of two stacks."""
    if not isinstance(entries.get(name), dict):
        raise ValueError(f"{folder}/config.json: {name} is {entries.get(name)!r}, not an object {{…}}")
    return _made(Config, folder, entries[name])


def _made(kind: type, folder: Path, entries: dict):
    entries = one_name(f"{folder}/config.json", entries, FORMERLY)
    strange = entries.keys() - {field.name for field in fields(kind)}
    if strange:
        raise ValueError(f"{folder}/config.json has unknown entries: {', '.join(sorted(strange))}")
    try:
        return kind(**entries)
    except TypeError as error:
        raise ValueError(f"{folder}/config.json is incomplete: {error}") from None


def _vocabulary_file(folder: Path, kinds: dict) -> str:
    file = next((name for name in kinds if is_there(folder / name)), None)
    if file is None:
        raise ValueError(f"{folder} has no {' or '.join(kinds)}")
    return file


def _vocabulary(folder: Path, sizes: set[int], kinds: dict):
    file = _vocabulary_file(folder, kinds)
    check_file(folder / file, MOST_TEXT)
    kind = BeginTokenizer if kinds[file] is RankTokenizer and begins(folder) else kinds[file]
    tokenizer = kind.read(folder / file)
    for size in sizes:
        if len(tokenizer) != size:
            raise ValueError(f"{folder}: {file} has {len(tokenizer)} entries, config.json says {size}")
    return tokenizer


def begins(folder: Path) -> bool:
    """Whether a file beside the vocabulary says that every text begins with BEGIN."""
    told = read_json(folder / BEGINS) if is_there(folder / BEGINS) else {}
    if not told.get("add_bos_token"):
        return False
    if told.get("bos_token") != BEGIN:
        raise ValueError(
            f"{folder}/{BEGINS}: bos_token is {told.get('bos_token')!r}; only {BEGIN!r} is read here"
        )
    return True


def write_begins(folder: Path) -> None:
    """Say beside a vocabulary that every text begins with BEGIN."""
    told = json.dumps({"bos_token": BEGIN, "add_bos_token": True}, indent=1)
    (folder / BEGINS).write_text(told + "\n", encoding="utf-8")


def _check_ends(folder: Path, model) -> None:
    for name in ("start", "end"):
        asked, has = getattr(model, name), getattr(model.tokenizer, name)
        if asked != has:
            raise ValueError(f"{folder}/config.json says {name} = {asked}; its vocabulary's is {has}")


def write(model, folder: Path) -> None:
    """Weights go to disk in float16; reading them back gives exactly those numbers in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = asdict(model.config)
    recurrent = isinstance(model.config, RecurrentConfig)
    config = {"format": "glassbox"} | ({"recurrent": entries} if recurrent else entries)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    write_weights(model, folder / "model.safetensors")
    if model.reads[0].image:
        images.write(model, folder)
    if model.tokenizer is not None:
        kinds = VOCABULARIES if len(model.reads) == 1 else SENTENCES
        file = next(name for name, kind in kinds.items() if isinstance(model.tokenizer, kind))
        model.tokenizer.write(folder / file)
        if isinstance(model.tokenizer, BeginTokenizer):
            write_begins(folder)


def write_weights(model: nn.Module, path: Path) -> None:
    """All parameters in float16."""
    weights = {n: p.detach().to(torch.float16).contiguous() for n, p in model.named_parameters()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, path)
