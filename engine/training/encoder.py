"""Train, evaluate and write an encoder (BERT style) from a folder of text files.

    python -m engine.training.encoder FOLDER --name wordfinder --about "200 public-domain children's books"

Run it again to go on where it stopped; the last leg measures the model and writes its card.
"""

from collections.abc import Iterable, Iterator
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
from engine.training import next_sentence, report, work
from engine.training.corpus import split_files, texts_of, title
from engine.training.evaluate import SEED, cloze_sentences
from engine.training.mix import english
from engine.training.next_sentence import Asked, judged, shortcuts, words_of
from engine.training.pairs import NONE, Pairs, Sentences
from engine.training.report import Score, share
from engine.training.train import Recipe

AIMS = {"masked tokens, top-5 accuracy, books": ("≥", 0.5), "next sentence": ("≥", 0.75)}
COLUMNS = ("this model", "random start", "most frequent", "length alone", "shared words alone")
ASKED = 40  # batches of a test
BATCH = 32
CHARACTERS = 30_800_000  # of generated English, for 22 million tokens with two fifths of it to read none twice
CARD = Path(__file__).parent / "card_encoder.md"
EXAMPLES = [  # gaps to try and what belongs there; those that the model finds ship as examples
    ("The [MASK] barked at the cat.", "dog"),
    ("She was thirsty, so she drank a glass of [MASK].", "water"),
    ("He put on his [MASK] because it was cold.", "coat"),
    ("Once upon a [MASK] there was a little girl.", "time"),
    ("She opened the [MASK] and went into the house.", "door"),
    ("Tom gave the ball to Lily. Now [MASK] has the ball.", "lily"),
    ("The animal didn't cross the street because it was too [MASK].", "tired"),
    ("It was a dark [MASK], and the stars were shining.", "night"),
    ("They sat by the [MASK] to warm their cold hands.", "fire"),
    ("The king and the [MASK] lived in a castle.", "queen"),
    ("I do not [MASK] what you mean.", "know"),
    ("For a long [MASK] he said nothing.", "time"),
    ("The little boy ran as fast as he [MASK].", "could"),
    ("He shook his [MASK] and said no.", "head"),
    ("She looked at him with tears in her [MASK].", "eyes"),
]
RATE = 0.008  # with post-norm, as of the translator
SURE = 0.3  # the least probability of an example's answer
PAIRS = {  # two texts, and whether the second follows
    ("The dog was hungry and looked for food.", "It found a bone in the garden."): "the second follows",
    ("The dog was hungry and looked for food.", "The king has a ring of gold."): "the second does not follow",
}
RIVER, RIVERS, MONEY = (  # of two and of one sense
    "He sat on the bank of the river.",
    "They walked along the bank of the river.",
    "She put her money in the bank.",
)
WORD = "bank"
SAMPLES = [
    "The [MASK] barked at the cat.",
    "The animal didn't cross the street because it was too [MASK].",
    "She opened the [MASK] and looked out of the window.",
    "He put on his [MASK] because it was cold.",
    "Once upon a [MASK] there was a little girl.",
]


