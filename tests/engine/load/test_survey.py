"""What a folder holds, told from its headers: the same model that is loaded, and the same complaints."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import engine
from engine.load import glassbox
from tests.engine.load.damage import configure
from tests.engine.load.test_junk import ENTRIES, JUNK
from tests.engine.tiny import decoder

LAYOUTS = ("gpt2", "llama", "mixtral", "bert", "vit", "t5", "bloom", "qwen3")


def agree(folder) -> None:
    told, model = engine.survey(folder), engine.load(folder, device="cpu")
    assert told.model.config == model.config
    shapes = [{name: w.shape for name, w in one.named_parameters()} for one in (told.model, model)]
    assert shapes[0] == shapes[1]
    assert told.parameters == sum(w.numel() for w in model.parameters())
    assert told.bytes == sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    assert all(w.is_meta for w in told.model.parameters())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_tells_the_model_that_is_loaded(checkpoint, layout):
    agree(checkpoint(layout=layout).folder)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_shards_and_halves_are_counted_as_the_numbers_they_are(checkpoint, dtype):
    agree(checkpoint(dtype=dtype, max_shard_size="8KB").folder)


@pytest.mark.parametrize("own", [False, True])
def test_a_table_that_is_no_copy_is_counted_by_itself(checkpoint, own):
    agree(checkpoint(layout="t5", own_logits=own).folder)


@pytest.mark.parametrize("same", [False, True])
def test_of_two_tables_in_a_file_a_copy_is_counted_once(checkpoint, tmp_path, same):
    folder = shutil.copytree(checkpoint().folder, tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    table = weights["transformer.wte.weight"]
    save_file(weights | {"lm_head.weight": table.clone() if same else table + 1}, folder / "model.safetensors")
    agree(folder)


def test_our_own_layout_is_told_too(tmp_path, rank_tokenizer):
    model = decoder(torch.float32, vocabulary=len(rank_tokenizer))
    model.tokenizer = rank_tokenizer
    glassbox.write(model, tmp_path)
    agree(tmp_path)
    (tmp_path / "vocabulary.tiktoken").unlink()
    assert said(engine.survey, tmp_path) == said(engine.load, tmp_path) != ""


def said(call, folder) -> str:
    """What is complained of."""
    try:
        call(folder)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("entry", ENTRIES["gpt2"])
def test_it_complains_of_the_same_in_the_same_words(checkpoint, tmp_path, entry):
    folder = shutil.copytree(checkpoint().folder, tmp_path / "copy")
    for junk in [..., *JUNK]:
        shutil.copy(checkpoint().folder / "config.json", folder)
        configure(folder, **{entry: junk})
        assert said(engine.survey, folder) == said(engine.load, folder), junk


def test_it_complains_of_weights_as_loading_does(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint().folder, tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    first, *others = weights
    missing = {name: weights[name] for name in others}
    for changed in (missing, weights | {"more": torch.ones(3)}, weights | {first: torch.ones(2, 2)}):
        save_file(changed, folder / "model.safetensors")
        assert said(engine.survey, folder) == said(engine.load, folder) != ""
    save_file({"x": torch.ones(4, dtype=torch.float8_e4m3fn)}, folder / "model.safetensors")
    assert "weights are read in" in said(engine.survey, folder)
    (folder / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ..")
    assert "damaged or not a safetensors file" in said(engine.survey, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "Only safetensors files are read" in said(engine.survey, folder)


def test_whether_there_is_a_tokenizer_is_told(checkpoint, tmp_path, tokenizer_json):
    folder = shutil.copytree(checkpoint().folder, tmp_path / "copy")
    assert "without a tokenizer.json" in engine.survey(folder).model.without_tokenizer
    shutil.copy(tokenizer_json, folder)
    assert engine.survey(folder).model.without_tokenizer == ""
    assert engine.survey(checkpoint(layout="vit").folder).model.without_tokenizer == ""
