"""One sentence through every family: what each reads, sees, says, and how many numbers it is made of."""

import json
import re
import sys

import numpy as np
import pytest
import torch

import engine
from app import catalogue, compute, state
from app.text import sections
from engine.analysis import certainty, path_length, path_to_target, sequential_steps
from engine.load import SHIPPED
from engine.spans import fill
from engine.trace import Edit
from tests.app.conftest import TRANSLATORS
from tests.app.visit import (
    bars,
    curves,
    figure,
    fire,
    given,
    keys,
    markdown,
    notices,
    parts,
    rows_of,
    tensors,
    texts,
    view,
    visit,
    what_if,
)
from tests.engine.tiny import recurrent
from tests.hostile import HOSTILE, expected

GAP = "The old [MASK] sat on the mat."


def families(**link):
    at = visit(**link)
    at = at.switch_page("views/families/page.py").run()
    assert not at.exception
    return at


def test_every_shipped_family_is_there_with_its_texts():
    at = families()
    assert {key.removeprefix("plot-parts-") for key in keys(at, "plot-parts-")} == set(
        catalogue.families().values()
    )
    assert {f"{kind}/{part}" for kind in catalogue.families() for part in ("name", "for")} <= set(
        sections("families")
    )


def check_says(at, text: str) -> None:
    assert any(f"Output: **{text.strip()}**" in shown for shown in markdown(at))


def check_captions(at, captions: dict[str, str]) -> None:
    for name, text in captions.items():
        shown = next(t for t in markdown(at) if t.startswith(f"**{name}**, ") and "writes" in t)
        assert f"writes: **{text.strip()}**" in shown


def test_an_image_is_told_by_all_that_write_of_images(shipping, family):
    shipping("storybook", "teller", "seer", "alone")
    at = families(image="0012" * 16)
    texts = {}
    for name in ("seer", "teller", "alone"):
        ids = compute.written(name, "0012" * 16, (family[name].start,))
        texts[name] = family[name].tokenizer.decode(list(ids[1:]))
    check_captions(at, texts)
    assert list(catalogue.captioners()) == ["seer", "teller", "alone"]


def test_an_image_of_another_size_is_left_to_the_model_that_it_is_for(shipping):
    shipping("storybook", "digits", "seer")
    at = families(image="0012" * 16)
    assert not notices(at)  # both read 64 signs
    at = families(image="01" * 512)
    assert not notices(at) and given(at, "image-digits") and given(at, "image-seer")


@pytest.mark.parametrize("kind", catalogue.families())
def test_the_answer_is_the_models_own_for_the_same_gap(kind):
    at, name = families(prompt=GAP), catalogue.families()[kind]
    model = compute.model(name)
    if kind == "spans":
        wrote = fill(model, GAP.replace("[MASK]", "<extra_id_0>"), 40).text
        shown = [shown.replace("\\", "") for shown in markdown(at)]
        assert f"Put together: **{' '.join(wrote.split())}**" in shown
        return None
    if kind in ("pair", "recurrent"):
        text = " ".join(GAP.replace("[MASK]", "").split())
        wrote = "".join(step.text for step in engine.generate(model, text))
        return check_says(at, wrote)
    if kind == "caption":
        image, _ = catalogue.given(name, view(at))
        wrote = compute.trace(name, (image, "")).target[0, 1:].tolist()
        return check_captions(at, {name: model.tokenizer.decode(wrote)})
    if kind == "image":
        scores = compute.trace(name, catalogue.given(name, view(at)))["classes"][0]
    elif model.config.causal:
        scores = engine.run(model, "The old")["logits"][0, -1]
    else:
        trace = engine.run(model, GAP)
        scores = trace["logits"][0, trace.ids[0].tolist().index(model.tokenizer.mask)]
    drawn = bars(at, f"plot-answer-{name}")
    best = scores.softmax(-1).topk(len(drawn))
    assert drawn == pytest.approx(best.values.tolist(), rel=1e-5)


LOOKS = {kind: name for kind, name in catalogue.families().items() if kind != "rnn"}  # rnn at nothing
SINGLE = [kind for kind, name in LOOKS.items() if len(compute.model(name).reads) == 1]


