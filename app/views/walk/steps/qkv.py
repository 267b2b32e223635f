"""Query, key and value, each X·W + b; query and key then normalised or rotated, in models that do so."""

import numpy as np

from app import components
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.controls import choice
from app.ui.figures import graph, series
from app.ui.heatmaps import picture
from app.ui.page import columns, keep
from app.ui.source import code
from app.ui.words import words
from engine.model.attention import Attention
from engine.model.norm import RMSNorm
from engine.position import rotate, turns

LETTERS = {"q": "Query", "q_norm": "Query, normalised", "q_rot": "Query, rotated"}
LETTERS |= {"k": "Key", "k_norm": "Key, normalised", "k_rot": "Key, rotated", "v": "Value"}


def draw(ctx: StepContext) -> None:
    point = _point(ctx, ctx.view.letter)
    ctx = ctx.strongest(unit=point)
    config, width = ctx.config, ctx.config.head_width
    left, right = columns(7, 4)
    with left:
        table = ctx.trace.table
        offered = {letter: name for letter, name in LETTERS.items() if _point(ctx, letter) in table}
        choice("Query, key or value", "letter", offered)
        show, *sources = SHOWN[table[point].kind]
        show(ctx)
    with right:
        if config.group_size > 1:
            _groups(ctx)
        arithmetic(ctx, (point, ctx.head_in(point), ctx.view.token, ctx.view.unit))
        words(ctx, "qkv/heads", heads=config.heads, width=width, across=config.heads * width)
        code(*sources)


def _point(ctx: StepContext, letter: str) -> str:
    """The point of a query, key or value; of a normalised one, the norm's output."""
    return ctx.point(f"attn.{letter}{'.out' if letter.endswith('_norm') else ''}")


def _product(ctx: StepContext) -> None:
    """The whole of X · W + b, with the head's columns marked."""
    view, width, wide = ctx.view, ctx.config.head_width, ctx.config.width
    point, tokens = ctx.point(f"attn.{view.letter}"), len(ctx.labels)
    head, across = ctx.head_in(point), ctx.trace[point].shape[1] * width
    first, unit = head * width, min(view.unit, width - 1)
    marked = dict(head=view.head, group=head, first=first, last=first + width - 1)
    sizes = dict(tokens=tokens, wide=wide, across=across, width=width)
    x, w, y = columns(4, 3, 3)  # X · W + b = Q
    with x:
        row = ["row", view.token, view.token + 1]
        read = ctx.sources(ctx.point("attn.q"))[0]
        picture(ctx, read, f"X  {tokens}×{wide}", height=230, bands=[row], pickable=False)
    with w:
        _weights(ctx, first, width, first + unit)
    with y:
        title = f"{LETTERS[view.letter]}  {tokens}×{width}"
        picture(ctx, point, title, height=230, plain=True)
    words(ctx, f"qkv/{view.letter}", token=ctx.token, **sizes, **marked)


def _norm(ctx: StepContext) -> None:
    """The query or key before and after its norm, which is the same for all heads."""
    after = _point(ctx, ctx.view.letter)
    (scaled,), letter = ctx.sources(after), ctx.view.letter
    before, square = ctx.sources(scaled)
    typical = ctx.array(square)[ctx.head_in(after), ctx.view.token].item()
    for column, point, shown in zip(columns(1, 1), (before, after), (letter[0], letter), strict=True):
        with column:
            picture(ctx, point, LETTERS[shown], height=230)
    words(ctx, "qkv/norm", token=ctx.token, width=ctx.config.head_width, square=typical)


def _turn(ctx: StepContext) -> None:
    """The query or key rotated by its position: the whole head, and one pair of its values as an arrow."""
    view, half = ctx.view, ctx.config.head_width // 2
    after = ctx.point(f"attn.{view.letter}")
    (before,) = ctx.sources(after)
    head = ctx.head_in(after)
    pair = min(view.unit, 2 * half - 1) % half
    angle = float(ctx.stack.angles(0, len(ctx.labels))[view.token, pair])
    fast, *_, slow = ctx.stack.angles(1, 1)[0].tolist() * 2  # radians per position, for each pair
    turns = dict(fast=fast, slow=slow, slowest=half - 1, half=half)
    picked = dict(token=ctx.token, position=view.token, pair=pair, other=pair + half, angle=angle)
    words(ctx, "qkv/turn", **picked, **turns)
    a, b = columns(1, 1)
    with a:
        picture(ctx, after, f"{LETTERS[view.letter]} by each token's position", height=230)
    with b:
        arrows = [
            series(name, *([0, x[head, view.token, i]] for i in (pair, pair + half)), labels=["0", name])
            for name, x in (("before", ctx.array(before)), ("after", ctx.array(after)))
        ]
        figure = graph(arrows, f"dimension {pair}", f"dimension {pair + half}", height=260, square=True)
        chart(ctx, "turn", figure, f"Pair {pair} of {ctx.token}, before and after rotation", point=after)


SHOWN = {  # by a point's kind: how it is drawn, and the code that ran
    "heads": (_product, Attention.forward),
    "affine": (_norm, RMSNorm.forward),
    "rotary": (_turn, rotate, turns),
}


def _groups(ctx: StepContext) -> None:
    """Which heads of queries share which head of keys and values."""
    head, group, c = ctx.view.head, ctx.head_in(ctx.point("attn.k")), ctx.config
    first, last = group * c.group_size, (group + 1) * c.group_size - 1
    counts = dict(heads=c.heads, groups=c.key_heads, kept=c.kept, own=c.kept * c.group_size)
    counts |= dict(layers=c.layers, width=c.head_width)
    words(ctx, "qkv/groups", first=first, last=last, group=group, **counts)
    shares = np.arange(c.heads) // c.group_size == np.arange(c.key_heads)[:, None]  # [G, H]
    id = ctx.id_of("groups")
    keep(id, shares[None].astype(np.float32))
    header = {
        "src": id,
        "axes": "GH",
        "title": "Who shares keys and values",
        "aria": "Which heads of queries share which head of keys and values",
        "rows": [f"k, v {g}" for g in range(c.key_heads)],
        "cols": [f"q {h}" for h in range(c.heads)],
        "rowName": "head",
        "colName": "head",
        "texts": np.where(shares, "✓", "").tolist(),
        "scale": "sequential",
        "height": 90,
        "pick": [group, head],
        "say": f"Picked: head {head}, which uses keys and values {group}.",
        "foot": f"k, v [G={c.key_heads}] for q [H={c.heads}]",
        "model": ctx.model.name,
    }
    components.matrix("matrix-groups", header)


def _weights(ctx: StepContext, first: int, width: int, column: int) -> None:
    """The whole weight matrix, with this head's columns and that of the picked value marked."""
    letter = ctx.view.letter
    name = ctx.point(f"attn.{letter}")
    weight = ctx.model.get_submodule(name).weight.T.cpu().numpy()  # [D in, D out], as in X·W
    id = f"{ctx.model.name}|{name}.weight"
    keep(id, weight[None])
    header = {
        "src": id,
        "axes": "WW",
        "title": f"W_{letter.upper()}  {weight.shape[0]}×{weight.shape[1]}",
        "aria": f"The weights of {name}; head {ctx.view.head} uses columns {first} to {first + width - 1}",
        "rows": [None],
        "cols": [None],
        "rowName": "row",
        "colName": "column",
        "scale": "diverging",
        "height": 210,
        "bands": [["col", first, first + width], ["col", column, column + 1]],
        "foot": f"{name}.weight",
        "model": ctx.model.name,
    }
    components.matrix("matrix-weight", header)
