"""Train, evaluate and write an encoder (BERT's kind) from a folder of text files.

    python -m engine.training.encoder FOLDER --name wordfinder --about "200 public-domain children's books"

Run it again to go on where it stopped; the last leg measures the model and writes its card.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from tokenizers import BertWordPieceTokenizer

from engine.config import Config
from engine.families import fresh
from engine.masked import fill
from engine.models import Transformer
from engine.tokenize import WordPieceTokenizer
from engine.training import work
from engine.training.corpus import split_files, texts_of, title
from engine.training.evaluate import SEED, Score, cloze_sentences
from engine.training.mix import english
from engine.training.pairs import NONE, Pairs, Sentences
from engine.training.train import Recipe

AIMS = {"masked words, among five": 0.5, "next sentence": 0.75}
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
PAIR = "The dog was hungry and looked for food. [SEP] It found a bone in the garden."
SENSES = ("He sat on the bank of the river.", "She put her money in the bank.", "bank")
SAMPLES = [
    "The [MASK] barked at the cat.",
    "The animal didn't cross the street because it was too [MASK].",
    "She opened the [MASK] and looked out of the window.",
    "He put on his [MASK] because it was cold.",
    "Once upon a [MASK] there was a little girl.",
]


def main() -> None:
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
        write_encoder(model, work.MODELS / options.name, folder, pairs, held, options)


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


def write_encoder(
    model: Transformer, folder: Path, work_folder: Path, pairs: Pairs, held: list[Path], options
) -> None:
    """Write the weights, read them back as people will, measure that model, write its card."""
    model = work.written(model, folder, work_folder)
    rows = scores_of(model, pairs, held, options.seed)
    (folder / "scores.json").write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
    examples = {"examples": list(examples_of(model))}
    (folder / "examples.json").write_text(json.dumps(examples, indent=1) + "\n", encoding="utf-8")
    card = CARD.read_text("utf-8").format(**_facts(model, folder, pairs, held, options), table=_table(rows))
    (folder / "card.md").write_text(card, encoding="utf-8")
    print(f"{folder}: written")


def examples_of(model: Transformer) -> Iterator[dict]:
    """Texts to try, with where there is something to see: gaps that the model fills rightly, two texts, a word
    in two senses."""
    for text, answer in EXAMPLES:
        ((guess,),) = fill(model, text, 1)
        if guess.text == answer and guess.probability >= SURE:
            place = model.tokenizer.encode(text).index(model.tokenizer.mask)
            yield {"text": text, "note": text, "step": "next", "token": place}
    yield {"text": PAIR, "note": "Does the second text follow?", "step": "next"}
    one, other, word = SENSES
    tokens = [model.tokenizer.names[id] for id in model.tokenizer.encode(one)]
    if word in tokens:
        senses = {"step": "layers", "token": tokens.index(word), "other": other}
        yield {"text": one, "note": f"One word in two senses: {word}"} | senses


def scores_of(model: Transformer, pairs: Pairs, held: list[Path], seed: int) -> list[dict]:
    """Rows of the table: the model, its random start, and the answer that was most frequent in training."""
    start = fresh(model.config, seed).requires_grad_(False).eval()
    start.tokenizer = model.tokenizer
    common = np.bincount(pairs.sources[0].row, minlength=model.config.vocabulary)
    texts = {"books": texts_of(held), "generated": english(SEED, 300_000)}
    columns: list[dict[str, Score]] = [{}, {}, {}]
    for kind, source in texts.items():
        test = Pairs((Sentences.of(source, pairs.tokenizer),), (1.0,), pairs.tokenizer)
        for column, one in zip(columns, (model, start, common), strict=True):
            asked = _asked(one, test, model.config.context)
            column |= {f"{name}, {kind}": score for name, score in asked.items()}
    for column, one in zip(columns, (model, start, None), strict=True):
        column["cloze, among five"] = _cloze(one) if one is not None else Score(float("nan"), 0)
    return [
        {
            "name": name,
            "count": columns[0][name].count,
            "values": [column[name].value for column in columns],
            "aim": next((aim for start, aim in AIMS.items() if name == f"{start}, books"), None),
        }
        for name in columns[0]
    ]


@torch.inference_mode()
def _asked(model: Transformer | np.ndarray, pairs: Pairs, context: int) -> dict[str, Score]:
    """Of new pairs: hidden words found as the best and among the five best, and what follows judged."""
    best, five, judged = [], [], []
    for step in range(ASKED):
        read, segments, padding, labels, follows = pairs.batch(SEED, step, BATCH, context)
        hidden = (labels != NONE) & (read == pairs.tokenizer.mask)
        if isinstance(model, Transformer):
            x = model.stream(read, padding, segments=segments)
            scores, guess = model.unembed(x[hidden]), model.follows(x).argmax(-1)
        else:
            scores = torch.from_numpy(model).expand(int(hidden.sum()), -1)
            guess = torch.ones_like(follows)  # most often the second does not follow
        hits = scores.topk(5).indices == labels[hidden][:, None]
        best.append(hits[:, 0])
        five.append(hits.any(-1))
        judged.append(guess == follows)
    found = {"masked words, best": best, "masked words, among five": five, "next sentence": judged}
    each = {name: torch.cat(parts).float() for name, parts in found.items()}
    return {name: Score(x.mean().item(), len(x)) for name, x in each.items()}


def _cloze(model: Transformer) -> Score:
    """The everyday sentences of the other models' cards, their last word a mask."""
    hits = []
    for text, words in cloze_sentences():
        (guesses,) = fill(model, f"{text} [MASK].", 5)
        hits.append(bool({guess.text for guess in guesses} & set(words)))
    return Score(float(np.mean(hits)), len(hits))


def _table(rows: list[dict]) -> str:
    lines = ["| | n | this model | random start | most frequent | aim |", "|:--|--:|--:|--:|--:|--:|"]
    for row in rows:
        values = ["" if value != value else f"{value:.1%}" for value in row["values"]]
        aim = f"≥ {row['aim']:.0%}" if row["aim"] else ""
        lines.append(f"| {row['name']} | {row['count']:,} | {' | '.join(values)} | {aim} |")
    return "\n".join(lines)


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
