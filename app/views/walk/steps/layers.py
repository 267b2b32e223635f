"""The stream through all blocks, and what the model would predict if it stopped."""

import numpy as np
import torch

from app import components, compute, state
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.figures import graph, series
from app.ui.frame import light
from app.ui.heatmaps import picture
from app.ui.page import columns, keep
from app.ui.source import code
from app.ui.words import words
from app.views.walk.steps.company import company
from app.views.walk.steps.contextual_similarity import contextual_similarity
from engine.analysis import class_lens, lens
from engine.model.transformer import Transformer
from engine.worked import Check, Worked
from engine.worked.derived import check_lengths
from engine.worked.recipes.step_inputs import stops


def draw(ctx: StepContext) -> None:
    view, config = ctx.view, ctx.config
    left, right = columns(7, 4)
    with left:
        if config.ending == "classes":
            answer = _classes(ctx)
        elif config.ending == "nothing":
            ctx = ctx.strongest(unit=_memory(ctx))
            picture(ctx, _memory(ctx), "The encoder's output (memory)", height=300)
            words(ctx, "layers/memory")
        else:
            answer = _tokens(ctx)
        if not (config.causal or config.image or ctx.side):
            contextual_similarity(ctx)
        if not (config.image or ctx.side):
            company(ctx)
    with right:
        ends = ctx.ends
        sizes = [np.linalg.norm(ctx.array(end)[view.token]) for end in ends]
        ticks = [f"after {i - 1}" if i else "start" for i in range(len(sizes))]
        line = series(f"“{ctx.token}”", range(len(sizes)), sizes)
        figure = graph([line], "block", "length of the vector", height=220, zero=True, ticks=ticks)
        check = check_lengths(torch.stack([ctx.trace[end][0, view.token] for end in ends]), sizes)
        title = "Length of the vector after each block"
        chart(ctx, "stream", figure, title, foot=f"{ctx.point('resid_post')}, …", check=check)
        if config.ending == "nothing":
            arithmetic(ctx, (_memory(ctx), view.token, ctx.view.unit))
        else:
            arithmetic(ctx, _worked(ctx, *answer))
            words(ctx, "layers/worked", answer=ctx.answer(answer[0]), row=_row(ctx.view.layer + 1))
            words(ctx, "layers/why")
        code({"classes": class_lens, "nothing": Transformer.stream}.get(config.ending, lens))


def _memory(ctx: StepContext) -> str:
    """The point of an encoder's output: its last vectors, after the last norm where there is one."""
    return ctx.ends[-1] if ctx.config.post_norm else ctx.whole("final_norm.out")


def _worked(ctx: StepContext, entry: int, share: float) -> Worked:
    """The picked probability by hand."""
    stop = stops(ctx.trace, ctx.side)[ctx.view.layer + 1]
    at = (ctx.side, stop, ctx.view.token, entry, share)
    return compute.stop_by_hand(ctx.model.name, ctx.given, *at, ctx.edits)


def _tokens(ctx: StepContext) -> tuple[int, float]:
    """The most probable token after each block [L + 1, T], its probability as colour; returns the picked."""
    ids, shares = compute.stops(ctx.model.name, ctx.given, ctx.side, ctx.edits)
    texts = [[ctx.label_of(int(i)) for i in row] for row in ids]
    position = ctx.view.token
    header = {
        "aria": "The most probable token after each block, for every token of the prompt",
        "cols": ctx.labels,
        "colName": "token",
        "titles": ("after ↓", "token →"),
        "counted": (False, True),
        "texts": texts,
        "pick": [ctx.view.layer + 1, position],
        "height": 380 if ctx.config.causal else 250,
    }
    check = compute.checked_stops(ctx.model.name, ctx.given, ctx.side, position, ctx.edits)
    _grid(ctx, shares, header, check, lambda layer, token: state.change(layer=layer, token=token))
    _sentence(ctx, [row[position] for row in texts], float(shares[-1, position]))
    row = ctx.view.layer + 1
    return int(ids[row, position]), float(shares[row, position])


def _classes(ctx: StepContext) -> tuple[int, float]:
    """The probability of each class after each block [L + 1, C]; returns what `_tokens` does."""
    shares = compute.class_stops(ctx.model.name, ctx.given, ctx.edits)
    labels, row = ctx.model.labels, ctx.view.layer + 1
    entry = ctx.view.entry if 0 <= ctx.view.entry < len(labels) else int(shares[row].argmax())
    header = {
        "aria": "The probability of each class after each block",
        "cols": list(labels),
        "colName": "class",
        "titles": ("after ↓", "class →"),
        "pick": [row, entry],
        "height": 250,
    }
    check = compute.checked_class_stops(ctx.model.name, ctx.given, ctx.edits)
    _grid(ctx, shares, header, check, lambda layer, entry: state.change(layer=layer, entry=entry))
    _sentence(ctx, [labels[i] for i in shares.argmax(-1)], float(shares[-1].max()))
    return entry, float(shares[row, entry])


def _sentence(ctx: StepContext, says: list[str], share: float) -> None:
    """What it would predict first and last, and from which block on the answer stays."""
    agreed = len(says) - 1
    while agreed and says[agreed - 1] == says[-1]:
        agreed -= 1
    values = dict(first=says[0], last=says[-1], share=share, agreed=_row(agreed))
    words(ctx, "layers/sentence", token=ctx.token, **values)


def _row(stop: int) -> str:
    """The name of a row of the lens: row 0 is the input of the first block."""
    return f"block {stop - 1}" if stop else "start"


def _grid(ctx: StepContext, shares: np.ndarray, header: dict, check: Check, pick) -> None:
    """Shares after each block; checked is the picked token's column, or where there are classes all of it."""
    id = ctx.id_of("lens")
    keep(id, shares[None])
    columns = "C" if ctx.config.ending == "classes" else "T"
    header = header | {
        "src": id,
        "axes": f"L{columns}",
        "title": "If the model stopped here, it would predict …",
        "rows": [_row(stop) for stop in range(len(shares))],
        "rowName": "after",
        "scale": "sequential",
        "max": 1.0,
        "wide": True,
        "foot": f"lens  [L+1={len(shares)}, {columns}={shares.shape[1]}]",
        "model": ctx.source,
        "light": light(check),
    }
    components.matrix("matrix-lens", header, lambda cell: pick(max(0, cell[0] - 1), cell[1]))
