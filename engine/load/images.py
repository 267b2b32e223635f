"""Beside the weights of a model that reads images: how they are prepared, what its classes are called."""

import json
from pathlib import Path

from engine.images import SIGNS, Palette, Preparation, greys
from engine.load.files import is_there, read_json
from engine.load.settings import Settings, shown

FILE = "preprocessor_config.json"
KINDS = ("ViTImageProcessor", "ViTImageProcessorFast", "ViTImageProcessorPil", "ViTFeatureExtractor")
USUAL = dict(do_resize=True, do_rescale=True, rescale_factor=1 / 255, do_normalize=True)  # ViT's
HARMLESS = {"id2label", "palette", "processor_class", "_valid_processor_keys", "device", "return_tensors"}
HARMLESS |= {"data_format", "input_data_format", "default_to_square", "disable_grouping"}  # of calls
BILINEAR = 2  # Pillow's number of it


def attach(model, folder: Path, config: dict) -> None:
    """Give a model its preparation, and its labels from `config` ({"id2label": {"0": "cat", …}})."""
    c = model.reads[0]
    asked = read_json(folder / FILE) if is_there(folder / FILE) else {}
    model.prepare = _preparation(folder, asked, c.image, c.channels)
    names = config.get("id2label") or {}
    if not isinstance(names, dict):
        raise ValueError(f"{folder}: id2label is {names!r}, not an object {{…}}")
    count = c.classes if c.ending == "classes" else 0  # otherwise nothing says that it can be
    model.labels = tuple(str(names.get(str(i), f"class {i}")) for i in range(count))


def write(model, folder: Path) -> None:
    """How a model's images are prepared and what its classes are called, as preprocessor_config.json has it."""
    prepare = model.prepare
    asked = {"image_mean": prepare.mean, "image_std": prepare.std}
    asked["id2label"] = {str(i): label for i, label in enumerate(model.labels)}
    if prepare.palette != greys(len(prepare.mean)):
        asked["palette"] = prepare.palette
    if not prepare.resize:
        asked["do_resize"] = False
    (folder / FILE).write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")


def _preparation(folder: Path, config: dict, size: int, channels: int) -> Preparation:
    """What preprocessor_config.json asks for (`config`; where it is silent, ViT's usual 0.5)."""
    s = Settings(folder / FILE, config, USUAL, {"feature_extractor_type": "image_processor_type"}, HARMLESS)
    s.only("image_processor_type", *KINDS)
    s.only("do_convert_rgb", False, *([True] if channels == 3 else []))
    resize = _resize(s, size)
    mean, std = _scale(s, channels)
    s.close()
    palette = _palette(folder, config["palette"], channels) if "palette" in config else None
    return Preparation(size, mean, std, palette, resize)


def _resize(s: Settings, size: int) -> bool:
    """Whether images are resized to what the model reads; a ValueError where they would become another size."""
    square = ({"height": size, "width": size}, size, [size, size])
    resize = s.flag("do_resize")
    asked = {name: s.get(name) for name in ("size", "resample", "crop_size")}  # read only if these are done
    if resize:
        s.only("size", *square)
        s.only("resample", BILINEAR)
    if s.get("do_center_crop", False) is not False:
        s.only("do_center_crop", True)
        if not resize or asked["crop_size"] not in square:
            s.only("do_center_crop", False)
    return resize


def _scale(s: Settings, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std of p/255 that do what is asked: (p · factor − mean) / std, or a part of it."""
    s.get("rescale_factor")  # read only if it is done
    factor = 255 * s.number("rescale_factor") if s.flag("do_rescale") else 255.0
    means = _numbers(s, "image_mean", channels, above=-1e6)
    stds = _numbers(s, "image_std", channels, above=0)
    if not s.flag("do_normalize"):
        means, stds = [0.0] * channels, [1.0] * channels
    if factor == 1:
        return tuple(means), tuple(stds)
    return tuple(mean / factor for mean in means), tuple(std / factor for std in stds)


def _numbers(s: Settings, name: str, channels: int, above: float) -> list[float]:
    given = s.get(name, [0.5] * channels)
    fits = isinstance(given, list) and len(given) == channels
    if not fits or not all(type(x) in (int, float) and above < x < 1e6 for x in given):
        raise ValueError(f"{s.source}: {name} is {shown(given)}; it must be {channels} numbers above {above:g}")
    return [float(x) for x in given]


def _palette(folder: Path, given, channels: int) -> Palette:
    """The colours with which images are written as texts, if preprocessor_config.json names them."""
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
