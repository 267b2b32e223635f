"""The next token: every candidate's share, the cuts, and the choice are those of the engine."""

from dataclasses import replace

import numpy as np
import pytest

import engine
from app.state import DEFAULT, View
from engine import Decoding, decode
from tests.app.visit import (
    curves,
    figure,
    fire,
    full_prompt,
    given,
    model,
    notices,
    numbers,
    press,
    softmax,
    trace,
    view,
    visit,
)

SAMPLERS = [
    {},
    dict(temperature=0.5),
    dict(temperature=3.0, top_k=5),
    dict(top_p=0.6),
    dict(min_p=0.2),
    dict(temperature=1.7, top_k=50, top_p=0.8, min_p=0.05),
]
KNOBS = dict(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0)


def shares(temperature: float, top_k: int, top_p: float, min_p: float) -> np.ndarray:
    """The whole vocabulary's probabilities after all cuts, written again."""
    x = numbers("logits")[-1].astype(float) / temperature
    if top_k:
        x[x < np.sort(x)[-top_k]] = -np.inf
    if top_p < 1:
        order = np.argsort(-x, kind="stable")
        p = softmax(x)[order]
        x[order[1:][(np.cumsum(p) - p)[1:] >= top_p]] = -np.inf
    if min_p:
        p = softmax(x)
        x[p < min_p * p.max()] = -np.inf
    return softmax(x)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_the_candidates_have_their_probability_over_the_whole_vocabulary(sampler):
    at = visit(step="next", **sampler)
    drawn, expected = figure(at, "plot-candidates"), shares(**KNOBS | sampler)
    now = drawn.data[-1]
    order = np.argsort(-numbers("logits")[-1], kind="stable")[: len(now.x)]
    assert now.x == pytest.approx(expected[order])
    assert ((now.marker.opacity < 1) == (expected[order] == 0)).all()
    kept = (expected > 0).sum()
    assert [line.y0 for line in drawn.layout.shapes] == ([kept - 0.5] if kept < len(now.x) else [])
    assert given(at, "plot-candidates")["light"]["ok"]
    own = decode.steps_of(trace()["logits"][0, -1], decoding_of(replace(DEFAULT, **sampler)))
    assert own["probabilities"].numpy() == pytest.approx(expected)


def test_the_shares_of_the_best_add_up():
    at = visit(step="next", temperature=2)
    x, y = curves(at, "plot-ranks")["cumulative probability"]
    total = np.cumsum(np.sort(shares(**KNOBS | {"temperature": 2}))[::-1])
    assert y == pytest.approx([total[round(rank) - 1] for rank in x])
    assert y[-1] == pytest.approx(1)
    assert figure(at, "plot-ranks").layout.xaxis.type == "log"


def test_at_another_temperature_the_original_stands_beside_and_the_axis_stays():
    hot, own = (figure(visit(step="next", temperature=t), "plot-candidates") for t in (3, 1))
    best = np.argsort(-numbers("logits")[-1], kind="stable")[: len(hot.data[0].x)]
    assert [trace.name for trace in hot.data] == ["temperature 1", "temperature 3"]
    assert hot.data[0].x == pytest.approx(shares(**KNOBS)[best])
    assert len(own.data) == 1
    assert hot.layout.xaxis.range == own.layout.xaxis.range == (0, 1)


def decoding_of(view: View) -> Decoding:
    top_p = view.top_p if view.top_p < 1 else None
    cuts = (view.top_k or None, top_p, view.min_p or None)
    return Decoding("sample", view.temperature, *cuts, seed=view.seed, max_tokens=1)


@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1])
def test_a_draw_is_the_one_that_the_engine_makes_with_this_seed(seed):
    link = dict(step="next", temperature=1.5, top_k=20, seed=seed)
    before = visit(**link)
    expected = list(engine.generate(model(), DEFAULT.prompt, decoding_of(view(before))))
    at = press(before, "sample")
    assert not at.exception
    assert view(at).prompt == DEFAULT.prompt + "".join(step.text for step in expected)
    assert view(at) == view(press(visit(**link), "sample"))


def test_drawing_again_uses_the_next_seed():
    at = press(visit(step="next", seed=5, top_k=1), "sample")
    assert view(at).seed == 6
    press(at, "sample")
    assert view(at).seed == 7


def test_taking_adds_the_best_token():
    at = press(visit(step="next"), "append")
    best = int(numbers("logits")[-1].argmax())
    assert view(at).prompt == DEFAULT.prompt + model().tokenizer.decode([best])
    assert given(at, "prompt")["text"] == view(at).prompt
    assert given(at, "bar")["ids"] == [*trace().ids[0].tolist(), best]
    assert view(at).step == "next"


def test_a_picked_candidate_is_marked_worked_out_and_taken():
    at = fire(visit(step="next"), "plot-candidates", pick=3)
    third = int(np.argsort(-numbers("logits")[-1], kind="stable")[3])
    assert view(at) == replace(DEFAULT, step="next", entry=third)
    assert np.flatnonzero(figure(at, "plot-candidates").data[0].marker.line.width).tolist() == [3]
    press(at, "append")
    assert view(at).prompt == DEFAULT.prompt + model().tokenizer.decode([third])


def test_the_walk_goes_on_with_the_longer_prompt():
    at = press(press(visit(step="next", layer=2), "append"), "append")
    fire(at, "map", step=4)
    assert not at.exception
    assert len(given(at, "bar")["ids"]) == trace().ids.shape[1] + 2


def test_the_token_that_ends_a_text_is_not_added():
    end = next(iter(model().tokenizer.special.values()))
    at = press(visit(step="next", entry=end), "append")
    assert not at.exception
    assert view(at).prompt == DEFAULT.prompt


def test_a_part_of_a_character_is_not_added():
    part = next(i for i in range(len(model().tokenizer)) if model().tokenizer.bytes_of(i) == "é".encode()[:1])
    at = press(visit(step="next", entry=part), "append")
    assert not at.exception
    assert view(at).prompt == DEFAULT.prompt


def test_nothing_is_added_to_a_full_context():
    full = full_prompt()
    assert len(model().tokenizer.encode(full)) == model().config.context
    at = press(visit(step="next", prompt=full), "append")
    assert not at.exception and not notices(at)
    assert view(at).prompt == full
