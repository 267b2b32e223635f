"""Files that are no files, of absurd size, or with numbers that weights are not made of: refused at once."""

import json
import os
import shutil
import struct
import time

import pytest
import torch
from safetensors.torch import load_file

import engine
from engine.load import LAYOUTS, files
from engine.load import folder as folders
from tests.engine.load.damage import change, configure, load, refused

NAMES = ["config.json", "model.safetensors"]


@pytest.fixture(autouse=True)
def quick():
    """Nothing here waits for what never comes."""
    begun = time.perf_counter()
    yield
    assert time.perf_counter() - begun < 60  # a pipe would hang for ever


def replace(path, make) -> None:
    path.unlink()
    make(path)


KINDS = {
    "pipe": (os.mkfifo, "is a pipe or a device, not a file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a pipe or a device, not a file"),
    "folder": (lambda path: path.mkdir(), "is a folder, not a file"),
    "loop": (lambda path: path.symlink_to(path.name), "cannot be read: Too many levels of symbolic links"),
    "nowhere": (lambda path: path.symlink_to("no-such-file"), "cannot be read: No such file"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_file_is_not_opened(folder, name, kind):
    make, message = KINDS[kind]
    replace(folder / name, make)
    refused(folder, f"{name} {message}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["model.safetensors.index.json", "model-00002-of-*.safetensors"])
def test_no_shard_and_no_index_either(sharded, name, kind):
    make, message = KINDS[kind]
    path = next(sharded.glob(name))
    replace(path, make)
    refused(sharded, f"{path.name} {message}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_that_is_no_file_leaves_ids(folder, kind):
    make, message = KINDS[kind]
    make(folder / "tokenizer.json")
    with pytest.raises(ValueError, match=rf"tokenizer.json {message}.*\): give token ids, not text"):
        engine.run(load(folder), "The cat")
    assert load(folder)(torch.tensor([[1, 2]])).shape == (1, 2, 97)


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 5000 + ".safetensors", "a\0b.safetensors", "é" * 200])
def test_a_shard_of_an_impossible_name_is_missing(sharded, name):
    index = sharded / "model.safetensors.index.json"
    table = json.loads(index.read_text())
    table["weight_map"]["transformer.wte.weight"] = name
    index.write_text(json.dumps(table))
    refused(sharded, "lacks shards|names files that are not .safetensors")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "owner/" + "x" * 5000])
def test_a_model_of_an_impossible_name_is_unknown(name):
    with pytest.raises(ValueError, match="there is no model"):
        engine.load(name)


def test_a_json_file_is_small(folder):
    with open(folder / "config.json", "ab") as file:
        file.truncate(files.MOST_JSON + 1)
    refused(folder, f"config.json has {files.MOST_JSON + 1:,} bytes; such a file has at most")


@pytest.mark.parametrize("depth", [60, 500, 900, 10_000])
@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"x":', "}")])
def test_a_json_file_is_flat(folder, begin, end, depth):
    (folder / "config.json").write_text('{"x": ' + begin * depth + "1" + end * depth + "}")
    refused(folder, "config.json is nested deeper than 50 levels|config.json is not JSON")


def test_a_number_of_ten_thousand_digits_is_not_read(folder):
    (folder / "config.json").write_text('{"n_head": ' + "1" * 10_000 + "}")
    refused(folder, "config.json is not JSON")


def test_an_entry_that_stands_there_twice_is_one_or_refused(folder):
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace('"n_head": 3', '"n_head": 3, "n_head": 3'))
    load(folder)
    (folder / "config.json").write_text(text.replace('"n_head": 3', '"n_head": 5, "n_head": 3'))
    refused(folder, "'n_head' stands there twice, with two values")


@pytest.mark.parametrize("value", ["x" * 10**6, ["x"] * 10**5, {str(i): i for i in range(10**5)}])
@pytest.mark.parametrize("name", ["n_head", "activation_function", "no_such_entry", "dtype", "model_type"])
def test_an_error_is_short(folder, name, value):
    configure(folder, **{name: value})
    with pytest.raises(ValueError) as error:
        load(folder)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ("count", "layers", "message"),
    [
        (50_000, 3, "has 50,001 tensors; such a file has at most 20,000"),
        (15_000, 3, "15001 tensors of 0 numbers"),
        (15_000, 15_000, "15001 tensors of 0 numbers"),
    ],
)
def test_thousands_of_empty_tensors_are_refused(folder, count, layers, message):
    empty = dict(dtype="F32", shape=[0], data_offsets=[0, 0])
    header = json.dumps({f"transformer.h.{i}.ln_1.weight": empty for i in range(count)} | {"x": empty}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    configure(folder, n_layer=layers)
    refused(folder, message)


def test_weights_beyond_the_memory_are_not_read(folder):
    header = json.dumps({"x": {"dtype": "F32", "shape": [2**42], "data_offsets": [0, 2**44]}}).encode()
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + 2**43)  # with holes: it takes no room
    refused(folder, "the weights are .* bytes; this machine's memory is|damaged")


BROKEN = {
    "1e300 in float64": (lambda w: w.double() + 1e300, "holds numbers that are not finite in float32"),
    "complex": (lambda w: w + 1j, "is complex64; weights are read in float32, float16, bfloat16, float64"),
    "float8": (lambda w: w.to(torch.float8_e4m3fn), "is float8_e4m3fn; weights are read in"),
    "float8 of another kind": (lambda w: w.to(torch.float8_e5m2), "is float8_e5m2; weights are read in"),
    "whole": (lambda w: w.to(torch.int8), "unread: .* is int8; weights are read in"),
    "truths": (lambda w: w > 0, "unread: .* is bool; weights are read in"),
    "unsigned": (lambda w: w.abs().to(torch.uint16), "is uint16; weights are read in"),
    "minus infinity": (lambda w: w.half() - torch.inf, "holds numbers that are not finite in float32"),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("name", ["transformer.wte.weight", "transformer.h.1.mlp.c_fc.weight"])
def test_weights_of_another_type_are_named(folder, kind, name):
    make, message = BROKEN[kind]
    change(folder, lambda tensors: tensors.update({name: make(tensors[name])}))
    refused(folder, message)


@pytest.mark.parametrize("dtype", folders.READ)
def test_weights_of_a_type_that_is_read_are_exact_in_float32(folder, dtype):
    change(folder, lambda tensors: tensors.update({name: w.to(dtype) for name, w in tensors.items()}))
    expected = load_file(folder / "model.safetensors")["transformer.wte.weight"].float()
    assert torch.equal(load(folder).embed.token.weight, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (1, 1, 1)])
def test_tensors_of_any_shape_are_refused(checkpoint, tmp_path, layout, shape):
    folder = shutil.copytree(checkpoint(layout=layout).folder, tmp_path / "shapes")
    change(folder, lambda tensors: tensors.update({name: torch.zeros(shape) for name in tensors}))
    refused(folder, "weights are|does not fit")


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("gpt2", "transformer.lm_head.weight"),
        ("llama", "model.lm_head.weight"),
        ("bert", "bert.cls.predictions.decoder.weight"),
        ("vit", "vit.classifier.weight"),
    ],
)
def test_a_head_inside_the_stack_is_none(checkpoint, tmp_path, layout, name):
    folder = shutil.copytree(checkpoint(layout=layout).folder, tmp_path / "inside")
    change(folder, lambda tensors: tensors.update({name: torch.ones(97, 15)}))
    refused(folder, f"unexpected: {name}")


def test_many_blocks_that_are_there_are_not_built_beyond_a_thousand(folder):
    configure(folder, n_layer=2000)
    refused(folder, "layers = 2000")
