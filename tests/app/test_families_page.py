"""One sentence through every family: what each reads, sees, says, and how many numbers it is made of."""

import numpy as np
import pytest

import engine
from app import compute, state
from app.labels import escape
from app.text import sections
from tests.app.visit import fire, given, keys, markdown, tensors, view, visit
from tests.hostile import HOSTILE

GAP = "The old [MASK] sat on the mat."


def families(**link):
    at = visit(**link)
    at = at.switch_page("views/families.py").run()
    assert not at.exception
    return at


def test_every_shipped_family_is_there_with_its_texts():
    at = families()
    assert {key.removeprefix("matrix-attn.mask-") for key in keys(at, "matrix-attn.mask-")} == set(
        compute.families().values()
    )
    assert {f"{kind}/{part}" for kind in compute.families() for part in ("name", "for", "answer")} <= set(
        sections("families")
    )


def check_says(at, text: str) -> None:
    assert any(f"It writes: **{escape(text)}**" in shown for shown in markdown(at))


@pytest.mark.parametrize("kind", compute.families())
def test_the_answer_is_the_models_own_for_the_same_gap(kind):
    at, name = families(prompt=GAP), compute.families()[kind]
    model = compute.model(name)
    if kind == "pair":
        text = " ".join(GAP.replace("[MASK]", "").split())
        wrote = "".join(step.text for step in engine.generate(model, text))
        return check_says(at, wrote)
    if kind == "image":
        scores = compute.trace(name, compute.given(name, view(at)))["classes"][0]
    elif model.config.causal:
        scores = engine.run(model, "The old")["logits"][0, -1]
    else:
        trace = engine.run(model, GAP)
        scores = trace["logits"][0, trace.ids[0].tolist().index(model.tokenizer.mask)]
    rows = given(at, f"plot-answer-{name}")["rows"]
    best = scores.softmax(-1).topk(len(rows))
    assert [row["value"] for row in rows] == pytest.approx(best.values.tolist(), rel=1e-5)


@pytest.mark.parametrize("kind", compute.families())
def test_the_mask_is_the_models_own_and_what_is_hidden_is_not_a_number(kind):
    at, name = families(prompt=GAP), compute.families()[kind]
    mask = tensors(at)[given(at, f"matrix-attn.mask-{name}")["src"]][0]
    full = np.ones(mask.shape, bool)
    assert ((mask == 1) == (np.tril(full) if compute.model(name).reads[-1].causal else full)).all()
    assert np.isneginf(mask[mask != 1]).all()


@pytest.mark.parametrize("kind", compute.families())
def test_the_parts_add_up_to_all_parameters(kind):
    at, name = families(), compute.families()[kind]
    total = sum(p.numel() for p in compute.model(name).parameters())
    header = given(at, f"plot-parts-{name}")
    assert sum(row["value"] for row in header["rows"]) == total
    assert f"{total:,}" in header["title"]


def test_a_button_leads_into_the_familys_own_walk():
    for kind, name in compute.families().items():
        at = families(prompt=GAP)
        at.button(key=f"walk-{name}").click().run()
        assert not at.exception
        assert (view(at).model or compute.shipped()[0]) == name
        read = compute.given(name, state.DEFAULT.__class__(prompt=GAP), gap=True)
        read = read[0] if isinstance(read, tuple) else read
        assert view(at).prompt == (GAP if kind == "image" else read)


@pytest.mark.parametrize("text", ["", "[MASK]", "[MASK] [MASK]", "a " * 500, *HOSTILE.values()])
def test_no_sentence_breaks_the_page(text):
    at = fire(families(), "prompt", prompt=text)
    assert not at.exception
    assert view(at).prompt == text
    assert not [t for t in markdown(at) if "[[" in t.replace(text, "")]
