"""What a picture marks, what a box works out and what a sentence says are one number, in every model."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import engine
from app import catalogue, compute
from app.state import DEFAULT
from app.views.walk.steps import tokens, wordpieces
from tests.app.test_families import STEPPED, open, run
from tests.app.visit import (
    bars,
    boxes,
    check_marked,
    given,
    keys,
    lens,
    markdown,
    masked,
    model,
    numbers,
    picture,
    pictures,
    press,
    trace,
    view,
    visit,
    what_if,
)

# --- one scale for what is added up ----------------------------------------------------------------


def scales(at) -> dict[str, list[float]]:
    """The scale of each picture that shares one with others, by its point."""
    return {header["foot"].split("  ")[0]: header["max"] for header, _ in pictures(at) if header["shared"]}


@pytest.mark.parametrize(
    ("name", "step", "added"),
    [
        ("storybook", "residual", ("blocks.0.resid_pre", "blocks.0.attn.out", "blocks.0.resid_mid")),
        ("bookworm", "embeddings", ("embed.token", "embed.position", "embed.out")),
        ("wordfinder", "embeddings", ("embed.token", "embed.position", "embed.segment")),
        ("wordfinder", "residual", ("blocks.0.resid_pre", "blocks.0.attn.out", "blocks.0.attn.sum")),
    ],
)
def test_pictures_that_are_added_up_share_one_scale(name, step, added):
    at = visit(model=name, step=step)
    found, other = scales(at), compute.trace(name, given(at, "prompt")["text"])
    most = max(float(other[point].abs().max()) for point in added)
    assert found == {point: [pytest.approx(most)] for point in added}


def test_the_slope_times_the_distance_is_the_number_that_is_shown(family):
    at = open("bloom", step="scores", layer=1, head=2, token=4, key=1)
    bias = run("bloom")["blocks.1.attn.bias"][0, 2, 4, 1]
    assert bias == -0.25 * 3  # head 2 of 3: the first between the slopes of two heads
    assert any("3 positions from" in said and "−0.25 × 3 = **−0.750**" in said for said in markdown(at))
    assert boxes(at)[2].shown == pytest.approx(float(bias))


def test_normed_queries_and_keys_are_what_is_turned(family):
    at = open("qwen", step="scores", layer=1, head=3, token=4, key=1)
    dot = run("qwen")["blocks.1.attn.dots"][0, 3, 4, 1]
    assert any(f"both on by 3: {dot:.2f}, the same".replace("-", "−") in said for said in markdown(at))
    assert given(at, "plot-distance")["light"]["ok"]


def test_a_score_and_the_number_for_its_distance_share_one_scale_in_every_head(family):
    at = open("t5", step="scores", stack="encoder", layer=1)
    points = [f"encoder.blocks.1.attn.{name}" for name in ("dots", "bias")]
    most = np.max([run("t5")[point][0].abs().amax((1, 2)).numpy() for point in points], 0)
    assert scales(at) == {point: pytest.approx(most.tolist()) for point in points}


# --- the marked cell is the one that is worked out --------------------------------------------------


@pytest.mark.parametrize(("name", "stack", "step"), STEPPED)
@pytest.mark.parametrize(
    "link", [{}, dict(layer=1, head=3, token=1, key=1, unit=2)], ids=["strongest", "picked"]
)
def test_every_marked_cell_is_worked_out(family, name, stack, step, link):
    at = open(name, step=step, target="sat on", **link, **(dict(stack=stack) if stack else {}))
    check_marked(at, run(name), share=2 if name == "llama" else 1)


def test_a_number_that_is_taken_over_is_worked_out_where_it_was_made():
    (box,) = (box for box in boxes(visit(model="wordfinder", step="embeddings")) if box.point == "embed.out")
    assert box.made == "embed.norm.out"
    (box,) = boxes(visit(model="lookback-gru", step="states", stack="encoder", token=2))
    assert (box.point, box.made) == ("encoder.states", "encoder.steps.2.h")


@pytest.mark.parametrize("layer", range(6))
def test_the_box_of_the_lens_ends_in_the_picked_probability(layer):
    at = visit(step="layers", layer=layer, token=7)
    ((header, tensor),) = pictures(at)
    assert header["pick"] == [layer + 1, 7]
    share = float(lens(trace(), layer)[7].softmax(-1).max())
    (box,) = boxes(at)
    assert (box.point, box.cell) == ("lens", (layer + 1, 7))
    assert box.shown == pytest.approx(share, rel=1e-4)
    assert box.by_hand == pytest.approx(share, rel=1e-4)
    assert tensor[0, layer + 1, 7] == pytest.approx(share, rel=1e-5)


@pytest.mark.parametrize(("layer", "entry"), [(0, -1), (1, 3), (9, -1)])
def test_the_box_of_the_lens_of_an_image_is_that_of_the_picked_class(layer, entry):
    at = visit(model="digits", step="layers", layer=layer, entry=entry)
    ((header, _),) = pictures(at)
    row = header["pick"][0]
    shares = lens(compute.trace("digits", catalogue.given("digits", view(at))), row - 1).softmax(-1)
    best = int(shares.argmax()) if entry < 0 else entry
    (box,) = boxes(at)
    assert (box.cell, header["pick"][1]) == ((row, best), best)
    assert box.shown == pytest.approx(float(shares[best]), rel=1e-4)
    assert box.by_hand == pytest.approx(box.shown, abs=1e-5)


@pytest.mark.parametrize(("name", "stack"), [("wordfinder", ""), ("interpreter", "decoder")])
def test_where_a_norm_follows_every_sum_each_row_of_the_lens_is_worked_out_too(name, stack):
    for layer in range(compute.model(name).get_submodule(stack).config.layers):
        (box,) = boxes(visit(model=name, step="layers", layer=layer, **(dict(stack=stack) if stack else {})))
        assert box.point == "lens" and box.cell[0] == layer + 1
        assert box.by_hand == pytest.approx(box.shown, abs=1e-5)


# --- where nothing was picked, the strongest is ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "point"),
    [("interpreter", "decoder.blocks.0.cross.pattern"), ("lookback-gru", "decoder.cross.weights")],
)
def test_the_word_that_is_looked_at_most_is_picked_and_the_link_stays_short(name, point):
    text = "I am happy to see you."
    at = visit(model=name, step="cross", prompt=text, token=2)
    rows = compute.trace(name, (text, ""))[point][0]
    best = int((rows[0] if rows.dim() == 3 else rows)[2].argmax())
    (header,) = [header for header, _ in pictures(at) if header["foot"].startswith(point + "  ")]
    assert header["pick"] == [2, best] and best > 0
    assert not {"key", "unit"} & set(dict(at.query_params))


def test_the_unit_that_fires_most_is_picked_until_another_is():
    act = numbers("blocks.2.mlp.act")
    for token in (3, 9):
        at = visit(step="mlp", layer=2, token=token)
        assert picture(at, "mlp.act")[0]["pick"] == [token, int(np.abs(act[token]).argmax())]
        assert picture(visit(step="mlp", layer=2, token=token, unit=0), "mlp.act")[0]["pick"] == [token, 0]


# --- the next token is the one after the picked ------------------------------------------------------


def test_the_next_token_is_that_after_the_picked_one():
    at = visit(step="next", token=4)
    shares = torch.from_numpy(numbers("logits")[4]).softmax(-1)
    shown = bars(at, "plot-candidates")
    assert shown == pytest.approx(shares.topk(len(shown)).values.tolist(), rel=1e-4)
    label = given(at, "bar")["tokens"][4].removeprefix("·")
    assert any(f"after **{label}**" in text for text in markdown(at))


def test_going_on_from_an_earlier_token_says_what_it_replaces_before_and_after():
    at = visit(step="next", token=4)
    ids = trace().ids[0].tolist()
    kept, rest = (model().tokenizer.decode(part) for part in (ids[:5], ids[5:]))
    said = markdown(at)
    assert any(f"instead of “{rest}”" in text for text in said)
    press(at, "append")
    best = model().tokenizer.decode([int(numbers("logits")[4].argmax())])
    assert view(at).prompt == kept + best
    assert any(f"replaced “{rest}”" in text for text in markdown(at))


def test_at_the_last_token_nothing_is_replaced():
    at = press(visit(step="next"), "append")
    assert not any("replaced “" in text or "instead of “" in text for text in markdown(at))


# --- tokens ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stack", "text"), [("wordfinder", "", "a [MASK] dog"), ("interpreter", "encoder", "I see.")]
)
def test_a_special_token_is_an_entry_of_the_list_and_has_no_bytes(name, stack, text):
    at = visit(
        model=name, step="tokens", prompt=text, token=0 if name == "wordfinder" else 3, stack=stack or "decoder"
    )
    special = compute.model(name).tokenizer.special.values()
    made = [part for _, parts in given(at, "tokens")["groups"] for part in parts]
    assert {what for _, id, what in made if id in special} == {"one entry of the list, no bytes"}
    assert not any("no bytes" in what for _, id, what in made if id not in special)
    assert given(at, "bar")["ids"][view(at).token] in special
    assert any("stands for no bytes" in text for text in markdown(at))


def test_a_check_of_tokens_that_fails_says_what_failed():
    ctx = SimpleNamespace(tokens=[b"ab", b"c"], text="abc")
    assert tokens._light(ctx, "abc", [b"c"])["ok"]
    wrong = tokens._light(ctx, "abd", [b"c"]), tokens._light(ctx, "abc", [b"b", b"c"])
    assert [light["ok"] for light in wrong] == [False, False]
    assert "“abc”" in wrong[0]["text"] and "b c" in wrong[1]["text"]
    ctx = SimpleNamespace(tokens=[b"[CLS]", b"ab", b"[SEP]"])
    assert wordpieces._light(ctx, [[["ab"]]])["ok"]
    failed = wordpieces._light(ctx, [[["ab"], ["a", "##b"]]])
    assert not failed["ok"] and "token 1" in failed["text"]


# --- who looks at whom -------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["scores", "mask", "softmax", "heads"])
def test_every_picture_of_who_looks_at_whom_names_its_axes_and_its_places(step):
    found = [header for header, _ in pictures(visit(step=step)) if header["axes"] == "TS"]
    assert found
    for header in found:
        assert header["titles"] == ["query ↓", "key →"] and header["counted"] == [True, True]
        assert header["rows"] == header["cols"] == given(visit(step=step), "bar")["tokens"]


def test_a_patch_is_not_counted_as_a_token_is():
    at = visit(model="captioner", step="cross")
    (header,) = [header for header, _ in pictures(at) if header["axes"] == "TS"]
    assert header["counted"] == [True, False]
    assert header["told"] == "weight" and "image-over" in keys(at)


def test_engine_and_picture_agree_on_who_is_masked_in_a_padded_what_if():
    at = visit(step="mask", **what_if(masked("padding", 3)))
    edit = engine.Edit("blocks.0.attn.mask", "mask", value=("padding", 3))
    allowed = engine.run(model(), DEFAULT.prompt, [edit])["blocks.0.attn.mask"][0].numpy()
    for name in ("attn.masked", "attn.pattern"):
        np.testing.assert_array_equal(np.isneginf(picture(at, name)[1]), ~allowed)


def test_the_row_from_which_the_answer_stays_is_called_as_in_the_picture():
    at = visit(step="layers", token=4)
    ((header, _),) = pictures(at)
    says = [row[4] for row in header["texts"]]
    first = next(i for i in range(len(says)) if len(set(says[i:])) == 1)
    (said,) = (re.search(r"From row \*(.+)\* on", text) for text in markdown(at) if "From row" in text)
    assert said[1] == header["rows"][first]