def drawn(at, key: str) -> np.ndarray:
    return tensors(at)[given(at, f"matrix-{key}")["src"]][0]


def check_mask(at, key: str, allowed: np.ndarray) -> None:
    """What may be seen is 1, what is hidden is not a number, and the picture counts both."""
    mask = drawn(at, key)
    assert ((mask == 1) == allowed).all() and np.isneginf(mask[mask != 1]).all()
    assert f"{int(allowed.sum())} of {allowed.size} cells" in given(at, f"matrix-{key}")["say"]


@pytest.mark.parametrize("kind", SINGLE)
def test_the_mask_is_the_models_own_and_what_is_hidden_is_not_a_number(kind):
    at, name = families(prompt=GAP), catalogue.families()[kind]
    full = np.ones(drawn(at, f"attn.mask-{name}").shape, bool)
    check_mask(at, f"attn.mask-{name}", np.tril(full) if compute.model(name).reads[0].causal else full)


def test_a_pair_has_three_masks_beside_one_another():
    at, name = families(), catalogue.families()["pair"]
    trace = compute.trace(name, (state.PROMPT, ""))
    read, written = trace.ids.shape[1], trace.target.shape[1]
    assert read != written
    check_mask(at, f"attn.mask-{name}-encoder", np.ones((read, read), bool))
    check_mask(at, f"attn.mask-{name}-decoder", np.tri(written, dtype=bool))
    check_mask(at, f"cross.mask-{name}-cross", np.ones((written, read), bool))


@pytest.mark.parametrize("kind", catalogue.families())
def test_the_parts_add_up_to_all_parameters(kind):
    at, name = families(), catalogue.families()[kind]
    total = sum(p.numel() for p in compute.model(name).parameters())
    assert sum(bars(at, f"plot-parts-{name}")) == total
    assert f"{total:,}" in given(at, f"plot-parts-{name}")["title"]


def test_a_button_leads_into_the_familys_own_walk():
    for name in catalogue.families().values():
        at = families(prompt=GAP)
        fire(at, f"button-walk-{name}", change=True)
        assert not at.exception
        assert (view(at).model or catalogue.shipped()[0]) == name
        read = catalogue.given(name, state.DEFAULT.__class__(prompt=GAP), gap=True)
        read = read[0] if isinstance(read, tuple) else read
        sees = bool(compute.model(name).reads[0].image)
        assert (view(at).prompt, view(at).image) == ((GAP, read) if sees else (read, ""))


@pytest.mark.parametrize("text", ["", "[MASK]", "[MASK] [MASK]", "a " * 500, *HOSTILE.values()])
def test_no_sentence_breaks_the_page(text):
    at = fire(families(), "prompt", prompt=text)
    assert not at.exception
    assert view(at).prompt == text
    assert not [t for t in markdown(at) if "[[" in t.replace(text, "")]


# --- recurrent models, and all translators side by side ------------------------------------------

SAT = "the cat sat on it"
LENGTHS = ("up to 4 words", "5 words", "9 words or more")


def alone(family, name: str, text: str = SAT):
    """The engine's own run of what a translator writes by itself, with nothing remembered."""
    model = family.get(name) or compute.model(name)
    steps = engine.generate(model, text)
    return engine.run(model, text, target=[model.start, *(step.id for step in steps)])


def side_by_side(at) -> dict[str, list[str]]:
    """The cells of the table of translators by the model's name."""
    rows = next(table for part in parts(at) if (table := rows_of(part)))
    assert {len(row) for row in rows} == {8}
    return {re.match(r"\*\*(.+)\*\*", who)[1]: cells for who, *cells in rows[1:]}


@pytest.mark.parametrize(
    ("shipped", "first"), [(("rnn", "gru", "lstm"), "gru"), (("rnn", "lstm", "gru"), "lstm"), (("rnn",), "rnn")]
)
def test_a_recurrent_model_that_looks_back_stands_for_those_that_cannot(shipping, shipped, first):
    shipping("storybook", *shipped, "interpreter")
    assert list(catalogue.families().items()) == [
        ("decoder", "storybook"),
        ("pair", "interpreter"),
        ("recurrent", first),
    ]
    assert catalogue.translators()[:2] == ["interpreter", first]
    assert set(catalogue.translators()[1:]) == set(shipped)


