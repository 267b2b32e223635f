"""Whatever is typed is shown or refused in plain words, kept in its box, and never becomes markup."""

import json
from urllib.parse import urlencode

import pytest

from app import catalogue, compute
from app.architecture import GLANCE, STEPS
from app.state import DEFAULT, LONGEST_LINK
from engine.trace.tap import Edit
from tests.app.visit import (
    MAIN,
    fire,
    formulas,
    full_prompt,
    given,
    keys,
    markdown,
    markup,
    masked,
    model,
    notices,
    parts,
    tempered,
    undivided,
    view,
    visit,
    what_if,
)
from tests.hostile import HOSTILE

LONG = "word " * 1000
REFUSED = {"": "empty", LONG: "256", "x" * 100_000: "256", "\ud800": "surrogate", "a\udfffb": "surrogate"}
MARKUP = "".join(HOSTILE[name] for name in ("image", "frame", "remote image", "markdown"))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_strange_prompt_is_cut_into_tokens_and_kept(text):
    for at in (visit(step="tokens", prompt=text), fire(visit(step="tokens"), "prompt", prompt=text)):
        assert not at.exception and not notices(at)
        assert given(at, "prompt")["text"] == view(at).prompt == text
        assert given(at, "bar")["ids"] == model().tokenizer.encode(text)
        assert given(at, "tokens")["light"]["ok"]


@pytest.mark.parametrize("text", [*HOSTILE.values(), "a", None], ids=[*HOSTILE, "one letter", "full"])
def test_a_strange_prompt_can_be_walked(text):
    at = visit(prompt=text or full_prompt(), token=1, key=1)
    for step in (*GLANCE, *STEPS):
        fire(at, "map", step=step)
        assert not at.exception


@pytest.mark.parametrize("text, reason", REFUSED.items(), ids=["empty", "long", "huge", "surrogate", "inside"])
def test_a_prompt_that_cannot_be_run_is_refused_in_plain_words_and_kept(text, reason):
    at = fire(visit(step="scores", layer=2), "prompt", prompt=text)
    assert not at.exception
    (message,) = notices(at)
    assert reason in message and "codec" not in message
    assert given(at, "prompt")["text"] == text
    fire(at, "prompt", prompt="hello")
    assert not at.exception and not notices(at)
    assert view(at).step == "scores" and view(at).layer == 2


def test_a_link_with_a_prompt_that_cannot_be_run_opens_too():
    at = visit(prompt=LONG, layer="many")
    assert not at.exception
    assert len(notices(at)) == 1
    assert given(at, "prompt")["text"] == LONG


@pytest.mark.parametrize("junk", [5, None, ["a"], {"a": 1}, True])
def test_a_prompt_that_is_no_text_does_no_harm(junk):
    assert not fire(visit(), "prompt", prompt=junk).exception


@pytest.mark.parametrize("step", (*GLANCE, *STEPS))
def test_a_token_never_becomes_markup(step, monkeypatch):
    """The page with every token's label a piece of markup has the same markup as with plain labels."""
    link = dict(step=step, layer=1, token=4, key=2, sink=1)
    link |= what_if(
        undivided(1), masked("none", layer=1), tempered(2, 1), Edit("blocks.1.attn.z", "zero", {"H": 0})
    )
    shown = []
    for label in ("plain", MARKUP):
        monkeypatch.setattr("app.ui.context.token_labels", lambda tokens, label=label: [label] * len(tokens))
        at = visit(**link)
        assert not at.exception
        shown.append(markup(at))
    assert shown[0] == shown[1]


@pytest.mark.parametrize("name", ["model", "layer", "letter", "edits", MARKUP[:30], "$x$ :red[q]"])
def test_a_link_never_becomes_markup(name):
    def told(value: str) -> list[str]:
        at = visit(**{name: value})
        assert not at.exception
        (said,) = notices(at, "info")
        assert value[:40] in said or name[:40] in said
        return markup(at)

    for text in (MARKUP, "a<b>", "![i](http://e.invalid/x.png)"):
        assert told("plain") == told(text)


def test_text_is_not_put_into_formulas():
    at = visit(prompt=MARKUP, step="scores", token=3, key=1)
    assert formulas(at)
    assert not any(word in formula for formula in formulas(at) for word in ("img", "srcdoc", "red["))


def test_a_hostile_trigger_from_another_client_does_no_lasting_harm():
    at = visit(step="scores")
    for part, trigger in (
        ("bar", dict(layer=10**9)),
        ("bar", dict(token=-5)),
        ("matrix-attn.dots-", dict(pick=[10**6, -3])),
    ):
        fire(at, part, **trigger)
    fire(at, "prompt", prompt=DEFAULT.prompt)
    assert not at.exception
    assert keys(at, "matrix-")


HUGE = {"spaces": " ", "letters": "a", "signs": "!", "marks": "\u0301", "joiners": "\u200d", "words": "a "}


