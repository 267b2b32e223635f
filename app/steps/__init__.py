"""The twelve steps of the walk, one file each, in the order in which the model takes them."""

from app.steps import (
    embeddings,
    heads,
    layernorm,
    layers,
    mask,
    mlp,
    next_token,
    qkv,
    residual,
    scores,
    softmax,
    tokens,
)

DRAW = {
    "tokens": tokens.draw,
    "embeddings": embeddings.draw,
    "layernorm": layernorm.draw,
    "qkv": qkv.draw,
    "scores": scores.draw,
    "mask": mask.draw,
    "softmax": softmax.draw,
    "heads": heads.draw,
    "residual": residual.draw,
    "mlp": mlp.draw,
    "layers": layers.draw,
    "next": next_token.draw,
}