@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_a_recurrent_model_shows_what_it_wrote_and_where_it_looked_for_each_word(family, shipping, name):
    shipping("storybook", name)
    at, trace = families(prompt=SAT), alone(family, name)
    np.testing.assert_array_equal(drawn(at, f"cross.weights-{name}"), trace["decoder.cross.weights"][0].numpy())
    check_mask(at, f"cross.mask-{name}", np.ones(trace["decoder.cross.mask"].shape[1:], bool))
    check_says(at, family[name].tokenizer.decode(trace.target[0, 1:].tolist()))
    assert any(f"{certainty(trace):.0%} on average" in shown for shown in markdown(at))
    assert all(given(at, key)["light"]["ok"] for key in keys(at, "matrix-cross"))


@pytest.mark.parametrize(("cell", "vectors"), [("rnn", 1), ("gru", 1), ("lstm", 2)])
def test_without_a_look_back_all_that_the_decoder_has_is_what_was_carried_last(
    family, shipping, monkeypatch, cell, vectors
):
    tokenizer = family["rnn"].tokenizer
    sizes = dict(vocabulary=len(tokenizer), context=20, start=tokenizer.start, end=tokenizer.end)
    monkeypatch.setitem(family, "alone", recurrent(cell, "none", torch.float32, **sizes))
    family["alone"].tokenizer, family["alone"].name = tokenizer, "alone"
    compute._trace.cache_clear()
    shipping("storybook", "alone")
    at, states = families(prompt=SAT), alone(family, "alone")["encoder.states"][0].numpy()
    header = given(at, "matrix-states-alone")
    np.testing.assert_array_equal(drawn(at, "states-alone"), states)
    assert header["bands"] == [["row", len(states) - 1, len(states)]]
    assert f"Of {len(states)} states" in header["say"] and f": {9 * vectors} values" in header["say"]
    assert not keys(at, "matrix-cross")


def test_every_translator_has_the_engines_numbers_for_this_sentence(family, shipping):
    shipping("storybook", "interpreter", *TRANSLATORS)
    rows = side_by_side(families(prompt=SAT))
    assert list(rows) == catalogue.translators() == ["interpreter", "pair", "t5", "gru", "lstm", "rnn"]
    for name, (text, share, steps, far, across, at_once, total) in rows.items():
        trace = alone(family, name)
        model, read, last = trace.model, trace.ids.shape[1], trace.target.shape[1] - 1
        written = model.tokenizer.decode(trace.target[0, 1:].tolist())
        assert text == (" ".join(written.split()) or "∅")
        assert share == f"{certainty(trace):.0%}"
        assert int(steps) == sequential_steps(model.reads[0], read)
        assert int(far) == path_length(model.reads[0], read - 1)
        assert int(across) == path_to_target(model.config, read, 0, last)
        assert total == f"{sum(p.numel() for p in model.parameters()):,}"
        assert f" {read} " in at_once
    assert len({row[2] for row in rows.values()}) > 1 and len({row[4] for row in rows.values()}) > 1


def test_no_model_writes_the_same_twice_for_one_page(family, shipping, monkeypatch):
    shipping("storybook", *TRANSLATORS)
    compute._trace.cache_clear(), compute.written.cache_clear()
    ran, wrote, run, generate = [], [], engine.run, engine.generate
    monkeypatch.setattr(engine, "run", lambda model, *a, **b: ran.append(model.name) or run(model, *a, **b))
    monkeypatch.setattr(
        engine, "generate", lambda model, *a, **b: wrote.append(model.name) or generate(model, *a, **b)
    )
    families(prompt=GAP)
    assert sorted(wrote) == sorted(TRANSLATORS)
    assert sorted(name for name in ran if name in TRANSLATORS) == sorted(TRANSLATORS)


@pytest.mark.parametrize("shipped", [("storybook",), ("storybook", "interpreter"), ("storybook", "gru")])
def test_one_translator_has_none_beside_it(shipping, shipped):
    shipping(*shipped)
    at = families()
    assert not any("side by side" in text for text in markdown(at))
    assert "plot-quality" not in keys(at)


