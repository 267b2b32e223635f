"""This project's own layout: what is written is what is read."""

import json

import pytest
import torch

import engine
from engine.images import Preparation
from engine.load import glassbox
from engine.tokenize import BeginTokenizer
from tests.engine.load.damage import configure, refused
from tests.engine.tiny import PAIRS, ROTARY, VIT, decoder, images, pair, prompt


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


def test_a_model_whose_texts_begin_with_a_token_of_their_own_comes_back_so(rank_tokenizer, tmp_path):
    model = decoder(torch.float32, vocabulary=len(rank_tokenizer) + 1)
    model.tokenizer = BeginTokenizer(rank_tokenizer.ranks)
    glassbox.write(model, tmp_path)
    back = engine.load(tmp_path, device="cpu")
    ids = engine.run(back, "The cat").ids[0].tolist()
    assert ids == [len(rank_tokenizer), *rank_tokenizer.encode("The cat")]
    assert back.tokenizer.shown(ids[0]) == b"<|begin|>"
    told = (tmp_path / "tokenizer_config.json").read_text("utf-8")
    (tmp_path / "tokenizer_config.json").write_text(told.replace("<|begin|>", "<s>"), encoding="utf-8")
    refused(tmp_path, "bos_token is '<s>'; only '<.begin.>' is read here")


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
        (dict(positions="rotary"), "head_width 5 is odd"),
        (dict(positions="rotary", width=18, head_width=6), "unexpected: embed.position.weight"),
        (dict(tied=1), "tied is 1"),
        (dict(memory=15), "cross-attention, which needs an encoder beside it"),
        (dict(layers=10**9), "1000000000"),
        (dict(width=10**12, heads=1, key_heads=1), "1000000000000"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(written, entries, message):
    configure(written[1], **entries)
    refused(written[1], message)


def test_an_entry_under_its_former_name_is_still_read(written):
    _, folder = written
    entries = json.loads((folder / "config.json").read_text())
    entries["farthest"] = entries.pop("max_distance") + 1
    (folder / "config.json").write_text(json.dumps(entries))
    assert engine.load(folder, device="cpu").config.max_distance == entries["farthest"]


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


# --- two stacks ----------------------------------------------------------------------------------


@pytest.fixture(params=["2017", "T5, gated", "widths of their own", "captions"])
def both(request, sentences, tmp_path):
    """A model of two stacks and the folder it was written to."""
    choices = dict(PAIRS[request.param])
    decoder = choices.pop("decoder", {}) | dict(vocabulary=len(sentences))
    choices |= {} if request.param == "captions" else dict(vocabulary=len(sentences))
    model = pair(torch.float32, decoder=decoder, **choices, start=sentences.start, end=sentences.end)
    model.tokenizer = sentences
    if request.param == "captions":
        model.prepare = Preparation(VIT["image"], (0.5,) * 3, (0.25,) * 3)
    glassbox.write(model, tmp_path / "model")
    return model, tmp_path / "model"


def test_two_stacks_come_back_with_their_vocabulary(both):
    model, folder = both
    back = engine.load(folder, device="cpu")
    assert back.config == model.config
    assert back.tokenizer.special == model.tokenizer.special
    assert back.prepare == model.prepare
    parameters = dict(back.named_parameters())
    assert parameters.keys() == dict(model.named_parameters()).keys()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameters[name], parameter.half().float()), name
    given = images(1) if model.config.encoder.image else prompt(5)
    assert engine.run(back, given)["decoder.logits"].isfinite().all()


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(encoder=...), "encoder is None, not an object"),
        (dict(decoder=[]), r"decoder is \[\], not an object"),
        (dict(depth=1), "unknown entries: depth"),
        (dict(start=...), "incomplete: .*start"),
        (dict(start=299), "start = 299; its vocabulary's is 300"),
        (dict(end=10**30), "must be a token from 0 to 300"),
        (dict(shared="yes"), "shared is 'yes'"),
        (dict(encoder={"memory": 3}), "passes on its last vectors"),
        (dict(encoder={"layers": 10**9}), "1000000000"),
        (dict(decoder={"memory": 16}), "vectors of width 16"),
        (dict(decoder={"depth": 1}), "unknown entries: depth"),
        (dict(decoder={"layers": 1}), "unexpected: decoder.blocks.1"),
        (dict(decoder={"vocabulary": 300}), "start is 300; it must be a token from 0 to 299"),
    ],
)
@pytest.mark.parametrize("both", ["widths of their own"], indirect=True)
def test_a_config_of_two_stacks_that_cannot_be_read_says_why(both, entries, message):
    config = json.loads((both[1] / "config.json").read_text())
    for name, entry in entries.items():
        entries[name] = config[name] | entry if isinstance(entry, dict) else entry
    configure(both[1], **entries)
    refused(both[1], message)
