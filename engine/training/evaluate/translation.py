"""How well sentences are translated: what a model writes, and by what it is scored."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import nn

from engine.decode import beam_search, translate
from engine.training.data.bitext import Bitext, Pair, most_similar
from engine.training.data.lexicon import Lexicon, word_for_word
from engine.training.data.pairs import NONE
from engine.training.evaluate import report
from engine.training.evaluate.intervals import DRAWS
from engine.training.evaluate.report import Score, mean, share
from engine.training.progress import show

COLUMNS = ("this model", "random start", "most similar", "word for word", "commonest", "copying")
AT_ONCE = 128  # sentences translated together
WIDTH, PENALTY = 4, 0.6  # of the beam, and for length: as in 2017 (Vaswani et al., section 6.1)
LONG = 10**6
LENGTHS = {"": (0, LONG), ", up to 4 words": (0, 4)} | {f", {n} words": (n, n) for n in range(5, 9)}
LENGTHS |= {", 9 words or more": (9, LONG)}
FEWEST = 40  # sentences that are asked at least
Translations = dict[str, list[str]]  # a sentence -> all that it may be in the other language


# --- what is written ------------------------------------------------------------------------------


def written(model: nn.Module, texts: Sequence[str]) -> list[str]:
    """What the model writes for each text, always the most probable token."""
    found, tokenizer = {}, model.tokenizer
    ids = {text: tokenizer.encode(text)[: model.reads[0].context] for text in texts}
    order = sorted(ids, key=lambda text: len(ids[text]))
    for first in range(0, len(order), AT_ONCE):
        some = order[first : first + AT_ONCE]
        width = len(ids[some[-1]])
        read = torch.tensor([ids[text] + [NONE] * (width - len(ids[text])) for text in some])
        for text, row in zip(some, translate(model, read.clamp_min(0), read != NONE).tolist(), strict=True):
            found[text] = tokenizer.decode([id for id in row if id not in tokenizer.special.values()])
    return [found[text] for text in texts]


def searched(model: nn.Module, texts: Sequence[str]) -> Iterator[str]:
    """What beam search finds for each text."""
    longest = model.reads[0].context
    for text in texts:
        ids = model.tokenizer.encode(text)[:longest]
        yield beam_search(model, ids, WIDTH, PENALTY, max_new_tokens=model.reads[-1].context)[0].text


def columns_of(
    models: Sequence[nn.Module], train: list[Pair], asked: list[str], lexicon: Lexicon
) -> list[list[str]]:
    """What stands in each column of the table: by the models, and by rules that need none."""
    show("measuring: the most similar sentences")
    similar = [train[number][1] for number in most_similar([source for source, _ in train], asked)]
    show("measuring: translating")
    ((commonest, _),) = Counter(target for _, target in train).most_common(1)
    simple = [similar, list(word_for_word(lexicon, asked)), [commonest] * len(asked), asked]
    return [*(written(model, asked) for model in models), *simple]


# --- how good it is -------------------------------------------------------------------------------


def exact(guesses: Sequence[str], translations: Sequence[list[str]]) -> Score:
    """The share of guesses that are one of the translations."""
    return share([guess in right for guess, right in zip(guesses, translations, strict=True)])


def chrf(guesses: Sequence[str], translations: Sequence[list[str]]) -> Score:
    """chrF from 0 to 100, each guess against the nearest of its translations (Popović 2015)."""
    from sacrebleu.metrics import CHRF  # here: only who trains needs it

    return _corpus_score(CHRF(), guesses, translations)


def bleu(guesses: Sequence[str], translations: Sequence[list[str]], lower: bool = False) -> Score:
    """BLEU from 0 to 100 of the whole: runs of one to four words, with the brevity penalty (Papineni et al.
    2002), by the tokens of sacreBLEU's 13a (Post 2018); `lower`: capitals are small letters."""
    from sacrebleu.metrics import BLEU

    return _corpus_score(BLEU(lowercase=lower, tokenize="13a"), guesses, translations)


def signature() -> str:
    """How BLEU is computed, as sacreBLEU tells it."""
    from sacrebleu.metrics import BLEU

    metric = BLEU(tokenize="13a")
    metric.corpus_score(["", ""], [["", ""], ["", None]])  # sentences have different numbers of translations
    return metric.get_signature().format()


def _corpus_score(metric, guesses: Sequence[str], translations: Sequence[list[str]]) -> Score:
    """A score of sacreBLEU, its interval by drawing the sentences again."""
    most = max(map(len, translations))
    rows = [right + [None] * (most - len(right)) for right in translations]
    given = list(guesses), list(zip(*rows, strict=True))
    try:
        found = metric.corpus_score(*given, n_bootstrap=DRAWS)
    except (
        TypeError
    ):  # of chrF where some draws score 0, as sacreBLEU 2.6 mixes kinds of numbers: few sentences
        return Score(float(metric.corpus_score(*given).score), len(guesses))
    told = json.loads(found.format(9, signature=metric.get_signature().format(), is_json=True))
    half, score = told.get("confidence_var", 0.0), float(found.score)  # nothing is told of a score of 0
    return Score(score, len(guesses), (max(0.0, score - half), min(100.0, score + half)))


METRICS = {
    "exact match": (exact, report.SHARE),
    "chrF": (chrf, "chrF"),
    "BLEU": (bleu, "BLEU"),
    "BLEU, lower case": (lambda *given: bleu(*given, lower=True), "BLEU"),
}


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


def pairs_of(held: Translations) -> list[Pair]:
    """Each sentence with each of its translations."""
    return [(source, target) for source, targets in held.items() for target in targets]


# --- the table ------------------------------------------------------------------------------------


def rows_of(
    columns: list[list[str]], beams: list[str], held: Translations, alone: set[str], aims: dict
) -> list[dict]:
    """Rows of the table, from what stands in its columns and what beam search found: for all sentences, by
    length, and for those `alone` that no training pair shares a translation with."""
    asked, found = list(held), []
    for name, (score, unit) in METRICS.items():
        for part, (low, high) in LENGTHS.items() if name in ("exact match", "chrF") else [("", (0, LONG))]:
            some = [i for i, text in enumerate(asked) if low <= len(text.split()) <= high]
            found += _row(name + part, columns, held, some, score, unit, aims)
    unread = [i for i, text in enumerate(asked) if text in alone]
    found += _row("exact match, translation never read", columns, held, unread, exact, report.SHARE, {})
    for name, (score, unit) in METRICS.items():
        if not name.endswith("lower case"):
            found += _row(f"beam of {WIDTH}: {name}", [beams], held, range(len(asked)), score, unit, aims)
    return found


def _row(
    name: str, columns, held: Translations, some: Sequence[int], score, unit: str, aims: dict
) -> list[dict]:
    """One row, or none where it would be of no sentence."""
    if not some:
        return []
    right = list(held.values())
    scores = [score([column[i] for i in some], [right[i] for i in some]) for column in columns]
    scores += [None] * (len(COLUMNS) - len(columns))
    return [report.row(name, scores, unit, aims.get(name))]
