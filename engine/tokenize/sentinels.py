"""The vocabulary of a model that fills spans: Unigram, and sentinels that stand for what is hidden."""

import json
from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from engine.tokenize.hub import SPACE
from engine.tokenize.library import said
from engine.tokenize.training import ordered
from engine.tokenize.unigram import END, PAD, SENTINEL

UNKNOWN = "<unk>"
SPECIAL = (PAD, END, UNKNOWN)  # with the ids that T5 gives them
SENTINELS = 32  # more than a text of 64 tokens has spans


def learn_unigram(texts: Iterable[str], size: int) -> Tokenizer:
    """A Unigram of `size` entries learned from texts, SPECIAL first and the sentinels last.

    The space before a sentinel belongs to it, the one behind it to the next word: so a hidden word takes its
    own space with it, as in training. A ValueError where the texts have more different letters.
    """
    inner = Tokenizer(models.Unigram())
    blanks = normalizers.Replace(Regex(r"\s+"), " ")
    inner.normalizer = normalizers.Sequence([normalizers.NFKC(), blanks])
    inner.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, prepend_scheme="first")
    inner.decoder = decoders.Metaspace(SPACE, prepend_scheme="first")
    trainer = trainers.UnigramTrainer(
        vocab_size=size - len(SPECIAL) + 1 - SENTINELS,
        show_progress=False,
        special_tokens=[UNKNOWN],
        unk_token=UNKNOWN,
    )
    with said("the tokenizers library cannot learn from these texts"):
        inner.train_from_iterator(texts, trainer)
    return _with_special(ordered(inner))


def _with_special(inner: Tokenizer) -> Tokenizer:
    """The same vocabulary with all tokens that are no text."""
    parts = json.loads(inner.to_str())
    _, *entries = parts["model"]["vocab"]
    entries = [*([name, 0.0] for name in SPECIAL), *entries]
    parts["model"] |= {"vocab": entries, "unk_id": SPECIAL.index(UNKNOWN)}
    whole = Tokenizer.from_str(json.dumps(parts | {"added_tokens": []}))
    whole.add_special_tokens(list(SPECIAL))
    names = map(SENTINEL.format, range(SENTINELS))
    whole.add_special_tokens([AddedToken(name, lstrip=True, normalized=False) for name in names])
    return whole
