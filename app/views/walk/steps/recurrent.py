"""The steps of a recurrent model: token, cell, states, the look back."""

import numpy as np

from app import components, compute, state
from app.edits import put
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.figures import graph, series
from app.ui.frame import light
from app.ui.heatmaps import WEIGHTS, picture
from app.ui.page import columns, keep
from app.ui.source import code
from app.ui.what_ifs import carried, reset
from app.ui.words import words
from app.views.walk.steps.aligning import aligns
from app.views.walk.steps.embeddings import nearest, show_nearest
from app.views.walk.steps.residual import cosine
from engine.analysis import path_length, path_to_target, sequential_steps
from engine.model.cells import CELLS
from engine.model.recurrent import Attention, Decoder, Reader
from engine.worked.derived import check_cosines, worst

ROWS = {  # per cell, what is drawn of one step, from the state before to the state after
    "rnn": ("h_pre", "h"),
    "gru": ("reset", "update", "candidate", "h"),
    "lstm": ("input", "forget", "candidate", "output", "cell", "h"),
}
CALLED = {"h": "state after", "h_pre": "before tanh"}


def embedded(ctx: StepContext) -> None:
    """The row of the token table."""
    point = ctx.whole("token")
    ctx = ctx.strongest(unit=point)
    view = ctx.view
    near = nearest(ctx, point)
    left, right = columns(7, 4)
    with left:
        size = float(np.linalg.norm(ctx.array(point)[view.token]))
        best = dict(nearest=near[0]["label"], cosine=near[0]["value"])
        values = dict(token=ctx.token, id=ctx.ids[view.token], width=ctx.config.width, size=size)
        picture(ctx, point, "Rows of the token table, one per token", height=330)
        words(ctx, "embeddings/sentence", **values, **best)
    with right:
        arithmetic(ctx, (point, view.token, view.unit))
        show_nearest(ctx, near, point, "Nearest in the token table, by cosine")
        words(ctx, "embeddings/positions")
        code(Reader.unroll)


def cell(ctx: StepContext) -> None:
    """The step at the picked token: gates, candidate, and the state after it."""
    at = ctx.whole(f"steps.{ctx.view.token}")
    ctx = ctx.strongest(unit=f"{at}.h")
    view = ctx.view
    names, unit = ROWS[ctx.config.cell], min(view.unit, ctx.config.width - 1)
    left, right = columns(7, 4)
    with left:
        before = ctx.whole(f"steps.{view.token - 1}.h") if view.token else ctx.whole("start.h")
        h, old = (ctx.trace[point][0].cpu().numpy() for point in (f"{at}.h", before))
        moved = dict(before=float(np.linalg.norm(old)), after=float(np.linalg.norm(h)), cosine=cosine(old, h))
        name = "cell/sentence" if old.any() else "cell/first"
        rows = ["state before", *(CALLED.get(name, name) for name in names)]
        _rows(ctx, rows, [before, *(f"{at}.{name}" for name in names)])
        words(ctx, name, token=ctx.token, position=view.token, **moved)
        words(ctx, f"cell/{ctx.config.cell}")
        _along(ctx, names, unit)
        carried(ctx, unit)
        if not ctx.side:
            _worth(ctx)
    with right:
        arithmetic(ctx, *((f"{at}.{name}", unit) for name in names), open=len(names) - 1)
        code(CELLS[ctx.config.cell].forward)


def _worth(ctx: StepContext) -> None:
    """What the answer at the end would become, were all forgotten after the picked token."""
    point, at = ctx.whole("logits"), (len(ctx.labels) - 1,)
    edits = put(ctx.edits, *reset(ctx, ctx.view.token))
    read = ((ctx.model.name, ctx.given, point, at, changed) for changed in (ctx.edits, edits))
    before, after = (compute.answer(*each) for each in read)
    best = int(before.argmax())
    shares = dict(before=float(before[best]), after=float(after[best]))
    words(ctx, "cell/worth", token=ctx.token, best=ctx.label_of(best), **shares)


