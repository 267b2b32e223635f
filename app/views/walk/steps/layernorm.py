"""A token's vector brought to one size, step by step, as this model's norm does it."""

import numpy as np

from app.architecture import norms_of
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import Look
from app.ui.controls import choice
from app.ui.figures import graph, histogram
from app.ui.heatmaps import picture
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words

PARTS = {"attn": "attention", "cross": "cross-attention", "mlp": "the MLP"}
BEFORE = {part: f"before {name}" for part, name in PARTS.items()} | {"final": "the last one"}
AFTER_SUMS = {"embed": "of the first vectors"} | {part: f"after {name}" for part, name in PARTS.items()}
MEASURES = {"layer": ("mean", "var"), "rms": ("square",)}  # points of one number a token
AFTER = {"layer": "Normalised: mean 0, variance 1", "rms": "Normalised: mean square 1"}


def draw(look: Look) -> None:
    prefix, source = _points(look)
    look = look.strongest(unit=f"{prefix}.out")
    view, norm = look.view, look.config.norm
    points = (source, f"{prefix}.scaled", f"{prefix}.out")
    before, after, out = (look.array(point)[view.token] for point in points)
    measures = {name: float(look.array(f"{prefix}.{name}")[view.token, 0]) for name in MEASURES[norm]}
    left, right = columns(7, 4)
    with left:
        names = AFTER_SUMS if look.config.post_norm else BEFORE
        choice("Which norm", "norm", {norm: names[norm] for norm in names if norm in norms_of(look.config)})
        words(
            look,
            "layernorm/sentence",
            token=look.token,
            width=len(before),
            **measures,
            before_mean=float(before.mean()),
            after_mean=float(after.mean()),
            after_var=float(after.var()),
            after_square=float(np.square(after).mean()),
            out_mean=float(out.mean()),
            out_var=float(out.var()),
            out_square=float(np.square(out).mean()),
        )
        a, b = columns(1, 1)
        with a:
            figure = graph([histogram("before", before)], "number", "how many", height=190)
            chart(look, "before", figure, "Before", point=source)
        with b:
            figure = graph([histogram("after", after)], "number", "how many", height=190)
            chart(look, "after", figure, AFTER[norm], point=f"{prefix}.scaled")
        title = "What the next part reads, for every token"
        picture(look, f"{prefix}.out", title, height=190)
    with right:
        picks = dict.fromkeys(measures, 0) | {"scaled": view.unit, "out": view.unit}
        arithmetic(look, *((f"{prefix}.{name}", view.token, i) for name, i in picks.items()))
        code(type(look.model.get_submodule(prefix)).forward)


def _points(look: Look) -> tuple[str, str]:
    """The picked norm's name and the point that it reads."""
    whole = {"final": "final_norm", "embed": "embed.norm"}
    norm = whole.get(look.view.norm)
    prefix = look.whole(norm) if norm else look.point(f"{look.view.norm}.norm")
    first = MEASURES[look.config.norm][0]
    return prefix, look.sources(f"{prefix}.{first}")[0]
