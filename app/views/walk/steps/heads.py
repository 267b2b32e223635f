"""All heads of the layer, what they mix, and how they are put together."""

import numpy as np

from app import catalogue
from app.ui.arithmetic import arithmetic
from app.ui.context import Look
from app.ui.controls import switch
from app.ui.heatmaps import WEIGHTS, picture, thumbs
from app.ui.images import laid
from app.ui.labels import token_labels
from app.ui.page import columns
from app.ui.source import code
from app.ui.what_ifs import taken_out
from app.ui.words import words
from engine.analysis import value_weighted, without_first
from engine.attention import Attention
from engine.checks import check_value_weighted, check_without_first, worst
from engine.worked import Check

LARGE = 0.5  # share of the first token from which it is worth a word

NEEDED = 0.05  # probability that an answer must lose for it to be said to need a head at all


def draw(look: Look) -> None:
    weights, mixed = look.point("attn.pattern"), look.point("attn.z")
    look = look.strongest(key=weights, unit=mixed)
    view = look.view
    left, right = columns(7, 4)
    with left:
        array, variant, check = _pattern(look)
        thumbs(look, "attn.pattern", array, variant)
        row = look.array(weights)[view.head, view.token]  # the model's own, whatever the picture shows
        first = float(row[0])
        words(
            look,
            "heads/sentence" if len(look.seen) > 1 else "heads/alone",
            *["sink"] * (first >= LARGE),
            head=view.head,
            token=look.token,
            best=look.names[int(row.argmax())],
            share=float(row.max()),
            first=first,
        )
        _measured(look)
        a, b = columns(1, 1)
        with a:
            if look.config.image:
                laid(look, f"Where {look.token} looks, on the image", weights)
        with a:
            own = array if variant else None
            title = f"Weights, as head {view.head} of layer {view.layer} has them"
            shown = dict(array=own, variant=variant, check=check if variant else None)
            name = variant.capitalize() or "Weights"
            picture(look, weights, name, **shown, height=290, aria=title, **WEIGHTS)
        with b:
            picture(look, mixed, "Values mixed by the weights", height=290)
    with right:
        taken_out(look, "attn.z", f"Head {view.head} of block {view.layer}", {"H": view.head})
        switch("Hide the first token's share (attention sink)", "sink")
        switch("Weigh by the size of the values", "weighted")
        weight = [] if variant else [(weights, view.head, view.token, view.key)]
        arithmetic(look, (mixed, view.head, view.token, view.unit), *weight)
        words(look, "heads/concat", heads=look.config.heads, width=look.config.head_width)
        code(Attention.forward, without_first, value_weighted)


def _measured(look: Look) -> None:
    """Of an example of the model's own: what is left of its answer without this head."""
    examples = catalogue.examples(look.model.name) if look.model.name in catalogue.shipped() else []
    view = look.view
    here = dict(text=view.prompt, layer=view.layer, head=view.head, token=view.token)
    examples = [] if look.edits else examples
    found = next((e for e in examples if "after" in e and here.items() <= e.items()), None)
    if found:
        idle = found["before"] - found["after"] < NEEDED
        numbers = {name: found[name] for name in ("before", "after")}
        answer = token_labels([found["answer"].encode()])[0]
        words(look, "heads/without", *["idle"] * idle, answer=answer, **numbers)


def _pattern(look: Look) -> tuple[np.ndarray, str, Check]:
    """The layer's pattern [H, T, S] as the switches want it, what was done to it, and the check of all that."""
    point, done = look.point("attn.pattern"), []
    pattern, checked = look.trace[point][0], [look.checked(point)]
    if look.view.weighted:
        values, before = look.trace[look.point("attn.v")][0], pattern
        pattern = value_weighted(before, values)
        done.append("times the size of the values")
        checked.append(check_value_weighted(before, values, pattern))
    if look.view.sink:
        before, pattern = pattern, without_first(pattern)
        done.append("without the first token")
        checked.append(check_without_first(before, pattern))
    return pattern.cpu().numpy(), ", ".join(done) and f"weights {' and '.join(done)}", worst(checked)