def _rows(ctx: StepContext, names: list[str], points: list[str]) -> None:
    """Points [D] as rows, picked by dimension."""
    id = ctx.id_of("cell", str(ctx.view.token))
    keep(id, np.stack([ctx.trace[point][0].cpu().numpy() for point in points])[None])
    unit = min(ctx.view.unit, ctx.config.width - 1)
    header = {
        "src": id,
        "axes": "RD",
        "title": "What happens at this token, dimension by dimension",
        "aria": "The state before, the gates and the state after, as rows",
        "rows": names,
        "cols": [str(i) for i in range(ctx.config.width)],
        "rowName": "",
        "titles": ("", "dimension →"),
        "colName": "dimension",
        "scale": "diverging",
        "height": 230,
        "pick": [len(names) - 1, unit],
        "bands": [["col", unit, unit + 1]],
        "foot": f"{ctx.whole(f'steps.{ctx.view.token}')}.…  [D={ctx.config.width}]",
        "model": ctx.source,
        "light": light(worst(ctx.checked(point) for point in points)),
    }
    components.matrix("matrix-cell", header, lambda cell: state.change(unit=cell[1]))


def _along(ctx: StepContext, names: tuple[str, ...], unit: int) -> None:
    """The picked dimension of the gates and of the state, from the first token to the last."""
    positions = range(len(ctx.labels))
    points = {name: [ctx.whole(f"steps.{t}.{name}") for t in positions] for name in names}
    lines = [
        series(CALLED.get(name, name), positions, [ctx.trace[point][0, unit] for point in points[name]])
        for name in names
    ]
    marks = [(ctx.view.token, lines[-1].y[ctx.view.token], ctx.token)]
    figure = graph(lines, "token", f"dimension {unit}", height=200, ticks=ctx.labels, marks=marks, zero=True)
    chart(ctx, "along", figure, f"Dimension {unit} from token to token", point=points["h"][ctx.view.token])


def states(ctx: StepContext) -> None:
    """All states in order, and how many steps lie between two tokens."""
    point = ctx.whole("states")
    ctx = ctx.strongest(unit=point)
    view = ctx.view
    array = ctx.array(point)
    left, right = columns(7, 4)
    with left:
        length, config = len(ctx.labels), ctx.config
        steps = dict(steps=sequential_steps(config, length), far=path_length(config, length - 1))
        picture(ctx, point, "The state after each token", height=290)
        words(ctx, "states/sentence", *["several"] * (length > 1), tokens=length, **steps)
        numbers = len(ctx.stack.cell.carried) * config.width
        words(ctx, "states/bottleneck" if ctx.side == "encoder" else "states/start", numbers=numbers)
    with right:
        cosines = [cosine(array[view.token], other) for other in array]
        line = series("cosine", range(len(cosines)), cosines)
        figure = graph([line], "token", "cosine", height=210, zero=True, ticks=ctx.labels)
        check = check_cosines(*(ctx.trace[point][0][at] for at in (view.token, slice(None))), cosines)
        title = f"Similarity of each state to the one after “{ctx.token}”"
        chart(ctx, "alike", figure, title, point=point, check=check)
        if ctx.side == "decoder":
            source = len(ctx.memory.labels)
            words(ctx, "states/path", steps=path_to_target(config, source, 0, view.token))
        arithmetic(ctx, (point, view.token, view.unit))
        code(Reader.unroll)


def looked(ctx: StepContext) -> None:
    """The look back at the source: alignment, weights, context, and the vector that is scored."""
    at = ctx.whole("cross")
    ctx = ctx.strongest(key=f"{at}.weights", unit=f"{at}.context")
    view = ctx.view
    row = ctx.array(f"{at}.weights")[view.token]
    left, right = columns(7, 4)
    with left:
        best = int(row.argmax())
        called = dict(token=ctx.token, best=ctx.memory.names[best])
        a, b = columns(1, 1)
        with a:
            picture(ctx, f"{at}.align", "Scores (alignment)", height=230)
        with b:
            title = "Attention weights"
            picture(ctx, f"{at}.weights", title, height=230, **WEIGHTS)
        words(ctx, "cross/sentence", share=float(row[best]), **called)
        aligns(ctx)
        picture(ctx, f"{at}.context", "Weighted sum of the states (context)", height=150)
    with right:
        picks = {"align": view.key, "weights": view.key, "context": view.unit}
        arithmetic(ctx, *((f"{at}.{name}", view.token, i) for name, i in picks.items()), open=1)
        words(ctx, "cross/why")
        code(type(ctx.model.decoder.cross).score, Attention.forward, Decoder.forward)
