import pytest

from engine.training.corpus import learn_vocabulary, split_files, texts_of, token_row
from engine.training.train import Recipe

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
