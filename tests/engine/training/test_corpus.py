"""A folder of text becomes a vocabulary and two rows, whole files apart."""

import pytest

from engine.tokenize.bpe import END
from engine.training.data.corpus import learn_vocabulary, split_files, texts_of, token_row


def test_files_are_held_out_whole_and_by_the_seed(books):
    train, held = split_files(books, held_out=2, seed=0)
    assert len(held) == 2
    assert sorted([*train, *held]) == sorted(books.rglob("*.txt"))
    assert split_files(books, 2, seed=0) == (train, held)
    assert any(split_files(books, 2, seed=seed) != (train, held) for seed in range(1, 9))


def test_too_few_files_are_an_error(books):
    with pytest.raises(ValueError, match=r"5 .txt files; more than the 5 held out are needed"):
        split_files(books, held_out=5, seed=0)


@pytest.fixture(scope="module")
def texts(books):
    return list(texts_of(sorted(books.rglob("*.txt"))))


def test_the_text_of_a_file_has_no_empty_edges(books, texts):
    files = sorted(books.rglob("*.txt"))
    assert texts == [file.read_text(encoding="utf-8").removesuffix(" \n") for file in files]


def test_a_vocabulary_has_all_bytes_and_the_end_and_nothing_too_much(texts):
    tokenizer = learn_vocabulary(texts, 280)
    assert len(tokenizer) == 280
    assert {bytes([byte]) for byte in range(256)} < set(tokenizer.ranks)
    assert tokenizer.special == {END: 279}


def test_a_vocabulary_is_the_same_every_time_and_takes_texts_one_by_one(texts):
    assert learn_vocabulary(texts, 280).ranks == learn_vocabulary(iter(texts), 280).ranks


def test_a_row_is_all_texts_with_an_end_after_each(texts, corpus):
    row = token_row(iter(texts), corpus[0])
    assert corpus[0].decode(row.tolist()) == "".join(text + END for text in texts)
