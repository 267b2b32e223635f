"""The steps of a recurrent model: token, cell, states, the look back."""

import numpy as np

from app import components, state
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import Look
from app.ui.figures import graph, series
from app.ui.frame import light
from app.ui.heatmaps import WEIGHTS, picture
from app.ui.page import columns, keep
from app.ui.source import code
from app.ui.words import words
from app.views.walk.steps.embeddings import nearest, show_nearest
from app.views.walk.steps.residual import cosine
from engine.analysis import path_length, path_to_target, sequential_steps
from engine.checks import check_cosines, worst
from engine.recurrent import Attention, Decoder, Reader
from engine.recurrent_cells import CELLS

ROWS = {  # of a cell, what is drawn of one step, from the state before to the state after
    "rnn": ("h_pre", "h"),
    "gru": ("reset", "update", "candidate", "h"),
    "lstm": ("input", "forget", "candidate", "output", "cell", "h"),
}
CALLED = {"h": "state after", "h_pre": "before tanh"}


def embedded(look: Look) -> None:
    """The row of the token table."""
    point = look.whole("token")
    look = look.strongest(unit=point)
    view = look.view
    near = nearest(look, point)
    left, right = columns(7, 4)
    with left:
        size = float(np.linalg.norm(look.array(point)[view.token]))
        best = dict(nearest=near[0]["label"], cosine=near[0]["value"])
        values = dict(token=look.token, id=look.ids[view.token], width=look.config.width, size=size)
        words(look, "embeddings/sentence", **values, **best)
        picture(look, point, "Rows of the token table, one per token", height=330)
    with right:
        arithmetic(look, (point, view.token, view.unit))
        show_nearest(look, near, point, "Nearest in the token table, by cosine")
        words(look, "embeddings/positions")
        code(Reader.unroll)


def cell(look: Look) -> None:
    """One step of the picked token: gates, what it would write, and the state after it."""
    at = look.whole(f"steps.{look.view.token}")
    look = look.strongest(unit=f"{at}.h")
    view = look.view
    names, unit = ROWS[look.config.cell], min(view.unit, look.config.width - 1)
    left, right = columns(7, 4)
    with left:
        before = look.whole(f"steps.{view.token - 1}.h") if view.token else look.whole("start.h")
        h, old = (look.trace[point][0].cpu().numpy() for point in (f"{at}.h", before))
        moved = dict(before=float(np.linalg.norm(old)), after=float(np.linalg.norm(h)), cosine=cosine(old, h))
        name = "cell/sentence" if old.any() else "cell/first"
        words(look, name, token=look.token, place=view.token, **moved)
        rows = ["state before", *(CALLED.get(name, name) for name in names)]
        _rows(look, rows, [before, *(f"{at}.{name}" for name in names)])
        words(look, f"cell/{look.config.cell}")
        _along(look, names, unit)
    with right:
        arithmetic(look, *((f"{at}.{name}", unit) for name in names))
        code(CELLS[look.config.cell].forward)


def _rows(look: Look, names: list[str], points: list[str]) -> None:
    """Points [D] one under the other, picked along their numbers."""
    id = look.id_of("cell", str(look.view.token))
    keep(id, np.stack([look.trace[point][0].cpu().numpy() for point in points])[None])
    unit = min(look.view.unit, look.config.width - 1)
    header = {
        "src": id,
        "axes": "RD",
        "title": "What happens at this token, number by number",
        "aria": "The state before, the gates and the state after, as rows",
        "rows": names,
        "cols": [str(i) for i in range(look.config.width)],
        "rowName": "",
        "titles": ("", "number →"),
        "colName": "number",
        "scale": "diverging",
        "height": 230,
        "pick": [len(names) - 1, unit],
        "bands": [["col", unit, unit + 1]],
        "foot": f"{look.whole(f'steps.{look.view.token}')}.…  [D={look.config.width}]",
        "model": look.source,
        "light": light(worst(look.checked(point) for point in points)),
    }
    components.matrix("matrix-cell", header, lambda place: state.change(unit=int(place[1])))


def _along(look: Look, names: tuple[str, ...], unit: int) -> None:
    """The picked number of the gates and of the state, from the first token to the last."""
    places = range(len(look.labels))
    points = {name: [look.whole(f"steps.{t}.{name}") for t in places] for name in names}
    lines = [
        series(CALLED.get(name, name), places, [look.trace[point][0, unit] for point in points[name]])
        for name in names
    ]
    marks = [(look.view.token, lines[-1].y[look.view.token], look.token)]
    figure = graph(lines, "token", f"number {unit}", height=200, ticks=look.labels, marks=marks, zero=True)
    chart(look, "along", figure, f"Number {unit} from token to token", point=points["h"][look.view.token])


def states(look: Look) -> None:
    """All states, one after the other, and how far apart two words are."""
    point = look.whole("states")
    look = look.strongest(unit=point)
    view = look.view
    array = look.array(point)
    left, right = columns(7, 4)
    with left:
        length, config = len(look.labels), look.config
        steps = dict(steps=sequential_steps(config, length), far=path_length(config, length - 1))
        words(look, "states/sentence", *["several"] * (length > 1), tokens=length, **steps)
        picture(look, point, "The state after each token", height=290)
        carried = len(look.stack.cell.carried) * config.width
        words(look, "states/bottleneck" if look.side == "encoder" else "states/start", numbers=carried)
    with right:
        cosines = [cosine(array[view.token], other) for other in array]
        line = series("cosine", range(len(cosines)), cosines)
        figure = graph([line], "token", "cosine", height=210, zero=True, ticks=look.labels)
        check = check_cosines(*(look.trace[point][0][at] for at in (view.token, slice(None))), cosines)
        title = f"How alike each state is to that after “{look.token}”"
        chart(look, "alike", figure, title, point=point, check=check)
        if look.side == "decoder":
            source = len(look.memory.labels)
            words(look, "states/path", steps=path_to_target(config, source, 0, view.token))
        arithmetic(look, (point, view.token, view.unit))
        code(Reader.unroll)


def looked(look: Look) -> None:
    """The look back at the source: alignment, weights, context, and what the scores are read off."""
    at = look.whole("cross")
    look = look.strongest(key=f"{at}.weights", unit=f"{at}.context")
    view = look.view
    row = look.array(f"{at}.weights")[view.token]
    left, right = columns(7, 4)
    with left:
        best = int(row.argmax())
        called = dict(token=look.token, best=look.memory.names[best])
        words(look, "cross/sentence", share=float(row[best]), **called)
        a, b = columns(1, 1)
        with a:
            picture(look, f"{at}.align", "How well each fits (alignment)", height=230)
        with b:
            title = "Where it looks (weights)"
            picture(look, f"{at}.weights", title, height=230, **WEIGHTS)
        picture(look, f"{at}.context", "What was found (context)", height=150)
    with right:
        picks = {"align": view.key, "weights": view.key, "context": view.unit}
        arithmetic(look, *((f"{at}.{name}", view.token, i) for name, i in picks.items()))
        words(look, "cross/why")
        code(type(look.model.decoder.cross).score, Attention.forward, Decoder.forward)
