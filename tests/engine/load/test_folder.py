"""Files of a checkpoint: read safely, or an error that says what to do."""

import json

import pytest
import torch

from tests.engine.load.damage import refused


def test_a_checkpoint_of_shards_has_several_files(sharded):
    assert len(list(sharded.glob("*.safetensors"))) > 2


def test_a_folder_needs_a_config(folder):
    (folder / "config.json").unlink()
    refused(folder, "has no config.json; a checkpoint folder needs one")


@pytest.mark.parametrize("content", [b"", b"{", b"not json", b"\xff\xfe", b'{"a": 1}}'])
def test_a_config_is_json(folder, content):
    (folder / "config.json").write_bytes(content)
    refused(folder, "config.json is not JSON")


@pytest.mark.parametrize("content", ["[]", "3", '"gpt2"', "null"])
def test_a_config_is_an_object(folder, content):
    (folder / "config.json").write_text(content)
    refused(folder, "not an object")


def test_a_deeply_nested_config_is_refused(folder):
    (folder / "config.json").write_text("[" * 100_000)
    refused(folder, "config.json is not JSON")


def test_weights_that_can_run_code_are_never_opened(folder, monkeypatch):
    def run_code(*arguments, **options):
        raise AssertionError("a pickle was opened")

    monkeypatch.setattr(torch, "load", run_code)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    refused(folder, r"neither model.safetensors nor .*found: .*pytorch_model.bin.*can run code")


@pytest.mark.parametrize("keep", [0, 4, 100, 5000, -1])
def test_truncated_weights_are_damaged(folder, keep):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    refused(folder, "model.safetensors is damaged or no safetensors file")


def test_a_folder_in_the_place_of_the_weights_is_no_file(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()
    refused(folder, "model.safetensors is a folder, not a file")


def test_a_missing_shard_is_named(sharded):
    shard = sorted(sharded.glob("*.safetensors"))[1]
    shard.unlink()
    refused(sharded, f"lacks shards .* names: {shard.name}")


@pytest.mark.parametrize("name", ["../x.safetensors", "/etc/passwd", "sub/x.safetensors", "weights.bin", ".."])
def test_an_index_names_only_safetensors_of_its_own_folder(sharded, name):
    index = sharded / "model.safetensors.index.json"
    table = json.loads(index.read_text())
    table["weight_map"]["transformer.wte.weight"] = name
    index.write_text(json.dumps(table))
    (sharded.parent / "x.safetensors").write_bytes(b"must not be read")
    refused(sharded, "names files that are no .safetensors of this folder")


@pytest.mark.parametrize("table", [{}, {"weight_map": []}, {"weight_map": {"wte.weight": 3}}])
def test_an_index_has_a_map_from_tensors_to_files(sharded, table):
    (sharded / "model.safetensors.index.json").write_text(json.dumps(table))
    refused(sharded, "has no weight_map")


def test_an_index_that_names_nothing_gives_no_model(sharded):
    (sharded / "model.safetensors.index.json").write_text('{"weight_map": {}}')
    refused(sharded, "0 tensors")
