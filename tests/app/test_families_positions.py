"""Models that differ in their positions alone, side by side: the engine's numbers, and what was measured."""

import json
import sys

import numpy as np
import pytest
import torch

import engine
from app import catalogue, compute
from app.settings import parse
from app.text import say
from app.views.train.learn.settings import Learn
from engine.load import SHIPPED, glassbox
from engine.position import POSITIONS, slopes
from engine.training.data import orders
from engine.training.evaluate import orders as measured
from tests.app.visit import (
    MAIN,
    bars,
    curves,
    drawn,
    enter,
    figure,
    fire,
    given,
    keys,
    markdown,
    notices,
    tensors,
    view,
    visit,
)
from tests.engine.tiny import decoder

SIZES = dict(vocabulary=len(orders.LETTERS), width=16, layers=2, heads=2, mlp_width=20, max_distance=64)
NAMES = {kind: f"placed-{kind}" for kind in catalogue.PLACES}
WORDS = {n: ["abcdefghijkl"[:n], "noonnoonnoon"[:n]] for n in range(3, 13)}
TEXT = "stone > "


def model_of(kind: str):
    context = 64 if kind == "learned" else 256
    model = decoder(torch.float32, positions=kind, context=context, **SIZES)
    model.tokenizer = orders.tokenizer()
    return model


