"""The model that ships: what its card and its examples claim, asked again."""

import json
import re

import numpy as np
import pytest
import torch

import engine
from engine import roles
from engine.load import DEFAULT, SHIPPED, checkpoints, checkpoints_of
from engine.training.evaluate.examples import ENOUGH, PHENOMENA, ROLES
from engine.training.evaluate.language import QUESTIONS, accuracy, cloze, questions, repetition
from engine.training.language import AIMS

FOLDER = SHIPPED / DEFAULT
MEASURED, EXAMPLES, LEARNING = (
    json.loads((FOLDER / f"{file}.json").read_text("utf-8")) for file in ("scores", "examples", "learning")
)
SCORES = {row["name"]: row["values"][0] for row in MEASURED["rows"]}
ANSWERS = [e for e in EXAMPLES["examples"] if e["note"] not in dict(ROLES.values())]


@pytest.fixture(scope="module")
def model():
    return engine.load(device="cpu")


def bytes_in(folder) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_it_is_small_enough_to_ship():
    assert bytes_in(FOLDER) - bytes_in(FOLDER / checkpoints.FOLDER) <= 30e6
    assert bytes_in(FOLDER / checkpoints.FOLDER) <= 20e6


@pytest.mark.parametrize("example", ANSWERS, ids=lambda example: example["note"])
def test_an_example_is_answered_with_much_probability(model, example):
    logits = engine.run(model, example["text"])["logits"][0, -1]
    assert logits.softmax(-1).max() >= ENOUGH


@pytest.mark.parametrize("example", EXAMPLES["examples"], ids=lambda example: example["note"])
def test_an_example_points_at_a_weight_that_stands_out(model, example):
    pattern = roles.patterns(engine.run(model, example["text"]))[example["layer"], example["head"]]
    row = pattern[example["token"]]
    assert row[example["key"]] > 2 / len(row)  # at least twice what each would have if all had the same


def test_there_is_an_example_for_nearly_every_phenomenon():
    assert len(ANSWERS) >= len(PHENOMENA) - 2


@pytest.mark.parametrize("name", ["it", "she or he", "who to whom", "sentiment, 3 examples"])
def test_questions_are_answered_as_often_as_the_card_says(model, name):
    asked = questions(QUESTIONS[name], 60)
    noise = 3 * (0.25 / len(asked)) ** 0.5
    assert accuracy(model, asked, model.tokenizer).value == pytest.approx(SCORES[name], abs=noise)


def test_missing_words_are_found_as_often_as_the_card_says(model):
    assert cloze(model, model.tokenizer, 5).value == pytest.approx(SCORES["cloze, top-5 accuracy"], abs=0.02)


def test_random_strings_cost_what_the_card_says(model):
    again = repetition(model, model.config.vocabulary, 100)[1]
    assert again == pytest.approx(SCORES["random string, second time"], rel=0.02)


def test_the_heads_have_the_roles_of_the_card(model):
    ids = torch.from_numpy(np.random.default_rng(5).integers(0, model.config.vocabulary - 1, 24)).repeat(2)
    pattern = roles.patterns(engine.run(model, ids))
    said = torch.tensor(MEASURED["roles"]["induction"])
    layer, head = divmod(int(said.argmax()), model.config.heads)
    assert roles.induction(pattern, ids)[layer, head] == pytest.approx(float(said.max()), abs=0.2)


def test_the_card_names_every_aim_that_was_not_reached():
    card = (FOLDER / "card.md").read_text("utf-8")
    for name, (sign, aim) in AIMS.items():
        reached = SCORES[name] < aim if sign == "<" else SCORES[name] >= aim
        assert reached != bool(re.search(rf"Not reached:\*\* {re.escape(name)}", card))


def test_what_ships_of_its_training_is_what_the_record_says(model):
    ships = [record for record in LEARNING["checkpoints"] if record["ships"]]
    names = [*checkpoints_of(DEFAULT), DEFAULT]
    assert [f"{DEFAULT}@{record['step']}" for record in ships[:-1]] == names[:-1]
    bits = [record["bits"] for record in ships]
    assert bits == sorted(bits, reverse=True)  # each checkpoint knows more than the one before


@pytest.mark.parametrize("name", checkpoints_of(DEFAULT))
def test_a_checkpoint_repeats_random_strings_as_the_record_says(name):
    then = engine.load(name, device="cpu")
    record = next(r for r in LEARNING["checkpoints"] if name.endswith(f"@{r['step']}"))
    assert repetition(then, then.config.vocabulary, 40)[1] == pytest.approx(record["second"], rel=1e-3)
