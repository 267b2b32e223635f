"""Every way to cut a text that the page has: its name, its vocabulary, and what it makes of a text."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2s
from pathlib import Path

from app import catalogue, compute, shelf
from app.text import say
from app.ui.labels import hex_bytes, visible
from engine.decode import ngrams
from engine.load import home
from engine.load.glassbox import VOCABULARIES
from engine.tokenize import (
    JsonTokenizer,
    RankTokenizer,
    UnigramTokenizer,
    WordPieceTokenizer,
    graphemes,
    plain,
    public,
    training,
)
from engine.tokenize.characters import CharacterTokenizer
from engine.tokenize.training import KINDS, Trained

SIZE = 1000  # entries of the small ones that learned from the shipped text
PLAIN = ("characters", "bytes", "words")


@dataclass(frozen=True)
class Token:
    """One token: its id, what it is written with, and the part of the text that it stands for where that is not
    what it is written with (an unknown one)."""

    id: int
    raw: bytes
    unknown: bool = False
    source: str = ""


@dataclass(frozen=True)
class Cutter:
    """A tokenizer under a name.

    title   what it is called; about: what it learned from
    of      its vocabulary, made when it is asked for
    """

    name: str
    title: str
    about: str
    of: Callable[[], object]

    @property
    def tokenizer(self):
        return self.of()

    def cut(self, text: str) -> list[Token]:
        """The tokens of a text, without those that a model puts around it."""
        return _way(self.tokenizer)(self.tokenizer, text)

    def back(self, text: str, tokens: list[Token]) -> str:
        """What the tokens are put together to."""
        return self.tokenizer.decode([token.id for token in tokens])


# --- what each makes of a text -------------------------------------------------------------------


def _of_ranks(tokenizer: RankTokenizer, text: str) -> list[Token]:
    return _of_bytes(tokenizer, tokenizer.encode_file(text))


def _of_bytes(tokenizer, ids: list[int]) -> list[Token]:
    return [Token(id, tokenizer.bytes_of(id)) for id in ids]


def _of_list(tokenizer: plain.Listed, text: str) -> list[Token]:
    pairs = zip(tokenizer.encode(text), tokenizer.pieces(text), strict=True)
    return [Token(id, part.encode(), id == tokenizer.unknown, part) for id, part in pairs]


def _of_characters(tokenizer: Trained, text: str) -> list[Token]:
    """Byte-pair encoding of characters: its parts are the text."""
    parts = [part for piece in tokenizer.pieces(text) for part in tokenizer.parts(piece)]
    pairs = zip(tokenizer.encode(text), parts, strict=True)
    return [Token(id, part.encode(), id == tokenizer.unknown, part) for id, part in pairs]


def _of_json(tokenizer: JsonTokenizer, text: str) -> list[Token]:
    """Byte-pair encoding from a file: the bytes of its entries."""
    unknown = tokenizer.unknown
    return [Token(id, tokenizer.bytes_of(id), id == unknown) for id in tokenizer.run(text).ids]


def _of_entries(tokenizer, text: str) -> list[Token]:
    """Where entries are written otherwise than the text: with ## or ▁."""
    read, unknown = tokenizer.run(text), _unknown(tokenizer)
    found = zip(read.ids, read.offsets, strict=True)
    return [Token(id, tokenizer.token(id).encode(), id == unknown, text[a:b]) for id, (a, b) in found]


def _unknown(tokenizer) -> int | None:
    """The id of the unknown, as the file has it."""
    model = json.loads(tokenizer.inner.to_str())["model"] if isinstance(tokenizer, FILES) else {}
    return model.get("unk_id", tokenizer.inner.token_to_id(model["unk_token"]) if "unk_token" in model else 0)


def _of_any(tokenizer, text: str) -> list[Token]:
    return _of_bytes(tokenizer, tokenizer.encode(text))


def _way(tokenizer) -> Callable:
    """How a tokenizer is asked for the tokens of a text."""
    by_kind = KIND_WAYS.get(getattr(tokenizer, "kind", ""), _of_any)
    return next((way for kind, way in WAYS.items() if isinstance(tokenizer, kind)), by_kind)


KIND_WAYS = {"wordpiece": _of_entries, "unigram": _of_entries, "bpe": _of_characters}
FILES = (JsonTokenizer, WordPieceTokenizer, UnigramTokenizer)  # what opens a tokenizer.json
WAYS = {
    plain.Listed: _of_list,
    RankTokenizer: _of_ranks,
    JsonTokenizer: _of_json,
    WordPieceTokenizer: _of_entries,
    UnigramTokenizer: _of_entries,
}


