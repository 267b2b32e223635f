"""Encoders that fill gaps (BERT's kind), from a folder of text files and generated English."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from tokenizers import BertWordPieceTokenizer
from torch import Tensor

from engine.analysis import cosine_similarity
from engine.config import Config
from engine.masked import fill, follows
from engine.model.build import fresh
from engine.model.transformer import Transformer
from engine.tokenize import WordPieceTokenizer
from engine.trace import run
from engine.training.data.corpus import counted_files, named, split_files, text_files, texts_of
from engine.training.data.mix import FEWEST, FIRST, UNSEEN, amount, english, written
from engine.training.data.pairs import NONE, Pairs, Sentences
from engine.training.data.words import words
from engine.training.evaluate import next_sentence, report
from engine.training.evaluate.language import SEED, cloze_sentences
from engine.training.evaluate.next_sentence import Asked, judged, shortcuts, words_of
from engine.training.evaluate.report import Score
from engine.training.evaluate.report import share as share_of
from engine.training.options import SHARE, TOKENS, Option, pace, sizes, whole
from engine.training.progress import counted, show
from engine.training.run import Work
from engine.training.task import Material, Measured, Task

AIMS = {"masked tokens, top-5 accuracy, books": ("≥", 0.5), "next sentence": ("≥", 0.75)}
COLUMNS = ("this model", "random start", "most frequent", "length alone", "shared words alone")
ASKED, BATCH = 40, 32  # batches of a test, and pairs of each
CHARACTERS = 30_800_000  # of generated English, for 22 million tokens with two fifths of it to read none twice
SURE = 0.3  # the least probability of an example's answer
LEAST = 20  # sentences on either side
TRIED = words("examples.toml")["encoder"]


@dataclass(frozen=True)
class Held:
    """The texts that no training sees: their files, and their sentences."""

    files: list[Path]
    sentences: Sentences


def config(options: argparse.Namespace, vocabulary: int) -> Config:
    """BERT's kind: norms after the additions, two segments, and whether the second text follows."""
    return Config(
        vocabulary=vocabulary,
        context=options.context,
        width=options.width,
        layers=options.layers,
        heads=options.heads,
        mlp_width=4 * options.width,
        post_norm=True,
        embed_norm=True,
        causal=False,
        segments=2,
        ending="masked",
        next_sentence=True,
    )


def check(options: argparse.Namespace) -> None:
    """A ValueError where no vocabulary can be so small."""
    if options.vocabulary < 100:
        raise ValueError(f"--vocabulary {options.vocabulary} is too small: 100 or more hold letters and signs")


def read(options: argparse.Namespace, work: Work) -> Material:
    """The sentences of a folder of texts, some whole texts held out, and generated ones."""
    train, held = split_files(Path(options.path), options.held_out, options.seed)
    tokenizer = _vocabulary(work, train, options)
    check_context(tokenizer, options)
    sources = [_sentences(work, "books.npz", counted(texts_of(train), "reading", len(train)), tokenizer)]
    unseen = [Sentences.of(texts_of(held), tokenizer)]
    for sentences, what in ((sources[0], "to learn from"), (unseen[0], "held out")):
        if len(sentences) < LEAST:
            raise ValueError(f"the texts {what} have {len(sentences)} sentences; {LEAST} are needed: give more")
    if options.english:
        generated = written(options.seed, characters(options), "writing English")
        sources.append(_sentences(work, "english.npz", generated, tokenizer))
        unseen.append(Sentences.of(english(UNSEEN, FEWEST), tokenizer))
    shares = (1 - options.english, options.english)[: len(sources)]
    told = f"{len(sources[0]):,} sentences of {counted_files(len(train))}; {counted_files(len(held))} held out"
    pairs, others = (Pairs(tuple(some), shares, tokenizer) for some in (sources, unseen))
    return Material(pairs, others, told, tokenizer, test=Held(held, unseen[0]))


def characters(options: argparse.Namespace) -> int:
    """How much English is written."""
    return amount(CHARACTERS, options.tokens, options.minutes)


def check_context(tokenizer: WordPieceTokenizer, options: argparse.Namespace) -> None:
    """A ValueError where a text of the test is longer than what the model can read."""
    texts = [*TRIED["samples"], *TRIED["gaps"], *TRIED["senses"].values()]
    texts += [f"{first} [SEP] {second}" for first, second, _ in TRIED["pairs"]]
    texts += [f"{text} [MASK]." for text, _ in cloze_sentences()]
    longest = max(len(tokenizer.encode(text)) for text in texts)
    least = max(longest, min(next_sentence.LENGTHS))
    if least > options.context:
        raise ValueError(
            f"the finished model is asked texts of up to {least} tokens (of a vocabulary of {len(tokenizer):,})"
            f": --context must be {least} or more, not {options.context}"
        )


