"""What one kind of training is: data that the one trainer (run.py) goes by."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import nn

from engine.images import Preparation
from engine.training.learn import Data
from engine.training.options import Option


@dataclass(frozen=True)
class Material:
    """What was read: batches to learn from, and what goes with the finished model."""

    train: Data
    held: Data  # of what training never sees
    told: str  # how much it is, in a sentence
    tokenizer: object = None
    prepare: Preparation | None = None
    labels: tuple[str, ...] = ()
    test: object = None  # what measuring asks besides
    start: Path | None = None  # a finished model of the same shape, with whose weights to begin
    context: int | None = None  # tokens that the finished model may read; None: as many as in training

    def attach(self, model: nn.Module) -> nn.Module:
        """The model, with what turns texts or pictures into what it reads."""
        for name in ("tokenizer", "prepare", "labels"):
            if part := getattr(self, name):
                setattr(model, name, part)
        if self.context is not None:
            model.config = replace(model.config, context=self.context)
        return model


@dataclass(frozen=True)
class Measured:
    """What a finished model can do: rows of its table, examples to try, and what else its card says."""

    rows: list[dict]
    columns: tuple[str, ...]
    examples: dict
    facts: dict
    scores: dict = field(default_factory=dict)  # of scores.json, besides the rows
    card: str = ""  # in cards/, how it is told; empty: by the name of the task


@dataclass(frozen=True)
class Task:
    """A kind of training. `cards/NAME.md` is how its card tells what was measured.

    reads    what is given on the command line, its help, and which files that is (checked, before all else)
    config   options, vocabulary -> the config of the model
    tokens   options, config -> how many tokens are learned from
    read     options, work folder -> Material
    measure  model, Material, options, how much of the whole test is asked (0 to 1), its steps -> Measured
    rest     the rate of tables, norms and biases is this part of the rate
    needs    packages that are not installed with the project: module -> what to install, and what for
    checkpoints  models that were kept on the way ship with the finished one; material.test.row is what they are
             measured with
    """

    name: str
    about: str
    options: dict[str, Option]
    config: Callable
    tokens: Callable
    read: Callable
    measure: Callable
    reads: tuple[str, str, Callable[[Path], list[Path]]] | None = None
    check: Callable[[argparse.Namespace], None] = lambda options: None
    rest: int = 5
    needs: dict[str, tuple[str, str]] = field(default_factory=dict)
    checkpoints: bool = False
