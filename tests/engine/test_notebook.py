"""What a trace, a check and a point show of themselves."""

import re
from html.parser import HTMLParser

import pytest
import torch

from engine.notebook import LARGEST
from engine.trace import run
from engine.trace.tap import Edit
from engine.worked import check
from tests.engine.tiny import BERT, VIT, decoder, images, pair, prompt, recurrent


class Reader(HTMLParser):
    def __init__(self, html: str):
        super().__init__()
        self.tags, self.cells, self.names = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)

    def handle_data(self, data):
        {"td": self.cells, "th": self.names}.get(self.tags[-1], []).append(data)


ALLOWED = {"figure", "figcaption", "table", "thead", "tbody", "tr", "td", "th"}
TRACES = {
    "decoder": lambda: run(decoder(torch.float32), [prompt(5), prompt(3)]),
    "BERT": lambda: run(decoder(torch.float32, **BERT), prompt(5)),
    "ViT": lambda: run(decoder(torch.float32, **VIT), images(2)),
    "pair": lambda: run(pair(torch.float32), prompt(4), target=[3, 1]),
    "recurrent": lambda: run(recurrent("gru", "additive", torch.float32), prompt(4), target=[3, 1]),
}


@pytest.mark.parametrize("kind", TRACES)
def test_every_point_shows_itself_without_code_or_network(kind):
    trace = TRACES[kind]()
    for point in trace:
        shown = trace.show(point)
        html = shown._repr_html_()
        assert set(Reader(html).tags) <= ALLOWED
        assert point in html and "Second route: agrees" in html
        assert not re.search("https?:|url\\(|<script", html)


def test_cells_are_the_numbers_of_the_heads_and_places_that_are_asked_for():
    trace = TRACES["decoder"]()
    shown = trace.show("blocks.1.attn.pattern", B=1, H=2)
    assert torch.equal(shown.values, trace["blocks.1.attn.pattern"][1, 2])
    cells = [float(cell) for cell in Reader(shown._repr_html_()).cells]
    assert cells == pytest.approx(shown.values.flatten().tolist(), rel=0.05, abs=1e-6)
    assert repr(shown).startswith(
        "HeatMap(model, blocks.1.attn.pattern [B=1, H=2]: T down (5), S across (5), from 0"
    )
    assert trace.show("logits", T=2, V=3).values.numel() == 2  # one number for each prompt
    assert trace.show("logits", B=0, T=2, V=3).values.numel() == 1


def test_labels_are_tokens_and_never_markup(wordpiece):
    model = decoder(torch.float32, vocabulary=len(wordpiece), **BERT)
    model.tokenizer = wordpiece
    model.name = "<img src=x onerror=alert(1)>"
    wordpiece_like = run(model, "the <b>cat</b> & 'mat'")
    shown = wordpiece_like.show("blocks.0.attn.pattern")
    read = Reader(shown._repr_html_())
    assert set(read.tags) <= ALLOWED
    assert read.names[0] == "0 [CLS]"
    assert "&lt;img" in shown._repr_html_()


def test_a_large_point_is_cut_and_says_so():
    trace = TRACES["decoder"]()
    html = trace.show("logits")._repr_html_()
    assert f"and {LARGEST} columns are drawn" in html
    assert len(Reader(html).cells) == 5 * LARGEST


def test_numbers_that_are_none_are_told_apart():
    huge = [Edit(f"blocks.0.attn.{name}", "set", {"T": 2}, 1e38) for name in "qk"]
    trace = run(decoder(torch.float32), prompt(4), huge)
    assert "−∞" in trace.show("blocks.0.attn.masked")._repr_html_()
    html = "".join(trace.show(point)._repr_html_() for point in trace)
    assert "NaN" in html and "does not agree" in html


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (dict(X=1), "has the axes B T V, not 'X'"),
        (dict(T=5), "T = 5 is outside its 5 entries"),
        (dict(T="a"), "'a'"),
    ],
)
def test_a_place_that_does_not_exist_says_which_do(at, message):
    with pytest.raises(ValueError, match=message):
        TRACES["decoder"]().show("logits", **at)
    with pytest.raises(KeyError, match="near names"):
        TRACES["decoder"]().show("logit")


def test_a_trace_is_a_table_of_names():
    trace = TRACES["decoder"]()
    assert "logits" in trace and "x" not in trace and 3 not in trace
    assert list(trace) == trace.points() and len(trace) == len(trace.points())


def test_a_trace_tells_what_was_run():
    told, count = repr(run(decoder(), prompt(4), Edit("logits", "zero"))), len(TRACES["decoder"]())
    assert told == f"Trace(model: 1 prompt of 4 tokens, {count} points from embed.token, edits: zero logits)"
    assert "2 images" in repr(TRACES["ViT"]())
    assert "2 tokens of the target" in repr(TRACES["pair"]())


def test_a_check_tells_its_light():
    trace = TRACES["decoder"]()
    assert repr(check(trace, "logits")).startswith("Check(green: off by ")
    trace._kept["logits"] = trace["logits"] * torch.nan
    assert "red: 970 of 970 numbers are NaN or infinite" in repr(check(trace, "logits"))
