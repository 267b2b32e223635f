"""A folder of text as a vocabulary and long rows of token ids, whole files held out."""

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from tokenizers.pre_tokenizers import ByteLevel

from engine.tokenize.bpe import END, SPLIT, RankTokenizer
from engine.tokenize.hub import LETTERS

FEW = 10  # of every so many files one is held out, HELD_OUT at most
HELD_OUT = 6


def text_files(folder: Path) -> list[Path]:
    """The *.txt files under a folder; a ValueError where it has too few, or where one of them is no text."""
    if not folder.is_dir():
        what = "is a file: give the folder that it is in" if folder.exists() else "is not there"
        raise ValueError(f"{folder} {what}; a folder of texts (files that end in .txt) is needed")
    files = sorted(file for file in folder.rglob("*.txt") if file.is_file())
    if len(files) < 2:
        raise ValueError(
            f"{folder} has {len(files)} files that end in .txt; two are needed or more, "
            "as whole files are held out to measure with"
        )
    for file in files:
        check_text_file(file)
    return files


FOLDER = ("FOLDER", "text files (*.txt, UTF-8), searched through all its folders", text_files)  # what is read


def check_text_file(file: Path) -> None:
    """A ValueError where a file cannot be read as UTF-8."""
    try:
        file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"is no text in UTF-8 (its byte {error.start:,} is not)"
        raise ValueError(f"{file} {what}: save it as UTF-8, or take it away") from None
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None


def split_files(folder: Path, held_out: int | None, seed: int) -> tuple[list[Path], list[Path]]:
    """The *.txt files under `folder` as (train, held out): whole files, chosen by the seed. None: one in FEW is
    held out, HELD_OUT at most."""
    files = text_files(folder)
    if held_out is None:
        held_out = min(HELD_OUT, max(1, len(files) // FEW))
    if len(files) <= held_out:
        raise ValueError(f"{folder} has {len(files)} .txt files; more than the {held_out} held out are needed")
    chosen = set(random.Random(seed).sample(files, held_out))
    return [f for f in files if f not in chosen], [f for f in files if f in chosen]


def sentences_in(folder: Path) -> list[str]:
    """The different sentences of the *.tsv files under a folder, one a line, before its first tab."""
    found: dict[str, None] = {}
    for file in sorted(folder.rglob("*.tsv")):
        check_text_file(file)
        lines = file.read_text(encoding="utf-8").splitlines()
        found |= dict.fromkeys(line.partition("\t")[0].strip() for line in lines)
    return list(filter(None, found))


def named(files: list[Path]) -> str:
    """Texts by their titles, as cards name them."""
    return ", ".join(f"*{title(file)}*" for file in files)


def how_many(files: Sequence[Path], noun: str = "file") -> str:
    """How many files there are, in words."""
    return f"{len(files):,} {noun}{'s' * (len(files) != 1)}"


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
    """All texts one after the other as ids (uint16), END after each and before it what stands before texts."""
    before, end = tokenizer.prefix, tokenizer.special[END]
    rows = [np.array([*before, *tokenizer.encode_file(text), end], dtype=np.uint16) for text in texts]
    return np.concatenate(rows)
