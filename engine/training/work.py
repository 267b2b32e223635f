"""What every training command does around its run: its options, its folder, the finished model written."""

import argparse
import ctypes
import importlib
import json
from pathlib import Path
from types import ModuleType

from torch import nn

from engine.load import glassbox
from engine.load.folder import read_json
from engine.training import report
from engine.training.train import Recipe, learn

FOLDER = ("folder", "text files (*.txt, UTF-8), searched through all its folders")
FILES = (6, "files kept for evaluation")
MODELS = Path(__file__).parents[2] / "assets" / "models"


def same_run(work: Path, options: argparse.Namespace) -> None:
    """A run goes on with the options that it began with: its vocabulary and its texts were made by them."""
    free = ("name", "about", "work", "minutes", "no_checkpoints")
    now = {name: value for name, value in vars(options).items() if name not in free}
    work.mkdir(parents=True, exist_ok=True)
    kept = work / "options.json"
    if not kept.exists():
        kept.write_text(json.dumps(now, indent=1))
    begun = json.loads(kept.read_text())
    other = [f"{name} was {begun.get(name)!r}" for name in now if begun.get(name) != now[name]]
    if other:
        raise ValueError(f"{work} was begun otherwise: {', '.join(other)}; give the same or an empty folder")


def keep_memory() -> None:
    """Tell glibc to keep freed memory: each step frees and takes hundreds of megabytes (1.6× faster)."""
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(-4, 0)  # M_MMAP_MAX: no block of its own for a large tensor
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: never shrink the heap
    except (AttributeError, OSError, TypeError):
        pass  # not glibc


def begin(options: argparse.Namespace) -> Path:
    """The folder of a run, ready to begin or to go on."""
    keep_memory()
    same_run(Path(options.work), options)
    return Path(options.work)


def trained(
    config, data, recipe: Recipe, folder: Path, options: argparse.Namespace, **parts
) -> nn.Module | None:
    """The model after its last step, with its `parts` (tokenizer, …) and name; None where steps are left."""
    model, done = learn(config, data, recipe, folder, options.minutes)
    print()
    if not done:
        print("not finished: run the same command again to go on")
        return None
    for name, part in (parts | {"name": options.name}).items():
        setattr(model, name, part)
    return model


def written(model: nn.Module, folder: Path, work: Path, command: str, options) -> nn.Module:
    """The finished model as people will read it: written to its folder, with the run's log and what it was
    asked for, and read back."""
    glassbox.write(model, folder)
    (folder / "log.jsonl").write_text((work / "log.jsonl").read_text())
    here = ("folder", "file", "work", "minutes", "name")  # of this machine and this call
    asked = {name: value for name, value in vars(options).items() if name not in here}
    report.write(folder / "options.json", {"command": command, **asked})
    return read_back(folder)


def read_back(folder: Path) -> nn.Module:
    """A finished model from its folder."""
    again = glassbox.read(folder, read_json(folder / "config.json"))
    again.name = folder.name
    return again.requires_grad_(False).eval()


def asked_for(folder: Path) -> tuple[ModuleType, argparse.Namespace]:
    """The command that trained a finished model, and the options it was given."""
    options = read_json(folder / "options.json")
    return importlib.import_module(options.pop("command")), argparse.Namespace(**options)


def logged(folder: Path) -> dict:
    """What the log of a finished run says of it, for the card."""
    last = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
    return {
        "tokens": last["tokens"],
        "steps": last["step"],
        "minutes": last["seconds"] / 60,
        "device": last["device"],
    }


def parser(
    command: str, about: str, tokens: int, reads: tuple = FOLDER, held_out: tuple = FILES, **sizes: int
) -> argparse.ArgumentParser:
    """The options that every command has: what it reads, how much is held out (default and what of); `sizes`
    are whole numbers with their defaults."""
    options = argparse.ArgumentParser(prog=f"python -m {command}", description=about)
    options.add_argument(reads[0], help=reads[1])
    options.add_argument("--name", required=True, help="the model's folder in assets/models")
    options.add_argument("--about", required=True, help="what the text is, a phrase for the card")
    options.add_argument("--work", default="training-work", help="where the state of the run is kept")
    options.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    options.add_argument("--tokens", type=int, default=tokens, help="how many to learn from")
    options.add_argument("--held-out", type=int, default=held_out[0], help=held_out[1])
    options.add_argument("--seed", type=int, default=0)
    for name, size in sizes.items():
        options.add_argument(f"--{name}", type=int, default=size)
    return options


def add_rates(parser: argparse.ArgumentParser, rate: float | None) -> None:
    """How fast to learn: a model that normalises after the addition wants lower rates, and a slower start."""
    parser.add_argument("--rate", type=float, default=rate, help="of the matrices; of the rest an eighth")
    parser.add_argument("--warm-up", type=int, default=200, help="steps until the full rate")


def rates(options: argparse.Namespace) -> dict[str, float]:
    """The part of a Recipe that `add_rates` asked for."""
    return {"rate": options.rate, "rate_rest": options.rate / 8, "warm_up": options.warm_up}
