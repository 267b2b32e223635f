"""Encoders that fill gaps (BERT's kind), from a folder of text files and generated English."""

import argparse
import math
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from tokenizers import BertWordPieceTokenizer
from torch import Tensor

from engine.analysis import cosine_similarity
from engine.config import Config
from engine.masked import SHARE as MASKED
from engine.masked import fill, follows
from engine.model.build import fresh
from engine.model.transformer import Transformer
from engine.tokenize import WordPieceTokenizer
from engine.trace import run
from engine.training import run as training
from engine.training.data.corpus import FOLDER, how_many, named, split_files, texts_of
from engine.training.data.mix import FEWEST, FIRST, UNSEEN, amount, texts_by
from engine.training.data.pairs import NONE, Pairs, People, Sentences, Source
from engine.training.data.words import words
from engine.training.evaluate import next_sentence, report
from engine.training.evaluate.language import SEED, cloze_sentences, everyday_sentences, everyday_told
from engine.training.evaluate.report import Score
from engine.training.evaluate.report import share as share_of
from engine.training.options import HELD_OUT, SHARE, TOKENS, Option, everyday, pace, plain_name, sizes
from engine.training.progress import counted, show
from engine.training.run import Work
from engine.training.task import Material, Measured, Task

AIMS = {
    "masked tokens, top-5 accuracy, books": ("≥", 0.55),
    "cloze, top-5 accuracy": ("≥", 0.45),
    "books": ("≥", 0.75),
    "generated": ("≥", 0.80),
}
COLUMNS = ("this model", "random start", "most frequent", "lengths alone", "shared words alone")
ASKED, BATCH = 40, 32  # batches of a test, and rows of each
KINDS = words("pairs.toml")  # of generated English
LENGTHS = (16, 24, 24, 32, 48, 64, 64)  # tokens of the rows of a step, by chance
IN_PAIRS = 0.75  # of the rows from books
SHORT = 24  # tokens of rows in which an everyday sentence may stand alone
CHARACTERS = 24_000_000  # of generated English
CLOZE = "cloze, top-5 accuracy"
ENGLISH = 1_000_000  # characters of new English that are asked about
FOLLOWS = "the second follows"
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
    books = _sentences(work, "books", counted(texts_of(train), "reading", len(train)), tokenizer)
    unseen = Sentences.of(texts_of(held), tokenizer)
    for sentences, what in ((books, "to learn from"), (unseen, "held out")):
        if len(sentences) < LEAST:
            raise ValueError(f"the texts {what} have {len(sentences)} sentences; {LEAST} are needed: give more")
    alone = everyday_sentences(Path(options.path)) if options.everyday else []
    rest = 1 - options.english - (options.everyday if alone else 0)
    if rest < 0:
        raise ValueError(
            f"--english {options.english:g} and --everyday {options.everyday:g} are shares of all that is "
            "learned from: together 1 at most"
        )
    sources, others = ([Source(some, rest, IN_PAIRS)] for some in (books, unseen))
    if options.english:
        sources += _generated(work, tokenizer, options.seed, characters(options), options.english)
        others += generated(tokenizer, UNSEEN, FEWEST, options.english)
    if alone:
        texts = counted(alone, "reading sentences", len(alone))
        single = _sentences(work, "everyday", texts, tokenizer)
        sources.append(Source(single, options.everyday, pairs=0, longest=SHORT, kind="everyday"))
    lengths = tuple(min(length, options.context) for length in LENGTHS)
    people = People.of(tokenizer)
    told = f"{len(books):,} sentences of {how_many(train)}; {how_many(held)} held out"
    learned, held_out = (Pairs(tuple(some), tokenizer, lengths, people) for some in (sources, others))
    learned = replace(learned, masked=options.masked)
    return Material(learned, held_out, told, tokenizer, test=Held(held, unseen), start=begin(options))


