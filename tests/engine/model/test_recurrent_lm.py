"""Recurrent language models: equal to the reference's cells, by its kernel as step by step, with a cache and
without one, blind to padding."""

import pytest
import torch
import torch.nn.functional as F

from engine.config import CELLS, RecurrentConfig
from engine.decode import Decoding, beam_search, generate
from engine.model.build import fresh
from engine.trace import run
from engine.trace.tap import Edit
from engine.worked import check, work
from engine.worked.rerun import check_run
from tests.engine.model.test_recurrent import reference_of
from tests.engine.tiny import assert_close, full, language_model, prompt

IDS = torch.tensor([prompt(7, seed=1), prompt(7, seed=2)])


@pytest.fixture(scope="module", params=CELLS)
def model(request):
    return language_model(request.param)


def test_it_is_the_references_cell_scored_by_the_token_table(model):
    reference = reference_of(model, model.config.cell)
    states, _ = reference(model.token(IDS))
    trace = full(model, IDS)
    assert_close(trace["states"], states)
    assert_close(trace["logits"], states @ model.token.weight.T)


def test_all_steps_at_once_are_the_same_as_one_by_one(model):
    assert_close(model(IDS), full(model, IDS)["logits"])


def test_padding_changes_nothing(model):
    padded = full(model, [prompt(7, seed=1), prompt(4, seed=3)])
    assert_close(padded["logits"][1, :4], model(torch.tensor([prompt(4, seed=3)]))[0])
    behind = model(IDS, model.context(IDS, padding=torch.tensor([[False] * 2 + [True] * 5] * 2)))
    assert_close(behind[:, 2:], model(IDS[:, 2:]))


def test_with_a_cache_it_reads_on(model):
    cache = model.new_cache(2)
    parts = [model(part, model.context(part, cache=cache)) for part in IDS.split((3, 1, 3), 1)]
    assert_close(torch.cat(parts, 1), model(IDS))
    assert cache.bytes == 2 * 9 * 8 * len(model.cell.carried) and cache.length == 7
    assert model(IDS, model.context(IDS, last=True)).shape == (2, 1, 97)


def test_it_writes_and_searches(model):
    greedy = [step.id for step in generate(model, prompt(4), Decoding(max_tokens=5))]
    assert greedy == [step.id for step in generate(model, prompt(4), Decoding(max_tokens=5), cached=False)]
    (best,) = beam_search(model, prompt(4), width=1, max_new_tokens=5)
    assert best.ids[: len(greedy)] == greedy[: len(best.ids)]


def test_what_was_read_can_be_forgotten(model):
    reset = [Edit(f"steps.3.{name}", "zero") for name in model.cell.carried]
    trace = full(model, IDS[:1], reset)
    assert_close(trace["logits"][:, 4:], model(IDS[:1, 4:]))
    unit = full(model, IDS[:1], [Edit(f"steps.{t}.h", "zero", {"D": 2}) for t in range(7)])
    assert not unit["states"][..., 2].any()


def test_every_number_is_had_by_the_second_route(model):
    shown = language_model(model.config.cell, torch.float32)
    edits = [Edit("steps.2.h", "set", {"D": 3}, 0.9), Edit("steps.1.h", "zero")]
    for trace in (full(shown, [prompt(5), prompt(3)]), full(shown, prompt(5), edits)):
        assert all(check(trace, point).ok for point in trace.points())
        for point in ("logits", "states", "steps.2.h", "start.h"):
            at = tuple(n - 1 for n in trace[point].shape)
            assert work(trace, point, at).value == pytest.approx(float(trace[point][at]), abs=1e-4)
        assert check_run(trace, "logits").ok


def test_every_parameter_learns_and_the_start_depends_on_the_seed(model):
    one, again = fresh(model.config, 1), fresh(model.config, 1)
    F.cross_entropy(one(IDS)[:, :-1].flatten(0, 1), IDS[:, 1:].flatten()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in one.parameters())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))


def test_a_decoder_alone_looks_back_at_nothing():
    with pytest.raises(ValueError, match="nothing to look back at"):
        RecurrentConfig(97, context=23, width=9, start=3, end=5, alone=True)
    with pytest.raises(ValueError, match="alone is 1"):
        RecurrentConfig(97, context=23, width=9, start=3, end=5, attention="none", alone=1)
    assert run(language_model("gru"), prompt(3)).target is None
