"""What the shipped models' cards and examples claim, held against their scores and their weights."""

import json

import pytest
import torch

import engine
from engine import analysis, roles, spans
from engine.load import SHIPPED
from engine.masked import fill, follows
from engine.training.encoder import TRIED
from engine.training.evaluate import causes, examples, report
from engine.training.evaluate.intervals import wilson

NAMES = engine.shipped()
POOLED = ("distinct word pairs", "repeated runs of four words")  # shares of words, not of the n texts
UPWARD = ("calibration error, books", "calibration error, everyday sentences")  # chance adds to it


def beside(name: str, file: str) -> dict:
    return json.loads((SHIPPED / name / file).read_text("utf-8"))


def card(name: str) -> str:
    return (SHIPPED / name / "card.md").read_text("utf-8")


WATCHED = [(name, e) for name in NAMES for e in beside(name, "examples.json")["examples"] if "after" in e]


@pytest.mark.parametrize("name", NAMES)
def test_a_share_has_wilsons_interval_and_every_interval_holds_its_value(name):
    for row in beside(name, "scores.json")["rows"]:
        assert row["count"] > 0
        if row["name"] in UPWARD:
            continue
        for value, interval in zip(row["values"], row["intervals"], strict=True):
            assert interval is None or value is not None
            if row["unit"] == report.SHARE and value is not None and row["name"] not in POOLED:
                assert interval == pytest.approx(wilson(round(value * row["count"]), row["count"]))
            elif interval:
                assert interval[0] <= value <= interval[1]


@pytest.mark.parametrize("name", NAMES)
def test_the_card_shows_the_rows_that_stand_beside_it_and_what_was_missed(name):
    rows, text = beside(name, "scores.json")["rows"], card(name)
    table = report.table(rows, [""] * len(rows[0]["values"])).splitlines()[2:]
    assert all(line in text for line in table)
    assert all(line in text for line in report.missed(rows))
    assert text.count("**Not reached:**") >= len(report.missed(rows))  # and heads, of decoders


@pytest.mark.parametrize("name", NAMES)
def test_the_card_speaks_in_the_fields_terms(name):
    for words in (", among five", "By what", "For how long", "not picked", "it takes for", "all the time"):
        assert words not in card(name)


def test_a_head_of_an_example_has_its_largest_weight_there():
    assert len(WATCHED) >= 12
    for name, example in WATCHED:
        pattern = roles.patterns(engine.run(engine.load(name, device="cpu"), example["text"]))
        row = pattern[example["layer"], example["head"], example["token"]]
        assert int(row.argmax()) == example["key"], (name, example["note"])
        assert float(row.max()) == pytest.approx(example["weight"], abs=1e-4)


def test_what_is_left_without_a_head_is_what_the_example_says():
    for name, example in WATCHED:
        place = (example[place] for place in ("layer", "head", "token"))
        found = examples.without(engine.load(name, device="cpu"), example["text"], *place)
        assert found["answer"] == example["answer"]
        for time in ("before", "after"):
            assert found[time] == pytest.approx(example[time], abs=1e-4)


def test_a_head_is_called_an_induction_head_only_where_it_scores_as_one():
    named = [(name, e) for name, e in WATCHED if e["note"].endswith("(induction head)")]
    assert named
    for name, example in named:
        scores = torch.tensor(beside(name, "scores.json")["roles"]["induction"])
        assert scores[example["layer"], example["head"]] >= examples.ENOUGH


def test_one_word_changed_is_another_answer():
    for name in {name for name, example in WATCHED if example["note"].startswith("Who is “it”?")}:
        tired, wide = (e for n, e in WATCHED if n == name and e["note"].startswith("Who is “it”?"))
        assert (tired["answer"].strip(), wide["answer"].strip()) == ("animal", "street")


def test_a_gap_that_ships_is_filled_as_it_should_be():
    model, shown = engine.load("wordfinder", device="cpu"), beside("wordfinder", "examples.json")["examples"]
    for example in (e for e in shown if "[MASK]" in e["text"]):
        assert fill(model, example["text"], 1)[0][0].probability >= 0.3
        ids = model.tokenizer.encode(example["text"])
        assert ids[example["token"]] == model.tokenizer.mask


@pytest.mark.parametrize("name", [name for name in NAMES if beside(name, "options.json")["task"] == "spans"])
def test_spans_that_ship_are_filled_as_the_example_says(name):
    model, shown = engine.load(name, device="cpu"), beside(name, "examples.json")["examples"]
    assert len(shown) >= 3
    for example in shown:
        filled = spans.fill(model, example["text"])
        assert list(filled.spans) == example["spans"]
        assert filled.probability == pytest.approx(example["share"], abs=1e-4)
        assert example["note"] == f"{filled.text} ({filled.probability:.0%})"


def test_two_texts_are_judged_as_the_example_says():
    model, shown = engine.load("wordfinder", device="cpu"), beside("wordfinder", "examples.json")["examples"]
    pairs = [e for e in shown if "follows" in e]
    assert len(pairs) == 2
    for example in pairs:
        share = follows(model, *example["text"].split(" [SEP] "))
        assert (share > 0.5) == ("the second follows" in example["note"])
        assert share == pytest.approx(example["follows"], abs=1e-4)
        assert f"{share:.1%}" in example["note"]


def test_a_word_in_two_senses_ends_less_alike_than_in_one():
    model, shown = engine.load("wordfinder", device="cpu"), beside("wordfinder", "examples.json")["examples"]
    example = next(e for e in shown if "cosines" in e)
    first = engine.run(model, example["text"])
    found = []
    for text in (TRIED["senses"]["same"], TRIED["senses"]["other"]):
        other = engine.run(model, text)
        place = other.ids[0].tolist().index(first.ids[0, example["token"]])
        found.append(float(analysis.cosine_similarity(first, example["token"], other)[-1, place]))
    assert found == pytest.approx(example["cosines"], abs=1e-4)
    assert found[1] < found[0]
    assert all(f"{cosine:.2f}" in example["note"] for cosine in found)


def test_what_a_state_is_needed_for_is_lost_where_it_is_reset():
    shown = [(name, e) for name in NAMES for e in beside(name, "examples.json")["examples"] if "forgotten" in e]
    for name, example in shown:
        model, told = engine.load(name, device="cpu"), []
        for edits in ((), examples.reset(model, example["token"])):
            row = engine.run(model, example["text"], edits)["logits"][0, -1].softmax(-1)
            told.append(float(row[model.tokenizer.encode_file(example["answer"])[0]]))
        assert told == pytest.approx([example["before"], example["forgotten"]], abs=1e-4)
        assert told[0] - told[1] >= causes.FALL and told[0] > examples.ENOUGH


def test_a_model_with_the_vocabulary_of_another_has_it_still():
    for name in NAMES:
        if other := beside(name, "options.json").get("vocabulary_of"):
            files = [(SHIPPED / one / "vocabulary.tiktoken").read_bytes() for one in (name, other)]
            assert files[0] == files[1], f"{name} is to be trained again: {other} is cut otherwise"
