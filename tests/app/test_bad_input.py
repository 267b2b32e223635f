"""Whatever is typed is shown or refused in plain words, kept in its box, and never becomes markup."""

import pytest

from app.architecture import STEPS
from app.state import DEFAULT
from engine.trace.tap import Edit
from tests.app.visit import (
    fire,
    formulas,
    full_prompt,
    given,
    keys,
    markup,
    masked,
    model,
    notices,
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
    for at in (visit(prompt=text), fire(visit(), "prompt", prompt=text)):
        assert not at.exception and not notices(at)
        assert given(at, "prompt")["text"] == view(at).prompt == text
        assert given(at, "bar")["ids"] == model().tokenizer.encode(text)
        assert given(at, "tokens")["light"]["ok"]


@pytest.mark.parametrize("text", [*HOSTILE.values(), "a", None], ids=[*HOSTILE, "one letter", "full"])
def test_a_strange_prompt_can_be_walked(text):
    at = visit(prompt=text or full_prompt(), token=1, key=1)
    for i in range(len(STEPS)):
        fire(at, "map", step=i)
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


@pytest.mark.parametrize("step", STEPS)
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
