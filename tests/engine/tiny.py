"""Tiny models for the tests: odd sizes, every parameter random."""

import torch
from torch import Tensor, nn

from engine.config import ATTENTIONS, CELLS, Config, PairConfig, RecurrentConfig
from engine.model.encoder_decoder import EncoderDecoder
from engine.model.recurrent import Recurrent
from engine.model.recurrent_lm import RecurrentLM
from engine.model.transformer import Transformer
from engine.trace import Trace, everything, run

SIZES = dict(vocabulary=97, context=23, width=15, layers=3, heads=3, mlp_width=31)

ROTARY = dict(positions="rotary", width=18)  # a head's numbers are turned in pairs: an even width
SHARED = dict(width=24, heads=4, key_heads=2)
LLAMA = dict(norm="rms", positions="rotary", gated=True, attention_bias=False, mlp_bias=False) | SHARED
QWEN = LLAMA | dict(qk_norm=True, head_width=8)

MIXTRAL = LLAMA | dict(experts=5, experts_used=2, activation="silu")

RELATIVE = dict(positions="relative", buckets=6, max_distance=7, scale_scores=False)
BLOOM = dict(positions="alibi", embed_norm=True)

BERT = dict(post_norm=True, embed_norm=True, causal=False, segments=2, ending="masked", next_sentence=True)

VIT = dict(vocabulary=0, context=10, image=6, patch=2, channels=3, causal=False, ending="classes", classes=5)
VIT |= dict(tied=False)

KINDS = {
    "GPT-2": {},
    "rotary": ROTARY,
    "LLaMA": LLAMA,
    "ALiBi": dict(positions="alibi"),
    "Qwen3": QWEN,
}  # decoders: what comes later changes nothing before

CHOICES = {
    "plain": {},
    "rotary": ROTARY,
    "rotary, small base": ROTARY | dict(rotary_base=2.5),
    "LLaMA": LLAMA,
    "Qwen3": QWEN,
    "QK norm, not turned": dict(qk_norm=True, norm_eps=0.3),
    "BERT": BERT,
    "BERT without its ends": BERT | dict(ending="nothing", next_sentence=False),
    "norms after, causal": dict(post_norm=True),
    "LLaMA with biases": LLAMA | dict(attention_bias=True, mlp_bias=True),
    "keys shared by all": SHARED | dict(key_heads=1),
    "RMSNorm, large epsilon": dict(norm="rms", norm_eps=0.3),
    "gated": dict(gated=True, activation="relu"),
    "experts": MIXTRAL,
    "one expert for each token": dict(gated=True, mlp_bias=False, experts=3, experts_used=1),
    "experts, norms after": dict(gated=True, mlp_bias=False, experts=3, experts_used=3, post_norm=True),
    "no biases": dict(attention_bias=False, mlp_bias=False),
    "exact gelu": dict(activation="gelu"),
    "tanh gelu": dict(activation="gelu_tanh"),
    "relu": dict(activation="relu"),
    "silu": dict(activation="silu"),
    "untied": dict(tied=False),
    "unscaled": dict(scale_scores=False),
    "scaled by layer": dict(scale_by_layer=True),
    "large epsilon": dict(norm_eps=0.3),
    "no residual": dict(residual=False),
    "no residual, norms after": dict(residual=False, post_norm=True),
    "no norms": dict(norm="none", layers=1),
    "neither norms nor residual": dict(norm="none", residual=False, positions="none", layers=1),
    "one block, one head": dict(layers=1, heads=1),
    "heads wider than their share": dict(head_width=7),
    "sinusoidal": dict(positions="sinusoidal", scale_embedding=True),
    "relative": RELATIVE,
    "relative, both sides": RELATIVE | dict(causal=False, ending="nothing"),
    "BLOOM": BLOOM,
    "BLOOM, 4 heads": BLOOM | dict(width=16, heads=4),
    "ALiBi, both sides": dict(positions="alibi", causal=False, ending="nothing"),
    "scaled logits": dict(scale_logits=True),
}


VASWANI = dict(post_norm=True, positions="sinusoidal", scale_embedding=True, activation="relu")
T5 = dict(norm="rms", attention_bias=False, mlp_bias=False, activation="relu", head_width=4) | RELATIVE

PAIRS = {  # an encoder and a decoder: choices of `pair`
    "2017": VASWANI | dict(shared=True),
    "2017, norms before": VASWANI | dict(post_norm=False, decoder=dict(tied=False)),
    "T5": T5 | dict(shared=True, decoder=dict(scale_logits=True)),
    "T5, gated": T5 | dict(shared=True, gated=True, decoder=dict(tied=False, layers=1)),
    "widths of their own": dict(encoder=dict(width=12, heads=2, layers=1), decoder=dict(norm="rms")),
    "QK norm": dict(qk_norm=True, decoder=SHARED),
    "keys shared, turned": dict(decoder=LLAMA, encoder=ROTARY),
    "captions": dict(encoder=VIT | dict(ending="nothing", classes=0)),
}

