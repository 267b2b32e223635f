"""A recurrent language model in every page: walked as such, beside a Transformer, what-ifs of its state."""

import numpy as np
import pytest
import torch

import engine
from app import catalogue, compute
from app.architecture import family_of, steps_of
from app.edits import read
from tests.app.decoding import decoding
from tests.app.test_families_page import families
from tests.app.test_texts import unchecked  # noqa: F401
from tests.app.visit import curves, fire, given, keys, markdown, notices, rows_of, tensors, view, visit
from tests.app.visit import parts as parts_of

PROMPT = "the cat sat on the mat"


def test_it_is_a_family_of_its_own(family):
    assert family_of(family["thread"]) == "rnn"
    assert steps_of(family["thread"].config) == ("machine", "tokens", "embeddings", "cell", "states", "next")


def test_the_state_can_be_reset_at_a_token_and_a_number_of_it_zeroed(family, unchecked):  # noqa: F811
    at = visit(model="thread", step="cell", prompt=PROMPT, token=2, unit=4)
    count = len(given(at, "bar")["tokens"])
    forgotten = read("zero~steps.2.h!zero~steps.2.cell")[0]
    before, after = (
        engine.run(family["thread"], PROMPT, e)["logits"][0, -1].softmax(-1) for e in ((), forgotten)
    )
    best = before.argmax()
    assert f"would go from {before[best]:.1%} to {after[best]:.1%}" in " ".join(markdown(at))
    at = fire(at, "control-carried-reset", change="here")
    assert view(at).edits == forgotten
    at = fire(at, "control-carried-unit", change="all")
    assert {edit.point for edit in view(at).edits} >= {f"steps.{t}.h" for t in range(count)}
    assert len(given(at, "edits")["items"]) == 3  # all steps are one change
    run = engine.run(family["thread"], PROMPT, view(at).edits)
    shown = next(x for name, x in tensors(at).items() if "|cell|" in name)
    np.testing.assert_allclose(shown[0, -1], run["steps.2.h"][0].numpy())
    at = fire(fire(at, "control-carried-unit", change="own"), "control-carried-reset", change="own")
    assert view(at).edits == ()


@pytest.fixture
def measured(shipping, monkeypatch):
    """As if it shipped beside the default model, with scores of both."""
    told = {"bits": [2.0, 1.5, 1.25], "intervals": [[1.9, 2.1], [1.4, 1.6], [1.2, 1.3]]}
    better = {"bits": [2.0, 1.5, 1.0], "intervals": [[1.9, 2.1], [1.4, 1.6], [0.9, 1.1]]}
    row = dict(name="bits per byte, books", unit="bits per byte", count=9, chance=None, aim=None)
    row |= dict(values=[1.7, 1.4, 9.0, 2.5], intervals=[[1.6, 1.8], [1.3, 1.5], None, None])
    contexts = dict(tokens=[1, 16, 255], count=50, models={"thread": told, "storybook": better})
    scores = dict(rows=[row], columns=["this model", "storybook", "random start", "3-gram"], contexts=contexts)
    own = catalogue.beside
    known = lambda name, file: scores if (name, file) == ("thread", "scores.json") else own(name, file)  # noqa: E731
    monkeypatch.setattr(catalogue, "beside", known)
    shipping("storybook", "thread", "interpreter")


def test_families_has_it_beside_the_transformer(measured, family):
    assert catalogue.languages() == ["thread"] and "thread" not in catalogue.translators()
    at = families(prompt=PROMPT)
    assert not at.exception and not notices(at)
    table = next(table for part in parts_of(at) if (table := rows_of(part)))
    (thread, bits, carried, steps, far, total), other = table[1:]
    trace, model = compute.trace("thread", PROMPT), family["thread"]
    length = trace.ids.shape[1]
    assert "thread" in thread and "LSTM" in thread and bits == "1.700 (1.600–1.800)"
    assert carried.startswith(f"{2 * model.config.width} numbers") and (steps, far) == (
        str(length),
        str(length - 1),
    )
    assert total == f"{sum(p.numel() for p in model.parameters()):,}"
    story = compute.model("storybook")
    many = len(story.tokenizer.encode(PROMPT))
    assert other[1:3] == ["1.400 (1.300–1.500)", other[2]] and other[2].startswith(
        f"{story.config.kept * many:,} "
    )
    assert other[3:5] == [str(story.config.layers), "1"]
    assert curves(at, "plot-contexts-thread")["storybook"] == ([1, 16, 255], [2.0, 1.5, 1.0])
    gains = [shown for shown in markdown(at) if "bits per byte less" in shown]
    assert any("0.250" in shown for shown in gains) and any("0.500" in shown for shown in gains)
    states = next(x for name, x in tensors(at).items() if name.startswith("thread") and "|states|" in name)
    np.testing.assert_array_equal(states.squeeze(), trace["states"][0].numpy())


def test_without_one_nothing_is_said_of_it(shipping):
    shipping("storybook", "interpreter")
    assert not [key for key in keys(families(prompt=PROMPT)) if "contexts" in key]


@pytest.mark.parametrize("part", ["choice", "text", "tree", "cache", "prompts"])
def test_it_writes_on_every_part_of_decode(family, part):
    at = decoding(model="thread", prompt=PROMPT, part=part, length=8, depth=2)
    assert not at.exception and not notices(at)
    if part == "cache":
        lines = curves(at, "plot-state")
        assert set(lines["thread"][1]) == {2 * 4 * family["thread"].config.width}  # as large after any token
        story = lines[catalogue.shipped()[0]][1]
        assert story == sorted(story) and story[0] < story[-1]


def test_the_machine_has_a_column_a_token(family):
    at = visit(model="thread", step="machine", prompt=PROMPT)
    header, count = given(at, "machine"), compute.trace("thread", PROMPT).ids.shape[1]
    assert [column["kind"] for column in header["columns"]] == ["step"] * count
    assert len(header["answers"]) == count and header["weigh"] == header["hide"] == ""
    row = torch.tensor([answer["now"][0] for answer in header["answers"]])
    torch.testing.assert_close(
        row, compute.trace("thread", PROMPT)["logits"][0].softmax(-1).amax(-1), rtol=1e-3, atol=0
    )
