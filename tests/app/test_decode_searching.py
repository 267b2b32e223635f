"""Searching: the tree is the engine's, its sums those of the texts; greedy search misses in a shipped case."""

import pytest

import engine
from app import writing
from app.views.decode.searching import MISSED
from engine.decode import path, search
from engine.decode.tree import exact, tree
from tests.app.decoding import WRITERS, decoding
from tests.app.visit import fire, given, keys, model, notices, parts, press, rows_of, texts, view

PROMPT = "Once upon a time"


def table(at) -> dict[str, list[str]]:
    """The row of each way."""
    (rows,) = [rows_of(part) for part in parts(at) if rows_of(part)]
    return {row[0]: row[1:] for row in rows[1:]}


def test_the_tree_is_the_engines():
    at = decoding(part="tree", prompt=PROMPT, depth=4, width=2, length_penalty=0.5, seed=1)
    assert not at.exception and not notices(at)
    own, shown = tree(model(), PROMPT, 4, (1, 2, 3), 2, 0.5), given(at, "tree")
    assert [(node["cost"], node["total"], node["step"]) for node in shown["nodes"]] == [
        (node.cost, node.total, node.step) for node in own.nodes
    ]
    assert [node["parent"] for node in shown["nodes"]] == [
        -1 if node.parent is None else node.parent for node in own.nodes
    ]
    assert [not node["by"] for node in shown["nodes"]] == [not by for by in own.by]
    assert any(not node["by"] for node in shown["nodes"])
    assert shown["light"]["ok"]
    assert table(at)["beam"][-1] == str(own.steps["beam"])


def test_every_sum_is_that_of_the_text_read_again():
    at = decoding(part="tree", prompt=PROMPT, depth=5)
    for told, total, again, _, _ in table(at).values():
        assert float(total) == pytest.approx(float(again), abs=2e-4)
        assert told


@pytest.mark.parametrize(("name", "case"), MISSED.items())
def test_greedy_search_misses_the_best_path_of_a_shipped_model(name, case):
    at = press(decoding(part="tree", model=name), "misses")
    prompt, length = case
    assert (view(at).prompt, view(at).depth) == case
    one = engine.load(name)
    greedy, best = search(one, prompt, 1, 0.0, 1, length).beams[0], exact(one, prompt, length)
    assert -greedy.log_probability > best.nodes[best.leaf].total + 1
    found = one.tokenizer.decode(path(best.nodes, best.leaf))
    assert found == " means long ago."
    assert table(at)["exact"][0] == found.replace(" ", "·")
    assert any(found.strip() in text and "times as probable" in text for text in texts(at))


def test_where_greedy_search_is_right_it_is_said():
    at = decoding(part="tree", prompt="The cat sat", depth=3)
    assert any("no way found" in text for text in texts(at))


def test_the_exact_search_is_of_few_tokens():
    at = fire(decoding(part="tree", prompt=PROMPT), "control-exactly", change=True)
    assert view(at).depth == 4 and "exact" in table(at)
    assert "exact" not in table(fire(at, "control-depth", change=6))


def test_an_exact_search_that_would_read_too_much_is_not_made(monkeypatch):
    monkeypatch.setattr(writing, "MOST_SEARCHED", 1)
    at = decoding(part="tree", prompt="The animal was so", depth=4, seed=77)
    fire(at, "control-exactly", change=True)
    assert not at.exception and "exact" not in table(at)
    assert any("exact search was not made" in text for text in texts(at))


@pytest.mark.parametrize("depth", [0, 13, 2.5, "3"])
def test_no_other_depth(depth):
    at = fire(decoding(part="tree", prompt=PROMPT, depth=3), "control-depth", change=depth)
    assert not at.exception and view(at).depth == 3


@pytest.mark.parametrize("name", [*WRITERS, "interpreter", "captioner", "courier-gru"])
def test_all_that_write_are_searched(family, name):
    at = decoding(model=name, part="tree", depth=3, prompt="the cat sat on")
    assert not at.exception and not notices(at)
    assert given(at, "tree")["light"]["ok"]
    assert not keys(at, "button-missed")


def test_a_full_context_has_an_empty_tree():
    full = "a" + " a" * (model().config.context - 1)
    at = decoding(part="tree", prompt=full)
    assert not at.exception
    assert given(at, "tree")["nodes"] == []
    assert any("full" in text for text in notices(at, "info"))