@pytest.mark.parametrize("sign", HUGE.values(), ids=HUGE)
@pytest.mark.parametrize("name", ["storybook", "wordfinder", "interpreter"])
def test_a_text_of_any_length_is_refused_before_anything_is_computed(name, sign, monkeypatch):
    """Few tokens can have many characters: a text is measured in both."""

    def compute_nothing(*given):
        raise AssertionError("a huge text was read")

    at = visit(model=name)
    monkeypatch.setattr("engine.run", compute_nothing)
    monkeypatch.setattr("engine.generate", compute_nothing)
    text = (sign * 900_000)[:900_000]
    fire(at, "prompt", prompt=text)
    assert not at.exception
    (message,) = notices(at)
    assert "900,000 characters" in message and "10,000" in message
    assert given(at, "prompt")["text"] == text  # kept, to be shortened
    before = view(at)
    fire(at, "prompt", prompt="a" * 1_000_001)  # no box of ours sends as much
    assert view(at) == before


@pytest.mark.parametrize("field", ["target", "other", "image"])
def test_a_huge_text_in_a_link_is_refused_too(field):
    model = {"image": "digits", "other": "wordfinder"}.get(field, "interpreter")
    at = visit(**{"model": model, "step": "layers", "token": 1, field: "a" * 400_000})
    assert not at.exception
    assert any("400,000 characters" in said for said in [*notices(at), *markdown(at)])


@pytest.mark.parametrize("name, text", [("storybook", "assepartout" * 256), ("wordfinder", "ab" * 4000)])
def test_of_a_long_word_as_much_is_drawn_as_can_be_seen(name, text, monkeypatch):
    at = visit(model=name, step="tokens", prompt=text, token=1)
    drawn = given(at, "tokens")
    assert drawn["light"]["ok"]
    assert sum(map(len, drawn["merges"])) < 2000
    assert len(str(drawn)) < 200_000
    for module in ("merges", "cuts"):
        monkeypatch.setattr(f"app.compute.{module}", None)  # not computed again where nothing has changed
    assert not at.run().exception
    assert given(at, "tokens") == drawn


def test_what_a_link_asked_for_in_vain_is_said_on_every_page():
    vain = {f"unknown{i}": "x" for i in range(9)}
    for link in ({}, {"prompt": LONG}, {"prompt": ""}):
        at = visit(**vain, **link)
        for page in ("walk", "families", "models"):
            (said,) = notices(at, "info")[:1]
            assert all(f"unknown{i}" in said for i in range(6)) and "And 3 more." in said
            at.switch_page(str(MAIN.parent / "views" / page / "page.py")).run()
            assert not at.exception


def test_what_an_address_cannot_hold_is_said_and_kept():
    at = fire(visit(), "prompt", prompt="é" * 3000)
    assert "cannot hold the prompt" in notices(at, "info")[0]
    assert view(at).prompt == "é" * 3000
    assert len(urlencode(dict(at.query_params))) < LONGEST_LINK
    new = visit(**dict(at.query_params))
    assert view(new) == DEFAULT
    assert "too long for a link" in notices(new, "info")[0]


@pytest.mark.parametrize("step", [*GLANCE, "next"])
def test_of_what_ifs_that_grow_too_large_only_those_are_left_out(step):
    fits = Edit("blocks.0.attn.z", "zero", {"H": 1})
    large = [
        Edit(f"blocks.{i}.{point}", "scale", value=1e9)
        for i in range(model().config.layers)
        for point in ("mlp.out", "resid_post")
    ]
    at = visit(step=step, **what_if(*large, fits))
    kept = view(at).edits
    assert not at.exception and fits in kept and 1 < len(kept) < len(large)
    said = notices(at, "info")
    for left in set(large) - set(kept):
        assert any(f"than float32 can hold, with scale at {left.point}." in notice for notice in said)
    json.dumps(parts(at), allow_nan=False)


@pytest.mark.parametrize(
    "name, point, factors",
    [
        ("storybook", "final_norm.out", (3e38, 2.0)),
        ("storybook", "blocks.2.resid_mid", (1e30,)),  # its square is infinite, and what is divided by that 0
        ("courier-gru", "encoder.steps.1.h", (3e38, 2.0)),
    ],
    ids=["after the last block", "hidden by a norm", "in a recurrent model"],
)
def test_no_number_of_a_run_is_infinite(name, point, factors):
    read = catalogue.given(name, DEFAULT)
    edits = tuple(Edit(point, "scale", value=factor) for factor in factors)
    kept, refused = compute.fitting(name, read, edits)
    assert len(refused) == 1
    run = compute.trace(name, read, kept)
    shown = (run[p] for p in run.points() if not p.endswith(".masked"))
    assert all(x.isfinite().all() for x in shown)


@pytest.mark.parametrize("name", ["interpreter", "wordfinder"])
def test_an_empty_prompt_is_refused_by_models_that_put_tokens_of_their_own_around_it(name):
    (message,) = notices(visit(model=name, prompt=" ", step="tokens")) or ("",)
    at = fire(visit(model=name, step="tokens"), "prompt", prompt="")
    assert not at.exception and "empty" in notices(at)[0] and "empty" not in message


def test_of_many_what_ifs_that_are_none_a_few_are_named():
    (said,) = notices(visit(edits="!".join(["nothing"] * 50), step="tokens"), "info")
    assert said.count("nothing") == 3 and "and 47 more" in said