def _vocabulary(work: Work, files: list[Path], options: argparse.Namespace) -> WordPieceTokenizer:
    def learn(path: Path) -> None:
        many, what = min(FIRST, characters(options)), "learning the vocabulary"
        generated = written(options.seed, many, what) if options.english else ()
        texts = chain(counted(texts_of(files), what, len(files)), generated)
        learn_wordpiece(texts, options.vocabulary).save(str(path))

    return WordPieceTokenizer(work.once("tokenizer.json", learn))


def learn_wordpiece(texts: Iterable[str], size: int) -> BertWordPieceTokenizer:
    """A lower-casing WordPiece of `size` entries, its special tokens included."""
    learner = BertWordPieceTokenizer()
    learner.train_from_iterator(
        texts, vocab_size=size, min_frequency=2, limit_alphabet=200, show_progress=False
    )
    return learner


def _sentences(work: Work, name: str, texts: Iterable[str], tokenizer: WordPieceTokenizer) -> Sentences:
    def make(path: Path) -> None:
        made = Sentences.of(texts, tokenizer)
        np.savez(path, row=made.row, starts=made.starts, documents=made.documents)

    kept = np.load(work.once(name, make))
    return Sentences(kept["row"], kept["starts"], kept["documents"])


# --- how well it does ----------------------------------------------------------------------------


def measure(model: Transformer, material: Material, options, share: float, steps: int) -> Measured:
    """Hidden tokens found, what follows judged, cloze sentences; shortcuts and its random start beside it."""
    pairs, held = material.train, material.test
    rows = scores_of(model, pairs, held.sentences, options.seed, share)
    facts = {
        "books": pairs.shares[0],
        "english": 1 - pairs.shares[0],
        "held": named(held.files),
        "held_count": len(held.files),
        "samples": "\n".join(_samples(model)),
        "length": _by_length(rows),
    }
    return Measured(rows, COLUMNS, {"examples": list(examples_of(model))}, facts)


def examples_of(model: Transformer) -> Iterator[dict]:
    """Texts to try, with where there is something to see: gaps that the model fills rightly, two texts, a word
    in two senses."""
    for text, answer in TRIED["gaps"].items():
        ((guess,),) = fill(model, text, 1)
        if guess.text == answer and guess.probability >= SURE:
            place = model.tokenizer.encode(text).index(model.tokenizer.mask)
            yield {"text": text, "note": text, "step": "next", "token": place}
    for first, second, what in TRIED["pairs"]:
        share = follows(model, first, second)
        note = f"Two texts, {what}: that it follows gets {share:.1%}"
        yield {"text": f"{first} [SEP] {second}", "note": note, "step": "next", "follows": share}
    if senses := _senses(model):
        yield senses


def _senses(model: Transformer) -> dict | None:
    """A word in two senses, where its vectors end less alike than in one sense."""
    word, text, *others = (TRIED["senses"][which] for which in ("word", "text", "same", "other"))
    traces = [run(model, one) for one in (text, *others)]
    id = model.tokenizer.inner.token_to_id(word)
    if id is None:
        return None
    first, *places = (trace.ids[0].tolist().index(id) for trace in traces)
    same, other = (
        float(cosine_similarity(traces[0], first, traces[i])[-1, t]) for i, t in enumerate(places, 1)
    )
    note = f"“{word}” in two senses: cosine {other:.2f} after the last block, in one sense {same:.2f}"
    place = {"step": "layers", "token": first, "other": others[1]}
    return {"text": text, "note": note, **place, "cosines": [same, other]} if other < same else None


def scores_of(model: Transformer, pairs: Pairs, held: Sentences, seed: int, share: float = 1.0) -> list[dict]:
    """Rows of the table: the model, its random start, the answer that was most frequent in training, and for
    what follows what length alone and shared words alone would reach."""
    start = fresh(model.config, seed).requires_grad_(False).eval()
    start.tokenizer = model.tokenizer
    common = torch.from_numpy(np.bincount(pairs.sources[0].row, minlength=model.config.vocabulary))
    batches, rows = max(2, int(share * ASKED)), []
    new = Sentences.of(english(SEED, 300_000), pairs.tokenizer)
    for kind, source in {"books": held, "generated": new}.items():
        show(f"measuring: hidden tokens, {kind}")
        test = Pairs((source,), (1.0,), pairs.tokenizer)
        asked = [_masked(one, test, model.config.context, batches) for one in (model, start, common)]
        for name in asked[0]:
            scores = [*(column[name] for column in asked), None, None]
            rows.append(report.row(f"{name}, {kind}", scores, aim=AIMS.get(f"{name}, {kind}")))
        show(f"measuring: what follows, {kind}")
        rows.append(_next(model, start, test, kind, batches))
        aim = AIMS["next sentence"] if kind == "books" else None
        rows += next_sentence.rows((model, start), test, kind, aim, share)
    return [*rows, report.row("cloze, top-5 accuracy", [_cloze(model), _cloze(start), None, None, None])]


