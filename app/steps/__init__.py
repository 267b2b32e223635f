"""The twelve steps of the walk, one file each, and the order in which a model takes them."""

from collections.abc import Callable

from app.look import Look
from app.state import STEPS
from app.steps import (
    classes,
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
    residual,
    scores,
    softmax,
    tokens,
    wordpieces,
)
from engine.config import Config

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
OWN = {  # steps that a kind of model takes in its own way
    ("tokens", "image"): patches.draw,
    ("tokens", "full"): wordpieces.draw,
    ("next", "masked"): fill.draw,
    ("next", "classes"): classes.draw,
}
SIZES = (2, 8, 2)  # steps before the block, in it, after it


def steps_of(config: Config) -> tuple[str, ...]:
    """The steps in the order in which a model takes them: norms stand before the parts, or after the sums."""
    if not config.post_norm:
        return STEPS
    rest = [step for step in STEPS if step != "layernorm"]
    after = rest.index("residual") + 1
    return (*rest[:after], "layernorm", *rest[after:])


def drawing(look: Look) -> Callable[[Look], None]:
    """What draws the picked step, as it is for this kind of model."""
    step = look.view.step
    return next((OWN[step, kind] for kind in look.kinds if (step, kind) in OWN), DRAW[step])
