import socket
from functools import cache
from types import SimpleNamespace

import pytest
import torch
from hypothesis import settings
from tokenizers import BertWordPieceTokenizer, Tokenizer, models
from tokenizers.pre_tokenizers import ByteLevel, Metaspace, Sequence, WhitespaceSplit
from tokenizers.trainers import BpeTrainer, UnigramTrainer

from engine.tokenize import JsonTokenizer, SentenceTokenizer, UnigramTokenizer, WordPieceTokenizer
from engine.tokenize.sentinels import learn_unigram
from engine.training.data.corpus import learn_vocabulary
from tests.engine.tiny import KINDS, decoder, full, prompt

SENTENCES = """The cat sat on the mat. Isn't it the cat's mat? That's what they'd say, all 1234 of them.
Then the other cat sat there, and the mat was theirs: שלום, नमस्ते, café!
"""

settings.register_profile("engine", deadline=None, max_examples=60)
settings.load_profile("engine")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Tiny tensors are slower on two threads than on one."""
    torch.set_num_threads(1)


@pytest.fixture(scope="package", autouse=True)
def no_network():
    """Any attempt to reach another machine fails the test."""

    def refuse(*arguments, **options):
        raise AssertionError(f"the network was used: {arguments}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """make(**choices) -> folder, reference: a checkpoint of the reference library, made once."""
    from tests.engine.reference import save

    @cache
    def make(**choices):
        folder = tmp_path_factory.mktemp("checkpoint")
        return SimpleNamespace(folder=folder, reference=save(folder, **choices))

    return make


@pytest.fixture(scope="session")
def rank_tokenizer():
    """A vocabulary of 300 entries, learned from a few sentences."""
    return learn_vocabulary([SENTENCES], 300)


@pytest.fixture(scope="session")
def sentences(rank_tokenizer):
    """The same entries, for models that read one text and write another."""
    return SentenceTokenizer(rank_tokenizer.ranks)


@pytest.fixture(scope="session")
def unigram_json(tmp_path_factory):
    """A small Unigram with T5's spaces and special tokens, as the tokenizers library saves it."""
    learner = Tokenizer(models.Unigram())
    learner.pre_tokenizer = Sequence([WhitespaceSplit(), Metaspace()])
    special = ["<pad>", "</s>", "<unk>"]
    trainer = UnigramTrainer(vocab_size=90, special_tokens=special, unk_token="<unk>", show_progress=False)
    learner.train_from_iterator([SENTENCES], trainer)
    learner.add_special_tokens(["<extra_id_0>"])
    file = tmp_path_factory.mktemp("unigram") / "tokenizer.json"
    learner.save(str(file))
    return file


@pytest.fixture(scope="session")
def with_sentinels(tmp_path_factory):
    """The vocabulary of a model that fills spans."""
    file = tmp_path_factory.mktemp("sentinels") / "tokenizer.json"
    learn_unigram([SENTENCES], 150).save(str(file))
    return UnigramTokenizer(file)


@pytest.fixture(scope="session")
def tokenizer_json(tmp_path_factory):
    """A small byte-level BPE as the tokenizers library saves it, one special token added."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = ByteLevel(add_prefix_space=False)
    trainer = BpeTrainer(vocab_size=300, initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    learner.train_from_iterator([SENTENCES], trainer)
    learner.add_special_tokens(["<|endoftext|>"])
    file = tmp_path_factory.mktemp("text") / "tokenizer.json"
    learner.save(str(file))
    return file


@pytest.fixture(scope="session")
def json_tokenizer(tokenizer_json):
    return JsonTokenizer(tokenizer_json)


@pytest.fixture(scope="session")
def wordpiece_json(tmp_path_factory):
    """A small lower-casing WordPiece as the tokenizers library saves it."""
    learner = BertWordPieceTokenizer()
    learner.train_from_iterator([SENTENCES], vocab_size=120, min_frequency=1, show_progress=False)
    file = tmp_path_factory.mktemp("wordpiece") / "tokenizer.json"
    learner.save(str(file))
    return file


@pytest.fixture(scope="session")
def wordpiece(wordpiece_json):
    return WordPieceTokenizer(wordpiece_json)


@pytest.fixture(scope="session", params=["rank", "json"])
def tokenizer(request):
    """Both ways to a vocabulary, one after the other."""
    return request.getfixturevalue(f"{request.param}_tokenizer")


@pytest.fixture(scope="session", params=KINDS)
def model(request):
    """A model of each kind, one after the other."""
    return decoder(**KINDS[request.param])


@pytest.fixture(scope="session")
def ids():
    return torch.tensor([prompt(11, seed=1), prompt(11, seed=2)])


@pytest.fixture(scope="session")
def trace(model, ids):
    """Every point of two prompts of 11 tokens, no edits."""
    return full(model, ids)
