from random import Random
from string import ascii_lowercase

import numpy as np
import pytest
import torch

from engine.training import __main__ as command
from engine.training import learn, run
from engine.training.data.corpus import learn_vocabulary, split_files, texts_of, token_row
from engine.training.learn import Recipe

RHYME = "One, two, buckle my shoe. Three, four, knock at the door. "
SMALL = Recipe(tokens=12 * 4 * 48, batch=4, warm_up=2)  # 12 steps with a context of 48


@pytest.fixture(scope="session")
def books(tmp_path_factory):
    """A folder of five short texts that are easily learned."""
    folder = tmp_path_factory.mktemp("books")
    (folder / "more").mkdir()
    for i, place in enumerate([folder, folder, folder / "more", folder, folder / "more"]):
        (place / f"rhyme-{i}--somebody.txt").write_text(f"{i} {RHYME * 8}\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def corpus(books):
    """Tokenizer, row to learn from, held-out files and their row."""
    train, held = split_files(books, held_out=2, seed=0)
    tokenizer = learn_vocabulary(texts_of(train), 280)
    return tokenizer, token_row(texts_of(train), tokenizer), held, token_row(texts_of(held), tokenizer)


@pytest.fixture(scope="session")
def wordy(tmp_path_factory):
    """A folder of five short texts with many words of every length."""
    folder, draw = tmp_path_factory.mktemp("wordy"), Random(0)
    words = ["".join(draw.choices("aeiou" + ascii_lowercase, k=n)) for n in range(3, 13) for _ in range(80)]
    for i in range(5):
        lines = [" ".join(draw.sample(words, 20)) + "." for _ in range(90)]
        (folder / f"words-{i}--somebody.txt").write_text("\n\n".join(lines), encoding="utf-8")
    return folder


def trained(shelf, *words: object, log_every: int = 1) -> int:
    """The exit status of a training whose model goes to the folder `shelf`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "MODELS", shelf)
        patch.setattr(run, "keep_memory", lambda: None)
        patch.setattr(learn, "LOG_EVERY", log_every)
        patch.setattr(learn, "LINES", 1)
        return command.main(list(map(str, words)))


def digits_of(count: int, seed: int):
    """Pictures of two kinds that are easily told apart: bright above or bright below."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (count,), generator=draw)
    pixels = torch.from_numpy(np.random.default_rng(seed).uniform(0, 60, (count, 1, 8, 8))).float()
    for image, label in zip(pixels, labels, strict=True):
        image[0, 4 * label : 4 * label + 4] += 150
    return pixels, labels
