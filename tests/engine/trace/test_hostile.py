"""What cannot be right is refused in our own words; what can be right is the same as elsewhere."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

import engine
from engine.device import choose
from engine.trace import Edit, run
from engine.worked import work
from tests.engine.tiny import decoder

PROMPTS = [[1, 2, 3, 4, 5], [6, 7]]


def test_a_mean_reads_no_padding(model):
    edit = Edit("blocks.0.attn.z", "mean")
    with pytest.raises(ValueError, match=f"mean at {edit.point} .* padding"):
        run(model, PROMPTS, [edit])
    with pytest.raises(ValueError, match="padding"):
        run(model, [PROMPTS[0]], [edit], padding=[[0, 0, 1, 1, 1]])
    together = run(model, [PROMPTS[0], PROMPTS[0][::-1]], [edit])["logits"]
    alone = run(model, PROMPTS[0], [edit])["logits"]
    torch.testing.assert_close(together[:1], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (torch.zeros(0, 5, dtype=torch.long), "empty"),
        (np.zeros((0, 3), int), "empty"),
        ([[1, 2], []], "row 1 of the prompts is empty"),
        ([[], [1]], "row 0 of the prompts is empty"),
    ],
)
def test_no_tokens_are_told(model, given, says):
    with pytest.raises(ValueError, match=says):
        run(model, given)


def test_a_sparse_tensor_holds_ids_as_well(model):
    ids = torch.tensor([[1, 2, 3]])
    assert run(model, ids.to_sparse())["logits"].equal(run(model, ids)["logits"])


@pytest.mark.parametrize("at", [None, 3, ("a", 0, 0, 0), (0, 0, 0, 1.0), (0, None, 0, 0), {}])
def test_a_cell_is_whole_numbers(model, at):
    trace = run(model, PROMPTS[0])
    with pytest.raises(IndexError, match="cell"):
        work(trace, "blocks.0.attn.scores", at)


def test_a_cell_may_be_named_by_numbers_of_any_library(model):
    trace = run(model, PROMPTS[0])
    said = [work(trace, "blocks.0.attn.scores", at) for at in ((0, 1, 2, 1), torch.tensor([0, 1, 2, 1]))]
    assert said[0] == said[1] == work(trace, "blocks.0.attn.scores", np.array([0, 1, 2, 1]))
    assert repr(trace.show("blocks.0.attn.pattern", H=np.int64(1))) == repr(
        trace.show("blocks.0.attn.pattern", H=1)
    )


@pytest.mark.parametrize("number", [Fraction(1, 2), np.float32(0.5), np.float16(0.5)])
def test_an_edit_takes_every_kind_of_number(model, number):
    edit = Edit("blocks.0.attn.z", "set", {"H": 0}, number)
    assert edit == Edit("blocks.0.attn.z", "set", {"H": 0}, 0.5)
    assert run(model, PROMPTS[0], edit)["blocks.0.attn.z"][0, 0].eq(0.5).all()


@pytest.mark.parametrize("given", ["storybook", None, 3, Path("folder")])
def test_what_is_no_model_is_told_so(given):
    for call in (run, engine.generate):
        with pytest.raises(ValueError, match=r"engine\.load"):
            call(given, "a text")


@pytest.mark.parametrize("wanted", [None, "logits", ["logits"]])
def test_what_chooses_points_is_a_function(model, wanted):
    with pytest.raises(ValueError, match="wanted"):
        run(model, PROMPTS[0], wanted=wanted)


@pytest.mark.parametrize("row", [2, -1, None, "a", 1.0, True])
def test_a_row_is_one_of_the_batch(rank_tokenizer, row):
    named = decoder(vocabulary=len(rank_tokenizer))
    named.tokenizer = rank_tokenizer
    trace = run(named, PROMPTS)
    with pytest.raises(ValueError, match="0 to 1"):
        trace.tokens(row)
    with pytest.raises(ValueError, match="no tokens"):
        trace.target_tokens()


@pytest.mark.parametrize("device", [3, "3", torch.device("meta"), b"cpu"])
def test_what_is_no_device_is_told_so(device):
    with pytest.raises(ValueError, match="device"):
        choose(device)
    assert choose(torch.device("cpu")) == choose("cpu")