RECURRENT = {f"{cell}, {attention}": (cell, attention) for cell in CELLS for attention in ATTENTIONS}
# of those that read images: in patches, or through convolutions
ENCODER = Config(**SIZES | VIT | dict(width=9, layers=2, ending="nothing", classes=0))
GRID = VIT | dict(context=9, ending="nothing", classes=0, filters=(4, 5, 9), strides=(1, 2, 1), width=9)
GRID |= dict(layers=2, embed_norm=True)
CONVOLVED = Config(**SIZES | GRID)
FILTERS = GRID | dict(layers=0, post_norm=True, positions="none")  # and nothing else
BARE = Config(**SIZES | FILTERS)


def randomise(model: nn.Module, seed: int = 0):
    """Every parameter random: a fresh norm is 1 and 0, which hides bugs."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.data.normal_(std=0.4, generator=generator)
    return model


def decoder(dtype: torch.dtype = torch.float64, seed: int = 0, **choices) -> Transformer:
    model = randomise(Transformer(Config(**SIZES | choices)), seed)
    return model.requires_grad_(False).eval().to(dtype)


def pair(
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
    encoder: dict | None = None,
    decoder: dict | None = None,
    shared: bool = False,
    start: int = 3,
    end: int = 5,
    **both,
) -> EncoderDecoder:
    """An encoder and a decoder with choices of their own, and some for `both`."""
    reads = Config(**SIZES | dict(layers=2, causal=False, ending="nothing") | both | (encoder or {}))
    writes = SIZES | dict(layers=2, context=13, memory=reads.width) | both
    config = PairConfig(reads, Config(**writes | (decoder or {})), start, end, shared)
    model = randomise(EncoderDecoder(config), seed)
    return model.requires_grad_(False).eval().to(dtype)


def recurrent(cell: str, attention: str = "none", dtype: torch.dtype = torch.float64, **choices) -> Recurrent:
    """A recurrent encoder-decoder; 3 starts a text, 5 ends it."""
    sizes = dict(vocabulary=SIZES["vocabulary"], context=SIZES["context"], width=9, start=3, end=5)
    model = randomise(Recurrent(RecurrentConfig(**sizes | choices, cell=cell, attention=attention)))
    return model.requires_grad_(False).eval().to(dtype)


def language_model(cell: str, dtype: torch.dtype = torch.float64, **choices) -> RecurrentLM:
    """A recurrent language model: 3 begins a text, 5 ends it."""
    sizes = dict(vocabulary=SIZES["vocabulary"], context=SIZES["context"], width=9, start=3, end=5)
    config = RecurrentConfig(**sizes | choices, cell=cell, attention="none", alone=True)
    return randomise(RecurrentLM(config)).requires_grad_(False).eval().to(dtype)


def images(count: int = 2, seed: int = 0) -> Tensor:
    """Random images as the tiny ViT reads them."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, VIT["channels"], VIT["image"], VIT["image"], generator=generator)


def prompt(length: int, seed: int = 0, vocabulary: int = SIZES["vocabulary"]) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(vocabulary, (length,), generator=generator).tolist()


def full(model: Transformer, ids, edits=(), **options) -> Trace:
    """A trace that keeps every point during the run."""
    return run(model, ids, edits, wanted=everything, **options)


def at_positions(x: Tensor, axes: str, wanted: Tensor) -> Tensor:
    """The part of `x` where wanted [T] is true, along T and along S."""
    for axis, letter in enumerate(axes):
        if letter in "TS":
            x = x.index_select(axis, wanted.nonzero()[:, 0])
    return x


def assert_close(got: Tensor, expected: Tensor, what: str = "", noise: float = 1e-9) -> None:
    """Equal up to the rounding of float64 (or to `noise`), masked cells (−∞) included."""
    near = dict(rtol=noise, atol=noise / 10)
    torch.testing.assert_close(got, expected, **near, msg=lambda text: f"{what}\n{text}")


def assert_same_points(
    trace: Trace, expected: dict[str, Tensor] | Trace, points=None, noise: float = 1e-9
) -> None:
    """Every point agrees; the first that does not is named."""
    for point in trace.points() if points is None else points:
        assert_close(trace[point], expected[point], f"first differing point: {point}", noise)


def assert_same_real_points(trace: Trace, expected: dict[str, Tensor], noise: float = 1e-9) -> None:
    """Every point of two stacks agrees where there is no padding; the first that does not is named."""
    every = [torch.ones(x.shape[:2], dtype=torch.bool) for x in (trace["decoder.memory"], trace.target)]
    given = (trace.padding, trace.target_padding)
    read, written = (a if p is None else p for a, p in zip(every, given, strict=True))
    for name, point in trace.table.items():
        own = written if name.startswith("decoder.") else read
        for row in range(len(own)):
            got, wanted = (x[name][row] for x in (trace, expected))
            for axis, letter in enumerate(point.axes[1:]):
                if letter in "TS":
                    other = letter == "S" and (".cross." in name or name == "decoder.memory")
                    real = (read if other else own)[row].nonzero()[:, 0]
                    got, wanted = (x.index_select(axis, real) for x in (got, wanted))
            assert_close(got, wanted, f"first differing point: {name}, prompt {row}", noise)
