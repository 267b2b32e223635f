"""What a person reads on the screen is what the engine computed."""

import re

import pytest
import torch

import engine
from app.state import PROMPT
from engine import analysis
from engine.worked import work
from tests.browser.reading import boxes, go, pick_of, picture


@pytest.fixture(scope="module")
def run():
    torch.set_num_threads(1)
    return engine.run(engine.load(), PROMPT)


def lead(page) -> str:
    """The texts of the step as they are read."""
    return " ".join(page.locator("[data-part^=step-] [data-kind=text]").all_inner_texts())


def test_the_box_of_the_lens_ends_in_the_picked_probability(page, app, run):
    go(page, app, step="layers", layer=3, token=8)
    (grid,) = page.locator("[data-part=matrix-lens] .gb").all()
    _, shares = analysis.lens(run)
    assert pick_of(grid) == [4, 8]
    assert boxes(page)["lens", (4, 8)] == pytest.approx(float(shares[4, 8]), rel=1e-3)


def test_the_box_of_the_embeddings_is_that_of_the_picked_cell(page, app, run):
    go(page, app, step="embeddings", token=8)
    row, number = pick_of(picture(page, "embed.token"))
    assert boxes(page)["embed.token", (row, number)] == pytest.approx(
        work(run, "embed.token", (0, row, number)).value, rel=1e-3
    )
    assert row == 8 and number == int(run["embed.token"][0, 8].abs().argmax())


def test_the_next_token_is_that_after_the_picked_chip(page, app, run):
    go(page, app, step="next", token=8)
    page.wait_for_selector("[data-part=plot-candidates] [data-sig]")
    best = int(run["logits"][0, 8].argmax())
    assert (8, best) in [cell for point, cell in boxes(page) if point == "logits"]
    assert re.search(r"after it is .* bits", lead(page))


def test_softmax_says_that_the_largest_score_is_subtracted(page, app):
    go(page, app, step="softmax")
    assert "largest score is subtracted first" in lead(page)


def test_a_special_token_is_one_entry_without_bytes(page, app):
    go(page, app, model="wordfinder", step="tokens", token=0)
    titles = page.locator("[data-part=tokens] .ids button").evaluate_all("all => all.map(b => b.title)")
    assert "no bytes" in titles[0] and "no bytes" in titles[-1] and "no bytes" not in titles[1]
    assert "stands for no bytes" in lead(page)


def test_the_formula_is_that_of_the_chosen_mask(page, app):
    formulas = []
    for mask in ("own", "none", "window"):
        go(
            page,
            app,
            step="mask",
            **({} if mask == "own" else dict(edits=f"mask~blocks.0.attn.mask~~{mask}.3")),
        )
        formulas.append(page.locator("[data-part=head] math").text_content())
    assert len(set(formulas)) == 3


def test_the_strongest_unit_is_picked_and_its_box_is_there(page, app, run):
    go(page, app, step="mlp", layer=2)
    token, unit = pick_of(picture(page, "blocks.2.mlp.act"))
    assert unit == int(run["blocks.2.mlp.act"][0, token].abs().argmax())
    shown = boxes(page)["blocks.2.mlp.act", (token, unit)]
    assert shown == pytest.approx(float(run["blocks.2.mlp.act"][0, token, unit]), rel=1e-3)


def test_wordfinder_opens_at_its_gap(page, app):
    go(page, app, model="wordfinder", step="next")
    assert page.locator(".choice.token[aria-checked=true]").inner_text() == "[MASK]"
    assert "is a [MASK]" in lead(page)


def test_the_whole_run_is_made_again_for_a_visitor_who_stays(page, app):
    go(page, app, step="next")
    told = page.locator(".rest")
    assert "stay on this step" in told.inner_text()
    page.wait_for_function("() => document.querySelector('.rest .light.ok')", timeout=20000)
    numbers = re.findall(r"\d\.\de−\d+", told.inner_text())
    largest, allowed = (float(number.replace("−", "-")) for number in numbers)
    assert 0 < largest <= allowed < 1e-3
