"""What the page says about an example and about the model's judgement is what was measured."""

import pytest

from app import catalogue
from tests.app.visit import fire, markdown, press, view, visit

EXAMPLES = catalogue.examples("storybook")
IDLE = next(i for i, e in enumerate(EXAMPLES) if e["before"] - e["after"] < 0.05)
NEEDED = next(i for i, e in enumerate(EXAMPLES) if e["before"] - e["after"] > 0.5)


@pytest.mark.parametrize(("number", "words"), [(IDLE, "does not need it"), (NEEDED, "comes through this head")])
def test_an_example_says_what_is_left_of_its_answer_without_the_head(number, words):
    at, example = fire(visit(step="tokens"), "prompt", example=number), EXAMPLES[number]
    [text] = [text for text in markdown(at) if "Measured for this example" in text]
    assert words in text
    assert f"{example['before']:.1%}" in text and f"{example['after']:.1%}" in text
    assert example["answer"].strip() in text


def test_of_another_head_or_another_model_nothing_is_said():
    example = EXAMPLES[NEEDED]
    place = {name: example[name] for name in ("step", "layer", "token")} | {"prompt": example["text"]}
    for link in (dict(head=(example["head"] + 1) % 6), dict(head=example["head"], model="storybook@360")):
        assert not [text for text in markdown(visit(**place, **link)) if "Measured for this example" in text]


def test_a_judgement_of_two_texts_stands_beside_how_often_such_are_right():
    at = visit(model="wordfinder", step="next", prompt="The dog was hungry. [SEP] It found a bone.")
    rows = [row for row in catalogue.beside("wordfinder", "scores.json")["rows"] if row.get("band") == "12–20"]
    [text] = [text for text in markdown(at) if "How far to trust it" in text]
    assert f"{rows[0]['count']:,} pairs" in text and f"judged {rows[0]['values'][0]:.0%} correctly" in text


def test_an_entry_can_be_written_into_the_gap_that_the_model_opens_with():
    at = visit(model="wordfinder", step="next")
    press(at, "fill in")
    assert not at.exception
    assert view(at).prompt.startswith("The animal") and "[MASK]" not in view(at).prompt
