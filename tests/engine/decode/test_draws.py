"""Many seeded draws fall as their probabilities say."""

import pytest
import torch

from engine.decode import Decoding, choose, draw, draw_many, frequencies, steps_of

COUNT = 20_000
SETTINGS = [{}, dict(temperature=0.5), dict(top_k=6), dict(top_p=0.8), dict(min_p=0.05), dict(temperature=3)]


def chances(**settings) -> torch.Tensor:
    logits = 2 * torch.randn(25, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return steps_of(logits, Decoding("sample", **settings))["probabilities"]


def misfit(p: torch.Tensor, ids: torch.Tensor) -> tuple[float, int]:
    """Pearson's chi-square over the entries expected five times or more, the others as one; and its degrees of
    freedom."""
    found, expected = torch.bincount(ids, minlength=len(p)).double(), COUNT * p
    assert (found[p == 0] == 0).all()
    often = expected >= 5
    pairs = torch.stack([found, expected], 1)
    cells = torch.cat([pairs[often], pairs[~often].sum(0, keepdim=True)])
    cells = cells[cells[:, 1] > 0]
    return ((cells[:, 0] - cells[:, 1]) ** 2 / cells[:, 1]).sum().item(), len(cells) - 1


@pytest.mark.parametrize("settings", SETTINGS)
def test_draws_fit_their_probabilities(settings):
    p = chances(**settings)
    squares, free = map(sum, zip(*(misfit(p, draw_many(p, COUNT, seed)) for seed in range(10)), strict=True))
    assert abs(squares - free) < 4 * (2 * free) ** 0.5


def test_so_do_the_draws_of_a_growing_text():
    p, random = chances(top_p=0.9), torch.Generator().manual_seed(0)
    drawn = [choose(p, Decoding("sample"), random) for _ in range(COUNT)]
    squares, free = misfit(p, torch.tensor(drawn))
    assert squares < free + 4 * (2 * free) ** 0.5


def test_many_draws_are_single_ones():
    p, random = chances(top_k=5), torch.Generator().manual_seed(7)
    u = torch.rand(200, generator=random, dtype=torch.float64)
    assert draw_many(p, 200, seed=7).tolist() == [draw(p, x.item()) for x in u]


def test_the_same_seed_draws_the_same():
    p = chances()
    assert torch.equal(draw_many(p, 100, 3), draw_many(p, 100, 3))
    assert not torch.equal(draw_many(p, 100, 3), draw_many(p, 100, 4))


def test_draws_are_counted_beside_what_is_expected():
    p = chances(top_k=12)
    ids = draw_many(p, COUNT, 1)
    found = frequencies(ids, p)
    assert found.counts.tolist() == [int((ids == i).sum()) for i in range(len(p))]
    assert found.expected.tolist() == (COUNT * p).tolist()
    assert torch.allclose(found.deviation, (COUNT * p * (1 - p)).sqrt())
    assert (found.chi_square, found.freedom) == pytest.approx(misfit(p, ids))


def test_draws_from_others_do_not_fit():
    p = chances()
    found = frequencies(draw_many(p.flip(0), COUNT), p)
    assert found.chi_square > 10 * found.freedom


def test_one_certain_token_is_no_test():
    found = frequencies(draw_many(torch.tensor([0.0, 1.0]), 10), torch.tensor([0.0, 1.0]))
    assert (found.chi_square, found.freedom) == (0.0, 0)
