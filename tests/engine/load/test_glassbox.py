"""This project's own layout: what is written is what is read."""

import pytest
import torch

import engine
from engine.load import glassbox
from tests.engine.load.damage import configure, refused
from tests.engine.tiny import ROTARY, decoder


@pytest.fixture
def written(rank_tokenizer, tmp_path):
    model = decoder(torch.float32, vocabulary=len(rank_tokenizer), tied=False, activation="relu", norm_eps=0.01)
    model.tokenizer = rank_tokenizer
    glassbox.write(model, tmp_path / "model")
    return model, tmp_path / "model"


def test_reading_gives_the_weights_rounded_to_float16(written):
    model, folder = written
    back = engine.load(folder, device="cpu")
    assert back.config == model.config
    for name, parameter in model.named_parameters():
        assert torch.equal(back.get_parameter(name), parameter.half().float()), name


def test_writing_again_changes_nothing(written, tmp_path):
    _, folder = written
    glassbox.write(engine.load(folder, device="cpu"), tmp_path / "again")
    for file in folder.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes(), file.name


def test_the_tokenizer_comes_back(written):
    model, folder = written
    back = engine.load(folder, device="cpu").tokenizer
    assert back.ranks == model.tokenizer.ranks
    assert back.special == model.tokenizer.special


def test_a_tied_model_comes_back_tied(rank_tokenizer, tmp_path):
    model = decoder(torch.float32, vocabulary=len(rank_tokenizer))
    model.tokenizer = rank_tokenizer
    glassbox.write(model, tmp_path)
    back = engine.load(tmp_path, device="cpu")
    assert back.logits.weight is back.embed.token.weight


def test_a_rotary_model_comes_back_rotary(rank_tokenizer, tmp_path):
    model = decoder(torch.float32, vocabulary=len(rank_tokenizer), rotary_base=500.0, **ROTARY)
    model.tokenizer = rank_tokenizer
    glassbox.write(model, tmp_path)
    back = engine.load(tmp_path, device="cpu")
    assert back.config == model.config
    assert back.embed.position is None


def test_a_config_that_tells_no_positions_is_of_the_time_when_all_were_learned(written):
    configure(written[1], positions=..., rotary_base=...)
    assert engine.load(written[1], device="cpu").config.positions == "learned"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(depth=3), "unknown entries: depth"),
        (dict(layers=...), "config.json is incomplete: .*layers"),
        (dict(vocabulary=301), "misshapen: embed.token.weight"),
        (dict(activation="tanh"), "activation is 'tanh'"),
        (dict(activation=[]), r"activation is \[\]"),
        (dict(norm_eps=None), "norm_eps is None"),
        (dict(positions="rotary"), "5 of a head is odd"),
        (dict(positions="rotary", width=18, head_width=6), "unexpected: embed.position.weight"),
        (dict(tied=1), "tied is 1"),
        (dict(layers=10**9), "1000000000"),
        (dict(width=10**12, heads=1, key_heads=1), "1000000000000"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(written, entries, message):
    configure(written[1], **entries)
    refused(written[1], message)


def test_a_missing_vocabulary_is_named(written):
    (written[1] / "vocabulary.tiktoken").unlink()
    refused(written[1], "has no vocabulary.tiktoken")


def test_the_vocabulary_has_the_size_that_the_config_says(written):
    file = written[1] / "vocabulary.tiktoken"
    file.write_bytes(b"\n".join(file.read_bytes().splitlines()[:-1]))
    refused(written[1], "has 299 entries, config.json says 300")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"IQ==", "line 3: b'IQ==' is not 'base64 rank'"),
        (b"IQ== two", "line 3"),
        (b"IQ== 2 3", "line 3"),
        (b"!!!! 2", "line 3"),
        (b"\xff\xfe 2", "line 3"),
        (b"IQ== 7", "ranks must be 0, 1, 2"),
        (b"IQ== -1", "ranks must be 0, 1, 2"),
        (b"SGVsbG8= 2", "has no entry for the byte"),
        (b"", "line 3"),
    ],
)
def test_a_damaged_vocabulary_says_where(written, line, message):
    file = written[1] / "vocabulary.tiktoken"
    lines = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join([*lines[:2], line, *lines[3:]]))
    refused(written[1], message)
