"""A finished model as a folder: weights, checkpoints of its training, scores, examples, and a card in words."""

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors.torch import load_file
from torch import Tensor

from engine.config import Config
from engine.load import checkpoints
from engine.load.folder import build
from engine.model.build import fresh
from engine.model.transformer import Transformer
from engine.training import examples, report
from engine.training.baseline import Trigram
from engine.training.corpus import texts_of, title, token_row
from engine.training.evaluate import (
    accuracy,
    bits_per_byte,
    even_roles,
    questions,
    repetition,
    roles,
    samples,
    scores_of,
)
from engine.training.intervals import bootstrap
from engine.training.mix import Mix
from engine.training.train import Recipe
from engine.training.work import logged

AIMS = {  # what a model of books and generated English should reach: below, or at least
    "bits per byte, books": ("<", 1.55),
    "cloze, top-5 accuracy": ("≥", 0.70),
    "it": ("≥", 0.80),
    "she or he": ("≥", 0.80),
    "who to whom": ("≥", 0.90),
    "sentiment, 3 examples": ("≥", 0.85),
}
SHARE_KEPT = (0.015, 0.06, 0.2, 0.5)  # of the run after which a checkpoint ships
NEEDED, ROLES_NEEDED = ("previous token", "first token", "induction"), 0.5
PROMPTS = [
    "Once upon a time there was a little",
    "The animal didn't cross the street because it",
    '"Where are you going?" asked',
    "It was a cold winter morning, and",
    "Story: Jason heard that it was going to be sunny. He took the kids to the beach, and they swam all day."
    "\nOne-sentence summary:",
]

REST = (
    "The rest is simple English written by this project's grammar ({english:.0%}: stories, everyday facts, "
    "who gave what to whom, pronouns, small talk, few-shot prompts) and random strings of tokens, each "
    "repeated ({drills:.0%}). "
)
LEARNED = (
    " Of every kind of question below, one combination in ten (who, what, whom …) is kept out of"
    " training; the cloze sentences were written separately and never trained on."
)
UNTRAINED = " It was never trained on the questions below; they are here for comparison."
COLUMNS = ("this model", "random start", "3-gram")
UNITS = {"bits": "bits per byte", "random": "nats per token"}  # of the rows that begin so
CARD = Path(__file__).parent / "card_template.md"


def write_card(model: Transformer, folder: Path, mix: Mix, held: list[Path], options) -> None:
    """Measure a finished model, and write its scores, examples and card."""
    row = token_row(texts_of(held), model.tokenizer)
    rows = _scores(model, mix, row, options.seed)
    each, even = roles(model, row), even_roles(model, row)
    found = {role: scores.mean(0) for role, scores in each.items()}
    heads = {role: scores.tolist() for role, scores in found.items()}
    report.write(folder / "scores.json", {"rows": rows, "roles": heads})
    report.write(folder / "examples.json", {"examples": examples.find(model, found)})
    card = CARD.read_text("utf-8").format(
        **_facts(model, folder, mix, held, options), **_tables(rows, each, even), tried=_tried(folder)
    )
    (folder / "card.md").write_text(card, encoding="utf-8")
    print(f"{folder}: {rows[0]['values'][0]:.3f} bits per byte on held-out texts")


def write_checkpoints(model: Transformer, folder: Path, work: Path, held: list[Path], recipe: Recipe) -> None:
    """The models that were kept on the way, measured too."""
    row = token_row(texts_of(held), model.tokenizer)
    if learned := list(learning(model, work, folder, row, recipe)):
        report.write(folder / "learning.json", {"seed": recipe.seed, "checkpoints": learned})


def _scores(model: Transformer, mix: Mix, row: np.ndarray, seed: int) -> list[dict]:
    """Rows of the table: the model, its random start, and a 3-gram model of the same texts."""
    read = mix.books if mix.generated is None else np.concatenate([mix.books, mix.generated])
    start = fresh(model.config, seed).requires_grad_(False).eval()
    asked = (row, model.tokenizer, model.config.context)
    columns = [scores_of(one, *asked) for one in (model, start, Trigram(read, model.config.vocabulary))]
    aims = AIMS if mix.english else {}
    return [
        report.row(name, [column[name] for column in columns], _unit(name), aims.get(name))
        for name in columns[0]
    ]


def _unit(name: str) -> str:
    return UNITS.get(name.split()[0], report.SHARE)


