"""What cannot be right is refused in our own words; what can be right is the same as elsewhere."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from engine.trace import Edit, run
from engine.worked import work

PROMPTS = [[1, 2, 3, 4, 5], [6, 7]]


@pytest.mark.parametrize(
    "edit",
    [Edit("blocks.0.attn.z", "mean"), Edit("blocks.0.attn.mask", "mask", value=("none", 0))],
    ids=lambda edit: edit.op,
)
def test_an_edit_over_all_positions_reads_no_padding(model, edit):
    with pytest.raises(ValueError, match=f"{edit.op} at {edit.point} .* padding"):
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
