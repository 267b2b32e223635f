"""Fixed and contextual neighbours of a word in the step "Blocks"."""

import numpy as np
import pytest

import engine
from app import compute
from engine import contextual, vectors
from tests.app.visit import given, keys, markdown, tensors, visit

RIVER, MONEY = "The boat came down the river to the bank", "She put her money in the bank"


@pytest.fixture
def fixed(monkeypatch):
    """Three words with vectors."""
    table = vectors.WordVectors(("bank", "river", "money"), np.array([[1, 1], [1, 0.5], [-1, 1]], np.float32))
    row = dict(name="odd one out", count=50, chance=0.25, values=[0.8, 0.9])
    monkeypatch.setattr(vectors, "shipped", lambda: table)
    monkeypatch.setattr(vectors, "measured", lambda: {"rows": [row]})


def opened(**link):
    at = visit(step="layers", prompt=RIVER, **link)
    at.session_state["open-company"] = True
    return at.run()


def shown(at, name: str) -> list[list[str]]:
    assert given(at, f"matrix-company-{name}")["light"]["ok"]
    return given(at, f"matrix-company-{name}")["texts"]


def test_both_texts_have_lists_of_their_own_and_the_fixed_vector_one(fixed):
    name, model = "wordfinder", compute.model("wordfinder")
    at_ = engine.run(model, RIVER)
    token = [t for t, w in contextual.whole_words(model, at_.tokens()).items() if w == "bank"][-1]
    at = opened(model=name, token=token, other=MONEY)
    assert not at.exception
    assert shown(at, "fixed") == [["river", "money"]]
    met = contextual.meet(model, contextual.shipped().texts)
    found = contextual.cosines(contextual.stream(at_)[:, token], met)
    own = [[met.words[i] for i in row] for row in contextual.nearest(found, met, "bank", 5)]
    assert shown(at, "here") == own != shown(at, "there")
    drawn = next(x for key, x in tensors(at).items() if "|company-here|" in key)
    others = [c for c, w in zip(found[-1].tolist(), met.words, strict=True) if w != "bank"]
    assert drawn.shape[1:] == (len(found), 5) and (np.diff(drawn[0]) <= 0).all()
    assert drawn[0, -1, 0] == pytest.approx(max(others))
    told = " ".join(markdown(at))
    same = [len(set(a) & set(b)) for a, b in zip(own, shown(at, "there"), strict=True)]
    assert f"{same[0]} {'is' if same[0] == 1 else 'are'} the same" in told
    assert f"{same[-1]} after the last" in told
    hits, _, chance = contextual.same_sense(met, "bank", contextual.shipped().senses["bank"])
    assert f"in {hits[-1]:.1f} after the last block" in told and f"by chance in {chance:.1f}" in told
    assert "found by these 3 fixed vectors in 80%, by counting alone in 90%, by chance in 25%" in told


def test_without_a_fixed_vector_or_a_whole_word_it_is_said(monkeypatch):
    monkeypatch.setattr(vectors, "shipped", lambda: None)
    told = " ".join(markdown(opened(token=8)))
    assert "No fixed word vectors are there" in told and "Type another text" in told
    assert "is no whole word" in " ".join(markdown(visit_of(",")))
    assert not keys(visit(step="layers", prompt=RIVER), "matrix-company")  # computed only where it is unfolded


def visit_of(text: str):
    at = visit(step="layers", prompt=f"{RIVER}{text}")
    at.session_state["open-company"] = True
    return at.run()
