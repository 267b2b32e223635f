from functools import cache
from string import printable

import pytest
import torch
from huggingface_hub import constants
from streamlit.components.v2 import manifest_scanner

from app import catalogue, compute, shelf
from engine.config import Config
from engine.images import Preparation
from engine.load import SHIPPED
from engine.tokenize import BeginTokenizer, SentenceTokenizer, UnigramTokenizer, WordPieceTokenizer
from engine.tokenize.characters import CharacterTokenizer
from engine.tokenize.sentinels import learn_unigram
from engine.training.encoder import learn_wordpiece
from tests.app.folders import KINDS, TEXT, save_unigram
from tests.app.visit import model
from tests.engine.tiny import (
    BERT,
    BLOOM,
    GRID,
    LLAMA,
    MIXTRAL,
    QWEN,
    RELATIVE,
    ROTARY,
    SIZES,
    T5,
    VASWANI,
    VIT,
    decoder,
    language_model,
    pair,
    recurrent,
)

COLOURS = ((255.0, 255.0, 255.0), (200.0, 30.0, 40.0), (20.0, 60.0, 220.0))
CAPTIONERS = ("seer", "teller", "alone", "cells", "glance")
TRANSLATORS = ("pair", "t5", "rnn", "gru", "lstm")
DECODERS = {  # with parts that few models have
    "after": dict(post_norm=True, gated=True, tied=False, activation="relu", scale_embedding=True),
    "by layer": dict(scale_by_layer=True, attention_bias=False),
    "odd": ROTARY | dict(scale_scores=False, scale_by_layer=True, scale_embedding=True, mlp_bias=False),
    "mixed": MIXTRAL,
    "mixed after": dict(post_norm=True, gated=True, mlp_bias=False, experts=3, experts_used=1, norm="rms"),
    "distant": RELATIVE | dict(norm="rms", post_norm=True, scale_embedding=True),
    "bloom": BLOOM,
    "qwen": QWEN,
    "bare": dict(norm="none", residual=False, positions="none", layers=2),  # of characters
}
STRANGERS = ("thread", "llama", "bert", "vit", "plain bert", *DECODERS, *TRANSLATORS, *CAPTIONERS)
# of all models; of those that differ in their positions alone one is enough
ALIKE = list(catalogue.placed())[1:]
SHIPPED_NAMES = sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))
NAMES = [*(name for name in SHIPPED_NAMES if name not in ALIKE), *STRANGERS]
WORDS = "the cat sat on the mat, the animal did not cross the street because it was too tired. " * 3


@pytest.fixture(scope="session", autouse=True)
def nothing_of_ones_own(tmp_path_factory):
    """No models but those that a test brings, whatever is on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))
        patch.delenv(shelf.VARIABLE, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def packages_looked_through_once():
    """For components, as a server does at its start. AppTest would read the metadata of all that is installed
    for every visitor: nine tenths of a visit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests)
        )
        yield


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """A folder with a tiny checkpoint of each kind, by the kind's name."""
    top = tmp_path_factory.mktemp("checkpoints")
    for kind, make in KINDS.items():
        make(top / kind)
    return top


@pytest.fixture
def shelved(tmp_path, monkeypatch):
    """A folder for models of one's own, which the app looks into."""
    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path))
    monkeypatch.setattr(shelf, "FRESH", 0.0)
    shelf.forget()
    yield tmp_path
    for one in shelf.models():
        compute.model.forget(one.name)
        compute.forget(one.name)
    monkeypatch.undo()
    shelf.forget()


@pytest.fixture(scope="session")
def wordpiece(tmp_path_factory):
    path = tmp_path_factory.mktemp("wordpiece") / "tokenizer.json"
    learn_wordpiece([WORDS], 90).save(str(path))
    return WordPieceTokenizer(path)


@pytest.fixture(scope="session")
def unigram(tmp_path_factory):
    return UnigramTokenizer(save_unigram(tmp_path_factory.mktemp("unigram") / "tokenizer.json"))


@pytest.fixture(scope="session")
def sentinels(tmp_path_factory):
    """The vocabulary of a model that fills spans."""
    path = tmp_path_factory.mktemp("sentinels") / "tokenizer.json"
    learn_unigram([WORDS, TEXT], 130).save(str(path))
    return UnigramTokenizer(path)


