"""What is kept of the tokens already read changes no score, of any model that writes."""

import pytest
import torch

from engine.decode import Decoding, generate, next_logits, translate
from engine.trace.inputs import Inputs, inputs_of
from tests.engine.tiny import (
    ENCODER,
    KINDS,
    MIXTRAL,
    PAIRS,
    RECURRENT,
    assert_close,
    decoder,
    images,
    pair,
    prompt,
    recurrent,
)

WRITERS = {
    **{name: lambda choices=choices: decoder(**choices) for name, choices in KINDS.items()},
    "experts": lambda: decoder(**MIXTRAL),
    **{name: lambda choices=choices: pair(**choices) for name, choices in PAIRS.items()},
    **{name: lambda kind=kind: recurrent(*kind) for name, kind in RECURRENT.items()},
    "captions, gru": lambda: recurrent("gru", "additive", encoder=ENCODER),
    "captions, lstm": lambda: recurrent("lstm", "none", encoder=ENCODER),
}
SAMPLERS = {
    "greedy": Decoding(max_tokens=10),
    "sample": Decoding("sample", temperature=1.5, seed=3, max_tokens=10),
    "cut": Decoding("sample", top_k=40, top_p=0.95, min_p=0.001, seed=4, max_tokens=10),
    "penalised": Decoding("sample", repetition_penalty=1.4, temperature=2, seed=5, max_tokens=10),
}


@pytest.fixture(params=WRITERS)
def writer(request):
    return WRITERS[request.param]()


def reads(model):
    return images(1).to(torch.float64) if model.reads[0].image else prompt(7, seed=1)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_cache_changes_no_token_and_no_probability(writer, sampler):
    both = [list(generate(writer, reads(writer), SAMPLERS[sampler], cached=cached)) for cached in (True, False)]
    assert [step.id for step in both[0]] == [step.id for step in both[1]]
    assert [s.probability for s in both[0]] == pytest.approx([s.probability for s in both[1]], rel=1e-9)


def test_the_scores_are_those_of_the_whole_text(writer):
    given = {} if len(writer.reads) == 1 else {"target": [writer.start]}
    inputs = inputs_of(writer, reads(writer), **given)
    text = inputs.ids if inputs.target is None else inputs.target
    more = torch.tensor([prompt(5, seed=2)])
    cached, whole = next_logits(writer, inputs, writer.new_cache()), next_logits(writer, inputs)
    for n in range(6):
        ids = torch.cat([text, more[:, :n]], 1)
        assert_close(cached(ids), whole(ids), f"after {n}")


def test_a_cache_goes_on_with_chosen_rows(writer):
    given = {} if len(writer.reads) == 1 else {"target": [writer.start]}
    inputs = inputs_of(writer, reads(writer), **given)
    text, cache = inputs.ids if inputs.target is None else inputs.target, writer.new_cache()
    score, whole = next_logits(writer, inputs, cache), next_logits(writer, inputs)
    score(text)
    cache.select(torch.tensor([0, 0, 0]))
    ids = torch.cat([text.expand(3, -1), torch.tensor([[7], [8], [9]])], 1)
    score(ids)
    cache.select(torch.tensor([2, 0]))
    ids = torch.cat([ids[[2, 0]], torch.tensor([[1], [2]])], 1)
    for got, row in zip(score(ids), ids, strict=True):
        assert_close(got, whole(row[None])[0])


def test_of_the_other_stack_keys_and_values_are_made_once():
    model, made = pair(), []
    model.decoder.blocks[0].cross.k.register_forward_hook(lambda part, given, out: made.append(out.shape[1]))
    list(generate(model, prompt(7), Decoding(max_tokens=5)))
    assert made[0] == 7 and not any(made[1:]) and len(made) > 2


def test_a_cache_s_bytes_have_the_other_stack_s_part():
    model = pair(decoder=dict(key_heads=1))
    c, cache = model.config.decoder, model.new_cache(room=9)
    assert cache.bytes == 0
    start = torch.tensor([[3]])
    next_logits(model, Inputs(torch.tensor([prompt(7)]), target=start), cache)(start)
    assert cache.bytes == (1 + 7) * c.kept * 8
    assert cache.memory.keys.nbytes + cache.memory.values.nbytes == 7 * c.kept * 8


def test_a_recurrent_decoder_s_state_does_not_grow():
    model = recurrent("lstm", "additive")
    cache = model.new_cache()
    score = next_logits(model, Inputs(torch.tensor([prompt(7)]), target=torch.tensor([[3]])), cache)
    sizes = []
    for n in range(1, 5):
        score(torch.tensor([[3, 4, 6, 7][:n]]))
        sizes.append(cache.bytes)
    assert sizes == [2 * 9 * 8] * 4


@pytest.mark.parametrize("name", ["2017", "T5", "gru, additive"])
def test_a_padded_batch_is_written_as_its_rows_alone(name):
    model, rows = WRITERS[name](), [prompt(7), prompt(4, seed=3), prompt(2, seed=4)]
    ids = torch.tensor([[*row, *[0] * (7 - len(row))] for row in rows])
    padding = torch.tensor([[i < len(row) for i in range(7)] for row in rows])
    together = translate(model, ids, padding, longest=8)
    for row, written in zip(rows, together.tolist(), strict=True):
        alone = [step.id for step in generate(model, row, Decoding(max_tokens=8))]
        assert written[: len(alone)] == alone and set(written[len(alone) :]) <= {model.end}
