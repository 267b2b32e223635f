"""Whatever the browser reports is checked: what is not on the page now, or is no value that the page sends,
does nothing but be logged, and no report is lost or done twice."""

import json
import logging
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from app.architecture import STEPS
from app.state import DEFAULT
from tests.app.visit import MAIN, enter, fire, given, keys, notices, parts, report, reported, seen, view, visit

DEEP = json.loads("[" * 200 + "]" * 200)
FORGED = {
    "nothing": None,
    "text": "x",
    "a number as text": "1",
    "negative": -1,
    "huge": 10**30,
    "a fraction": 0.5,
    "no number": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "yes": True,
    "half a character": "\ud800",
    "nul": "\x00",
    "empty list": [],
    "a list": [0, "x", None],
    "pairs": [[0, 1], [2]],
    "an enormous list": list(range(50_000)),
    "an object": {"a": {"b": [1]}},
    "deep": DEEP,
    "markup": "<img src=x onerror=alert(1)>",
}
OPENED = {  # links whose pages together have every kind of part that reports something
    "machine": dict(),
    "inside": dict(inside=1, layer=1),
    "two stacks": dict(model="interpreter", inside=1, stack="decoder"),
    "unrolled": dict(model="lookback-gru", inside=1),
    "all heads": dict(step="all_heads"),
    "lines": dict(step="all_heads", lines=1),
    "tokens": dict(step="tokens", prompt="Lothlorien too"),
    "next": dict(step="next", edits="zero~blocks.0.attn.z~H3!zero~blocks.1.mlp.out"),
    "heads": dict(step="heads"),
    "mask": dict(step="mask", edits="mask~blocks.0.attn.mask~~window.3"),
    "softmax": dict(step="softmax"),
    "scores": dict(step="scores"),
    "layers": dict(step="layers", model="wordfinder"),
    "encoder": dict(model="interpreter", stack="encoder", step="layernorm"),
    "decoder": dict(model="interpreter", step="next", target="Je vois."),
    "digits": dict(model="digits", step="heads"),
    "captioner": dict(model="captioner", step="cross"),
    "recurrent": dict(model="lookback-gru", step="cell"),
}
EVENTS = {
    "all_heads": ("pick", "take", "open"),
    "bar": ("token", "layer", "head", "stack"),
    "control": ("change",),
    "drawing": ("image",),
    "edits": ("remove", "clear"),
    "fold": ("toggle",),
    "head_grid": ("head",),
    "image": ("place",),
    "lines": ("pick",),
    "looks": ("token",),
    "machine": ("token", "lane", "pick", "take", "zoom", "sink", "weighted", "open", "cell", "enter"),
    "matrix": ("pick",),
    "painting": ("image",),
    "picker": ("choose", "card"),
    "pipeline": ("step", "stage"),
    "plot": ("pick",),
    "prompt": ("prompt", "example"),
    "rest": ("rested",),
    "tokens": ("token", "merge"),
    "worked_arithmetic": ("set",),
}


def acts(at) -> list[tuple[str, str, str]]:
    """(key, event, of) of every event that parts of this page report."""
    parted = [part for part in parts(at) if "of" in part]
    return [(part["key"], event, part["of"]) for part in parted for event in EVENTS[part["kind"]]]


def could_be_sent(key: str, event: str, value, data: dict) -> bool:
    """May the part send this value, for all that the page shows?"""
    if event == "prompt" or (event == "change" and data.get("type") == "text"):
        return isinstance(value, str)
    if event in ("toggle", "clear", "sink", "weighted") or (
        event == "change" and data.get("type") in ("switch", "button")
    ):
        return value is True
    if event == "change" and data.get("type") in ("slider", "number"):
        return type(value) in (int, float) and data["least"] <= value <= data["most"]
    return False


@pytest.mark.parametrize("link", OPENED.values(), ids=OPENED)
def test_a_forged_value_does_nothing(link, caplog):
    """All forged values of all events of a page in one message: none is an error, none changes anything."""
    at = visit(**link)
    before, number, sent = view(at), seen(at), []
    datas = {part["key"]: part["data"] for part in parts(at)}
    for key, event, of in acts(at):
        for value in FORGED.values():
            if not could_be_sent(key, event, value, datas[key]):
                number += 1
                sent.append([number, key, event, of, value])
    assert len(sent) > 50
    with caplog.at_level(logging.WARNING, "app.ui.page"):
        report(at, sent)
    assert not at.exception
    assert view(at) == before
    lines = [record for record in caplog.records if record.name == "app.ui.page"]
    assert len(lines) == len(sent)
    assert all("\n" not in r.getMessage() and len(r.getMessage()) < 600 and not r.exc_info for r in lines)


@pytest.mark.parametrize(("field", "value"), [("top_k", 2.5), ("seed", 0.5)])
def test_a_part_of_a_whole_number_does_nothing(field, value, caplog):
    at = visit(step="next")
    before = view(at)
    with caplog.at_level(logging.WARNING, "app"):
        enter(at, field, value)
    assert view(at) == before and not notices(at) and not at.exception
    assert [record.exc_info for record in caplog.records if record.name.startswith("app.")] == [None]


