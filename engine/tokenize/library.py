"""What the tokenizers have in common: texts are checked before a library gets them, and what a library throws
becomes a sentence."""

import codecs
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokenizers import Encoding, Tokenizer

LONGEST = 200_000  # characters of one text
HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair


def check_text(text: str, longest: int = LONGEST) -> str:
    """`text` itself, or a ValueError where it is no text, too long, or holds half of a surrogate pair."""
    if not isinstance(text, str):
        raise ValueError(f"a text is a str, not {type(text).__name__}: {text!r:.40}")
    if len(text) > longest:
        raise ValueError(
            f"the text has {len(text):,} characters; at most {longest:,} are read at once. "
            f"Shorten it by {len(text) - longest:,} characters"
        )
    if half := HALF.search(text):
        raise ValueError(
            f"character {half.start() + 1} of the text (U+{ord(half[0]):04X}) is half of a surrogate "
            "pair and stands for nothing; delete it"
        )
    return text


@contextmanager
def said(what: str) -> Iterator[None]:
    """Whatever a library throws as a ValueError that begins with `what`; a panic is no `Exception`."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ValueError(f"{what}: {error}") from None


class Vocabulary:
    """What every tokenizer can say of its entries. Subclasses implement bytes_of(id), which raises a KeyError
    where there is no such entry.

    ends    the ids that end a text, where nothing else says so
    strips  how many of the spaces that stand before the first word of a text are left out
    unknown the id that stands for what the vocabulary does not know, if it has one
    sentinels the ids that stand for a hidden span each, in their order: <extra_id_0>, <extra_id_1>, …
    """

    ends: tuple[int, ...] = ()
    strips = 0
    unknown: int | None = None
    sentinels: tuple[int, ...] = ()

    def shown(self, id: int) -> bytes:
        """The bytes of one token, or "<id 50300>": a table may have more rows than there are entries."""
        try:
            return self.bytes_of(id)
        except KeyError:
            return f"<id {id}>".encode()

    def is_byte(self, id: int) -> bool:
        """Whether an entry stands for one byte, where the bytes of a run count together or not at all."""
        return False


class Stream:
    """A text told token by token: bytes are held back until their characters are whole.

    start  whether the text begins here; otherwise it goes on after another
    All that `add` returns and the `rest` are together what `tokenizer.decode` gives.
    """

    def __init__(self, tokenizer: Vocabulary, start: bool = True):
        self.tokenizer, self._strips = tokenizer, tokenizer.strips if start else 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._bytes = b""  # of a run of entries for single bytes

    @property
    def holds(self) -> bool:
        """Whether something is held back."""
        return bool(self._bytes or self._utf8.getstate()[0])

    def add(self, id: int) -> str:
        """What can be told after one more token."""
        if self.tokenizer.is_byte(id):
            self._bytes += self.tokenizer.bytes_of(id)
            return ""
        return self._told(self._run() + self._utf8.decode(self.tokenizer.shown(id)))

    def rest(self) -> str:
        """What was held back; bytes that are no text become U+FFFD."""
        return self._told(self._run() + self._utf8.decode(b"", final=True))

    def _run(self) -> str:
        run, self._bytes = self._bytes, b""
        try:
            return run.decode()
        except UnicodeDecodeError:
            return "\ufffd" * len(run)  # as the tokenizers library has it

    def _told(self, text: str) -> str:
        if not text or not self._strips:
            return text
        spaces = min(len(text) - len(text.lstrip(" ")), self._strips)
        self._strips = 0
        return text[spaces:]


def told(tokenizer: Vocabulary, ids: list[int]) -> str:
    """The whole text of token ids; bytes that are no text become U+FFFD."""
    stream = Stream(tokenizer)
    return "".join([*map(stream.add, ids), stream.rest()])


class JsonVocabulary(Vocabulary):
    """A tokenizer.json, opened by the tokenizers library.

    parts    what the file says, as the library read it: old files do not name their kind
    special  name -> id of the tokens that are no text; added: of all that were added to the vocabulary
    """

    def __init__(self, path: Path):
        with said(f"{path.name} is not a tokenizer of the tokenizers library"):
            self.inner = Tokenizer.from_file(str(path))
            self.parts = json.loads(self.inner.to_str())
        if self.parts["model"].get("dropout"):
            raise ValueError(
                f"{path.name} has dropout {self.parts['model']['dropout']}: it cuts texts at random, another "
                "way each time. Set it to null"
            )
        self.inner.no_truncation()
        self.inner.no_padding()
        tokens = self.inner.get_added_tokens_decoder().items()
        self.added = {token.content: id for id, token in tokens}
        self.special = {token.content: id for id, token in tokens if token.special}
        self._entries = {id: token for token, id in self.inner.get_vocab().items()}

    def __len__(self) -> int:
        return self.inner.get_vocab_size()

    def token(self, id: int) -> str:
        """The entry as the file writes it; a KeyError where there is none of that id."""
        if id not in self._entries:
            raise KeyError(f"there is no token {id}; ids go from 0 to {max(self._entries, default=-1)}")
        return self._entries[id]

    def run(self, text: str, ends: bool = False) -> Encoding:
        """What the library makes of a text, with the tokens that its post-processor puts around it or not."""
        check_text(text)
        with said("the tokenizers library cannot read this text"):
            return self.inner.encode(text, add_special_tokens=ends)
