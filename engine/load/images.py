"""The files beside an image model's weights: how images are prepared, and the names of the classes."""

import json
from pathlib import Path

from engine.images import SIGNS, Palette, Preparation, greys
from engine.load.folder import read_json

FILE = "preprocessor_config.json"


def attach(model, folder: Path, config: dict) -> None:
    """Give a model its preparation, and its labels from `config` ({"id2label": {"0": "cat", …}})."""
    c = model.reads[0]
    asked = read_json(folder / FILE) if (folder / FILE).exists() else {}
    model.prepare = _preparation(folder, asked, c.image, c.channels)
    names = config.get("id2label") or {}
    if not isinstance(names, dict):
        raise ValueError(f"{folder}: id2label is {names!r}, not an object {{…}}")
    count = c.classes if c.ending == "classes" else 0  # only a classifier has labels
    model.labels = tuple(str(names.get(str(i), f"class {i}")) for i in range(count))


def write(model, folder: Path) -> None:
    """A model's preparation and class names, as preprocessor_config.json has them."""
    prepare = model.prepare
    asked = {"image_mean": prepare.mean, "image_std": prepare.std}
    asked["id2label"] = {str(i): label for i, label in enumerate(model.labels)}
    if prepare.palette != greys(len(prepare.mean)):
        asked["palette"] = prepare.palette
    (folder / FILE).write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")


def _preparation(folder: Path, config: dict, size: int, channels: int) -> Preparation:
    """What preprocessor_config.json asks for (`config`; where it is silent, ViT's usual 0.5)."""
    numbers = {}
    for name in ("image_mean", "image_std"):
        given = config.get(name, [0.5] * channels)
        fits = isinstance(given, list) and len(given) == channels
        if not fits or not all(type(x) in (int, float) and abs(x) < 1e6 for x in given):
            raise ValueError(f"{folder}/{FILE}: {name} is {given!r}; it must be {channels} numbers")
        numbers[name] = tuple(float(x) for x in given)
    if not all(x > 0 for x in numbers["image_std"]):
        raise ValueError(f"{folder}/{FILE}: image_std must be above 0, not {numbers['image_std']}")
    palette = _palette(folder, config["palette"], channels) if "palette" in config else None
    return Preparation(size, numbers["image_mean"], numbers["image_std"], palette)


def _palette(folder: Path, given, channels: int) -> Palette:
    """The palette for writing images as text, if preprocessor_config.json has one."""
    fits = isinstance(given, list) and 2 <= len(given) <= len(SIGNS)
    fits = fits and all(_is_colour(colour, channels) for colour in given)
    if not fits or any(colour in given[:i] for i, colour in enumerate(given)):
        raise ValueError(
            f"{folder}/{FILE}: palette is {given!r}; it must be 2 to {len(SIGNS)} different colours, each "
            f"{channels} numbers from 0 to 255"
        )
    return tuple(tuple(float(x) for x in colour) for colour in given)


def _is_colour(given, channels: int) -> bool:
    fits = isinstance(given, list) and len(given) == channels
    return fits and all(type(x) in (int, float) and 0 <= x <= 255 for x in given)
