"""One choice: every stage over the whole vocabulary, the number drawn, and many draws counted."""

import pytest
import torch

import engine
from app import compute
from app.state import DEFAULT
from engine import Decoding, decode
from tests.app.decoding import WRITERS, decoding
from tests.app.visit import bars, boxes, fire, given, keys, model, notices, numbers, texts, trace, view

SETTINGS = [
    {},
    dict(temperature=0.5, top_k=5),
    dict(repetition_penalty=1.5, top_p=0.7),
    dict(temperature=1.7, top_k=50, top_p=0.8, min_p=0.05, repetition_penalty=1.2),
]


def steps(**settings) -> dict[str, torch.Tensor]:
    """The engine's own."""
    return decode.steps_of(trace()["logits"][0, -1], Decoding("sample", **settings), trace().ids[0].tolist())


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_each_stage_holds_the_whole_vocabulary(settings):
    drawn, own = given(decoding(**settings), "stages"), steps(**settings)
    assert len(drawn["stages"]) == len(own)
    for stage, x in zip(drawn["stages"], own.values(), strict=True):
        assert sum(stage["shares"]) + stage["tail"] == pytest.approx(1)
        assert stage["left"] == int((x > 0).sum() if x is own["probabilities"] else x.isfinite().sum())
        assert stage["left"] == sum(stage["kept"]) + stage["tail_left"]
    best = own["tempered"].sort(descending=True, stable=True).indices[:12]
    last = drawn["stages"][-1]["shares"]
    assert last[:12] == pytest.approx(own["probabilities"][best].tolist()) or len(last) > 12
    assert drawn["light"]["ok"]


@pytest.mark.parametrize("seed", [0, 3, 2**31 - 1])
def test_the_token_drawn_is_the_one_that_the_model_writes(seed):
    settings = dict(temperature=1.5, top_k=20, repetition_penalty=1.3, seed=seed)
    drawn = given(decoding(**settings), "stages")
    (step,) = engine.generate(model(), DEFAULT.prompt, Decoding("sample", max_tokens=1, **settings))
    start, end = drawn["fell"]["spans"][drawn["drawn"]]
    assert start <= drawn["fell"]["u"] < end
    assert end - start == pytest.approx(step.probability, rel=1e-4)
    assert drawn["rows"][drawn["drawn"]].replace("·", " ") == model().tokenizer.decode([step.id])


def test_greedy_takes_the_best_and_draws_no_number():
    drawn = given(decoding(method="greedy"), "stages")
    assert drawn["fell"] is None
    assert drawn["rows"][drawn["drawn"]].replace("·", " ") == model().tokenizer.decode(
        [int(numbers("logits")[-1].argmax())]
    )


def test_a_picked_candidate_is_worked_out():
    at = fire(decoding(temperature=2), "stages", pick=4)
    (box,) = [box for box in boxes(at) if box.point == "p"]
    assert box.cell == (trace().ids.shape[1] - 1, view(at).entry)
    assert box.shown == pytest.approx(float(steps(temperature=2)["probabilities"][view(at).entry]), rel=1e-3)
    assert given(at, "stages")["mark"] == 4


def test_another_token_is_chosen_after():
    at = fire(decoding(), "bar", token=2)
    shares = numbers("logits")[2]
    assert max(given(at, "stages")["stages"][0]["scores"]) == pytest.approx(float(shares.max()))


def test_a_translation_opens_where_there_is_a_choice():
    at = decoding(model="interpreter", prompt="I see a cat.", top_k=5)
    shares = given(at, "stages")["stages"][-1]["shares"]
    fire(at, "bar", token=given(at, "bar")["token"] + 1)
    other = given(at, "stages")["stages"][-1]["shares"]
    assert max(shares) < max(other)


def test_a_setting_does_not_run_the_model_again(monkeypatch):
    at = decoding()
    monkeypatch.setattr(compute, "_run", lambda *_: pytest.fail("the model ran"))
    at = fire(at, "control-temperature", change=2.0)
    assert not at.exception and not notices(at)
    assert given(at, "stages")["stages"][-1]["shares"] != given(decoding(), "stages")["stages"][-1]["shares"]


def test_many_draws_are_counted_beside_what_is_expected():
    at = fire(decoding(seed=5), "many", toggle=True)
    p = steps()["probabilities"]
    counts = torch.bincount(decode.draw_many(p, 1000, 5), minlength=len(p))
    best = p.sort(descending=True, stable=True).indices[:12]
    assert bars(at, "plot-many")[:-1] == counts[best].tolist()
    assert sum(bars(at, "plot-many")) == 1000
    assert any("degrees of freedom" in text for text in texts(at))


def test_where_one_token_is_left_there_is_nothing_to_test():
    at = fire(decoding(top_k=1), "many", toggle=True)
    assert bars(at, "plot-many") == [1000]
    assert not any("freedom" in text for text in texts(at))


@pytest.mark.parametrize("name", WRITERS)
def test_all_that_write_choose(family, name):
    at = decoding(model=name, prompt="the cat sat on", top_p=0.9, repetition_penalty=1.2)
    assert not at.exception and not notices(at)
    assert given(at, "stages")["light"]["ok"]


@pytest.mark.parametrize("name", ["wordfinder", "digits", "bert", "vit"])
def test_a_model_that_does_not_write_says_so(family, name):
    at = decoding(model=name)
    assert not at.exception
    assert any("writes no text" in text for text in notices(at, "info"))
    assert not keys(at, "stages")
