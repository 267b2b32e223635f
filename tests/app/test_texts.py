"""Every text is shown somewhere, complete, and only for models of which it is true; none is missing."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

import engine
from app import catalogue, compute, state, text
from app.architecture import facts_of, fits, most_specific, steps_of, when
from app.state import CHOICES, DEFAULT, write_link
from app.text import CONDITION, say, sections
from engine import vectors
from engine.masks import MASKS, mask_of
from engine.trace.tap import Edit
from engine.worked import Check
from tests.app.claims import Stack, untrue
from tests.app.conftest import ALIKE, CAPTIONERS
from tests.app.visit import (
    fire,
    formulas,
    full_prompt,
    given,
    markdown,
    masked,
    model,
    notices,
    numbers,
    pictures,
    press,
    tempered,
    trace,
    undivided,
    view,
    visit,
    what_if,
)

SPECIAL = [
    dict(step="scores", edits=(undivided(),)),
    dict(step="softmax", edits=(tempered(2.0),)),
    dict(step="softmax", token=0),
    dict(step="heads", token=0),
    *(dict(step="mask", edits=(masked(kind),)) for kind in MASKS),
    dict(step="mask"),
    dict(step="next", edits=(Edit("blocks.0.mlp.out", "zero"),)),
    *(dict(step="qkv", letter=letter) for letter in CHOICES["letter"]),
    *(dict(step="layernorm", norm=norm) for norm in CHOICES["norm"]),
]
PROMPT = "the cat sat on the mat"
GAP = "the cat <extra_id_0> on the mat"
SIDES = ("encoder", "decoder")
STRANGERS = ("thread", "llama", "after", "by layer", "odd", "distant", "bloom", "qwen", "bert", "plain bert")
STRANGERS += ("vit", "bare", "mixed", "mixed after", "pair", "t5", "spans", "rnn", "gru", "lstm", *CAPTIONERS)


@pytest.fixture
def asked(monkeypatch):
    """The texts of the walk that were asked for, each as (name, what it is for)."""
    seen = set()

    class Variants(dict):
        def __init__(self, name, texts):
            super().__init__(texts)
            self.name = name

        def __getitem__(self, conditions):
            seen.add((self.name, conditions))
            return super().__getitem__(conditions)

    texts = {name: Variants(name, variants) for name, variants in sections("walk").items()}
    monkeypatch.setattr(text, "sections", lambda page: texts if page == "walk" else sections(page))
    return seen


@pytest.fixture
def unchecked(monkeypatch):
    """Without the self-check, which is not about words and takes most of the time."""
    monkeypatch.setattr(compute, "checked", lambda *_: Check(0.0, 0.0, True))


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


def walked(name: str, **link) -> list:
    """Every step of every stack of a model."""
    one = compute.model(name)
    sides = SIDES if len(one.reads) == 2 else ("",)
    pages = []
    for side in sides:
        for step in steps_of(one.get_submodule(side).config, side):
            pages.append(visit(model=name, step=step, **link, **(dict(stack=side) if side else {})))
    return pages


def check_pages(pages: list) -> None:
    """Nothing failed, nothing is left to be filled in, and nothing is said that is not so of the model."""
    wrong = []
    for at in pages:
        assert not at.exception
        shown, of = [*markdown(at), *formulas(at)], view(at)
        assert not [t for t in shown if re.search(r"\[\[|\]\](?!\()", t)], "a placeholder is left"
        assert not [t for t in formulas(at) if re.search(r"[\\&}]", t)], "LaTeX is left"
        one = compute.model(of.model or catalogue.models()[0])
        wrong += untrue(at, Stack(one, state.side_of(of) if len(one.reads) == 2 else "", of))
    assert wrong == []


@pytest.mark.parametrize("name", [name for name in engine.shipped() if name not in ALIKE])
def test_a_shipped_model_is_told_only_what_is_so_of_it(unchecked, name):
    check_pages(walked(name))


def whole_runs(monkeypatch) -> list:
    """The last step when a visitor has stayed there: where the second route agrees, and where it does not."""
    pages = []
    for check in (Check(1e-5, 1e-4, True), Check(1e-3, 1e-4, False)):
        monkeypatch.setattr(compute, "checked_run", lambda *_, check=check: check)
        at = visit(step="next")
        pages.append(fire(at, "rest", rested=given(at, "rest")["name"]))
        assert given(at, "rest")["ok"] == check.ok
    return pages


def corrupted(monkeypatch):
    """The last step of a model that fills spans just as they were, where the second route does not agree."""
    found = compute.corrupted

    def right(*of):
        one, _ = found(*of)
        logits = torch.zeros_like(one.logits)
        logits[range(len(one.wanted)), one.wanted] = 9.0
        return replace(one, own=one.wanted, logits=logits), (Check(1.0, 0.0, False), Check(0.0, 0.0, True))

    monkeypatch.setattr(compute, "corrupted", right)
    return visit(step="next", model="spans", prompt=PROMPT)


def unfolded(name: str, **link):
    """A page with something on it unfolded."""
    at = visit(**link)
    at.session_state[f"open-{name}"] = True
    return at.run()


def in_company(monkeypatch) -> list:
    """The nearest words, with fixed vectors and without, of words that have one and of others."""
    table = vectors.WordVectors(("bank", "river"), np.eye(2, dtype=np.float32))
    odd = dict(name="odd one out", count=50, chance=0.25, values=[0.8, 0.9])
    monkeypatch.setattr(vectors, "measured", lambda: {"rows": [odd]})
    pages = []
    for found in (None, table):
        monkeypatch.setattr(vectors, "shipped", lambda found=found: found)
        pages.append(unfolded("company", step="layers", prompt="He sat on the bank", other="Money in the bank"))
    return [*pages, *(unfolded("company", step="layers", prompt=text) for text in ("The cat", "The cat,"))]


def test_every_text_is_shown_and_filled_in(asked, family, unchecked, monkeypatch, aligned):
    pages = [visit(**write_link(replace(DEFAULT, **view))) for view in SPECIAL]
    pages += [page for name in STRANGERS for page in walked(name, prompt=PROMPT)]
    for prompt, entry in awkward_choices():
        pages.append(press(visit(step="next", prompt=prompt, entry=entry), "append"))
    pages += [visit(step=step, model="bookworm") for step in ("tokens", "embeddings")]
    pages += [visit(step="qkv", model=m, letter=at) for m in ("llama", "qwen") for at in CHOICES["letter"]]
    for name in ("bert", "vit", "t5"):
        side = dict(stack="encoder") if name == "t5" else {}
        stack = "encoder." if side else ""
        pages += [visit(step="mask", model=name, **side, **what_if(masked(kind, side=stack))) for kind in MASKS]
    pages += [visit(step="next", model="bert", prompt=text) for text in ("a [MASK]", "a [SEP] b [MASK] [MASK]")]
    for other in ("", "x", "a " * 99, DEFAULT.prompt):
        pages.append(visit(step="layers", model="bert", prompt=PROMPT, token=1, other=other))
    trace = compute.trace("pair", (PROMPT, ""))
    own = family["pair"].tokenizer.decode(trace.target[0, 1:].tolist())
    for target in (own, "x", "zz"):
        pages.append(visit(step="next", model="pair", prompt=PROMPT, target=target, token=0))
    pages.append(press(visit(step="next", model="pair", prompt="the cat", token=0), "continue"))
    pages.append(visit(step="tokens", model="pair", prompt=PROMPT, target="on " * 60))
    pages.append(visit(step="tokens", model="interpreter", stack="decoder", prompt="I love you."))
    for name in ("interpreter", "lookback-gru"):
        pages.append(visit(step="cross", model=name, stack="decoder", prompt="I see.", layer=0, head=2))
    pages.append(visit(step="cell", model="rnn", stack="encoder", prompt=PROMPT, token=0))
    pages += [press(visit(step="next", **link), "sample") for link in ({}, dict(token=2))]
    pages += [
        fire(visit(step="tokens"), "prompt", example=i) for i in range(5)
    ]  # heads that are needed, and others
    pages.append(visit(step="next", model="wordfinder", prompt="A cat. [SEP] It ran."))
    pages.append(fire(visit(), "prompt", prompt=""))
    pages += [visit(step="tokens"), visit(step="tokens", model="bert", token=1)]
    ids = family["spans"].tokenizer.encode(GAP)
    place = ids.index(family["spans"].tokenizer.sentinels[0])
    pages.append(visit(step="tokens", model="spans", stack="encoder", prompt=GAP, token=place))
    pages += [visit(step="next", model="spans", prompt=GAP), corrupted(monkeypatch)]
    pages += [visit(step="filters", model="cells", stack="encoder", maps=f"layer={i}") for i in (0, 1)]
    pages += [visit(step="mlp", model="mixed", expert=i, prompt=PROMPT) for i in range(5)]  # chosen, and idle
    pages += [
        *whole_runs(monkeypatch),
        *in_company(monkeypatch),
        unfolded("space", step="embeddings"),
        unfolded("mechanisms", model="bookworm"),
        visit(step="next", prompt="a " * 99),
    ]
    check_pages([at for at in pages if not notices(at)])
    every = {(name, conditions) for name, variants in sections("walk").items() for conditions in variants}
    assert every - asked == set()


ALSO = (
    "special",
    "sink",
    "idle",
    "tempered",
    "several",
    "cross",
    "placed",
    "text",
    "aligns",
    "read",
    "better",
    "same",
    "gaps",
    "thrown",
    "tells",
    *("first", "beyond", "halves", "beside"),  # of convolutions
)  # what a text's numbers say, not its model


def facts_of_all(family) -> list[dict]:
    """The facts of every stack of every model, shipped or made for these tests."""
    models = [compute.model(name) for name in (*engine.shipped(), *family)]
    return [facts_of(one, side) for one in models for side in (SIDES if len(one.reads) == 2 else ("",))]


@pytest.mark.parametrize("page", ["walk", "families", "model", "decode"])
def test_every_text_is_for_some_model_and_no_two_are_equally_specific(family, page):
    """For every model, and whatever else is so: `most_specific` refuses a tie."""
    every = facts_of_all(family)
    extra = [{}, *({name: True} for name in ALSO)]
    for name, variants in sections(page).items():
        fitting = [facts | also for facts in every for also in extra if any_fits(variants, facts | also)]
        told = {id(most_specific({c: c for c in variants}, facts)) for facts in fitting}
        assert {id(conditions) for conditions in variants} == told, name


def any_fits(variants: dict, facts: dict) -> bool:
    return any(fits(conditions, facts) for conditions in variants)


@pytest.mark.parametrize("page", ["walk", "families", "model", "decode"])
def test_every_fact_that_a_text_names_is_one_that_models_have(family, page):
    known = {name for facts in facts_of_all(family) for name in facts} | set(ALSO)
    for variants in sections(page).values():
        for conditions, told in variants.items():
            assert {name for name, _ in conditions} | {m[2] for m in CONDITION.finditer(told)} <= known


# --- the three forms of placeholders -------------------------------------------------------------


@pytest.fixture
def page(monkeypatch):
    """page(texts by their conditions, facts, …) -> the text as it is said."""

    def as_said(variants: dict, facts: dict | None = None, **values) -> str:
        monkeypatch.setattr(text, "sections", lambda page: {"it": variants})
        return say("page", "it", facts or {}, **values)

    return as_said


@pytest.mark.parametrize(("n", "told"), [(0, "0 bytes are"), (1, "1 byte is"), (2, "2 bytes are")])
def test_one_is_singular(page, n, told):
    assert page({(): "[[n]] [[n|byte is|bytes are]]"}, n=n) == told


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, "x first"),
        (dict(post=True), "x, then 3"),
        (dict(post=False), "x first"),
        (dict(norm="rms"), "xR first"),
    ],
)
def test_a_part_of_a_text_is_there_where_its_fact_is_so(page, facts, told):
    assert page({(): "x[[post?, then [[n]]]][[norm: rms?R]][[not post? first]]"}, facts, n=3) == told


def test_the_variant_that_names_most_of_what_is_so_is_shown(page):
    variants = {when(): "any", when(a=True): "a", when(a=True, b="x"): "both", when(c=3): "c"}
    asked = ({}, dict(b="x"), dict(a=True, b="y"), dict(c=3), dict(a=True, b="x", c=3))
    assert [page(variants, facts) for facts in asked] == ["any", "any", "a", "c", "both"]


def test_two_variants_that_name_equally_much_are_refused(page):
    with pytest.raises(ValueError, match="equally specific"):
        page({when(a=True): "a", when(c=3): "c"}, dict(a=True, c=3))


def test_a_heading_names_facts_as_yes_or_no_words_and_numbers():
    assert text._conditions("causal: false, channels: 3, norm: rms") == when(
        causal=False, channels=3, norm="rms"
    )


# --- what depends on the numbers ------------------------------------------------------------------


@cache
def first_shares() -> dict[tuple[int, int], float]:
    """Of each head the share that the last token gives to the first."""
    layers, heads = model().config.layers, model().config.heads
    patterns = [numbers(f"blocks.{layer}.attn.pattern") for layer in range(layers)]
    return {
        (layer, head): float(patterns[layer][head, -1, 0]) for layer in range(layers) for head in range(heads)
    }


def test_a_large_share_of_the_first_token_alone_is_called_a_sink():
    shares = first_shares()
    most, least = (best(shares, key=shares.get) for best in (max, min))
    for layer, head in (most, least):
        said = any("attention sink**" in t for t in markdown(visit(step="heads", layer=layer, head=head)))
        assert said == (shares[layer, head] >= 0.5)
    assert shares[most] >= 0.5 > shares[least]


def test_a_text_of_one_letter_is_counted_in_the_singular():
    said = next(t for t in markdown(visit(step="tokens", prompt="a")) if "Click an id" in t)
    assert said.startswith(
        r"1 character is 1 byte, cut into 1 piece (a word or sign), and this into **1 token**."
    )


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("interpreter", dict(stack="encoder")),
        ("interpreter", dict(stack="decoder", token=0)),
        ("wordfinder", dict(token=0)),
    ],
)
def test_a_token_that_stands_for_no_text_has_no_bytes(name, link):
    said = next(t for t in markdown(visit(model=name, step="tokens", **link)) if "picked token" in t)
    assert "special token" in said and "stands for no bytes" in said
    assert "made of" not in said and "`" not in said


def test_what_begins_or_ends_a_text_is_not_counted_as_cut_from_it():
    read = compute.trace("interpreter", ("I see.", "")).ids.shape[1]
    said = next(
        t
        for t in markdown(visit(model="interpreter", step="tokens", stack="encoder", prompt="I see."))
        if "Click" in t
    )
    assert f"**{read - 1} tokens**, and the token that ends a text is added" in said


def test_a_text_that_is_there_more_than_once_has_its_position():
    prompt, names = "cat and the cat", ("cat (0)", "and", "the", "cat (3)")
    assert trace(prompt).tokens() == [b"cat", b" and", b" the", b" cat"]
    row = numbers("blocks.0.attn.pattern", prompt)[0, 3]
    said = markdown(visit(step="softmax", prompt=prompt, token=3))
    first, second = (f"{row[i]:.0%} at **{names[i]}**" for i in row.argsort()[::-1][:2])
    assert any(t.startswith(f"**cat (3)** looks {first} and {second}.") for t in said)


@pytest.mark.parametrize("kind", list(MASKS))
@pytest.mark.parametrize("n", [1, 3, 9])
def test_the_formula_of_a_mask_is_its_rule(kind, n):
    T = 6
    n = min(n, T)
    told = say("walk", f"mask/formula/{kind}", n=n, rest=max(T - n, 1))
    rule = re.search(r"& (.*?) \\\\", told)
    condition = rule[1] if rule else "True"
    for latex, python in ((" = ", " == "), (r"\le", "<="), (r"\text{ or }", "or"), (r"\max", "max")):
        condition = condition.replace(latex, python)
    allowed = [[bool(eval(condition, {"max": max}, {"s": s, "t": t})) for s in range(T)] for t in range(T)]
    assert torch.equal(torch.tensor(allowed), mask_of(kind, T, n)[0, 0])


@pytest.mark.parametrize("link", [{}, dict(model="wordfinder"), dict(model="captioner", stack="encoder")])
@pytest.mark.parametrize(
    ("picked", "rule"),
    [(("window", 3), "0≤t−s<3"), (("prefix", 2), "max(s,t)<2")],
)
def test_the_formula_is_that_of_the_picked_mask(link, picked, rule):
    edits = what_if(masked(*picked, side="encoder." if "stack" in link else ""))
    assert not any(rule in formula for formula in formulas(visit(step="mask", **link)))
    assert any(rule in formula for formula in formulas(visit(step="mask", **link, **edits)))


def test_the_row_from_which_the_answer_stays_is_called_as_in_the_picture():
    at = visit(step="layers")
    said = next(t for t in markdown(at) if "From row" in t)
    ids, _ = compute.stops(catalogue.models()[0], DEFAULT.prompt)
    answers = ids[:, -1].tolist()
    first = next(i for i in range(len(answers)) if len(set(answers[i:])) == 1)
    assert f"From row *{['start', *(f'block {i}' for i in range(6))][first]}* on" in said


def test_what_an_encoder_passes_on_is_what_the_picture_shows(family):
    for name, point in (("seer", "encoder.final_norm.out"), ("pair", "encoder.blocks.1.resid_post")):
        at = visit(model=name, stack="encoder", step="layers", prompt=PROMPT)
        trace = compute.trace(name, catalogue.given(name, view(at)))
        assert torch.equal(trace[point], trace["decoder.memory"])
        assert any(header["foot"].startswith(point) for header, _ in pictures(at))
