"""T5's vocabulary: pieces with a probability each; a text is cut where the product of them is largest."""

from pathlib import Path

from engine.tokenize.hub import BYTE, SPACE, steps_of
from engine.tokenize.library import JsonVocabulary, told

END = "</s>"


class UnigramTokenizer(JsonVocabulary):
    """A Unigram tokenizer.json (Kudo 2018) that writes spaces as ▁. A text ends with </s>; a special token
    written in the text, such as <extra_id_0>, is that token."""

    strips = 1

    def __init__(self, path: Path):
        super().__init__(path)
        kind, cutters = self.parts["model"]["type"], steps_of(self.parts["pre_tokenizer"])
        spaces = [step.get("replacement") for step in cutters if step["type"] == "Metaspace"]
        if kind != "Unigram" or spaces != [SPACE]:
            cut = f"{kind} cut by {cutters[-1]['type'] if cutters else None}"
            raise ValueError(f"{path.name} is {cut}; Unigram with spaces as {SPACE} is needed here")
        if self.inner.token_to_id(END) is None:
            raise ValueError(f"{path.name} has no {END}")
        self.end = self.inner.token_to_id(END)
        self.ends = (self.end,)

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, the end token last."""
        return [*self.run(text).ids, self.end]

    def decode(self, ids: list[int]) -> str:
        """The text of the tokens, without the space that stands before its first word."""
        return told(self, ids)

    def bytes_of(self, id: int) -> bytes:
        """The bytes that an entry stands for, the space before a word included."""
        token = self.token(id)
        if byte := BYTE.fullmatch(token):
            return bytes([int(byte[1], 16)])
        return token.encode() if token in self.added else token.replace(SPACE, " ").encode()
