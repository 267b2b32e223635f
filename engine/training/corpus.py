"""A folder of text as a vocabulary and long rows of token ids, whole files held out."""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from tokenizers.pre_tokenizers import ByteLevel

from engine.tokenize.bpe import END, SPLIT, RankTokenizer
from engine.tokenize.hub import LETTERS


def split_files(folder: Path, held_out: int, seed: int) -> tuple[list[Path], list[Path]]:
    """The *.txt files under `folder` as (train, held out): whole files, chosen by the seed."""
    files = sorted(folder.rglob("*.txt"))
    if len(files) <= held_out:
        raise ValueError(f"{folder} has {len(files)} .txt files; more than {held_out} are needed")
    chosen = set(random.Random(seed).sample(files, held_out))
    return [f for f in files if f not in chosen], [f for f in files if f in chosen]


def title(file: Path) -> str:
    """What a text is called, from the name of its file ("a-title--author.txt")."""
    return file.stem.split("--")[0].replace("-", " ")


def texts_of(files: list[Path]) -> Iterator[str]:
    """The text of each file, without blanks around it."""
    for file in files:
        yield file.read_text(encoding="utf-8").strip()


def learn_vocabulary(texts: Iterable[str], size: int) -> RankTokenizer:
    """A byte-level BPE of `size` entries, END included, learned from `texts` alone."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size - 1, initial_alphabet=ByteLevel.alphabet(), show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    vocabulary = sorted(learner.get_vocab().items(), key=lambda item: item[1])
    return RankTokenizer({bytes(LETTERS[c] for c in token): id for token, id in vocabulary})


def token_row(texts: Iterable[str], tokenizer: RankTokenizer) -> np.ndarray:
    """All texts one after the other as ids (uint16), END after each."""
    rows = [np.array([*tokenizer.encode_file(text), tokenizer.special[END]], dtype=np.uint16) for text in texts]
    return np.concatenate(rows)
