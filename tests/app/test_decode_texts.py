"""Every text of the parts that choose, write and search is shown somewhere, and filled in."""

import re

import pytest

from app import text, writing
from app.text import sections
from tests.app.decoding import decoding
from tests.app.visit import fire, full_prompt, given, keys, markdown, model, press

OURS = (
    "choice/",
    "text/",
    "tree/",
    "list/",
    "method",
    "penalty",
    "temperature",
    "top",
    "min p",
    "seed",
    "length",
)


@pytest.fixture
def asked(monkeypatch):
    """The names of the texts that were asked for."""
    seen = set()

    class Texts(dict):
        def __getitem__(self, name):
            seen.add(name)
            return super().__getitem__(name)

    texts = Texts(sections("decode"))
    monkeypatch.setattr(text, "sections", lambda page: texts if page == "decode" else sections(page))
    return seen


def instead(at, place: int, wanted) -> None:
    """Take the first of the ten entries in a token's place that is wanted."""
    best = given(at, "writing")["tokens"][place]["best"]
    rank = next(r for r, (id, *_) in enumerate(best) if wanted(id))
    fire(at, "writing", instead=[place, rank])


def writings() -> list:
    """The part that writes, where there is something to be said."""
    ended = decoding(part="text", length=60, method="greedy", prompt="The cat sat on the mat.")
    special, tokens = set(model().tokenizer.special.values()), given(ended, "writing")["tokens"]
    places = [i for i, token in enumerate(tokens) if {id for id, *_ in token["best"]} & special]
    instead(ended, places[-1], special.__contains__)
    part = decoding(part="text", length=2)
    byte = next(i for token, i in model().tokenizer.ranks.items() if token == b"\xc3")
    prompt, shown = given(part, "prompt")["text"], given(part, "writing")
    ids = tuple(token["id"] for token in shown["tokens"][: shown["read"]])
    found, _ = writing.surprises("storybook", prompt, ids)
    found.alternatives[4][9] = byte
    fire(part.run(), "writing", instead=[5, 9])
    writing.surprises.cache_clear()
    half = fire(decoding(part="text", length=2, prompt="👨 family"), "writing", instead=[1, 0])
    return [ended, part, half, decoding(part="text", prompt=full_prompt()), decoding(part="text", length=2)]


def test_every_text_is_shown(asked):
    pages = [
        fire(decoding(top_k=50, top_p=0.9, min_p=0.01, repetition_penalty=1.2), "many", toggle=True),
        fire(decoding(top_k=1, method="greedy"), "many", toggle=True),
        fire(decoding(part="text", length=3), "draws", toggle=True),
        fire(decoding(part="text", length=3, method="greedy"), "draws", toggle=True),
        decoding(part="text", length=3, edits="zero~blocks.2.attn.z~H3"),
        press(decoding(part="tree", depth=3), "misses"),
        decoding(part="tree", depth=3, prompt="The cat sat"),
        *writings(),
    ]
    pages.append(fire(decoding(part="text", length=3), "writing", instead=[4, 1]))
    for at in pages:
        assert not at.exception
        assert not [said for said in markdown(at) if re.search(r"\[\[|\]\]", said)]
        assert keys(at)
    ours = {name for name in sections("decode") if name.startswith(OURS)}
    assert ours - asked <= {"text/recut", "tree/cannot", "tree/nothing", "tree/finds/beam", "tree/finds/sample"}