def learning(model: Transformer, work: Path, folder: Path, row: np.ndarray, recipe: Recipe) -> Iterator[dict]:
    """Some scores of every model kept on the way; those that ship are measured as they ship."""
    steps = recipe.steps(model.config.context)
    files = [f for f in sorted((work / "kept").glob("*.safetensors")) if int(f.stem) < steps]
    if not files:
        return
    shipped = {min(files, key=lambda f: abs(int(f.stem) - share * steps)) for share in SHARE_KEPT}
    few = row[:60_000]
    shutil.rmtree(folder / checkpoints.FOLDER, ignore_errors=True)  # of a model of the same name
    yield {"step": 0, "ships": True, **_checkpoint(fresh(model.config, recipe.seed), model, few)}
    for file in files:
        weights = load_file(file)
        if file in shipped:
            checkpoints.write(weights, folder, int(file.stem))
            weights = checkpoints.unpacked(checkpoints.packed(weights))
        then = build(model.config, weights, file.name)
        yield {"step": int(file.stem), "ships": file in shipped, **_checkpoint(then, model, few)}
    yield {"step": steps, "ships": True, **_checkpoint(model, model, few)}


def _checkpoint(then: Transformer, model: Transformer, row: np.ndarray) -> dict:
    then = then.requires_grad_(False).eval()
    then.tokenizer = model.tokenizer
    first, second = repetition(then, model.config.vocabulary, 40)
    best = {role: round(float(scores.mean(0).max()), 4) for role, scores in roles(then, row, 8).items()}
    bits = bits_per_byte(then, row, model.tokenizer, model.config.context)
    right = accuracy(then, questions("who-has", 100), model.tokenizer).value
    return {"bits": round(bits, 4), "first": first, "second": second, "who to whom": right, "roles": best}


def _facts(model: Transformer, folder: Path, mix: Mix, held: list[Path], options) -> dict:
    return dict(
        asdict(model.config) | logged(folder),
        name=model.name,
        kind=_kind(model.config),
        parameters=sum(p.numel() for p in model.parameters()),
        about=options.about,
        books=1 - mix.english - mix.drills,
        rest=REST.format(english=mix.english, drills=mix.drills) if mix.english else "",
        seed=options.seed,
        questions=LEARNED if mix.english else UNTRAINED,
        forms="except in the forms above" if mix.english else "at all",
        held=", ".join(f"*{title(f)}*" for f in held),
        held_count=len(held),
        held_bytes=sum(f.stat().st_size for f in held),
        last=len(PROMPTS) - 1,
        samples="\n\n".join("> " + text.replace("\n", "\n> ") for text in samples(model, PROMPTS)),
    )


def _kind(config: Config) -> str:
    """The architecture, in words."""
    family = "GPT-2 style" if config.norm == "layer" and not config.gated else "LLaMA style"
    parts = [family, f"{config.positions} positions"]
    parts += ["RMSNorm"] * (config.norm == "rms") + ["a gated MLP"] * config.gated
    if config.group_size > 1:
        many = "head" if config.key_heads == 1 else "heads"
        parts.append(f"{config.key_heads} {many} of keys and values, each shared by {config.group_size}")
    return ", ".join(parts)


def _tried(folder: Path) -> str:
    """What else was tried, if somebody wrote it down beside the weights (tried.md)."""
    path = folder / "tried.md"
    return f"## What was tried\n\n{path.read_text('utf-8').strip()}\n\n" if path.exists() else ""


def _tables(rows: list[dict], each: dict[str, Tensor], even: dict[str, float]) -> dict:
    tables = {"table": report.table(rows, COLUMNS), "heads_table": head_table(each, even)}
    return tables | {"verdict": _verdict(rows, {role: scores.mean(0) for role, scores in each.items()})}


def head_table(each: dict[str, Tensor], even: dict[str, float]) -> str:
    """For each role the head that is best in it, by its scores [N, L, H] on every text."""
    lines = [
        "| role | n | best head | score | even attention | heads at 0.5 or more |",
        "|:--|--:|:--|--:|--:|--:|",
    ]
    for role, scores in each.items():
        layer, head = examples.best_head(scores.mean(0)[None])
        low, high = bootstrap(scores[:, layer, head].tolist())
        cells = (
            role,
            len(scores),
            f"block {layer}, head {head}",
            f"{scores[:, layer, head].mean():.2f} ({low:.2f}–{high:.2f})",
            f"{even[role]:.2f}",
            int((scores.mean(0) >= ROLES_NEEDED).sum()),
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _verdict(rows: list[dict], found: dict[str, Tensor]) -> str:
    """Which aims were reached, and how far the others are off."""
    value = {row["name"]: row["values"][0] for row in rows}
    ratio = value["random string, second time"] / value["random string, first time"]
    more = [("second reading of a random string ÷ the first", ratio, "<", 0.5)]
    more += [(f"{role} head", float(found[role].max()), "≥", ROLES_NEEDED) for role in NEEDED]
    if any(row["aim"] for row in rows):
        rows = rows + [dict(name=name, unit="number", values=[x], aim=aim) for name, x, *aim in more]
    reading = f"A random string of twelve tokens costs {ratio:.0%} of its first reading when it is repeated."
    return f"{reading}\n\n{report.verdict(rows)}".rstrip()
