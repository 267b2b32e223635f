"""What fills spans: the runs behind each sentinel, put into the text that was read."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.load import glassbox
from engine.model.build import fresh
from engine.spans import fill, put, runs_of, together
from engine.training.objectives import spans
from engine.worked.objectives import check_filled, check_sentinels
from tests.engine.tiny import T5, decoder, pair


@pytest.fixture(scope="module")
def filler(with_sentinels):
    ends = dict(start=with_sentinels.start, end=with_sentinels.end)
    sizes = dict(vocabulary=len(with_sentinels), context=40, shared=True)
    model = pair(torch.float32, **T5, **sizes, **ends, decoder=dict(context=30, scale_logits=True))
    model.tokenizer = with_sentinels
    return model


def drawn(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return spans.rolled(spans.spans(count, *spans.dice(random), random), random)


@given(st.integers(2, 60), st.integers(0, 999))
def test_rolled_spans_are_the_same_runs_none_of_them_cut(count, seed):
    random = np.random.default_rng(seed)
    hidden = spans.spans(count, *spans.dice(random), random)
    mask = spans.rolled(hidden, random)

    def runs(mask):
        edges = np.diff(np.concatenate([[0], mask.astype(int), [0]]))
        return sorted(np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0))

    assert runs(mask) == runs(hidden)


def test_any_token_may_be_hidden_the_first_and_the_last_as_well():
    often = np.mean([drawn(20, seed) for seed in range(2000)], 0)
    assert often.min() > 0.04 and often.max() < 0.25
    assert often.mean() == pytest.approx(0.15, abs=0.01)


@given(st.lists(st.integers(3, 20), min_size=2, max_size=40), st.integers(0, 99))
def test_what_was_hidden_put_back_is_the_text(with_sentinels, ids, seed):
    sentinels = with_sentinels.sentinels
    read, wanted = (spans.encoded(x, sentinels) for x in spans.corrupt(ids, drawn(len(ids), seed)))
    parts = together(with_sentinels, read, [0, *wanted, 1])
    assert [id for part in parts for id in part.ids] == ids
    assert check_sentinels(ids, sentinels, read, wanted).ok
    assert check_filled(sentinels, {0, 1}, read, wanted, ids).ok
    assert not check_filled(sentinels, {0, 1}, read, wanted, [*ids[:-1], 21]).ok


def test_only_what_stands_behind_a_sentinel_fills_it(with_sentinels):
    a, b, c = with_sentinels.sentinels[:3]
    assert runs_of([9, a, 10, 11, b, a, 12, c], (a, b, c)) == {a: (10, 11), b: (), c: ()}
    parts = together(with_sentinels, [5, a, 6, c, b, 1], [0, a, 10, a, 11])
    assert [(part.ids, part.sentinel) for part in parts] == [
        ((5,), None),
        ((10,), a),
        ((6,), None),
        ((), c),
        ((), b),
    ]


def test_a_text_is_filled_with_what_the_model_writes(filler):
    text = "The cat <extra_id_0> the mat<extra_id_1>"
    filled, steps = fill(filler, text, 12), list(engine.generate(filler, text, engine.Decoding(max_tokens=12)))
    ids = [step.id for step in steps]
    tokenizer = filler.tokenizer
    assert filled.text == put(tokenizer, together(tokenizer, tokenizer.encode(text), ids))
    assert filled.probability == pytest.approx(math.prod(step.probability for step in steps))
    assert len(filled.spans) == 2


def test_what_cannot_be_filled_says_why(filler, with_sentinels):
    with pytest.raises(ValueError, match="there is no <extra_id_0> in the text"):
        fill(filler, "The cat")
    alone = decoder(torch.float32, vocabulary=len(with_sentinels))
    alone.tokenizer = with_sentinels
    with pytest.raises(ValueError, match="has no <extra_id_0>"):
        fill(alone, "The <extra_id_0>")


def test_a_lesson_is_the_run_of_its_own_input_and_target(filler):
    ids = filler.tokenizer.encode("The cat sat on the mat. They say it isn't.")[:-1]
    one = spans.lesson(filler, ids, 3)
    trace = engine.run(filler, one.read, target=[filler.start, *one.wanted[:-1]])
    shares = trace["decoder.logits"][0].double().log_softmax(-1)
    assert one.losses.tolist() == pytest.approx(
        [-float(shares[t, id]) for t, id in enumerate(one.wanted)], rel=1e-4
    )
    assert spans.lesson(filler, ids, 3).read == one.read
    assert any(spans.lesson(filler, ids, seed).read != one.read for seed in range(4, 9))
    with pytest.raises(ValueError, match="of one token nothing can be hidden"):
        spans.lesson(filler, ids[:1], 3)


def test_it_comes_back_from_its_folder_and_is_known_before_it_is_read(filler, tmp_path):
    glassbox.write(filler, tmp_path)
    back = engine.load(tmp_path, device="cpu")
    assert back.tokenizer.sentinels == filler.tokenizer.sentinels and back.fills_spans
    assert back.config == filler.config
    assert back.decoder.logits.weight is back.encoder.embed.token.weight
    assert engine.survey(tmp_path).model.fills_spans
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match=r"has no vocabulary.tiktoken or tokenizer.json"):
        engine.survey(tmp_path)


def test_what_is_not_divided_on_the_way_is_divided_at_the_start(filler):
    model = fresh(filler.config, 0)
    for name, weight in model.named_parameters():
        if name.endswith((".q.weight", ".k.weight")):
            expected = 0.02 / (filler.config.encoder.head_width**0.5 if ".q." in name else 1)
            assert float(weight.detach().std()) == pytest.approx(expected, rel=0.2), name
    assert float(model.encoder.embed.token.weight.detach().std()) == pytest.approx(1, rel=0.1)