@pytest.fixture(scope="session")
def strangers(wordpiece, unigram, sentinels):
    """Random models of the kinds that are walked through, by name."""
    tokenizer = model().tokenizer
    llama = LLAMA | dict(vocabulary=len(tokenizer), context=64, activation="silu")
    found = {
        "llama": decoder(torch.float32, **llama),  # two heads share each key and value
        "bert": decoder(torch.float32, vocabulary=len(wordpiece), **BERT | dict(context=64)),
        "vit": decoder(torch.float32, **VIT | dict(image=8, context=17, channels=1)),
    }
    plain = BERT | dict(context=64, next_sentence=False, embed_norm=False, post_norm=False, tied=False)
    found["plain bert"] = decoder(torch.float32, vocabulary=len(wordpiece), **plain)
    begins = BeginTokenizer(tokenizer.ranks)
    own = {"odd": begins, "bare": CharacterTokenizer(printable[:95])}
    for name, choices in DECODERS.items():
        cutter = own.get(name, tokenizer)
        found[name] = decoder(torch.float32, **dict(vocabulary=len(cutter), context=64) | choices)
        found[name].tokenizer = cutter
    own_ends = dict(start=begins.special["<|begin|>"], end=begins.special["<|endoftext|>"])
    found["thread"] = language_model("lstm", torch.float32, vocabulary=len(begins), context=64, **own_ends)
    found["thread"].tokenizer = begins
    found["llama"].tokenizer = tokenizer
    for name in ("bert", "plain bert"):
        found[name].tokenizer = wordpiece
    found["vit"].prepare, found["vit"].labels = Preparation(8, (0.4,), (0.3,)), tuple("abcde")
    sentences = SentenceTokenizer(tokenizer.ranks)
    ends = dict(start=sentences.start, end=sentences.end)
    shared = dict(vocabulary=len(sentences), context=20, shared=True)
    found["pair"] = pair(torch.float32, **VASWANI, **shared, **ends, decoder=dict(context=16))
    found["t5"] = pair(torch.float32, **T5, **shared, **ends, decoder=dict(context=16, scale_logits=True))
    for name, cell, attention in (("rnn", "rnn", "none"), ("gru", "gru", "dot"), ("lstm", "lstm", "additive")):
        sizes = dict(vocabulary=len(sentences), context=20)
        found[name] = recurrent(cell, attention, torch.float32, **sizes, **ends)
    encoder = VIT | dict(image=8, context=17, ending="nothing", classes=0)
    found["seer"] = pair(torch.float32, **ends, decoder=dict(vocabulary=len(sentences)), encoder=encoder)
    sees = SIZES | encoder | dict(width=18)
    for name, attention in (("teller", "additive"), ("alone", "none")):
        sizes = dict(vocabulary=len(sentences), context=20, width=18, encoder=Config(**sees))
        found[name] = recurrent("gru", attention, torch.float32, **sizes, **ends)
    cells = sees | GRID | dict(image=8, context=16, filters=(3, 4, 18), width=18)
    bare = cells | dict(layers=0, post_norm=True, positions="none")  # all of the image is in the first state
    for name, attention, reads in (("cells", "additive", cells), ("glance", "none", bare)):
        sizes = dict(vocabulary=len(sentences), context=20, width=18, encoder=Config(**reads))
        found[name] = recurrent("gru", attention, torch.float32, **sizes, **ends)
    found["unigram"] = pair(
        torch.float32,
        **T5 | dict(vocabulary=len(unigram), context=20, start=0, end=unigram.end),
        decoder=dict(context=16),
    )
    found["unigram"].tokenizer = unigram
    found["spans"] = pair(
        torch.float32,
        **T5 | dict(vocabulary=len(sentinels), context=40, start=sentinels.start, end=sentinels.end),
        shared=True,
        decoder=dict(context=32, scale_logits=True),
    )
    found["spans"].tokenizer = sentinels
    for name in CAPTIONERS:
        found[name].prepare = Preparation(8, (1.0,) * 3, (0.5,) * 3, palette=COLOURS)
    for name in (*TRANSLATORS, *CAPTIONERS):
        found[name].tokenizer = sentences
    for name, one in found.items():
        one.name = name
    return found


@pytest.fixture
def family(strangers, monkeypatch):
    """The app with the random models beside the shipped ones."""
    models, get = catalogue.models(), compute.model
    monkeypatch.setattr(catalogue, "models", lambda: [*models, *strangers])
    monkeypatch.setattr(compute, "model", lambda name: strangers.get(name) or get(name))
    return strangers


@pytest.fixture
def shipping(family, monkeypatch):
    """shipping(names): as if only these came with the project, random models among them."""

    def ship(*names: str) -> None:
        monkeypatch.setattr(catalogue, "shipped", lambda: list(names))
        catalogue.by_family.cache_clear()

    yield ship
    catalogue.by_family.cache_clear()


def head_that_links(layer: int, head: int, error: float, aligns: bool, row: str = "predicted") -> dict:
    """What is measured of a head against pairs aligned by hand."""
    ends = [error - 0.05, error + 0.05]
    return dict(layer=layer, head=head, row=row, error=error, interval=ends, aligns=aligns)


@pytest.fixture
def aligned(monkeypatch):
    """What was measured of an alignment stands beside shipped translators."""
    heads = [head_that_links(1, 0, 0.134, True), head_that_links(0, 2, 0.5, False, "read")]
    told = {"pairs": 50, "heads": heads, "baselines": {"diagonal": {"error": 0.328}}}
    files = {"interpreter": told, "lookback-gru": told | {"heads": [head_that_links(0, 0, 0.25, True)]}}
    beside = catalogue.beside

    def measured(name: str, file: str) -> dict:
        there = file == "scores.json" and name in files
        return {"alignment": files[name]} if there else beside(name, file)

    monkeypatch.setattr(catalogue, "beside", measured)


@pytest.fixture
def llama(family):
    return family["llama"]
