"""A recurrent encoder-decoder in this project's own layout: what is written is what is read."""

import json
from dataclasses import asdict, fields, replace

import pytest
import torch

import engine
from engine.config import Config, RecurrentConfig
from engine.images import Preparation
from engine.load import glassbox
from tests.engine.load.damage import refused
from tests.engine.load.test_junk import JUNK
from tests.engine.tiny import ENCODER, RECURRENT, images, recurrent

COLOURS = ((255.0, 255.0, 255.0), (200.0, 0.0, 30.0))
DISTANCES = dict(positions="relative", buckets=6, max_distance=7)  # a table that the blocks share


@pytest.fixture
def write(sentences, tmp_path):
    def write(cell="gru", attention="additive", encoder=None):
        sizes = dict(vocabulary=len(sentences), start=sentences.start, end=sentences.end)
        model = recurrent(cell, attention, torch.float32, **sizes, encoder=encoder)
        model.tokenizer = sentences
        if encoder is not None:
            model.prepare = Preparation(encoder.image, (1.0,) * 3, (0.25,) * 3, COLOURS)
        glassbox.write(model, tmp_path / "model")
        return model, tmp_path / "model"

    return write


def configure(folder, **entries) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["recurrent"] = {k: v for k, v in (config["recurrent"] | entries).items() if v is not ...}
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("choices", RECURRENT.values(), ids=RECURRENT)
def test_reading_gives_the_weights_rounded_to_float16(write, choices):
    model, folder = write(*choices)
    back = engine.load(folder, device="cpu")
    assert back.config == model.config
    assert back.name == "model"
    for name, parameter in model.named_parameters():
        assert torch.equal(back.get_parameter(name), parameter.half().float()), name


@pytest.mark.parametrize("encoder", [ENCODER, replace(ENCODER, **DISTANCES)], ids=["ViT", "relative"])
@pytest.mark.parametrize("choices", [("rnn", "none"), ("gru", "additive"), ("lstm", "dot")])
def test_what_reads_images_comes_back_with_its_palette(write, choices, encoder):
    model, folder = write(*choices, encoder=encoder)
    back = engine.load(folder, device="cpu")
    assert (back.config, back.prepare) == (model.config, model.prepare)
    parameters = dict(back.named_parameters())
    assert parameters.keys() == dict(model.named_parameters()).keys()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameters[name], parameter.half().float()), name
    trace = engine.run(back, back.prepare(torch.zeros(3, 9, 9)), target="the mat")
    assert b"".join(trace.target_tokens()[1:]) == b"the mat"
    assert trace["encoder.embed.pixels"].unique().tolist() == [-4.0]


@pytest.mark.parametrize("encoder", [None, ENCODER], ids=["text", "images"])
def test_writing_again_changes_nothing(write, tmp_path, encoder):
    _, folder = write(encoder=encoder)
    glassbox.write(engine.load(folder, device="cpu"), tmp_path / "again")
    for file in folder.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes(), file.name


def test_a_config_that_tells_no_encoder_is_of_the_time_when_all_read_texts(write):
    model, folder = write()
    configure(folder, encoder=...)
    assert engine.load(folder, device="cpu").config == model.config


def test_a_text_and_its_target_are_read_as_texts(write):
    model = engine.load(write()[1], device="cpu")
    trace = engine.run(model, "the cat sat", target="the mat")
    assert b"".join(trace.tokens()[:-1]) == b"the cat sat"
    assert (trace.ids[0, -1], trace.target[0, 0]) == (model.end, model.start)
    assert b"".join(trace.target_tokens()[1:]) == b"the mat"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(depth=3), "unknown entries: depth"),
        (dict(width=...), "config.json is incomplete: .*width"),
        (dict(vocabulary=302), "misshapen: decoder.logits.weight"),
        (dict(cell="lstm"), "misshapen: decoder.cell.h.weight"),
        (dict(attention="none"), "unexpected: decoder.cross.align.weight"),
        (dict(attention=None), "attention is None"),
        (dict(cell={}), r"cell is \{\}"),
        (dict(start=301), "start is 301"),
        (dict(end=7), "says end = 7; its vocabulary's is 299"),
        (dict(width=10**12), "1000000000000"),
        (dict(vocabulary=10**30), "10000000000000"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(write, entries, message):
    _, folder = write()
    configure(folder, **entries)
    refused(folder, message)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(depth=3), "unknown entries: depth"),
        (dict(layers=...), "config.json is incomplete: .*layers"),
        (dict(layers=1), "unexpected: encoder.blocks.1"),
        (dict(layers=10**9), "1000000000"),
        (dict(channels=1), "misshapen: encoder.embed.patch.weight"),
        (dict(ending="logits"), "its ending must be 'nothing'"),
        (dict(image=0, patch=0, vocabulary=301), "the encoder has image 0"),
        (dict(causal=True), "causal True"),
        (dict(width=12, head_width=4), "attends to vectors of width 9; the encoder's have 12"),
    ],
)
def test_an_encoder_that_cannot_be_read_says_why(write, entries, message):
    _, folder = write(encoder=ENCODER)
    entries = {k: v for k, v in (asdict(ENCODER) | entries).items() if v is not ...}
    configure(folder, encoder=entries)
    refused(folder, message)


def test_classes_that_nobody_tells_have_no_labels(write):
    _, folder = write(encoder=ENCODER)
    configure(folder, encoder=asdict(ENCODER) | dict(classes=5))
    assert engine.load(folder, device="cpu").labels == ()


@pytest.mark.parametrize("encoder", [[], "vit", 0, True, {}])
def test_an_encoder_is_an_object_of_its_own(write, encoder):
    _, folder = write(encoder=ENCODER)
    configure(folder, encoder=encoder)
    refused(folder, "config.json is incomplete" if encoder == {} else "encoder is .*, not an object")


@pytest.mark.parametrize("entry", [field.name for field in fields(Config)])
def test_junk_in_the_config_of_an_encoder_is_refused_or_harmless(write, entry):
    _, folder = write(encoder=ENCODER)
    for junk in JUNK:
        configure(folder, encoder=asdict(ENCODER) | {entry: junk})
        try:
            model = engine.load(folder, device="cpu")
        except ValueError as error:
            assert str(error)
        else:
            assert model(images(1), torch.tensor([[1]])).shape == (1, 1, 301)


@pytest.mark.parametrize("config", [dict(recurrent=[]), dict(recurrent=None), dict(recurrent={}, width=3)])
def test_the_entries_are_an_object_of_their_own(write, config):
    _, folder = write()
    (folder / "config.json").write_text(json.dumps({"format": "glassbox"} | config))
    refused(folder, "recurrent is an object")


@pytest.mark.parametrize("entry", [field.name for field in fields(RecurrentConfig)])
def test_junk_in_a_config_is_refused_or_harmless(write, entry):
    _, folder = write()
    for junk in JUNK:
        configure(folder, **{entry: junk})
        try:
            model = engine.load(folder, device="cpu")
        except ValueError as error:
            assert str(error)
        else:
            assert model(torch.tensor([[3]]), torch.tensor([[1]])).shape == (1, 1, 301)
