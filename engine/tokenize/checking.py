"""The second route of a training: the tokenizers library learns from the same text, with the same pieces."""

import json

from tokenizers import Tokenizer, pre_tokenizers, trainers

from engine.tokenize.training import Trained


def check_training(ours: Trained, text: str) -> tuple[bool, str]:
    """Does the library learn the same merges, or, where it learned the vocabulary itself, do our merges make
    that vocabulary? And a sentence about it. Unigram has no merges: of it every probability is below 1."""
    return _CHECKS.get(ours.kind, _merges)(ours, text)


def _merges(ours: Trained, text: str) -> tuple[bool, str]:
    inner = Tokenizer.from_str(ours.inner.to_str())
    alphabet = pre_tokenizers.ByteLevel.alphabet() if ours.kind == "byte-bpe" else []
    names = [] if ours.unknown is None else [ours.token(ours.unknown)]
    how = dict(vocab_size=len(ours), show_progress=False, initial_alphabet=alphabet, special_tokens=names)
    inner.train_from_iterator([text], trainers.BpeTrainer(**how))
    theirs = [tuple(pair) for pair in json.loads(inner.to_str())["model"]["merges"]]
    return _told([step.pair for step in ours.steps], theirs, "the tokenizers library's own training")


def _vocabulary(ours: Trained, text: str) -> tuple[bool, str]:
    made = list(ours.scores)
    return _told(made, list(ours.vocabulary)[len(ours) - len(made) :], "the library's vocabulary")


def _likelihoods(ours: Trained, text: str) -> tuple[bool, str]:
    known = [ours.scores[entry] for entry in list(ours.vocabulary)[1:]]
    return all(x < 0 for x in known), "trained by the tokenizers library: every entry's probability is below 1"


_CHECKS = {"wordpiece": _vocabulary, "unigram": _likelihoods}


def _told(ours: list, theirs: list, whose: str) -> tuple[bool, str]:
    if ours == theirs:
        return True, f"all {len(ours):,} merges are those of {whose}"
    at = next(
        (i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
    )
    return False, f"merge {at + 1:,} is another than in {whose}"