def _generated(
    work: Work, tokenizer: WordPieceTokenizer, seed: int, many: int, share: float
) -> Iterator[Source]:
    """Generated English to learn from, kept in the folder of the run."""
    for rule, how in KINDS.items():
        texts = counted(texts_by(rule, seed, _part(rule, many)), f"writing {rule}", _part(rule, many), len)
        yield _source(rule, _sentences(work, rule, texts, tokenizer), share * how["share"])


def generated(
    tokenizer: WordPieceTokenizer, seed: int, many: int, share: float = 1.0, held: bool = False
) -> Iterator[Source]:
    """New generated English; `held`: all of whose combinations are held out."""
    for rule, how in KINDS.items():
        sentences = Sentences.of(texts_by(rule, seed, _part(rule, many), held), tokenizer)
        yield _source(rule, sentences, share * how["share"])


def _part(rule: str, many: int) -> int:
    """How much of the English is written by a rule."""
    return 1 + many * KINDS[rule]["share"] // sum(how["share"] for how in KINDS.values())


def _source(rule: str, sentences: Sentences, share: float) -> Source:
    whole = sum(how["share"] for how in KINDS.values())
    return Source(
        sentences, share / whole, KINDS[rule]["pairs"], KINDS[rule].get("longest", math.inf), "generated"
    )


def characters(options: argparse.Namespace) -> int:
    """How much English is written."""
    return amount(CHARACTERS, options.tokens, options.minutes)


def check_context(tokenizer: WordPieceTokenizer, options: argparse.Namespace) -> None:
    """A ValueError where a text of the test is longer than what the model can read."""
    texts = [*TRIED["samples"], *TRIED["gaps"], *TRIED["senses"].values()]
    texts += [f"{first} [SEP] {second}" for first, second, _ in TRIED["pairs"]]
    texts += [f"{text} [MASK]." for text, _ in cloze_sentences()]
    longest = max(len(tokenizer.encode(text)) for text in texts)
    least = max(longest, next_sentence.BANDS[0][1])
    if least > options.context:
        raise ValueError(
            f"the finished model is asked texts of up to {least} tokens (of a vocabulary of {len(tokenizer):,})"
            f": --context must be {least} or more, not {options.context}"
        )


def begin(options: argparse.Namespace) -> Path | None:
    """The folder of the model with which it begins; None: it begins at random."""
    folder = training.MODELS / options.start if options.start else None
    if folder and not (folder / "tokenizer.json").exists():
        raise ValueError(f"--start {options.start}: there is no such encoder in {training.MODELS}")
    return folder


def _vocabulary(work: Work, files: list[Path], options: argparse.Namespace) -> WordPieceTokenizer:
    def learn(path: Path) -> None:
        if options.start:
            shutil.copyfile(begin(options) / "tokenizer.json", path)
            return
        many, what = min(FIRST, characters(options)), "learning the vocabulary"
        rules = KINDS if options.english else ()
        written = chain.from_iterable(texts_by(rule, options.seed, _part(rule, many)) for rule in rules)
        texts = chain(counted(texts_of(files), what, len(files)), written)
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

    kept = np.load(work.once(f"{name}.npz", make))
    return Sentences(kept["row"], kept["starts"], kept["documents"])


# --- how well it does ----------------------------------------------------------------------------


def measure(model: Transformer, material: Material, options, share: float, steps: int) -> Measured:
    """Hidden tokens found, what follows judged, cloze sentences; shortcuts and its random start beside it."""
    pairs, held = replace(material.train, masked=MASKED), material.test
    rows = scores_of(model, pairs, held.sentences, options.seed, share)
    facts = {
        "books": pairs.share("books"),
        "english": pairs.share("generated"),
        "everyday": everyday_told(pairs.share("everyday"), options.everyday_from),
        "held": named(held.files),
        "masked": options.masked,
        "held_count": how_many(held.files, "whole book"),
        "start": f"begun with the weights of an earlier {options.start}, " if options.start else "",
        "samples": "\n".join(_samples(model)),
        "length": _by_length(rows),
    }
    return Measured(rows, COLUMNS, {"examples": list(examples_of(model))}, facts)


