"""T5's vocabulary: pieces with probabilities; a text is cut so that their product is largest."""

import json
import re
from pathlib import Path

from tokenizers import Tokenizer

from engine.tokenize.merges import check_text

SPACE, END = "▁", "</s>"
BYTE = re.compile(r"<0x([0-9A-F]{2})>")  # how an entry for a single byte is written


class UnigramTokenizer:
    """A Unigram tokenizer.json (Kudo 2018) that writes spaces as ▁. A text ends with </s>; a special token
    written in the text, such as <extra_id_0>, is that token."""

    def __init__(self, path: Path):
        try:
            self.inner = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ValueError(f"{path.name} is not a tokenizer of the tokenizers library: {error}") from None
        parts = json.loads(self.inner.to_str())
        kind, cutter = parts["model"]["type"], parts["pre_tokenizer"] or {}
        cutters = [cutter, *cutter.get("pretokenizers", [])]
        spaces = [part.get("replacement") for part in cutters if part.get("type") == "Metaspace"]
        if kind != "Unigram" or spaces != [SPACE]:
            cut = f"{kind} cut by {cutters[-1].get('type')}"
            raise ValueError(f"{path.name} is {cut}; Unigram with spaces as {SPACE} is needed here")
        if self.inner.token_to_id(END) is None:
            raise ValueError(f"{path.name} has no {END}")
        self.inner.no_truncation()
        self.inner.no_padding()
        self.special = {t.content: i for i, t in self.inner.get_added_tokens_decoder().items()}
        self.end = self.inner.token_to_id(END)

    def __len__(self) -> int:
        return self.inner.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, the end token last."""
        return [*self.inner.encode(check_text(text), add_special_tokens=False).ids, self.end]

    def decode(self, ids: list[int]) -> str:
        """The text of the tokens, without the space before its first word."""
        return b"".join(map(self.bytes_of, ids)).decode("utf-8", errors="replace").removeprefix(" ")

    def bytes_of(self, id: int) -> bytes:
        """The bytes that an entry stands for, the space before a word included."""
        token = self.inner.id_to_token(id)
        if token is None:
            raise KeyError(f"there is no token {id}; ids go from 0 to {len(self) - 1}")
        if byte := BYTE.fullmatch(token):
            return bytes([int(byte[1], 16)])
        return token.encode() if token in self.special else token.replace(SPACE, " ").encode()
