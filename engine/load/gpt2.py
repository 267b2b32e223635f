"""The Hugging Face layout of GPT-2: a table from its names to ours."""

from torch import Tensor

from engine.config import Config
from engine.load.layout import renamed, tied
from engine.load.settings import Settings

# Theirs -> ours; None = left out on purpose (mask buffers). {i} is the block's number.
NAMES = {
    "wte.weight": "embed.token.weight",
    "wpe.weight": "embed.position.weight",
    "h.{i}.ln_1.{w}": "blocks.{i}.attn.norm.{w}",
    "h.{i}.attn.c_attn.{w}": "blocks.{i}.attn.qkv.{w}",  # cut into q, k, v below
    "h.{i}.attn.c_proj.{w}": "blocks.{i}.attn.out.{w}",
    "h.{i}.attn.bias": None,
    "h.{i}.attn.masked_bias": None,
    "h.{i}.ln_2.{w}": "blocks.{i}.mlp.norm.{w}",
    "h.{i}.mlp.c_fc.{w}": "blocks.{i}.mlp.pre.{w}",
    "h.{i}.mlp.c_proj.{w}": "blocks.{i}.mlp.out.{w}",
    "ln_f.{w}": "final_norm.{w}",
    "lm_head.weight": "logits.weight",
}
PREFIX = "transformer."
TURNED = ("qkv.weight", "attn.out.weight", "mlp.pre.weight", "mlp.out.weight")  # theirs are [in, out]


USUAL = dict(activation_function="gelu_new", layer_norm_epsilon=1e-5, tie_word_embeddings=True)
USUAL |= dict(scale_attn_weights=True, scale_attn_by_inverse_layer_idx=False)
SAME = {"hidden_size": "n_embd", "max_position_embeddings": "n_positions", "n_ctx": "n_positions"}
SAME |= {"num_attention_heads": "n_head", "num_hidden_layers": "n_layer"}
HARMLESS = {"resid_pdrop", "embd_pdrop", "attn_pdrop", "reorder_and_upcast_attn", "summary_type"}
HARMLESS |= {"summary_use_proj", "summary_activation", "summary_proj_to_labels", "summary_first_dropout"}


def config_of(s: Settings) -> Config:
    """The shapes and choices of a GPT-2 config.json; a ValueError names a setting that cannot be had."""
    names = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head")
    vocabulary, context, width, layers, heads = s.sizes(*names)
    return Config(
        vocabulary=vocabulary,
        context=context,
        width=width,
        layers=layers,
        heads=heads,
        mlp_width=s.size("n_inner", usual=4 * width),
        activation=s.activation("activation_function"),
        norm_eps=s.number("layer_norm_epsilon"),
        tied=s.flag("tie_word_embeddings"),
        scale_scores=s.flag("scale_attn_weights"),
        scale_by_layer=s.flag("scale_attn_by_inverse_layer_idx"),
    )


def weights_of(config: Config, theirs: dict[str, Tensor]) -> tuple[Config, dict[str, Tensor]]:
    """Their tensors under our names, and the config with what they decide."""
    weights = renamed(theirs, NAMES, PREFIX)
    return tied(config, _cut({name: _turned(name, w) for name, w in weights.items()}))


def _turned(name: str, w: Tensor) -> Tensor:
    """Their Conv1D keeps [in, out]; a Linear keeps [out, in]."""
    return w.T.contiguous() if name.endswith(TURNED) and w.dim() == 2 else w


def _cut(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Queries, keys and values apart; a tensor that has no three parts stays, to be complained about."""
    ours: dict[str, Tensor] = {}
    for name, w in weights.items():
        if ".qkv." in name and w.dim() and len(w) % 3 == 0:
            thirds = zip("qkv", w.chunk(3), strict=True)
            ours |= {name.replace("qkv", part): third.contiguous() for part, third in thirds}
        else:
            ours[name] = w
    return ours