# --- how good they are ---------------------------------------------------------------------------


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """measured(name, {length: chrF}): what stands in the scores.json beside a model; of the others nothing."""
    for folder in SHIPPED.iterdir():
        (tmp_path / folder.name).symlink_to(folder)
    monkeypatch.setattr(sys.modules["engine.load"], "SHIPPED", tmp_path)

    def write(name: str, scores: dict[str, float]) -> None:
        row = {"name": "chrF", "values": [50.0, 0.0, 0.0, 0.0]}
        rows = [row, *(row | {"name": f"chrF, {k}", "values": [x, 1.0, 2.0, 3.0]} for k, x in scores.items())]
        (tmp_path / name).mkdir()
        (tmp_path / name / "scores.json").write_text(json.dumps({"rows": rows}))

    catalogue._measured.cache_clear()
    yield write
    catalogue._measured.cache_clear()


def chrf(name: str) -> list[float]:
    """What was measured of a shipped model, by length."""
    rows = json.loads((SHIPPED / name / "scores.json").read_text())["rows"]
    return [next(row["values"][0] for row in rows if row["name"] == f"chrF, {k}") for k in LENGTHS]


def test_the_curves_are_what_stands_beside_the_weights_and_what_was_not_measured_has_none(shipping, measured):
    shipping("storybook", "interpreter", "gru", "rnn")
    measured("gru", dict(zip(LENGTHS, (61.5, 52.25, 40.0), strict=True)))
    at = families()
    header, drawn = given(at, "plot-quality"), curves(at, "plot-quality")
    expected = {"interpreter": chrf("interpreter"), "gru": [61.5, 52.25, 40.0]}
    assert {name: y for name, (_, y) in drawn.items()} == expected
    assert figure(at, "plot-quality").layout.xaxis.ticktext == ("up to 4", "5", "9 or more")
    assert "gru: up to 4 words 61.5, 5 words 52.2, 9 or more words 40.0" in header["aria"]
    assert f"interpreter: up to 4 words {chrf('interpreter')[0]:.1f}" in header["aria"]


def test_only_lengths_that_all_were_measured_at_are_compared(shipping, measured):
    shipping("storybook", "interpreter", "gru")
    measured("gru", {LENGTHS[0]: 61.5, LENGTHS[2]: 40.0, "20 words": 1.0})
    at = families()
    assert figure(at, "plot-quality").layout.xaxis.ticktext == ("up to 4", "9 or more")
    assert [y for _, y in curves(at, "plot-quality").values()] == [
        [chrf("interpreter")[0], chrf("interpreter")[2]],
        [61.5, 40.0],
    ]


def test_where_nothing_was_measured_there_is_no_graph(shipping):
    shipping("storybook", "pair", "rnn")
    at = families()
    assert side_by_side(at) and "plot-quality" not in keys(at)
    assert not scored(at)


def scored(at) -> dict[str, list[str]]:
    """The table of how good each translator is."""
    tables = (table for part in parts(at) if (table := rows_of(part)))
    rows = next((table for table in tables if "BLEU" in table[0]), [[]])[1:]
    return {who.strip("*"): cells for who, *cells in rows}


def told_scores(sign: str = "", **more) -> dict:
    """A scores.json of a translator."""
    share = {
        "name": "exact match",
        "unit": "share",
        "count": 1000,
        "values": [0.255],
        "intervals": [[0.2, 0.3]],
    }
    bleu = {"name": "BLEU", "unit": "BLEU", "count": 1000, "values": [45.678], "intervals": [None]}
    beam = share | {"name": "beam of 4: exact match", "values": [0.5]}
    return {"rows": [share, bleu, beam], **({"test": sign} if sign else {}), **more}


