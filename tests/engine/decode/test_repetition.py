"""The repetition penalty: the reference's, before everything else, on prompt and written tokens."""

import math

import pytest
import torch
import transformers

import engine
from engine.decode import Decoding, generate, penalise_repetition, steps_of
from engine.worked.derived import check_choice, check_cumulative
from engine.worked.rerun import work_choice
from tests.engine.tiny import assert_close, decoder, full, pair, prompt

PENALTIES = [0.01, 0.5, 1.0, 1.2, 3.0, 100.0]


def scores(seed: int, ties: bool = False, size: int = 97) -> torch.Tensor:
    x = 4 * torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x.round() if ties else x


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("ties", [False, True])
def test_it_equals_the_reference(penalty, ties):
    theirs = transformers.RepetitionPenaltyLogitsProcessor(penalty)
    for seed in range(20):
        x, ids = scores(seed, ties), prompt(30, seed)  # some twice
        assert torch.equal(penalise_repetition(x, ids, penalty), theirs(torch.tensor([ids]), x[None])[0])


@pytest.mark.parametrize("temperature", [0.01, 0.7, 100.0])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("cuts", [{}, dict(top_k=5), dict(top_p=0.8), dict(top_k=30, top_p=0.9, min_p=0.01)])
def test_all_steps_together_are_the_references_in_its_order(temperature, penalty, cuts):
    steps = [
        transformers.RepetitionPenaltyLogitsProcessor(penalty),
        transformers.TemperatureLogitsWarper(temperature),
        *(transformers.TopKLogitsWarper(x) for x in [cuts.get("top_k")] if x),
        *(transformers.TopPLogitsWarper(x) for x in [cuts.get("top_p")] if x),
        *(transformers.MinPLogitsWarper(x) for x in [cuts.get("min_p")] if x),
    ]
    decoding = Decoding("sample", temperature=temperature, repetition_penalty=penalty, **cuts)
    for seed in range(6):
        for ties in (False, True):
            x, ids = scores(seed, ties), prompt(30, seed)
            expected = x[None]
            for step in steps:
                expected = step(torch.tensor([ids]), expected)
            ours = steps_of(x, decoding, ids)
            assert_close(ours["probabilities"], expected.softmax(-1)[0])
            assert check_choice(x, decoding, ours["probabilities"], ids).ok
            together = ours["probabilities"].sort(descending=True).values.cumsum(-1)
            assert check_cumulative(x, decoding, together, ids).ok


def test_it_is_the_first_step_and_absent_where_it_changes_nothing():
    everything = Decoding("sample", repetition_penalty=2, temperature=0.5, top_k=20, top_p=0.9, min_p=0.05)
    assert list(steps_of(scores(0), everything, [1])) == [
        *("logits", "penalised", "tempered", "top_k", "top_p", "min_p", "probabilities")
    ]
    assert "penalised" not in steps_of(scores(0), Decoding(), [1])


@pytest.mark.parametrize("value", [0, -1, 1e9, math.inf, math.nan, None, "1.2", True])
def test_a_penalty_that_cannot_be_says_what_is_allowed(value):
    with pytest.raises(ValueError) as error:
        Decoding(repetition_penalty=value)
    assert f"repetition_penalty is {value!r}; it goes from 0.01 to 100" in str(error.value)


@pytest.mark.parametrize("penalty", [0.6, 1.3, 5.0])
def test_greedy_text_equals_the_references(checkpoint, penalty):
    saved = checkpoint()
    model, ids = engine.load(saved.folder, device="cpu").double(), prompt(6, seed=5)
    options = dict(do_sample=False, max_new_tokens=14, pad_token_id=0, repetition_penalty=penalty)
    theirs = saved.reference.generate(torch.tensor([ids]), attention_mask=torch.ones(1, 6), **options)
    ours = [step.id for step in generate(model, ids, Decoding(max_tokens=14, repetition_penalty=penalty))]
    assert ids + ours == theirs[0].tolist()


def test_tokens_of_the_prompt_and_written_ones_are_hardly_written_again():
    model, ids = decoder(), prompt(5)
    written = [step.id for step in generate(model, ids, Decoding(max_tokens=12, repetition_penalty=100))]
    assert len({*ids, *written}) == len(set(ids)) + len(written)


def test_beside_an_encoder_what_the_decoder_wrote_counts():
    model = pair(end=96)
    written = [step.id for step in generate(model, prompt(5), Decoding(max_tokens=9, repetition_penalty=100))]
    assert len(set(written)) == len(written) and model.start not in written


def test_the_arithmetic_of_a_choice_has_the_penalty():
    trace = full(decoder(torch.float32), [prompt(6)])
    decoding, ids = Decoding("sample", temperature=0.7, repetition_penalty=1.5, top_k=9), prompt(6)
    shown = steps_of(trace["logits"][0, 5], decoding, ids)["probabilities"]
    for entry in (int(shown.argmax()), ids[0], int(shown.argmin())):
        worked = work_choice(trace, "logits", (5, entry), decoding, float(shown[entry]), ids)
        assert worked.value == pytest.approx(float(shown[entry]), rel=1e-6)
