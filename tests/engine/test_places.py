"""What positions do, against what is known: what the mask alone tells, what an unmasked model cannot know."""

import pytest
import torch

from engine.places import apart, by_distance, read_off, unmasked
from engine.position import POSITIONS, slopes
from engine.trace import run
from engine.trace.tap import Edit
from tests.engine.tiny import BERT, BLOOM, decoder, prompt

IDS = prompt(9, seed=4)
OTHER, BACK = [4, 0, 7, 1, 8, 3, 2, 6, 5], [*range(8, -1, -1)]  # two other orders


def gap(model, edits=(), order: list[int] = OTHER) -> float:
    """How far apart the last vectors are."""
    runs = (run(model, ids, edits) for ids in (IDS, [IDS[i] for i in order]))
    return apart(*(each["blocks.2.resid_post"][0] for each in runs), order)


@pytest.mark.parametrize("positions", POSITIONS)
def test_only_without_mask_and_positions_is_another_order_the_same(positions):
    model = decoder(positions=positions, width=18)
    free = unmasked(model.config)
    assert gap(model) > 0.1  # the mask tells the order, too
    assert (gap(model, free) < 1e-9) == (positions == "none")
    if positions in ("learned", "sinusoidal"):
        assert gap(model, (*free, Edit("embed.position", "zero"))) < 1e-9


def test_backwards_all_distances_are_the_same_if_both_sides_count_alike():
    model = decoder(positions="alibi")
    assert gap(model, unmasked(model.config), BACK) < 1e-9 < gap(model, (), BACK)


def test_an_encoder_whose_positions_are_taken_away_does_not_know_the_order():
    model = decoder(**BERT)
    assert gap(model) > 1e-3
    assert gap(model, (Edit("embed.position", "zero"),)) < 1e-9


def test_scores_that_are_the_distance_alone_are_the_distance():
    model = decoder(**BLOOM)
    zero = [Edit(f"blocks.{i}.attn.scores", "zero") for i in range(3)]
    found = by_distance(run(model, IDS, zero)["blocks.1.attn.masked"][0])
    expected = torch.tensor([[-slope * d for d in range(9)] for slope in slopes(3)], dtype=found.dtype)
    torch.testing.assert_close(found, expected)


def test_the_mean_of_a_distance_is_of_all_its_pairs():
    scores = torch.arange(9.0).reshape(1, 3, 3)
    assert by_distance(scores).tolist() == [[4.0, 5.0, 6.0]]


def test_a_place_that_stands_in_a_vector_is_read_off():
    vectors = torch.stack([torch.tensor([t, -1.0, 2.0]) for t in range(5)])
    assert read_off(vectors, torch.tensor([1.0, 0.0, 0.5]), -1.0).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