@pytest.mark.parametrize("sent", FORGED.values(), ids=FORGED)
def test_a_forged_message_does_nothing(sent):
    at = visit(step="scores")
    before = view(at)
    for message in (
        sent,
        [sent],
        [[1, sent]],
        [[1, "map", "step", sent, "mlp"]],
        [[sent, "map", "step", "", "mlp"]],
    ):
        assert not report(at, message).exception
        assert view(at) == before
    assert not fire(at, "map", step=9).exception
    assert view(at).step == STEPS[9]


def test_what_was_chosen_from_another_list_is_not_done():
    """A click on an entry of what stood there before: of the encoder's steps, of another text's tokens."""
    at = visit(model="interpreter", stack="decoder", step="layers")
    there = reported(at, "map", "step", "next")
    fire(at, "bar", stack="encoder")
    before = view(at)
    assert not report(at, [[seen(at) + 1, *there[1:]]]).exception
    assert view(at) == before

    at = visit(prompt="one two three four")
    token = reported(at, "bar", "token", 2)
    fire(at, "prompt", prompt="a b c d")
    assert not report(at, [[seen(at) + 1, *token[1:]]]).exception
    assert view(at).token == DEFAULT.token

    at = visit(step="next")
    candidate = reported(at, "plot-candidates", "pick", 3)
    fire(at, "prompt", prompt="Another one")
    before = view(at)
    report(at, [[seen(at) + 1, *candidate[1:]]])
    assert view(at) == before


def test_a_step_stays_what_it_is_called_where_it_stands_elsewhere():
    """Steps are sent by name: the same place of the other stack's map is another step."""
    at = visit(model="interpreter", stack="encoder")
    map = given(at, "map")
    fire(at, "map", step=map["names"].index("mlp") - map["unnumbered"])
    assert view(at).step == "mlp"


def test_reports_are_done_once_and_in_their_order():
    at = visit(step="scores")
    first = reported(at, "bar", "layer", 2)
    second = [first[0] + 1, *reported(at, "bar", "head", 3)[1:]]
    report(at, [first])
    report(at, [first, second])  # the first is sent until the browser hears that it was seen
    assert view(at) == replace(DEFAULT, step="scores", layer=2, head=3)
    fire(at, "bar", layer=4)
    report(at, [first, second])
    assert view(at).layer == 4


def test_a_new_session_of_an_old_page_does_what_is_reported_first():
    """As after a restart of the server: the page is there, the session new."""
    old = visit(step="scores", layer=1)
    for layer in (2, 3):
        fire(old, "bar", layer=layer)
    sent = reported(old, "map", "step", "mlp")
    new = visit(**dict(old.query_params))
    assert seen(new) == 0
    report(new, [sent])
    assert view(new) == replace(DEFAULT, step="mlp", layer=3)


def test_an_unforeseen_error_in_an_act_is_a_sentence_with_an_id(monkeypatch, caplog):
    at = visit(step="next")

    class PanicException(BaseException):
        pass

    PanicException.__module__ = "pyo3_runtime"
    for error in (RuntimeError("secret path /home/x"), PanicException("native")):
        with monkeypatch.context() as patch:

            def fail(*given, error=error):
                raise error

            patch.setattr("engine.decode.draw", fail)
            fire(at, "button-draw", change=True)
        assert not at.exception
        (said,) = [part["data"]["text"] for part in parts(at) if part["kind"] == "notice"]
        (id,) = [record.args[0] for record in caplog.records if record.name == "app.trouble"]
        assert id in str(said) and "secret" not in str(said)
        caplog.clear()
    assert keys(at, "plot-candidates")


def test_a_panic_of_native_code_is_an_error_like_others(monkeypatch):
    class PanicException(BaseException):
        pass

    PanicException.__module__ = "pyo3_runtime"

    def panic(*given):
        raise PanicException("index out of bounds")

    monkeypatch.setattr("engine.run", panic)
    at = visit(prompt="never seen before")
    assert [error.message for error in at.exception]  # Streamlit knows of it: the run has ended


def test_the_models_page_takes_only_what_it_offers():
    at = visit()
    at.switch_page(str(MAIN.parent / "views" / "models" / "page.py")).run()
    before = view(at)
    for value in [*FORGED.values(), "storybook@1", "../bookworm", 99]:
        for part in ("control-model", "control-checkpoint"):
            if not (part == "control-checkpoint" and type(value) is int and 0 <= value < 3):
                assert not fire(at, part, change=value).exception
                assert view(at) == before


def test_what_stops_a_run_is_a_sentence_with_the_id_that_the_log_has(caplog):
    def script():
        from app import trouble

        trouble.show(RuntimeError("secret"))

    at = AppTest.from_function(script).run()
    (id,) = [record.args[0] for record in caplog.records if record.name == "app.trouble"]
    assert id in at.error[0].value and "secret" not in at.error[0].value
