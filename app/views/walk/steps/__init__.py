"""The steps of the walk, one file each, and what draws them."""

from collections.abc import Callable

from app.architecture import Conditions, most_specific, when
from app.ui.context import StepContext
from app.views.walk.steps import (
    all_heads,
    characters,
    classes,
    convolutions,
    cross,
    embeddings,
    experts,
    fill,
    heads,
    layernorm,
    layers,
    machine,
    mask,
    mlp,
    next_token,
    patches,
    qkv,
    recurrent,
    residual,
    scores,
    softmax,
    spans,
    tokens,
    unigram,
    wordpieces,
)

DRAW: dict[str, dict[Conditions, Callable[[StepContext], None]]] = {
    "machine": {when(): machine.draw},
    "all_heads": {when(): all_heads.draw},
    "tokens": {
        when(): tokens.draw,
        when(segments=True): wordpieces.draw,
        when(unigram=True): unigram.draw,
        when(characters=True): characters.draw,
        when(image=True): patches.draw,
    },
    "filters": {when(): convolutions.filters},
    "maps": {when(): convolutions.maps},
    "embeddings": {when(): embeddings.draw, when(architecture="recurrent"): recurrent.embedded},
    "layernorm": {when(): layernorm.draw},
    "qkv": {when(): qkv.draw},
    "scores": {when(): scores.draw},
    "mask": {when(): mask.draw},
    "softmax": {when(): softmax.draw},
    "heads": {when(): heads.draw},
    "residual": {when(): residual.draw},
    "cross": {
        when(): cross.draw,
        when(source="image"): cross.seen,
        when(architecture="recurrent", source="text"): recurrent.looked,
    },
    "cell": {when(): recurrent.cell},
    "states": {when(): recurrent.states},
    "mlp": {when(): mlp.draw, when(experts=True): experts.draw},
    "layers": {when(): layers.draw},
    "next": {
        when(): next_token.draw,
        when(spans=True): spans.draw,
        when(ending="masked"): fill.draw,
        when(ending="classes"): classes.draw,
    },
}


def drawing(ctx: StepContext) -> Callable[[StepContext], None]:
    """What draws the picked step, as it is for this kind of model."""
    return most_specific(DRAW[ctx.view.step], ctx.facts)
