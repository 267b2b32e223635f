"""OpenAI's public vocabularies, where tiktoken has their files on this machine: nothing is fetched here."""

import os
import tempfile
from hashlib import sha1, sha256
from pathlib import Path

import regex
import tiktoken

from engine.tokenize.library import Vocabulary, check_text, said

ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{}_base.tiktoken"
PUBLIC = {  # name -> SHA-256 of its file: tiktoken fetches a file anew where that differs
    "r50k": "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
    "cl100k": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}


class Public(Vocabulary):
    """A published vocabulary, run by tiktoken; a special token written in a text is text."""

    def __init__(self, encoding: tiktoken.Encoding):
        self.encoding, self.split = encoding, encoding._pat_str

    def __len__(self) -> int:
        return self.encoding.n_vocab

    def encode(self, text: str) -> list[int]:
        """Token ids of a text."""
        with said("tiktoken cannot read this text"):
            return self.encoding.encode_ordinary(check_text(text))

    def decode(self, ids: list[int]) -> str:
        """The text of token ids; bytes that are no text become U+FFFD."""
        return b"".join(map(self.bytes_of, ids)).decode("utf-8", "replace")

    def bytes_of(self, id: int) -> bytes:
        """The bytes of one token; a KeyError where there is none of that id."""
        return self.encoding.decode_single_token_bytes(id)

    def pieces(self, text: str) -> list[bytes]:
        """The pieces that merges never cross."""
        return [piece.encode() for piece in regex.findall(self.split, check_text(text))]


def file_of(name: str) -> Path | None:
    """Where tiktoken keeps the file of a public vocabulary; None where it keeps none."""
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    if folder == "":
        return None
    folder = Path(folder or Path(tempfile.gettempdir()) / "data-gym-cache")
    return folder / sha1(ADDRESS.format(name).encode()).hexdigest()


def public(name: str) -> Public | None:
    """A public vocabulary by its short name, or None where its file is not on this machine, or is another."""
    file = file_of(name)
    if not file or not file.is_file() or sha256(file.read_bytes()).hexdigest() != PUBLIC[name]:
        return None
    return Public(tiktoken.get_encoding(f"{name}_base"))
