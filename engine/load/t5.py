"""The Hugging Face layout of T5: two stacks, RMSNorm, no biases, a number for each distance in the scores."""

from dataclasses import replace

from torch import Tensor

from engine.config import Config, PairConfig
from engine.load.layout import equal, renamed
from engine.load.settings import Settings, shown

# Theirs -> ours, of a block's parts and of a stack. A block's layers: self-attention, in the decoder
# cross-attention, the MLP.
ATTENTION = {"q": "q", "k": "k", "v": "v", "o": "out", "relative_attention_bias": "bias"}
MLP = {"wi": "pre", "wi_0": "pre", "wi_1": "up", "wo": "out"}
LAYERS = {
    "encoder": {"attn": ("SelfAttention", ATTENTION), "mlp": ("DenseReluDense", MLP)},
    "decoder": {
        "attn": ("SelfAttention", ATTENTION),
        "cross": ("EncDecAttention", ATTENTION),
        "mlp": ("DenseReluDense", MLP),
    },
}
UNREAD = "decoder.blocks.0.cross.bias.weight"  # of old files: distances between two texts say nothing
# Three tables of one size: what a file has not is what it has first of them, with shared.weight before all.
TABLES = {
    "shared.weight": "shared",
    "encoder.embed_tokens.weight": "encoder.embed.token.weight",
    "decoder.embed_tokens.weight": "decoder.embed.token.weight",
    "lm_head.weight": "decoder.logits.weight",
}
USUAL = dict(n_positions=512, relative_attention_num_buckets=32, relative_attention_max_distance=128)
USUAL |= dict(feed_forward_proj="relu", layer_norm_epsilon=1e-6, tie_word_embeddings=True)
USUAL |= dict(pad_token_id=0, eos_token_id=1)
SAME = {"hidden_size": "d_model", "head_dim": "d_kv"}
SAME |= {"num_hidden_layers": "num_layers", "num_attention_heads": "num_heads"}
HARMLESS = {"dropout_rate"}


def _names() -> dict[str, str | None]:
    """Theirs -> ours; {i} is the block's number."""
    names: dict[str, str | None] = dict(TABLES)
    for stack, layers in LAYERS.items():
        names[f"{stack}.final_layer_norm.weight"] = f"{stack}.final_norm.weight"
        for number, (part, (inside, table)) in enumerate(layers.items()):
            theirs, ours = f"{stack}.block.{{i}}.layer.{number}", f"{stack}.blocks.{{i}}.{part}"
            names[f"{theirs}.layer_norm.weight"] = f"{ours}.norm.weight"
            names |= {f"{theirs}.{inside}.{a}.weight": f"{ours}.{b}.weight" for a, b in table.items()}
    return names


NAMES = _names()


def config_of(s: Settings) -> PairConfig:
    """Version 1.0 scales the last vectors; 1.1 does not, has gated MLPs and logits of its own."""
    names = ("vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_heads")
    vocabulary, width, head_width, mlp_width, layers, heads = s.sizes(*names)
    context, max_distance = s.sizes("n_positions", "relative_attention_max_distance")
    (buckets,) = s.sizes("relative_attention_num_buckets", least=4)
    s.only("is_encoder_decoder", True)
    gated, activation = _unit(s)
    stack = dict(
        vocabulary=vocabulary,
        context=context,
        width=width,
        heads=heads,
        head_width=head_width,
        mlp_width=mlp_width,
        gated=gated,
        attention_bias=False,
        mlp_bias=False,
        norm="rms",
        activation=activation,
        positions="relative",
        buckets=buckets,
        max_distance=max_distance,
        norm_eps=s.number("layer_norm_epsilon"),
        scale_scores=False,
    )
    first = "pad_token_id" if s.get("decoder_start_token_id") is None else "decoder_start_token_id"
    start, end = s.sizes(first, "eos_token_id", least=0)
    scaled = s.flag("tie_word_embeddings")  # what it says of T5; the tables that there are say what is tied
    return PairConfig(
        encoder=Config(**stack, layers=layers, causal=False, ending="nothing"),
        decoder=Config(
            **stack,
            layers=s.size("num_decoder_layers", usual=layers),
            memory=width,
            scale_logits=scaled if s.get("scale_decoder_outputs") is None else s.flag("scale_decoder_outputs"),
        ),
        start=start,
        end=end,
        shared=True,
    )


def _unit(s: Settings) -> tuple[bool, str]:
    """Whether MLPs are gated, and their activation; what new files say beside it must be the same."""
    asked = s.get("feed_forward_proj")
    gate, _, unit = str(asked).rpartition("-")
    if gate not in ("", "gated"):
        raise ValueError(f"{s.source}: feed_forward_proj {shown(asked)} is unknown")
    unit = "gelu_new" if (gate, unit) == ("gated", "gelu") else unit
    activation = Settings(s.source, {"feed_forward_proj": unit}, {}, {}, set()).activation("feed_forward_proj")
    for name, told in {"dense_act_fn": unit, "is_gated_act": gate == "gated"}.items():
        if s.get(name, told) != told:
            raise ValueError(f"{s.source} says feed_forward_proj {asked!r} but {name} {shown(s.get(name))}")
    return gate == "gated", activation


def weights_of(config: PairConfig, theirs: dict[str, Tensor]) -> tuple[PairConfig, dict[str, Tensor]]:
    """Their tensors under our names, and the config with the tables that are one."""
    weights = renamed(theirs, NAMES, prefix="")
    weights.pop(UNREAD, None)
    found = {name: weights.pop(name) for name in TABLES.values() if name in weights}
    if not found:
        return config, weights
    first, (_, *names) = next(iter(found.values())), TABLES.values()
    encoder, decoder, logits = (found.get(name, first) for name in names)
    shared, tied = equal(encoder, decoder), equal(decoder, logits)
    weights[names[0]] = encoder
    weights |= {} if shared else {names[1]: decoder}
    weights |= {} if tied else {names[2]: logits}
    return replace(config, shared=shared, decoder=replace(config.decoder, tied=tied)), weights