@pytest.mark.parametrize(("second", "same"), [("a", True), ("b", False), ("", False)])
def test_what_was_measured_of_each_stands_side_by_side(shipping, monkeypatch, second, same):
    shipping("storybook", "pair", "gru", "rnn")
    best = {"best": {"error": 0.134, "interval": [0.1, 0.2]}}
    files = {"pair": told_scores("a", alignment=best), "gru": told_scores(second)}
    monkeypatch.setattr(catalogue, "beside", lambda name, file: files.get(name, {}))
    at = families()
    assert scored(at) == {
        "pair": ["25.5% (20.0–30.0)", "–", "45.7", "50.0% (20.0–30.0)", "–", "13.4% (10.0–20.0)"],
        "gru": ["25.5% (20.0–30.0)", "–", "45.7", "50.0% (20.0–30.0)", "–", "–"],
    }
    [note] = [shown for shown in markdown(at) if "Alignment error rate**" in shown]
    assert "Measured on 1,000 sentences" in note and ("the same for all" in note) == same


# --- what cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_sentence_is_only_text_whether_it_is_read_or_written(family, shipping, monkeypatch, text):
    tokenizer = family["gru"].tokenizer
    ids = tokenizer.encode(text)[:15]
    monkeypatch.setattr(compute, "written", lambda name, given, read: (*read, *ids))
    compute._trace.cache_clear()
    shipping("storybook", "gru", "rnn")
    at = fire(families(), "prompt", prompt=text)
    compute._trace.cache_clear()  # of what they did not write
    assert not at.exception
    rows = side_by_side(at)
    assert set(rows) == {"gru", "rnn"}
    written = tokenizer.decode([id for id in ids if id not in tokenizer.special.values()])
    shown = expected(" ".join(written.split())) or "∅"
    assert all(cells[0] == shown or "can read 20" in cells[0] for cells in rows.values())
    plain = [" ".join(said.split()) for said in markdown(at)]
    assert notices(at) or any(f"Output: **{shown}**" in said for said in plain)


def test_a_sentence_that_some_cannot_read_warns_in_their_rows_and_the_others_draw(family, shipping):
    text = "cat " * 21
    shipping("storybook", "interpreter", "gru", "rnn")
    at = families(prompt=text)
    (said,) = notices(at)
    assert "gru can read 20" in said
    assert not keys(at, "matrix-cross.mask-gru")
    assert keys(at, "matrix-attn.mask-storybook") and keys(at, "matrix-cross.mask-interpreter")
    rows = side_by_side(at)
    for name in ("gru", "rnn"):
        assert f"{name} can read 20" in rows[name][0] and rows[name][1:-1] == [""] * 5
    assert rows["interpreter"][1] == f"{certainty(alone(family, 'interpreter', text.strip())):.0%}"


# --- what-ifs ---------------------------------------------------------------------------------------


def answers(at) -> dict[str, list[float]]:
    """The bars of the answers, by model."""
    return {key.removeprefix("plot-answer-"): bars(at, key) for key in keys(at, "plot-answer-")}


def test_what_ifs_of_the_walk_are_listed_and_change_its_model_alone():
    edits = [Edit("blocks.5.mlp.out", "zero"), Edit("blocks.5.attn.out", "zero")]
    before, after = families(), families(**what_if(*edits))
    name = catalogue.models()[0]
    assert {key for key, bar in answers(before).items() if answers(after)[key] != bar} == {name}
    run = engine.run(engine.load(name), catalogue.given(name, view(after), gap=True), edits=edits)
    best = run["logits"][0, -1].softmax(-1).topk(5).values
    assert answers(after)[name] == pytest.approx(best.tolist(), abs=1e-6)
    assert len(given(after, "edits")["items"]) == 2
    assert any("They change " in line and name in line for line in texts(after))


def test_the_model_of_the_walk_stands_for_its_family_with_its_what_ifs():
    name = next(name for name in catalogue.models() if name not in catalogue.families().values())
    first, after = families(), families(model=name, **what_if(Edit("blocks.0.mlp.out", "zero")))
    assert f"answer-{name}" in "".join(keys(after)) and f"answer-{name}" not in "".join(keys(first))
    assert len(given(after, "edits")["items"]) == 1
    assert any("They change " in line and name in line for line in texts(after))


def test_a_what_if_is_removed_there_too():
    at = families(**what_if(Edit("blocks.5.mlp.out", "zero")))
    fire(at, "edits", clear=True)
    assert "edits" not in at.query_params and keys(at, "edits") == []
