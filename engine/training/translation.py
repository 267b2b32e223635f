"""Train, evaluate and write a model that translates, from a file of English and French sentences.

    python -m engine.training.translation PAIRS.tsv --name interpreter --about "everyday sentences"

Each line is English, a tab, French. Run it again to go on where it stopped; the last leg measures the model and
writes its card. Needs sacrebleu, for one of its scores alone: pip install sacrebleu
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from engine.analysis import certainty
from engine.config import CELLS, Config, PairConfig, RecurrentConfig
from engine.decode import generate, translate
from engine.model.build import fresh
from engine.tokenize import SentenceTokenizer
from engine.trace import run
from engine.training import report, work
from engine.training.bitext import Bitext, Pair, most_similar, read_pairs, split_pairs, words_of
from engine.training.corpus import learn_vocabulary
from engine.training.intervals import DRAWS
from engine.training.pairs import NONE
from engine.training.recurrent import add_kinds, name_of, recurrent
from engine.training.report import Score, mean, share
from engine.training.train import Recipe

AIMS = {"exact match": ("≥", 0.35), "chrF": ("≥", 60.0)}  # of the Transformer: the others stand beside it
COLUMNS = ("this model", "random start", "most similar", "copying")
AT_ONCE = 128  # sentences translated together
CARD = Path(__file__).parent / "card_translation.md"
LONG = 10**6
RATE = 0.008  # less than half of the usual one: with norms after the additions it learns more
LENGTHS = {"": (0, LONG), ", up to 4 words": (0, 4)} | {f", {n} words": (n, n) for n in range(5, 9)}
LENGTHS |= {", 9 words or more": (9, LONG)}
SAMPLES = 8
EXAMPLES, TRIED = 6, 2 * AT_ONCE
DARK = {"dead", "death", "die", "died", "dies", "dying", "hate", "hated", "hurt", "kill", "killed", "war"}


def transformer(tokenizer: SentenceTokenizer, options) -> PairConfig:
    """The Transformer of 2017: norms after the additions, sinusoidal positions, one table for all three."""
    both = dict(
        vocabulary=len(tokenizer),
        context=options.context,
        width=options.width,
        layers=options.layers,
        heads=options.heads,
        mlp_width=4 * options.width,
        post_norm=True,
        positions="sinusoidal",
        scale_embedding=True,
        activation="relu",
    )
    encoder = Config(**both, causal=False, ending="nothing")
    decoder = Config(**both, memory=options.width)
    return PairConfig(encoder, decoder, tokenizer.start, tokenizer.end, shared=True)


KINDS = {"transformer": transformer} | dict.fromkeys(CELLS, recurrent)  # how the model's config is made
STATE = "starting from the state that the encoder ended in"
LOOK = "and at every token attends to the encoder's output for the English one"


def main() -> None:
    """Train a translator on a file of pairs, from the command line."""
    options = _options()
    folder = work.begin(options)
    train, held = split_pairs(read_pairs(Path(options.file)), options.held_out, options.seed)
    tokenizer = _vocabulary(folder, train, options)
    data, config = Bitext.of(train, tokenizer, options.context), KINDS[options.kind](tokenizer, options)
    recipe = Recipe(
        tokens=options.tokens,
        batch=options.batch,
        seed=options.seed,
        **work.rates(options),
    )
    print(f"{len(data):,} pairs to learn from; {len(held):,} English sentences held out")
    model = work.trained(config, data, recipe, folder, options, tokenizer=tokenizer)
    if model is not None:
        model = work.written(model, work.MODELS / options.name, folder, "engine.training.translation", options)
        write_card(model, work.MODELS / options.name, train, held, options)


def measure(folder: Path, file: Path, work_folder: Path, options) -> None:
    """Measure a finished model again, on the pairs it was trained with."""
    train, held = split_pairs(read_pairs(file), options.held_out, options.seed)
    write_card(work.read_back(folder), folder, train, held, options)


def _options():
    sizes = dict(vocabulary=6000, context=24, width=192, layers=3, heads=6, batch=64)
    parser = work.parser(
        "engine.training.translation",
        __doc__.splitlines()[0],
        12_000_000,
        reads=("file", "lines of English, a tab, French (UTF-8)"),
        held_out=(2000, "English sentences kept for evaluation"),
        **sizes,
    )
    add_kinds(parser, KINDS)
    work.add_rates(parser, None)
    options = parser.parse_args()
    options.rate = options.rate or (RATE if options.kind == "transformer" else Recipe.rate)
    return options


def _vocabulary(folder: Path, pairs: list[Pair], options) -> SentenceTokenizer:
    path = folder / "vocabulary.tiktoken"
    if not path.exists():
        texts = (text for pair in pairs for text in pair)
        learn_vocabulary(texts, options.vocabulary - 1).write(path)  # and the start
    return SentenceTokenizer.read(path)


# --- how well it does ----------------------------------------------------------------------------


def write_card(model: nn.Module, folder: Path, train: list[Pair], held: dict[str, list[str]], options) -> None:
    """Measure a finished model, and write its scores, examples and card."""
    rows = scores_of(model, train, held, options)
    report.write(folder / "scores.json", {"rows": rows})
    report.write(folder / "examples.json", {"examples": list(examples_of(model, held))})
    facts = _facts(model, folder, train, held, options)
    card = CARD.read_text("utf-8").format(**facts, table=report.told(rows, COLUMNS))
    (folder / "card.md").write_text(card, encoding="utf-8")
    print(f"{folder}: written")


def examples_of(model: nn.Module, held: dict[str, list[str]]) -> Iterator[dict]:
    """Held-out sentences of a middling length that the model translates to the letter, those that it is surest
    of first, or just the first where it does so with none; with the step in which there is something to see.

    None of them has a word of DARK: they open a lesson.
    """
    some = [text for text in held if 5 <= len(text.split()) <= 8 and not words_of(text) & DARK][:TRIED]
    right = [text for text, guess in zip(some, written(model, some), strict=True) if guess in held[text]]
    right.sort(key=lambda text: -certainty(run(model, text, target=_own(model, text))))
    step = "states" if getattr(model.config, "attention", "") == "none" else "cross"
    for text in (right or some)[:EXAMPLES]:
        yield {"text": text, "note": text, "step": step}


def _own(model: nn.Module, text: str) -> list[int]:
    """What the model writes of a text, from its start on, as its decoder reads it."""
    return [model.start, *(step.id for step in generate(model, text))]


def scores_of(model: nn.Module, train: list[Pair], held: dict[str, list[str]], options) -> list[dict]:
    """Rows of the table: the model, its random start, the French of the most similar sentence, the English."""
    asked = list(held)
    start = fresh(model.config, options.seed).requires_grad_(False).eval()
    start.tokenizer = model.tokenizer
    similar = [train[number][1] for number in most_similar([source for source, _ in train], asked)]
    columns = [written(model, asked), written(start, asked), similar, asked]
    rows, aims = [], AIMS if options.kind == "transformer" else {}
    for metric, score in (("exact match", exact), ("chrF", chrf)):
        for part, (low, high) in LENGTHS.items():
            some = [i for i, text in enumerate(asked) if low <= len(text.split()) <= high]
            if some:
                right = [held[asked[i]] for i in some]
                scores = [score([column[i] for i in some], right) for column in columns]
                unit = metric if metric == "chrF" else report.SHARE
                rows.append(report.row(metric + part, scores, unit, aims.get(metric + part)))
    pairs = [(source, target) for source, targets in held.items() for target in targets]
    bits = [bits_per_token(one, pairs) for one in (model, start)]
    return [*rows, report.row("bits per token", [*bits, None, None], "bits per token")]


def written(model: nn.Module, texts: list[str]) -> list[str]:
    """What the model writes for each text, always the most probable token."""
    found, tokenizer = {}, model.tokenizer
    longest = model.reads[0].context
    ids = {text: tokenizer.encode(text)[:longest] for text in texts}
    order = sorted(ids, key=lambda text: len(ids[text]))
    for first in range(0, len(order), AT_ONCE):
        some = order[first : first + AT_ONCE]
        width = len(ids[some[-1]])
        read = torch.tensor([ids[text] + [NONE] * (width - len(ids[text])) for text in some])
        for text, row in zip(some, translate(model, read.clamp_min(0), read != NONE).tolist(), strict=True):
            found[text] = tokenizer.decode([id for id in row if id not in tokenizer.special.values()])
    return [found[text] for text in texts]


def exact(guesses: list[str], translations: list[list[str]]) -> Score:
    """The share of guesses that are one of the translations."""
    return share([guess in right for guess, right in zip(guesses, translations, strict=True)])


def chrf(guesses: list[str], translations: list[list[str]]) -> Score:
    """chrF from 0 to 100, each guess against the nearest of its translations (Popović 2015); its interval by
    drawing the sentences again."""
    from sacrebleu.metrics import CHRF  # here: only who trains needs it

    most, metric = max(map(len, translations)), CHRF()
    rows = [right + [None] * (most - len(right)) for right in translations]
    found = metric.corpus_score(guesses, list(zip(*rows, strict=True)), n_bootstrap=DRAWS)
    told = json.loads(found.format(9, signature=metric.get_signature().format(), is_json=True))
    half = told.get("confidence_var", 0.0)  # nothing is told of a score of 0
    return Score(found.score, len(guesses), (max(0.0, found.score - half), min(100.0, found.score + half)))


@torch.inference_mode()
def bits_per_token(model: nn.Module, pairs: list[Pair]) -> Score:
    """Bits for each token of the translations, all those before it known; n is how many tokens they have."""
    data, bits, counts = Bitext.of(pairs, model.tokenizer, model.config.context), [], []
    for source, target in data.pairs.values():
        for first in range(0, len(source), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            ids, padding, before, labels = data.read(source[some], target[some])
            logits = model(ids, before, padding).transpose(1, 2)  # [B, V, T]
            nats = F.cross_entropy(logits, labels, ignore_index=NONE, reduction="none").sum(-1)
            bits += (nats / math.log(2)).tolist()
            counts += (labels != NONE).sum(-1).tolist()
    return mean(bits, counts, sum(counts))


def _facts(model: nn.Module, folder: Path, train: list[Pair], held: dict[str, list[str]], options) -> dict:
    return dict(
        work.logged(folder),
        name=model.name,
        shape=_shape(model.config),
        task=STATE if getattr(model.config, "attention", "") == "none" else LOOK,
        context=model.config.context,
        vocabulary=len(model.tokenizer),
        parameters=sum(p.numel() for p in model.parameters()),
        about=options.about,
        pairs=len(train),
        held=len(held),
        seed=options.seed,
        samples="\n".join(_samples(model, held)),
    )


def _shape(config: PairConfig | RecurrentConfig) -> str:
    """What the model is made of, in words."""
    if isinstance(config, RecurrentConfig):
        return f"A recurrent encoder-decoder ({name_of(config)})"
    blocks = [stack.layers for stack in config.stacks]
    return "The Transformer of 2017: {} blocks that read and {} that write".format(*blocks)


def _samples(model: nn.Module, held: dict[str, list[str]]) -> Iterator[str]:
    """The first of the held-out sentences, in the order in which they were drawn."""
    some = list(held)[:SAMPLES]
    for text, guess in zip(some, written(model, some), strict=True):
        yield f"- {text} → *{guess}* ({'; '.join(held[text])})"


if __name__ == "__main__":
    main()
