"""Writing: the text is that of the engine, its surprise too; it branches, and texts are kept to be compared."""

import math

import pytest
import torch

import engine
from app.state import DEFAULT, write_link
from engine import Decoding
from tests.app.decoding import WRITERS, decoding
from tests.app.visit import fire, full_prompt, given, keys, markup, model, notices, texts, view
from tests.hostile import HOSTILE

SETTINGS = dict(length=8, seed=3, temperature=1.3, top_k=40, repetition_penalty=1.1)


def shown(at) -> list[int]:
    return [token["id"] for token in given(at, "writing")["tokens"]]


def by_engine(prompt: str, **settings) -> list[int]:
    decoding = Decoding("sample", max_tokens=settings.pop("length"), **settings)
    return [step.id for step in engine.generate(model(), prompt, decoding)]


def test_the_text_is_what_the_engine_writes():
    at = decoding(part="text", **SETTINGS)
    assert not at.exception and not notices(at)
    assert shown(at) == [*model().tokenizer.encode(DEFAULT.prompt), *by_engine(DEFAULT.prompt, **SETTINGS)]


def test_the_same_link_gives_the_same_text():
    at = decoding(part="text", **SETTINGS)
    assert shown(decoding(**write_link(view(at)))) == shown(at)


def test_each_token_has_its_surprise_and_the_best_in_its_place():
    at = decoding(part="text", **SETTINGS)
    ids, tokens = shown(at), given(at, "writing")["tokens"]
    logs = engine.run(model(), ids)["logits"][0].double().log_softmax(-1)
    assert tokens[0]["bits"] is None and tokens[0]["best"] == []
    for i, token in enumerate(tokens[1:]):
        assert token["bits"] == pytest.approx(-float(logs[i, token["id"]]) / math.log(2), abs=1e-3)
        assert [id for id, *_ in token["best"]] == logs[i].topk(10).indices.tolist()
        assert [p for *_, p in token["best"]] == pytest.approx(logs[i].topk(10).values.exp().tolist(), rel=1e-3)
    total = sum(token["bits"] for token in tokens[1:])
    assert any(f"{total:.1f} bits" in text for text in texts(at))
    assert given(at, "writing")["light"]["ok"]


def test_one_token_more_and_one_less():
    at = decoding(part="text", **SETTINGS)
    before = shown(at)
    longer = fire(at, "writing", length=[9])
    assert shown(longer)[:-1] == before and view(longer).length == 9
    assert shown(fire(longer, "writing", length=[7])) == before[:-1]


@pytest.mark.parametrize("length", [[0], [201], [2.5], 3, ["3"], []])
def test_no_other_length_can_be_asked_for(length):
    at = fire(decoding(part="text", **SETTINGS), "writing", length=length)
    assert not at.exception and view(at).length == 8


def test_another_token_in_the_place_of_one_branches():
    at = decoding(part="text", **SETTINGS)
    before, place = given(at, "writing"), len(model().tokenizer.encode(DEFAULT.prompt)) + 2
    token = before["tokens"][place]
    rank = next(r for r, (id, label, _) in enumerate(token["best"]) if id != token["id"] and "·" in label)
    fire(at, "writing", instead=[place, rank])
    assert not at.exception
    prefix = [*(one["id"] for one in before["tokens"][:place]), token["best"][rank][0]]
    assert view(at).prompt == model().tokenizer.decode(prefix)
    assert shown(at)[: len(prefix)] == prefix
    assert view(at).length == 8 - 3
    rows = given(at, "texts-kept")["rows"]
    assert [len(rows), rows[1]["before"]] == [2, DEFAULT.prompt]
    fire(at, "texts-kept", open=1)
    assert given(at, "writing")["tokens"] == before["tokens"]
    assert len(given(at, "texts-kept")["rows"]) == 2
    fire(at, "texts-kept", drop=1)
    assert not keys(at, "texts-kept")


