"""Who may look at whom."""

import pytest
import torch

from engine.masks import MASKS, causal_mask, mask_of


def test_a_token_sees_itself_and_what_came_before_it():
    assert causal_mask(3, 3)[0, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_the_queries_are_the_last_of_the_positions():
    assert causal_mask(2, 4)[0, 0].int().tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]


def test_nobody_looks_at_padding_except_padding_at_itself():
    padding = torch.tensor([[True, True, False], [False, True, True]])
    mask = causal_mask(3, 3, padding).int()
    assert mask[0, 0].tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert mask[1, 0].tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("causal", ["1000", "1100", "1110", "1111"]),
        ("none", ["1111"] * 4),
        ("window", ["1000", "1100", "0110", "0011"]),
        ("prefix", ["1100", "1100", "1110", "1111"]),
        ("padding", ["1000", "0100", "0010", "0011"]),
    ],
)
def test_masks_of_four_tokens(kind, rows):
    mask = mask_of(kind, T=4, n=2)
    assert ["".join(str(int(cell)) for cell in row) for row in mask[0, 0]] == rows


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("n", [-1, 0, 1, 3, 4, 9])
def test_under_every_mask_a_token_sees_itself_unless_it_fills_up_an_encoders_text(kind, n):
    seen = mask_of(kind, T=4, n=n)[0, 0]
    filling = max(0, min(n, 3)) if kind == "filled" else 0
    assert seen.diagonal().tolist() == [True] * (4 - filling) + [False] * filling
    assert seen.any(-1).all()
