"""Every point of two stacks equals the reference: T5 through the real loader, 2017's in torch's own layers."""

import pytest
import torch

import engine
from tests.engine import reference, tiny
from tests.engine.reference import torch_layers
from tests.engine.tiny import assert_same_real_points, full, pair, prompt

T5 = {
    "T5 of 2019": {},
    "T5 1.1": dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False, own_logits=True),
    "T5 with stacks of unlike depth": dict(num_decoder_layers=1),
    "T5 with other choices": dict(feed_forward_proj="gated-silu", layer_norm_epsilon=0.3),
    "T5 of wide heads and few distances": dict(d_kv=7, relative_attention_num_buckets=4),
    "T5 that tells far distances apart": dict(relative_attention_max_distance=20),
    "T5 in shards": dict(max_shard_size="5KB"),
    "T5 in float16": dict(dtype=torch.float16),
}
VASWANI = {
    "norms after": {},
    "norms before": dict(post_norm=False),
    "large epsilon": dict(norm_eps=0.3),
    "one table for three": dict(shared=True),
    "logits of their own": dict(decoder=dict(tied=False, layers=3)),
}


@pytest.fixture(params=[False, True], ids=["whole", "padded"])
def read(request):
    """Ids and padding of two sources, and of two targets."""
    given = []
    for length in (17, 11):
        ids = torch.tensor([prompt(length, seed=seed) for seed in (1, 2)])
        given += [ids, torch.arange(length) < torch.tensor([[length], [4]]) if request.param else None]
    return given


def trace_of(model, ids, padding, target, target_padding):
    return full(model, ids, padding=padding, target=target, target_padding=target_padding)


@pytest.mark.parametrize("choices", T5.values(), ids=T5)
def test_every_point_of_both_stacks_equals_the_reference(choices, read, checkpoint):
    saved = checkpoint(layout="t5", **choices)
    trace = trace_of(engine.load(saved.folder, device="cpu").double(), *read)
    expected = reference.points(saved.reference, *read)
    assert set(expected) == set(trace.points())
    assert_same_real_points(trace, expected, noise=1e-4)  # its RMSNorm is in float32 always


@pytest.mark.parametrize("choices", VASWANI.values(), ids=VASWANI)
def test_every_point_of_the_model_of_2017_equals_the_layers_of_torch(choices, read):
    model = pair(**tiny.VASWANI | choices)
    expected, trace = torch_layers.points(model, *read), trace_of(model, *read)
    assert set(expected) == set(trace.points())
    assert_same_real_points(trace, expected)