def main() -> None:
    """Train an encoder on a folder of texts, from the command line."""
    options = _options()
    folder = work.begin(options)
    train, held = split_files(Path(options.folder), options.held_out, options.seed)
    tokenizer = _vocabulary(folder, train, options)
    pairs = _pairs(folder, tokenizer, train, options)
    config = Config(
        vocabulary=len(tokenizer),
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
    recipe = Recipe(tokens=options.tokens, batch=64, seed=options.seed, **work.rates(options))
    print(f"{len(pairs.sources[0]):,} sentences from {len(train)} files; {len(held)} files held out")
    model = work.trained(config, pairs, recipe, folder, options, tokenizer=tokenizer)
    if model is not None:
        model = work.written(model, work.MODELS / options.name, folder, "engine.training.encoder", options)
        write_card(model, work.MODELS / options.name, pairs, held, options)


def measure(folder: Path, texts: Path, work_folder: Path, options) -> None:
    """Measure a finished model again, on the texts it was trained with."""
    model = work.read_back(folder)
    train, held = split_files(texts, options.held_out, options.seed)
    write_card(model, folder, _pairs(work_folder, model.tokenizer, train, options), held, options)


def _options():
    sizes = dict(vocabulary=8192, context=64, width=192, layers=6, heads=6)
    parser = work.parser("engine.training.encoder", __doc__.splitlines()[0], 16_000_000, **sizes)
    parser.add_argument("--english", type=float, default=0.4, help="share of generated simple English")
    work.add_rates(parser, RATE)
    return parser.parse_args()


def _vocabulary(folder: Path, files: list[Path], options) -> WordPieceTokenizer:
    path = folder / "tokenizer.json"
    if not path.exists():
        generated = english(options.seed, 5_000_000) if options.english else ()
        learn_wordpiece(chain(texts_of(files), generated), options.vocabulary).save(str(path))
    return WordPieceTokenizer(path)


def learn_wordpiece(texts: Iterable[str], size: int) -> BertWordPieceTokenizer:
    """A lower-casing WordPiece of `size` entries, its special tokens included."""
    learner = BertWordPieceTokenizer()
    learner.train_from_iterator(
        texts, vocab_size=size, min_frequency=2, limit_alphabet=200, show_progress=False
    )
    return learner


def _pairs(folder: Path, tokenizer: WordPieceTokenizer, files: list[Path], options) -> Pairs:
    sources = [_sentences(folder / "books.npz", texts_of(files), tokenizer)]
    if options.english:
        generated = english(options.seed, CHARACTERS)
        sources.append(_sentences(folder / "english.npz", generated, tokenizer))
    shares = (1 - options.english, options.english)[: len(sources)]
    return Pairs(tuple(sources), shares, tokenizer)


def _sentences(path: Path, texts: Iterable[str], tokenizer: WordPieceTokenizer) -> Sentences:
    if not path.exists():
        made = Sentences.of(texts, tokenizer)
        np.savez(path, row=made.row, starts=made.starts, documents=made.documents)
    kept = np.load(path)
    return Sentences(kept["row"], kept["starts"], kept["documents"])


# --- how well it does ----------------------------------------------------------------------------


def write_card(model: Transformer, folder: Path, pairs: Pairs, held: list[Path], options) -> None:
    """Measure a finished model, and write its scores, examples and card."""
    rows = scores_of(model, pairs, held, options.seed)
    report.write(folder / "scores.json", {"rows": rows})
    report.write(folder / "examples.json", {"examples": list(examples_of(model))})
    facts = _facts(model, folder, pairs, held, options) | {"length": _by_length(rows)}
    card = CARD.read_text("utf-8").format(**facts, table=report.told(rows, COLUMNS))
    (folder / "card.md").write_text(card, encoding="utf-8")
    print(f"{folder}: written")


def examples_of(model: Transformer) -> Iterator[dict]:
    """Texts to try, with the step that shows something: gaps that the model fills correctly, two texts, a word
    in two senses."""
    for text, answer in EXAMPLES:
        ((guess,),) = fill(model, text, 1)
        if guess.text == answer and guess.probability >= SURE:
            place = model.tokenizer.encode(text).index(model.tokenizer.mask)
            yield {"text": text, "note": text, "step": "next", "token": place}
    for (first, second), what in PAIRS.items():
        share = follows(model, first, second)
        note = f"Two texts, {what}: probability that it follows {share:.1%}"
        yield {"text": f"{first} [SEP] {second}", "note": note, "step": "next", "follows": share}
    if senses := _senses(model):
        yield senses


def _senses(model: Transformer) -> dict | None:
    """A word in two senses, if its vectors end less similar than in one sense."""
    traces = [run(model, text) for text in (RIVER, RIVERS, MONEY)]
    id = model.tokenizer.inner.token_to_id(WORD)
    if id is None:
        return None
    first, *others = (trace.ids[0].tolist().index(id) for trace in traces)
    same, other = (
        float(cosine_similarity(traces[0], first, traces[i])[-1, t]) for i, t in enumerate(others, 1)
    )
    note = f"“{WORD}” in two senses: cosine {other:.2f} after the last block, in one sense {same:.2f}"
    place = {"step": "layers", "token": first, "other": MONEY}
    return {"text": RIVER, "note": note, **place, "cosines": [same, other]} if other < same else None


def scores_of(model: Transformer, pairs: Pairs, held: list[Path], seed: int) -> list[dict]:
    """Rows of the table: the model, its random start, the answer that was most frequent in training, and for
    what follows what length alone and shared words alone would reach."""
    start = fresh(model.config, seed).requires_grad_(False).eval()
    start.tokenizer = model.tokenizer
    common = torch.from_numpy(np.bincount(pairs.sources[0].row, minlength=model.config.vocabulary))
    rows = []
    for kind, source in {"books": texts_of(held), "generated": english(SEED, 300_000)}.items():
        test = Pairs((Sentences.of(source, pairs.tokenizer),), (1.0,), pairs.tokenizer)
        asked = [_masked(one, test, model.config.context) for one in (model, start, common)]
        for name in asked[0]:
            scores = [*(column[name] for column in asked), None, None]
            rows.append(report.row(f"{name}, {kind}", scores, aim=AIMS.get(f"{name}, {kind}")))
        rows.append(_next(model, start, test, kind))
        aim = AIMS["next sentence"] if kind == "books" else None
        rows += next_sentence.rows((model, start), test, kind, aim)
    return [*rows, report.row("cloze, top-5 accuracy", [_cloze(model), _cloze(start), None, None, None])]


@torch.inference_mode()
def _masked(model: Transformer | Tensor, pairs: Pairs, context: int) -> dict[str, Score]:
    """On new pairs: masked tokens predicted first, and among the first five."""
    best, five = [], []
    for step in range(ASKED):
        read, segments, padding, labels, _ = pairs.batch(SEED, step, BATCH, context)
        hidden = (labels != NONE) & (read == pairs.tokenizer.mask)
        if isinstance(model, Transformer):
            scores = model.unembed(model.stream(read, model.context(read, padding), segments)[hidden])
        else:
            scores = model.expand(int(hidden.sum()), -1)
        hits = scores.topk(5).indices == labels[hidden][:, None]
        best += hits[:, 0].tolist()
        five += hits.any(-1).tolist()
    return {"masked tokens, top-1 accuracy": share(best), "masked tokens, top-5 accuracy": share(five)}


def _next(model: Transformer, start: Transformer, pairs: Pairs, kind: str) -> dict:
    """Next-sentence accuracy on pairs drawn as in training: some tokens masked, lengths as they come."""
    context = model.config.context
    asked, known = (Asked.of(pairs, context, range(first, first + ASKED), BATCH) for first in (0, ASKED))
    never = torch.ones_like(asked.follows)  # most often the second does not follow
    guesses = [judged(model, asked), judged(start, asked), never]
    scores = [share((guess == asked.follows).tolist()) for guess in guesses]
    scores += shortcuts(known, asked, words_of(pairs.tokenizer))
    return report.row(f"{next_sentence.DRAWN}, {kind}", scores)


def _cloze(model: Transformer) -> Score:
    """The everyday sentences of the other models' cards, their last word a mask."""
    hits = []
    for text, words in cloze_sentences():
        (guesses,) = fill(model, f"{text} [MASK].", 5)
        hits.append(bool({guess.text for guess in guesses} & set(words)))
    return share(hits)


def _by_length(rows: list[dict]) -> str:
    """How far next-sentence answers depend on length, in words."""
    books = [row for row in rows if row["name"].endswith(", books")]
    drawn = next(row["values"] for row in books if row["name"].startswith(next_sentence.DRAWN))
    matched = [row for row in books if "tokens" in row]
    parts = (f"{row['values'][0]:.0%} ({row['tokens']})" for row in matched)
    guessed = [row["tokens"] for row in matched if row["intervals"][0][0] <= 0.5]
    return (
        f" Of pairs from books drawn as in training, the model gets {drawn[0]:.0%} right, length alone"
        f" {drawn[3]:.0%}. Of pairs matched in length (most tokens in brackets): {', '.join(parts)}."
        + (f" Up to {max(guessed)} tokens that is no better than chance." if guessed else "")
    )


def _facts(model: Transformer, folder: Path, pairs: Pairs, held: list[Path], options) -> dict:
    return dict(
        work.logged(folder),
        name=model.name,
        layers=model.config.layers,
        heads=model.config.heads,
        width=model.config.width,
        context=model.config.context,
        vocabulary=model.config.vocabulary,
        parameters=sum(p.numel() for p in model.parameters()),
        about=options.about,
        books=pairs.shares[0],
        english=1 - pairs.shares[0],
        seed=options.seed,
        held=", ".join(f"*{title(file)}*" for file in held),
        held_count=len(held),
        samples="\n".join(_samples(model)),
    )


def _samples(model: Transformer) -> Iterator[str]:
    for text in SAMPLES:
        (guesses,) = fill(model, text, 5)
        yield f"- {text} " + ", ".join(f"*{guess.text}* {guess.probability:.0%}" for guess in guesses)


if __name__ == "__main__":
    main()
