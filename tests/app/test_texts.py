"""Every text of the walk is shown somewhere, complete, and every text asked for exists."""

import re
from dataclasses import replace

import pytest

from app import compute, text
from app.state import CHOICES, DEFAULT, STEPS, steps_of, write_link
from tests.app.conftest import CAPTIONERS
from tests.app.visit import fire, formulas, full_prompt, markdown, model, press, visit

SPECIAL = [
    dict(step="scores", unscaled=True),
    dict(step="softmax", heat=2.0),
    dict(step="softmax", token=0),
    dict(step="heads", token=0),
    *(dict(step="mask", mask=kind) for kind in CHOICES["mask"]),
    *(dict(step="qkv", letter=letter) for letter in CHOICES["letter"]),
    *(dict(step="layernorm", norm=norm) for norm in CHOICES["norm"]),
]


class Asked(dict):
    """The texts of a page; remembers which were asked for."""

    names: set[str]

    def __getitem__(self, name):
        self.names.add(name)
        return super().__getitem__(name)


@pytest.fixture
def asked(monkeypatch):
    texts = Asked(text.sections("walk"))
    texts.names = set()
    monkeypatch.setattr(text, "sections", lambda page: texts)
    return texts


def halves() -> tuple[str, int]:
    """A prompt and a token that are one token when they are read together."""
    ranks = model().tokenizer.ranks
    whole = next(token for token in ranks if token.isalpha() and len(token) == 2)
    return whole[:1].decode(), ranks[whole[1:]]


def awkward_choices() -> list[tuple[str, int]]:
    """Prompts and tokens that cannot simply be joined: the end, a part, too many, cut differently."""
    tokenizer = model().tokenizer
    byte = next(i for token, i in tokenizer.ranks.items() if token == b"\xc3")
    return [
        (DEFAULT.prompt, next(iter(tokenizer.special.values()))),
        (DEFAULT.prompt, byte),
        (full_prompt(), 0),
        halves(),
    ]


def two_stacks(family) -> list:
    """Models that read one text and write another, both sides, and what is said of the written one."""
    pages = [visit(step=step, model=name) for name in ("rnn", "lstm") for step in ("cell", "states", "next")]
    pages += [visit(step=step, model="rnn", stack="encoder", token=0) for step in ("cell", "states")]
    for name in ("pair", "t5", "gru"):
        for side in ("encoder", "decoder"):
            steps = steps_of(family[name].get_submodule(side).config, side)
            pages += [visit(step=step, model=name, stack=side) for step in steps]
    trace = compute.trace("pair", (compute.opening("pair", DEFAULT.prompt), ""))
    own = family["pair"].tokenizer.decode(trace.target[0, 1:].tolist())
    pages += [visit(step="next", model="pair", target=text, token=0) for text in (own, "x", "zz")]
    pages.append(press(visit(step="next", model="pair", prompt="the cat", token=0), "write on"))
    pages.append(visit(model="pair", target="on " * 60))
    pages.append(visit(model="interpreter", prompt="I love you."))
    for name in CAPTIONERS:
        steps = steps_of(family[name].decoder.config, "decoder")
        pages += [visit(step=step, model=name) for step in steps]
    pages.append(visit(model="seer", stack="encoder"))
    return pages


def test_every_text_is_shown_and_filled_in(asked, family):
    pages = []
    for view in [dict(step=step) for step in STEPS] + SPECIAL:
        pages.append(visit(**write_link(replace(DEFAULT, **view))))
    for prompt, entry in awkward_choices():
        at = visit(step="next", prompt=prompt, entry=entry)
        pages.append(press(at, "take"))
    pages += [visit(step=step, model="bookworm") for step in STEPS]
    pages += [visit(step=step, model=name) for step in STEPS for name in ("llama", "bert", "vit")]
    pages += two_stacks(family)
    pages += [visit(step="qkv", model="llama", letter=letter) for letter in CHOICES["letter"]]
    pages += [visit(step="mask", model="bert", mask=mask) for mask in ("filled", "causal", "window")]
    pages += [visit(step="next", model="bert", prompt=text) for text in ("a [MASK]", "a [SEP] b", "a")]
    pages += [fire(visit(), "prompt", example=i) for i in range(5)]  # heads that are needed, and others
    pages.append(visit(step="next", model="wordfinder", prompt="A cat. [SEP] It ran."))
    pages += [
        visit(step="layers", model="bert", token=1, other=text) for text in ("x", "a " * 99, DEFAULT.prompt)
    ]
    pages.append(press(visit(step="next"), "draw"))
    pages.append(fire(visit(), "prompt", prompt=""))
    assert not any(at.exception for at in pages)
    assert not [t for at in pages for t in markdown(at) if re.search(r"\[\[\w+", t)]
    assert not [t for at in pages for t in formulas(at) if re.search(r"[\\&}]|\[\[", t)], "LaTeX is left"
    assert set(asked) - asked.names == set()
