"""What a visitor wrote is shown as it was written, wherever it is shown: 1,000 hostile texts in every sentence
that takes one, and some of them in every place of the page."""

import re
import unicodedata

import pytest

from app.markup import tree
from app.text import CONDITION, PLACEHOLDER, sections, written
from app.ui.figures import bars
from app.ui.labels import BIDI, escape, token_labels
from tests.app.visit import given, keys, notices, parts, view, visit
from tests.hostile import HOSTILE, many

TEXTS = many()


def seen(part: list | str) -> str:
    """What is read of a tree, whatever it is made of."""
    return part if isinstance(part, str) else "".join(map(seen, part[1:]))


def tags(part: list | str) -> list[str]:
    return [] if isinstance(part, str) else [part[0], *(tag for child in part[1:] for tag in tags(child))]


def expected(text: str) -> str:
    """What a reader must see of a text in a sentence: each sign as it is, a new line as a space, and what turns
    round or is no sign by its number or its picture."""
    found = []
    for c in text.replace("\r\n", "\n"):
        if c in "\r\n":
            found.append(" ")
        elif c == "\t":
            found.append(c)
        elif ord(c) < 32 or ord(c) == 127:
            found.append("␡" if ord(c) == 127 else chr(0x2400 + ord(c)))
        elif BIDI.match(c) or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp"):
            found.append(f"U+{ord(c):04X}")
        else:
            found.append(c)
    return "".join(found)


@pytest.mark.parametrize("around", ["a “{}” b", "**{}**", "| x | {} |", "### {}", "{}"])
def test_a_text_in_a_sentence_is_read_as_it_was_written(around):
    table = "| h | i |\n|---|---|\n" if around.startswith("|") else ""
    plain = tags(tree(table + around.format("word")))
    for text in (text.strip() for text in [*TEXTS, "a\ud800b"] if text.strip()):
        made = tree(table + around.format(escape(text)))
        assert expected(text) in seen(made), text
        assert tags(made) == plain, text


CODE = re.compile(r"`\[\[bytes\]\]`")  # in code stand numbers alone, and never a visitor's text
TAKING = [
    (page, name, body)
    for page in ("walk", "families", "trouble")
    for name, variants in sections(page).items()
    for body in variants.values()
    if PLACEHOLDER.search(body) and "/formula" not in name
]


@pytest.mark.parametrize(
    "text", ["**b** _i_ [l](http://e.invalid) `c` <b> | $x$ www.example.com", "(a)", "*", "`", "|"]
)
def test_every_sentence_that_takes_a_text_keeps_its_own_signs(text):
    """No text of ours puts a value where its signs would mean something else."""
    for page, name, body in TAKING:
        body = CODE.sub("", CONDITION.sub(lambda m: m[4], body))
        made, plain = (
            tree(PLACEHOLDER.sub(lambda m, value=value: "s" if m[2] == "|" else written(value, ""), body))
            for value in (text, "word")
        )
        assert tags(made) == tags(plain), (page, name)


@pytest.mark.parametrize("text", [*HOSTILE.values(), *TEXTS[60:100]])
def test_a_text_is_the_same_in_every_place_of_the_page(text):
    at = visit(prompt=text, step="tokens", token=0)
    assert not at.exception
    assert given(at, "prompt")["text"] == view(at).prompt == text
    if notices(at):
        return
    drawn = "".join(re.sub(r" \d/\d$", "", shown) for shown, _ in given(at, "tokens")["groups"])
    assert drawn  # of signs that are seen: the tokens put together again
    assert not set(drawn) & {"\u202e", "\u2066", "\x00", "\x1b"}
    for part in parts(at):
        if part["kind"] == "text":
            assert set(tags(part["data"])) <= {"div", "p", "strong", "em", "code", "h3"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_is_no_markup_in_a_chart(name):
    """Plotly reads tags in its labels: a label of signs is written in its own way."""
    (label,) = token_labels([HOSTILE[name].encode()])[:1]
    chart = bars([{"label": label, "value": 1.0}], "token", "weight")
    assert "<" not in str(chart.to_plotly_json().get("layout", {}).get("yaxis", {}).get("ticktext", ""))


@pytest.mark.parametrize("field", ["target", "other", "step", "model", "edits", "image", "www.example.com"])
def test_what_a_link_says_is_never_more_than_text(field):
    for text in ("www.example.com", ":streamlit: :red[x]", "<b>", "a\u202eb", "me@example.com"):
        for link in (dict(model="wordfinder", step="layers", token=1), dict(model="interpreter"), {}):
            at = visit(**link | {field: text})
            assert not at.exception
            found = [part["data"] for part in parts(at) if part["kind"] in ("text", "notice")]
            assert not any("\u202e" in seen(data if isinstance(data, list) else data["text"]) for data in found)
            assert keys(at)
