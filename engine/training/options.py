"""What a command may be told: each option with its default, its limits and what it is for."""

import argparse
import os
from collections.abc import Callable
from typing import NamedTuple

PROGRAM = os.environ.get("GLASSBOX_COMMAND", "python -m engine.training")
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}


class Option(NamedTuple):
    """A word of the command line: its default, what it may be (a function of its text, the choices, or
    None: there or not), its help."""

    default: object
    kind: Callable[[str], object] | tuple[str, ...] | None
    help: str


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number between two others, themselves included."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low:,} to {high:,}")
        return number

    return read


def real(low: float, high: float) -> Callable[[str], float]:
    """A number between two others, themselves included."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:  # nor is nan
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low:g} to {high:,g}")
        return number

    return read


def plain_name(text: str) -> str:
    """A name that is good as a folder's on every system, and in a link."""
    letters = text.replace("-", "").replace("_", "").replace(".", "")
    plain = letters.isalnum() and text[0].isalnum() and text[-1] != "." and len(text.encode()) <= 64
    if not plain or text.split(".")[0].lower() in RESERVED:
        raise argparse.ArgumentTypeError(
            f"{text[:70]!r} is no plain name: letters, digits, - and _ make one, a letter or digit first"
        )
    return text


SHARE = real(0, 1)
SIZES = {
    "vocabulary": (whole(2, 65_535), "different tokens"),  # rows of ids are of 16 bits
    "context": (whole(2, 16_384), "tokens of the longest text that it reads"),
    "width": (whole(1, 4096), "numbers of a token's vector"),
    "layers": (whole(1, 100), "blocks, one after the other"),
    "heads": (whole(1, 100), "attention heads of a block; they share the width evenly"),
    "patch": (whole(1, 32), "pixels along each side of a patch"),
}


def sizes(**defaults: int) -> dict[str, Option]:
    """The sizes of a model."""
    return {name: Option(default, *SIZES[name]) for name, default in defaults.items()}


def pace(batch: int, rate: float | None, warm_up: int) -> dict[str, Option]:
    """How fast to learn; no rate: it depends on the kind."""
    told = "" if rate else " (by its kind)"
    return {
        "batch": Option(batch, whole(1, 4096), "texts or pictures of a step"),
        "rate": Option(rate, real(1e-6, 1), f"learning rate of the matrices inside the blocks{told}"),
        "warm_up": Option(warm_up, whole(0, 10**6), "steps until the full rate, a fifth of all at most"),
    }


SEED = {"seed": Option(0, whole(0, 2**32 - 1), "of all that is drawn; the same seed gives the same model")}
COMMON = {
    "work": Option(None, str, "where the state of the run is kept (training-work/NAME)"),
    "minutes": Option(None, real(0.01, 10**6), "learn for so long at most; the learning rate falls in time"),
} | SEED
TOKENS = whole(1, 10**12)
HELD_OUT = Option(None, whole(1, 10**6), "files kept to measure with (one in ten, 6 at most)")


def everyday(share: float) -> dict[str, Option]:
    """Everyday sentences beside the texts of a folder."""
    return {
        "everyday": Option(
            share, SHARE, "share of everyday sentences, where FOLDER has some (*.tsv, a line each)"
        ),
        "everyday_from": Option("", str, "where these come from, for the card"),
    }


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str):
        """Say what is wrong, and where the help is."""
        self.exit(2, f"{message.removeprefix('argument ')}\n({self.prog} --help lists what can be given)\n")


def add(parser: argparse.ArgumentParser, options: dict[str, Option]) -> None:
    """Give a parser these options."""
    for name, (default, kind, told) in options.items():
        default_told = (
            "" if default in (None, "") else f" ({default:,})" if isinstance(default, int) else f" ({default})"
        )
        how = (
            {"choices": kind}
            if isinstance(kind, tuple)
            else {"type": kind, "metavar": "TEXT" if kind is str else "N"}
        )
        if kind is None:
            how, default_told = {"action": "store_true"}, ""
        flag, told = "--" + name.replace("_", "-"), f"{told}{default_told}".replace("%", "%%")
        parser.add_argument(flag, default=default, help=told, **how)
