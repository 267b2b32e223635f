"""Recurrent language models: what came before the Transformer, of the same texts, asked the same."""

import argparse

from engine.config import RecurrentConfig
from engine.model.build import fresh
from engine.model.recurrent_lm import RecurrentLM
from engine.training import run
from engine.training.evaluate import calibration, contexts, examples, report
from engine.training.evaluate.baseline import Trigram
from engine.training.evaluate.language import calibrated, scores_of, unit
from engine.training.progress import show
from engine.training.task import Measured

BESIDE = (
    "For comparison, **{name}** (a Transformer of {parameters:,} parameters) was asked the same. Both read "
    "stretches of at most {context} tokens here.\n\n"
)
SAME = "its vocabulary is {name}'s, and of the same texts and seed, batches of one size are the same windows"
CARD = "recurrent_language"  # how its card tells it


def config(options: argparse.Namespace, vocabulary: int) -> RecurrentConfig:
    """One cell, whose state scores every token by the token table."""
    begin, end = (vocabulary - 1, vocabulary - 1 - (not options.no_begin))
    sizes = dict(vocabulary=vocabulary, context=options.context, width=options.width)
    return RecurrentConfig(**sizes, start=begin, end=end, cell=options.kind, attention="none", alone=True)


def measure(model: RecurrentLM, options: argparse.Namespace, row, read, share: float) -> Measured:
    """Bits, questions, free texts, and what tokens further back are worth; beside it the model whose vocabulary
    it has, its random start, and a 3-gram model of the same texts.

    row   ids of held-out books; read: those of all that it learned from
    """
    tokenizer, context = model.tokenizer, model.config.context
    other = beside(options)
    start = fresh(model.config, options.seed).requires_grad_(False).eval()
    asked = {"this model": model} | ({other.name: other} if other else {})
    asked |= {"random start": start, "3-gram": Trigram(read, len(tokenizer))}
    scores = [scores_of(one, row, tokenizer, context, share, told=name) for name, one in asked.items()]
    rows = [report.row(name, [one[name] for one in scores], unit(name)) for name in scores[0]]
    count = max(20, int(share * contexts.ASKED))
    learned = {one.name: one for one in (model, other) if one}
    lengths, at = contexts.asked(row, tokenizer, context, count)
    curves = {name: contexts.curve(one, row, tokenizer, lengths, at) for name, one in learned.items()}
    found = contexts.told(curves, lengths)
    show("measuring: whether it is as sure as it is right")
    counts = calibrated(model, row, tokenizer, context, share)
    reliable = {kind: calibration.reliability(stretches) for kind, stretches in counts.items()}
    facts = {
        "cell": model.config.cell.upper(),
        "carried": len(model.cell.carried) * model.config.width,
        "vectors": " and ".join({"h": "the state", "cell": "the cell"}[name] for name in model.cell.carried),
        "beside": BESIDE.format(name=other.name, parameters=_count(other), context=context) if other else "",
        "same": SAME.format(name=other.name) if other else "its vocabulary is its own",
        "contexts": contexts.table(found),
        "asked": found["count"],
        "reliability": calibration.table(reliable),
    }
    show("measuring: looking for examples")
    shown = {"examples": examples.carried(model)}
    told = {"columns": list(asked), "contexts": found, "reliability": reliable}
    return Measured(rows, tuple(asked), shown, facts, told, CARD)


def beside(options: argparse.Namespace):
    """The finished model whose vocabulary it has; None where it has one of its own."""
    name = options.vocabulary_of
    there = name and (run.MODELS / name / "config.json").exists()
    return run.read_back(run.MODELS / name) if there else None


def _count(model) -> int:
    return sum(p.numel() for p in model.parameters())