def examples_of(model: Transformer) -> Iterator[dict]:
    """Texts to try, with the step that shows something: gaps that the model fills correctly, two texts that it
    judges correctly, a word in two senses."""
    for text, answer in TRIED["gaps"].items():
        ((guess,),) = fill(model, text, 1)
        if guess.text == answer and guess.probability >= SURE:
            place = model.tokenizer.encode(text).index(model.tokenizer.mask)
            yield {"text": text, "note": text, "step": "next", "token": place}
    for first, second, what in TRIED["pairs"]:
        share = follows(model, first, second)
        if (share > 0.5) == (what == FOLLOWS):
            note = f"Two texts, {what}: probability that it follows {share:.1%}"
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
    common = torch.from_numpy(np.bincount(pairs.sources[0].sentences.row, minlength=model.config.vocabulary))
    batches, rows = max(2, int(share * ASKED)), []
    for kind, (learned, test) in _tests(pairs, held).items():
        show(f"measuring: hidden tokens, {kind}")
        asked = [_masked(one, test, model.config.context, batches) for one in (model, start, common)]
        for name in asked[0]:
            scores = [*(column[name] for column in asked), None, None]
            rows.append(report.row(f"{name}, {kind}", scores, aim=AIMS.get(f"{name}, {kind}")))
        show(f"measuring: what follows, {kind}")
        rows += next_sentence.rows((model, start), learned, test, kind, AIMS[kind], share)
    cloze = [_cloze(model), _cloze(start), None, None, None]
    return [*rows, report.row(CLOZE, cloze, aim=AIMS[CLOZE])]


def _tests(pairs: Pairs, held: Sentences) -> dict[str, tuple[Pairs, Pairs]]:
    """Of books and of generated English: what was learned from, and what is asked."""
    new = generated(pairs.tokenizer, SEED, ENGLISH, held=True)
    books = [replace(pairs, sources=(Source(some),), lengths=()) for some in (pairs.sources[0].sentences, held)]
    written = pairs.of("generated")
    english = [replace(pairs, sources=tuple(some)) for some in (written, new)]
    return {"books": tuple(books)} | ({"generated": tuple(english)} if written else {})


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


def _cloze(model: Transformer) -> Score:
    """The everyday sentences of the other models' cards, their last word a mask."""
    hits = []
    for text, fitting in cloze_sentences():
        (guesses,) = fill(model, f"{text} [MASK].", 5)
        hits.append(bool({guess.text for guess in guesses} & set(fitting)))
    return share_of(hits)


def _by_length(rows: list[dict]) -> str:
    """How far next-sentence answers depend on length, in words."""
    found = []
    for kind in ("books", "generated English"):
        bands = [row for row in rows if row.get("band") and row["name"].endswith(kind.split()[0])]
        parts = (f"{row['values'][0]:.0%} ({row['band']})" for row in bands)
        found.append(f" Of pairs from {kind} (tokens in brackets): {', '.join(parts)}." if bands else "")
        chance = [row["band"] for row in bands if row["intervals"][0][0] <= 0.5]
        found.append(f" Of {', '.join(chance)} tokens that is no better than chance." if chance else "")
    return "".join(found)


def _samples(model: Transformer) -> Iterator[str]:
    for text in TRIED["samples"]:
        (guesses,) = fill(model, text, 5)
        yield f"- {text} " + ", ".join(f"*{guess.text}* {guess.probability:.0%}" for guess in guesses)


TASK = Task(
    name="encoder",
    about="an encoder that fills gaps, from a folder of text files",
    reads=FOLDER,
    options=sizes(vocabulary=8192, context=64, width=192, layers=6, heads=6)
    | pace(batch=64, rate=0.008, warm_up=200)  # slower: its norms stand after the additions
    | everyday(0.15)
    | {
        "tokens": Option(16_000_000, TOKENS, "how many to learn from"),
        "held_out": HELD_OUT,
        "start": Option(
            None, plain_name, "a finished encoder of the same shape to begin with (none: at random)"
        ),
        "masked": Option(MASKED, SHARE, "share of the tokens that are to be predicted"),
        "english": Option(0.6, SHARE, "share of generated simple English in short rows"),
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