def as_written(cutter: Cutter) -> bool:
    """Whether tokens are written with the text's own bytes, one after the other."""
    return _way(cutter.tokenizer) is not _of_entries and cutter.name != "words"


def groups(cutter: Cutter, tokens: list[Token]) -> list[tuple[str, list[tuple]]]:
    """Whole characters with their tokens: (text, [(place, id, bytes, unknown, the bytes again where a character
    is cut, what an unknown one is beside what is shown)])."""
    raw, entries = [token.raw for token in tokens], _way(cutter.tokenizer) is _of_entries
    found = graphemes(raw) if as_written(cutter) else [(x.decode(), [i]) for i, x in enumerate(raw)]
    return [
        (visible(shown), [_told(i, tokens[i], len(members), entries) for i in members])
        for shown, members in found
    ]


def _told(i: int, token: Token, among: int, entries: bool) -> tuple:
    cut = hex_bytes(token.raw) if among > 1 else ""
    source = (visible(token.source) if entries else plain.UNKNOWN) if token.unknown else ""
    return i, token.id, hex_bytes(token.raw), token.unknown, cut, source


# --- all of them ---------------------------------------------------------------------------------


def cutters() -> dict[str, Cutter]:
    """All that are on this machine, by name, in the order in which they are shown."""
    found = [*_plain(), *_trained(), *_shipped(), *_public(), *_own()]
    return {cutter.name: cutter for cutter in found}


def missing() -> list[str]:
    """The public vocabularies that are not on this machine."""
    return [name for name in public.PUBLIC if _published(name) is None]


@cache
def _plain() -> list[Cutter]:
    made = {
        "characters": lambda: plain.characters(plain.excerpt()),
        "bytes": plain.Bytes,
        "words": lambda: plain.words(ngrams.shipped().words),
    }
    return [Cutter(name, _title(name), _about(name), cache(of)) for name, of in made.items()]


def _trained() -> list[Cutter]:
    return [Cutter(kind, _title(kind), _about(kind, size=SIZE), _learned(kind)) for kind in KINDS]


@cache
def _learned(kind: str) -> Callable[[], Trained]:
    """Learned when it is asked for; what the tokenizers library takes long for is kept as a file."""
    if (file := plain.SHIPPED / f"{kind}.json").is_file():
        return cache(lambda: training.opened(file, plain.excerpt()))
    return lambda: compute.learned(plain.excerpt(), kind, SIZE)


@cache
def _shipped() -> list[Cutter]:
    """Those of the shipped models, each once: several models have the same."""
    names: dict[bytes, list[str]] = {}
    for name in catalogue.shipped():
        for file in _files(name):
            names.setdefault(blake2s(file.read_bytes()).digest(), []).append(name)
    return [
        Cutter(first, first, _about("model", also=", ".join(others)), _read(first))
        for first, *others in names.values()
    ]


def _files(name: str) -> list[Path]:
    kinds = (one for one in VOCABULARIES if one != CharacterTokenizer.FILE)  # there are characters already
    return [file for file in (home(name) / one for one in kinds) if file.is_file()]


def _read(name: str) -> Callable[[], object]:
    """The vocabulary of a shipped model, without the model."""
    file = _files(name)[0]
    return cache(lambda: VOCABULARIES[file.name].read(file))


def _own() -> list[Cutter]:
    """Those of a person's own models, from the files beside them; what cannot be opened is left out."""
    files = [(one.name, one.folder / "tokenizer.json", one.stamp) for one in shelf.models() if not one.why]
    opened = ((name, _opened(file, stamp)) for name, file, stamp in files if file.is_file())
    return [Cutter(name, name, _about("own"), lambda one=one: one) for name, one in opened if one]


@cache
def _opened(file: Path, stamp: tuple):
    for kind in FILES:
        with contextlib.suppress(ValueError, KeyError):
            return kind(file)
    return None


def _public() -> list[Cutter]:
    return [
        Cutter(name, _title(name), _about("public"), lambda name=name: _published(name))
        for name in public.PUBLIC
        if _published(name) is not None
    ]


@cache
def _published(name: str):
    return public.public(name)


def _title(name: str) -> str:
    return say("tokenizers", f"cutter/{name}")


def _about(name: str, **values) -> str:
    several = bool(values.get("also"))
    return say("tokenizers", f"cutter/{name}/about", {"several": several}, **values)