@torch.inference_mode()
def _masked(model: Transformer | Tensor, pairs: Pairs, context: int, batches: int) -> dict[str, Score]:
    """Of new pairs: hidden tokens found as the best and among the five best."""
    best, five = [], []
    for step in range(batches):
        read, segments, padding, labels, _ = pairs.batch(SEED, step, BATCH, context)
        hidden = (labels != NONE) & (read == pairs.tokenizer.mask)
        if isinstance(model, Transformer):
            scores = model.unembed(model.stream(read, model.context(read, padding), segments)[hidden])
        else:
            scores = model.expand(int(hidden.sum()), -1)
        hits = scores.topk(5).indices == labels[hidden][:, None]
        best += hits[:, 0].tolist()
        five += hits.any(-1).tolist()
    return {"masked tokens, top-1 accuracy": share_of(best), "masked tokens, top-5 accuracy": share_of(five)}


def _next(model: Transformer, start: Transformer, pairs: Pairs, kind: str, batches: int) -> dict:
    """What follows judged, on pairs as training draws them: some words hidden, lengths as they come."""
    context = model.config.context
    asked, known = (Asked.of(pairs, context, range(first, first + batches), BATCH) for first in (0, batches))
    never = torch.ones_like(asked.follows)  # most often the second does not follow
    guesses = [judged(model, asked), judged(start, asked), never]
    scores = [share_of((guess == asked.follows).tolist()) for guess in guesses]
    scores += shortcuts(known, asked, words_of(pairs.tokenizer))
    return report.row(f"{next_sentence.DRAWN}, {kind}", scores)


def _cloze(model: Transformer) -> Score:
    """The everyday sentences of the other models' cards, their last word a mask."""
    hits = []
    for text, fitting in cloze_sentences():
        (guesses,) = fill(model, f"{text} [MASK].", 5)
        hits.append(bool({guess.text for guess in guesses} & set(fitting)))
    return share_of(hits)


def _by_length(rows: list[dict]) -> str:
    """How far the answer to what follows is one of length, in words."""
    books = [row for row in rows if row["name"].endswith(", books")]
    drawn = next(row["values"] for row in books if row["name"].startswith(next_sentence.DRAWN))
    matched = [row for row in books if "tokens" in row]
    parts = (f"{row['values'][0]:.0%} ({row['tokens']})" for row in matched)
    guessed = [row["tokens"] for row in matched if row["intervals"][0][0] <= 0.5]
    return (
        f" In pairs of books drawn as in training the model is right in {drawn[0]:.0%}, length alone in"
        f" {drawn[3]:.0%}. In pairs matched in length, of at most so many tokens: {', '.join(parts)}."
        + (f" Up to {max(guessed)} tokens that is no better than chance." if guessed else "")
    )


def _samples(model: Transformer) -> Iterator[str]:
    for text in TRIED["samples"]:
        (guesses,) = fill(model, text, 5)
        yield f"- {text} " + ", ".join(f"*{guess.text}* {guess.probability:.0%}" for guess in guesses)


TASK = Task(
    name="encoder",
    about="an encoder that fills gaps, from a folder of text files",
    reads=("FOLDER", "text files (*.txt, UTF-8), searched through all its folders", text_files),
    options=sizes(vocabulary=8192, context=64, width=192, layers=6, heads=6)
    | pace(batch=64, rate=0.008, warm_up=200)  # slower: its norms stand after the additions
    | {
        "tokens": Option(16_000_000, TOKENS, "how many to learn from"),
        "held_out": Option(None, whole(1, 10**6), "files kept to measure with (one in ten, 6 at most)"),
        "english": Option(0.4, SHARE, "share of generated simple English"),
    },
    config=config,
    check=check,
    tokens=lambda options, config: options.tokens,
    read=read,
    measure=measure,
    rest=8,
)


if __name__ == "__main__":
    from engine.training.__main__ import main as command

    sys.exit(command(["encoder", *sys.argv[1:]]))
