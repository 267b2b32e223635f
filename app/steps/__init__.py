"""The steps of the walk, one file each, and what draws them."""

from collections.abc import Callable

from app.look import Look
from app.steps import (
    classes,
    cross,
    embeddings,
    fill,
    heads,
    layernorm,
    layers,
    mask,
    mlp,
    next_token,
    patches,
    qkv,
    recurrent,
    residual,
    scores,
    softmax,
    tokens,
    wordpieces,
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
    "cross": cross.draw,
    "cell": recurrent.cell,
    "states": recurrent.states,
    "mlp": mlp.draw,
    "layers": layers.draw,
    "next": next_token.draw,
}
OWN = {  # steps that a kind of model takes in its own way
    ("tokens", "image"): patches.draw,
    ("tokens", "segments"): wordpieces.draw,
    ("next", "masked"): fill.draw,
    ("embeddings", "recurrent"): recurrent.embedded,
    ("cross", "sees"): cross.seen,
    ("cross", "recurrent"): recurrent.looked,
    ("next", "classes"): classes.draw,
}


def drawing(look: Look) -> Callable[[Look], None]:
    """What draws the picked step, as it is for this kind of model."""
    step = look.view.step
    return next((OWN[step, kind] for kind in look.kinds if (step, kind) in OWN), DRAW[step])
