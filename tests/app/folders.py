"""Folders of a person's own: tiny random checkpoints in the hub's layouts, and broken ones."""

import json
from collections.abc import Callable
from pathlib import Path

from tokenizers import BertWordPieceTokenizer, Tokenizer, models
from tokenizers.pre_tokenizers import ByteLevel, Metaspace, Sequence, WhitespaceSplit
from tokenizers.trainers import BpeTrainer, UnigramTrainer

TEXT = """the cat sat on the mat, the animal did not cross the street because it was too tired. The animal
didn't cross the street because it was too wide. Once upon a time there was a little girl who lived there."""
CONTEXT = 48


def save_bpe(path: Path) -> int:
    """A byte-level BPE as GPT-2's; how many entries it has."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = ByteLevel(add_prefix_space=False)
    alphabet = ByteLevel.alphabet()
    learner.train_from_iterator(
        [TEXT], BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    )
    learner.add_special_tokens(["<|endoftext|>"])
    learner.save(str(path))
    return learner.get_vocab_size()


def save_wordpiece(path: Path) -> int:
    learner = BertWordPieceTokenizer()
    learner.train_from_iterator([TEXT], vocab_size=120, min_frequency=1, show_progress=False)
    learner.save(str(path))
    return learner.get_vocab_size()


def save_unigram(path: Path) -> Path:
    """A Unigram as T5's: where it is."""
    learner = Tokenizer(models.Unigram())
    learner.pre_tokenizer = Sequence([WhitespaceSplit(), Metaspace()])
    special = ["<pad>", "</s>", "<unk>"]
    trainer = UnigramTrainer(vocab_size=80, special_tokens=special, unk_token="<unk>", show_progress=False)
    learner.train_from_iterator([TEXT], trainer)
    learner.save(str(path))
    return path


def gpt2(folder: Path) -> None:
    _save(folder, "gpt2", vocab_size=save_bpe(_made(folder)), n_positions=CONTEXT)


def llama(folder: Path) -> None:
    _save(folder, "llama", vocab_size=save_bpe(_made(folder)), max_position_embeddings=CONTEXT)


def bert(folder: Path) -> None:
    _save(folder, "bert", vocab_size=save_wordpiece(_made(folder)), max_position_embeddings=CONTEXT)


def t5(folder: Path) -> None:
    size = Tokenizer.from_file(str(save_unigram(_made(folder)))).get_vocab_size()
    _save(folder, "t5", vocab_size=size, n_positions=CONTEXT)


def vit(folder: Path) -> None:
    _save(folder, "vit", image_size=12, patch_size=4)


KINDS = {"gpt2": gpt2, "llama": llama, "bert": bert, "t5": t5, "vit": vit}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "tokenizer.json"


def _save(folder: Path, layout: str, **sizes) -> None:
    from tests.engine.reference import save  # here: the reference library takes seconds to import

    save(folder, layout, **sizes)


# --- broken ones ---------------------------------------------------------------------------------


def cut_off(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-5])


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def of_another_kind(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "mamba"}), "utf-8")


def of_another_width(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"n_embd": 30}), "utf-8")


def without_a_config(folder: Path) -> None:
    (folder / "config.json").unlink()


DAMAGES: dict[Callable[[Path], None], str] = {  # -> what is said of it
    cut_off: "model.safetensors is damaged",
    pickled: "Only safetensors files are read",
    without_tokenizer: "came without a tokenizer.json",
    of_another_kind: "known are gpt2",
    of_another_width: "misshapen",
    without_a_config: "has no config.json",
}
