"""The page of the models: which there are, what they were while they learned, and a walk through each."""

import json
from dataclasses import replace

import numpy as np
import pytest

import engine
from app import compute
from app.state import DEFAULT, PROMPT
from engine.load import SHIPPED, checkpoints_of
from tests.app.conftest import ALIKE
from tests.app.visit import (
    MAIN,
    curves,
    enter,
    figure,
    fire,
    given,
    keys,
    markdown,
    picture,
    press,
    view,
    visit,
)


def measured(name: str, file: str) -> dict:
    return json.loads((SHIPPED / name / file).read_text("utf-8"))


def page(**link):
    at = visit(**link)
    at.switch_page(str(MAIN.parent / "views" / "models" / "page.py")).run()
    assert not at.exception
    return at


@pytest.mark.parametrize("name", [name for name in engine.shipped() if name not in ALIKE])
def test_every_shipped_model_has_a_card(name):
    texts = markdown(page(model=name))
    assert any(text.startswith(f"# {name}\n") for text in texts)


def test_a_picked_model_is_the_one_that_is_walked_through():
    at = page(step="tokens")
    enter(at, "model", "bookworm")
    assert view(at).model == "bookworm"
    press(at, "walk")
    assert not at.exception
    assert given(at, "bar")["ids"] == engine.load("bookworm").tokenizer.encode(PROMPT)


def test_a_picked_checkpoint_is_the_model_as_it_was_then():
    at = page()
    checkpoint = checkpoints_of("storybook")[1]
    enter(at, "checkpoint", checkpoints_of("storybook").index(checkpoint))
    assert not at.exception
    assert view(at).model == checkpoint


def test_the_curves_are_the_numbers_beside_the_weights():
    at, checkpoints = page(), measured("storybook", "learning.json")["checkpoints"]
    drawn = list(curves(at, "plot-learning").values())
    assert [x for x, _ in drawn] == [[max(0.5, record["step"]) for record in checkpoints]] * 4
    assert drawn[0][1] == [record["bits"] for record in checkpoints]
    assert drawn[3][1] == [record["who to whom"] for record in checkpoints]
    assert figure(at, "plot-learning").layout.xaxis.type == "log"
    assert f"{checkpoints[-1]['bits']:.2f} bits" in given(at, "plot-learning")["say"]


def test_the_curves_mark_the_picked_checkpoint():
    checkpoints = measured("storybook", "learning.json")["checkpoints"]
    shipped = [record for record in checkpoints if record["ships"]]
    at = page(model=checkpoints_of("storybook")[1])
    (line,) = figure(at, "plot-learning").layout.shapes
    assert line.x0 == line.x1 == shipped[1]["step"]
    assert f"{shipped[1]['bits']:.2f} bits" in given(at, "plot-learning")["say"]


def test_a_model_without_a_history_shows_its_card_alone():
    assert not keys(page(model="bookworm"), "plot-")


@pytest.mark.parametrize("name", ["bookworm", *checkpoints_of("storybook")])
def test_every_model_and_checkpoint_can_be_walked_through(name):
    at = visit(model=name, step="qkv", layer=1)
    assert not at.exception
    header, tensor = picture(at, "attn.q")
    np.testing.assert_array_equal(tensor, engine.run(engine.load(name), PROMPT)["blocks.1.attn.q"][0].numpy())
    assert header["model"] == name


def test_an_example_opens_where_there_is_something_to_see():
    example = measured("storybook", "examples.json")["examples"][0]
    at = fire(visit(step="tokens"), "prompt", example=0)
    assert not at.exception
    places = {name: example[name] for name in ("step", "layer", "head", "token", "key")}
    assert view(at) == replace(DEFAULT, prompt=example["text"], **places)


def test_an_example_for_every_model_is_only_a_prompt():
    at = visit(layer=2)
    count = len(given(at, "prompt")["examples"])
    text = given(at, "prompt")["examples"][-1][0]
    assert view(fire(at, "prompt", example=count - 1)).prompt == text
    assert view(at).step == DEFAULT.step


def test_each_model_brings_its_own_examples():
    own = [example["text"] for example in measured("storybook", "examples.json")["examples"]]
    texts = {
        name: [text for text, _ in given(visit(model=name), "prompt")["examples"]]
        for name in engine.shipped()
        if name not in ALIKE and not compute.model(name).reads[0].image
    }
    images = given(visit(model="digits"), "drawing")["examples"]
    assert images == [[e["text"], e["note"]] for e in measured("digits", "examples.json")["examples"]]
    assert texts["storybook"][: len(own)] == own
    assert not set(texts["bookworm"]) & set(own) - {DEFAULT.prompt}
