"""Which names a file has for the table of tokens and that of the logits, and what config.json says of them: the
reference's numbers, or an error that names a tensor."""

import itertools
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.load import glassbox
from tests.engine.load.damage import IDS, change, configure, load, numbers, refused, reloaded
from tests.engine.tiny import assert_close, decoder, pair

NAMES = {  # of each layout: that of the tokens, that of the logits
    "gpt2": ("transformer.wte.weight", "lm_head.weight"),
    "bloom": ("transformer.word_embeddings.weight", "lm_head.weight"),
    "bert": ("bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"),
}
NAMES |= dict.fromkeys(("llama", "mixtral", "qwen3"), ("model.embed_tokens.weight", "lm_head.weight"))
T5 = ("shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")
BIASES = ("cls.predictions.bias", "cls.predictions.decoder.bias")


def other(w: torch.Tensor, seed: int = 1) -> torch.Tensor:
    return 0.4 * torch.randn(w.shape, generator=torch.Generator().manual_seed(seed))


def same_as_reference(folder, made, layout: str) -> None:
    """The same numbers as the reference's; refused where the reference would make numbers up."""
    theirs, missing = reloaded(folder, made.reference)
    if missing:
        refused(folder, "missing")
    else:
        assert_close(numbers(load(folder).double(), layout), numbers(theirs, layout), noise=1e-4)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("there", ["tokens", "logits", "equal", "unequal"])
@pytest.mark.parametrize("layout", NAMES)
def test_one_table_or_two(checkpoint, tmp_path, layout, there, tied):
    made = checkpoint(layout=layout)
    folder = shutil.copytree(made.folder, tmp_path / "tables")
    tokens, logits = NAMES[layout]

    def edit(tensors):
        table = tensors.pop(tokens)
        tensors.pop(logits, None)
        if there != "logits":
            tensors[tokens] = table
        if there != "tokens":
            tensors[logits] = other(table) if there == "unequal" else table.clone()
        if layout == "bert":  # without it the reference makes a bias up where nothing is tied
            tensors["cls.predictions.decoder.bias"] = tensors["cls.predictions.bias"].clone()

    change(folder, edit)
    configure(folder, tie_word_embeddings=tied)
    same_as_reference(folder, made, layout)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("there", ["first", "second", "equal", "unequal"])
def test_bert_has_one_bias_or_two(checkpoint, tmp_path, there, tied):
    made = checkpoint(layout="bert")
    folder = shutil.copytree(made.folder, tmp_path / "biases")

    def edit(tensors):
        bias = tensors.pop(BIASES[0])
        tensors.pop(BIASES[1], None)
        tensors["cls.predictions.decoder.weight"] = tensors[NAMES["bert"][0]].clone()
        if there != "second":
            tensors[BIASES[0]] = bias
        if there != "first":
            tensors[BIASES[1]] = other(bias) if there == "unequal" else bias.clone()

    change(folder, edit)
    configure(folder, tie_word_embeddings=tied)
    theirs, missing = reloaded(folder, made.reference)
    if BIASES[1] in missing:  # the other is not read in a run
        refused(folder, "missing: logits.bias")
    else:
        assert_close(numbers(load(folder).double(), "bert"), numbers(theirs, "bert"), noise=1e-4)


SOME = [some for count in (1, 2, 3, 4) for some in itertools.combinations(range(4), count)]


@pytest.mark.parametrize("differs", [(), *((i,) for i in range(4)), (0, 1, 2, 3)], ids=str)
@pytest.mark.parametrize("some", SOME, ids=str)
def test_t5_has_up_to_four_tables(checkpoint, tmp_path, some, differs):
    made = checkpoint(layout="t5")
    folder = shutil.copytree(made.folder, tmp_path / "tables")

    def edit(tensors):
        table = next(tensors.pop(name) for name in T5 if name in tensors)
        for i in some:
            tensors[T5[i]] = other(table, seed=i) if i in differs else table.clone()

    change(folder, edit)
    same_as_reference(folder, made, "t5")


@pytest.mark.parametrize("layout", NAMES)
def test_two_names_of_one_part_are_one_or_refused(checkpoint, tmp_path, layout):
    made = checkpoint(layout=layout)
    folder = shutil.copytree(made.folder, tmp_path / "twice")
    tokens = NAMES[layout][0]
    bare = tokens.partition(".")[2]
    change(folder, lambda tensors: tensors.update({bare: tensors[tokens].clone()}))
    assert_close(numbers(load(folder).double(), layout), numbers(made.reference, layout), noise=1e-4)
    change(folder, lambda tensors: tensors[bare][3].add_(1))
    refused(folder, rf"({tokens} and {bare}|{bare} and {tokens}) are two names of one part .* differ")


def test_norms_of_2018_beside_those_of_today_are_compared(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint(layout="bert").folder, tmp_path / "twice")
    name = "bert.embeddings.LayerNorm."
    change(folder, lambda tensors: tensors.update({name + "gamma": tensors[name + "weight"] + 1}))
    refused(folder, r"LayerNorm.* and .*LayerNorm.* are two names of one part")


def test_a_tensor_in_two_shards_is_one_or_refused(sharded, checkpoint):
    first, second = sorted(sharded.glob("*.safetensors"))[:2]
    name, w = next(iter(load_file(first).items()))
    save_file(load_file(second) | {name: w}, second)
    theirs = checkpoint(max_shard_size="5KB").reference(IDS).logits
    assert_close(load(sharded).double()(IDS), theirs, noise=1e-4)
    save_file(load_file(second) | {name: w + 1}, second)
    refused(sharded, f"'{name}' stands in two shards and differs")


def test_copies_in_our_own_layout_are_one_or_refused(rank_tokenizer, tmp_path):
    model = decoder(torch.float32, vocabulary=len(rank_tokenizer))
    model.tokenizer = rank_tokenizer
    glassbox.write(model, tmp_path)
    change(tmp_path, lambda tensors: tensors.update({"logits.weight": tensors["embed.token.weight"].clone()}))
    assert torch.equal(load(tmp_path).logits.weight, model.logits.weight.half().float())
    change(tmp_path, lambda tensors: tensors.pop("embed.token.weight"))
    assert torch.equal(load(tmp_path).logits.weight, model.logits.weight.half().float())
    change(tmp_path, lambda tensors: tensors.update({"embed.token.weight": tensors["logits.weight"] + 1}))
    refused(tmp_path, "unequal: logits.weight differs from embed.token.weight")


def test_copies_in_two_stacks_of_our_own_are_one_or_refused(sentences, tmp_path):
    model = pair(
        torch.float32, vocabulary=len(sentences), shared=True, start=sentences.start, end=sentences.end
    )
    model.tokenizer = sentences
    glassbox.write(model, tmp_path)
    copy = "decoder.embed.token.weight"
    change(tmp_path, lambda tensors: tensors.update({copy: tensors["encoder.embed.token.weight"].clone()}))
    load(tmp_path)
    change(tmp_path, lambda tensors: tensors[copy].add_(1))
    refused(tmp_path, f"unequal: {copy} differs from encoder.embed.token.weight")