def scores_of(model) -> dict:
    """What the training's own code measures of it, on very little."""
    windows = torch.from_numpy(np.resize(orders.ids_of("It was a day. "), (10, 257))).long()
    books = orders.ids_of("It was so. " * 9)
    rows = measured.reversing(model, model, WORDS, WORDS)
    own = windows[:, : model.config.context + 1]
    more, curve = measured.losses(model, model, *measured.shortcuts(books, len(orders.LETTERS)), own)
    places = measured.places(model, model, windows[:, :64], windows[:, :64])
    return {"rows": [*rows, *more], "trained": 64, "by position": curve, "places": places}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder of shipped models, six random ones among them."""
    top = tmp_path_factory.mktemp("shipped")
    for name in ("storybook", "wordfinder"):
        (top / name).symlink_to(SHIPPED / name)
    for kind, name in NAMES.items():
        model, folder = model_of(kind), top / name
        glassbox.write(model, folder)
        example = dict(text=TEXT, note="a word", word="stone", writes="")
        found = {
            "options": {"task": "positions"},
            "scores": scores_of(model),
            "examples": {"examples": [example]},
        }
        for file, content in found.items():
            (folder / f"{file}.json").write_text(json.dumps(content))
        (folder / "card.md").write_text(f"# {name}\n")
    return top


@pytest.fixture(scope="module", autouse=True)
def six(shelf):
    """As if these came with the project."""
    caches = (catalogue.by_family, catalogue._with_checkpoints, catalogue._measured)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["engine.load"], "SHIPPED", shelf)
        patch.setattr(catalogue, "shipped", engine.shipped)
        for cached in caches:
            cached.cache_clear()
        yield
    for cached in caches:
        cached.cache_clear()


@pytest.fixture(scope="module")
def at(six):
    """The page as one visitor has it, who only looks."""
    return families(layer=1, head=1)


def families(**link):
    at = visit(**{"prompt": TEXT} | link).switch_page("views/families/page.py").run()
    assert not at.exception
    return at


def run(kind: str, text: str = TEXT):
    return compute.trace(NAMES[kind], text)


def named(kind: str) -> str:
    return say("positions", f"{kind}/name")


def shown(at, kind: str) -> np.ndarray:
    return tensors(at)[given(at, f"matrix-attn.pattern-{NAMES[kind]}")["src"]]


def test_they_are_told_by_what_they_differ_in_the_oldest_first():
    assert list(catalogue.placed().items()) == [(name, kind) for kind, name in NAMES.items()]
    assert set(catalogue.PLACES) == set(POSITIONS)


def test_the_picked_head_of_each_is_the_runs_own(at):
    for kind, name in NAMES.items():
        header = given(at, f"matrix-attn.pattern-{name}")
        np.testing.assert_array_equal(shown(at, kind), drawn(run(kind), "blocks.1.attn.pattern"))
        assert header["index"] == 1 and header["light"]["ok"] and header["model"] == name
        assert any(text.startswith(f"**{named(kind)}** · {name}") for text in markdown(at))


def test_another_block_is_picked_for_all():
    at = enter(families(layer=1, head=1), "positions-block", "0")
    assert (view(at).layer, view(at).head) == (0, 1)
    np.testing.assert_array_equal(shown(at, "alibi"), drawn(run("alibi"), "blocks.0.attn.pattern"))


def test_each_goes_on_as_it_writes(at):
    for name in NAMES.values():
        steps = list(engine.generate(engine.load(name), TEXT, engine.Decoding(max_tokens=24)))
        share = np.exp(np.mean(np.log([step.probability for step in steps])))
        wrote = "".join(step.text for step in steps).strip()
        assert any("Goes on with" in text and f"({share:.0%} a character" in text for text in markdown(at)), (
            wrote
        )


def test_scores_are_averaged_over_all_pairs_that_are_equally_far_apart(at):
    found = curves(at, "plot-placed-distance")
    for kind in NAMES:
        scores, T = run(kind)["blocks.1.attn.masked"][0, 1], len(TEXT)
        expected = [np.mean([float(scores[t, t - d]) for t in range(d, T)]) for d in range(T)]
        assert found[named(kind)][1] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    bias = curves(at, "plot-placed-bias")
    assert bias[named("alibi")][1] == pytest.approx([-slopes(2)[1] * d for d in range(len(TEXT))])
    assert set(bias) == {named("alibi"), named("relative")}
    assert all(given(at, f"plot-placed-{key}")["light"]["ok"] for key in ("distance", "bias"))


def test_the_curves_are_what_was_measured_and_learned_positions_end_with_training(at):
    found = curves(at, "plot-placed-loss")
    for kind, name in NAMES.items():
        curve = json.loads((catalogue.folder_of(name) / "scores.json").read_text())["by position"]
        assert found[named(kind)][1] == curve["bits"]
        assert len(curve["bits"]) == (8 if kind == "learned" else 32)
    (line,) = figure(at, "plot-placed-loss").layout.shapes
    assert line.x0 == line.x1 == 64
    assert any("ends there: its table has no row for position 64" in text for text in markdown(at))


def test_the_bars_have_intervals_and_what_can_be_had_without_order(at):
    for of in ("3-to-8", "9-to-12"):
        key, values = f"plot-placed-reversed-{of}", bars(at, f"plot-placed-reversed-{of}")
        name = f"reversed, {of.replace('-', ' ')} letters"
        rows = json.loads((catalogue.folder_of(NAMES["none"]) / "scores.json").read_text())["rows"]
        row = next(row for row in rows if row["name"] == name)
        assert values[0] == row["values"][0] and values[-2:] == [row["chance"], row["values"][2]]
        (trace,) = figure(at, key).data
        assert trace.error_x.array[0] == pytest.approx(row["intervals"][0][1] - row["values"][0])
        assert trace.error_x.array[-2] == 0
        assert f"{named('none')} {row['values'][0]:.0%} (" in trace.customdata[0]


def test_a_place_is_read_off_by_the_line_that_was_fitted(at):
    found = curves(at, "plot-placed-places")
    for kind, name in NAMES.items():
        line = json.loads((catalogue.folder_of(name) / "scores.json").read_text())["places"][2]
        vectors = run(kind)["blocks.1.resid_post"][0].double().numpy()
        expected = vectors @ np.array(line["weights"]) + line["offset"]
        assert found[named(kind)][1] == pytest.approx(expected.tolist(), rel=1e-3, abs=1e-3)
    first = curves(at, "plot-placed-first")[named("none")][1]
    assert first == pytest.approx(run("none")["blocks.1.attn.pattern"][0, 1, :, 0].tolist())
    assert all(given(at, f"plot-placed-{key}")["light"]["ok"] for key in ("places", "first"))


def test_only_what_has_neither_mask_nor_positions_reads_the_same_backwards():
    at = families()
    own, unmasked, encoder, unplaced = bars(at, "plot-placed-order")
    assert own > 0.01 < encoder and max(unmasked, unplaced) < 1e-4
    assert given(at, "plot-placed-order")["light"]["ok"]
    press = fire(at, "button-positions-train", change=True)
    assert not press.exception
    settings, _ = parse(Learn, view(press).learn)
    assert (view(press).train, settings.pair, settings.causal) == ("learn", "positions", False)


def test_a_text_that_one_cannot_read_is_read_by_the_others():
    at = families(prompt="a" * 65)
    (said,) = (said for said in notices(at) if "placed" in said)
    assert f"{NAMES['learned']} can read 64" in said
    assert f"matrix-attn.pattern-{NAMES['learned']}" not in keys(at)
    assert any("Positions from 64 on are new" in text for text in markdown(at))
    assert set(curves(at, "plot-placed-distance")) == {named(kind) for kind in NAMES} - {named("learned")}


@pytest.mark.parametrize("text", ["", "[MASK]", "日本", "a" * 300])
def test_a_text_that_none_can_read_is_told_once_and_what_was_measured_stays(text):
    at = families(prompt=text)
    assert (
        len([said for said in notices(at) if "placed" in said or "knows only" in said or "empty" in said]) >= 1
    )
    assert not keys(at, "matrix-attn.pattern-placed") and "plot-placed-loss" in keys(at)


def test_each_opens_in_the_walk_at_the_same_head():
    at = fire(families(layer=1, head=1), f"button-walk-placed-{NAMES['rotary']}", change=True)
    assert not at.exception
    seen = view(at)
    assert (seen.model, seen.prompt, seen.layer, seen.head, seen.step) == (
        NAMES["rotary"],
        TEXT,
        1,
        1,
        "softmax",
    )


def test_a_model_without_positions_has_none_that_could_be_taken_away():
    at = visit(model=NAMES["none"], step="embeddings", prompt=TEXT)
    assert any("at which position the token stands (**no positions**)" in said for said in markdown(at))
    assert any("through the mask alone" in said for said in markdown(at))
    at.session_state["open-mechanisms"] = True
    at = at.run()
    assert "control-mechanism-uniform" in keys(at) and "control-mechanism-positions" not in keys(at)


def test_a_word_to_reverse_is_one_press_away():
    assert view(fire(families(prompt="once"), "button-positions-try", change=True)).prompt == TEXT


def test_lists_have_them_under_a_heading_of_their_own():
    groups = dict(given(visit(), "model")["groups"])
    title = say("model", "family/placed")
    assert [row[0] for row in groups.pop(title)] == list(NAMES.values())
    assert not {row[0] for rows in groups.values() for row in rows} & set(NAMES.values())
    at = visit(model=NAMES["rotary"])
    at = at.switch_page(str(MAIN.parent / "views" / "models" / "page.py")).run()
    assert not at.exception
    assert [value for value, _ in given(at, "control-placed")["options"]] == list(NAMES.values())
    assert not {value for value, _ in given(at, "control-model")["options"]} & set(NAMES.values())
    assert view(enter(at, "placed", NAMES["none"])).model == NAMES["none"]


def test_one_alone_is_beside_nothing(shelf, monkeypatch):
    monkeypatch.setattr(catalogue, "shipped", lambda: ["storybook", "wordfinder", NAMES["rotary"]])
    assert catalogue.placed() == {}
    assert not keys(families(), "plot-placed")
    assert any(NAMES["rotary"] in [row[0] for row in rows] for _, rows in given(visit(), "model")["groups"])