def test_a_token_of_the_prompt_can_be_replaced():
    at = fire(decoding(part="text", **SETTINGS), "writing", instead=[3, 1])
    assert not at.exception
    assert view(at).prompt != DEFAULT.prompt and not view(at).prompt.startswith(DEFAULT.prompt)


@pytest.mark.parametrize("instead", [[0, 0], [500, 0], [3, 10], [3], "3", [3, -1]])
def test_nothing_else_can_be_replaced(instead):
    at = fire(decoding(part="text", **SETTINGS), "writing", instead=instead)
    assert not at.exception and view(at).prompt == DEFAULT.prompt


def test_ten_texts_are_kept():
    at = decoding(part="text", method="greedy", length=2)
    for i in range(12):
        fire(at, "writing", instead=[3, 1 + i % 5])
    assert 2 < len(given(at, "texts-kept")["rows"]) <= 11
    assert not at.exception


def test_several_whole_texts_with_their_log_probabilities():
    at = fire(decoding(part="text", **SETTINGS), "draws", toggle=True)
    rows = given(at, "texts-draws")["rows"]
    assert [row["seed"] for row in rows] == list(range(3, 11))
    start = model().tokenizer.encode(DEFAULT.prompt)
    for row in rows[:3]:
        ids = by_engine(DEFAULT.prompt, **SETTINGS | {"seed": row["seed"]})
        assert row["text"] == model().tokenizer.decode(ids)
        logs = engine.run(model(), [*start, *ids])["logits"][0, len(start) - 1 : -1].double().log_softmax(-1)
        total = float(logs.gather(-1, torch.tensor(ids)[:, None]).sum())
        assert row["numbers"][:2] == pytest.approx([total, len(ids)], rel=1e-4)
    fire(at, "texts-draws", open=2)
    assert view(at).seed == 5


def test_greedy_writes_one_text_only():
    at = fire(decoding(part="text", method="greedy", length=3), "draws", toggle=True)
    assert not keys(at, "texts-draws")
    assert any("always writes the same" in text for text in texts(at))


def test_a_full_context_is_said_and_the_text_stays():
    at = decoding(part="text", prompt=full_prompt())
    assert not at.exception and not notices(at)
    assert not given(at, "writing")["more"] and given(at, "writing")["length"] == 0
    assert any("full" in text for text in texts(at))


def test_the_what_ifs_do_not_hold_here():
    at = decoding(part="text", length=3, edits="zero~blocks.2.attn.z~H3")
    assert shown(at) == shown(decoding(part="text", length=3))
    assert any("without them" in text for text in texts(at))


@pytest.mark.parametrize("name", [*WRITERS, "interpreter", "captioner", "courier-gru"])
def test_all_that_write_write_and_branch(family, name):
    at = decoding(model=name, part="text", length=4, method="greedy", prompt="the cat sat on")
    assert not at.exception and not notices(at)
    assert given(at, "writing")["light"]["ok"]
    if given(at, "writing")["length"]:
        place = len(given(at, "writing")["tokens"]) - 1
        best = given(at, "writing")["tokens"][place]["best"]
        fire(at, "writing", instead=[place, len(best) - 1])
        assert not at.exception and not notices(at)


def test_a_control_changes_the_text():
    at = decoding(part="text", **SETTINGS)
    before = shown(at)
    assert shown(fire(at, "control-seed", change=4)) != before


@pytest.mark.parametrize("part", ["choice", "text", "tree"])
@pytest.mark.parametrize("name", ["image", "markdown", "right to left", "nothing", "end of text", "lines"])
def test_whatever_is_read_does_nothing_but_be_shown(part, name):
    at = decoding(part=part, prompt=HOSTILE[name], length=3)
    assert not at.exception and not notices(at)
    shown = {tag for tags in markup(at) for tag in tags}
    assert shown <= {"div", "p", "strong", "em", "code", "h3", "table", "thead", "tbody", "tr", "th", "td"}
