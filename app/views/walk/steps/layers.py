"""The stream through all blocks, and what the model would say if it stopped."""

import numpy as np
import torch

from app import components, compute, state
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import Look
from app.ui.figures import graph, series
from app.ui.frame import light
from app.ui.heatmaps import picture
from app.ui.page import columns, keep
from app.ui.source import code
from app.ui.words import words
from app.views.walk.steps.company import company
from engine.analysis import class_lens, lens
from engine.checks import check_lengths
from engine.recipes.step_inputs import stops
from engine.transformer import Transformer
from engine.worked import Check, Worked


def draw(look: Look) -> None:
    view, config = look.view, look.config
    left, right = columns(7, 4)
    with left:
        if config.ending == "classes":
            answer = _classes(look)
        elif config.ending == "nothing":
            look = look.strongest(unit=_memory(look))
            words(look, "layers/memory")
            picture(look, _memory(look), "The encoder's output (memory)", height=300)
        else:
            answer = _tokens(look)
        if not (config.causal or config.image or look.side):
            company(look)
    with right:
        ends = look.ends
        sizes = [np.linalg.norm(look.array(end)[view.token]) for end in ends]
        ticks = [f"after {i - 1}" if i else "start" for i in range(len(sizes))]
        line = series(f"“{look.token}”", range(len(sizes)), sizes)
        figure = graph([line], "block", "length of the vector", height=220, zero=True, ticks=ticks)
        check = check_lengths(torch.stack([look.trace[end][0, view.token] for end in ends]), sizes)
        title = "Length of the vector after each block"
        chart(look, "stream", figure, title, foot=f"{look.point('resid_post')}, …", check=check)
        if config.ending == "nothing":
            arithmetic(look, (_memory(look), view.token, look.view.unit))
        else:
            arithmetic(look, _worked(look, *answer))
            words(look, "layers/worked", answer=look.answer(answer[0]), row=_row(look.view.layer + 1))
            words(look, "layers/why")
        code({"classes": class_lens, "nothing": Transformer.stream}.get(config.ending, lens))


def _memory(look: Look) -> str:
    """The point of an encoder's output: its last vectors, after the last norm where there is one."""
    return look.ends[-1] if look.config.post_norm else look.whole("final_norm.out")


def _worked(look: Look, entry: int, share: float) -> Worked:
    """The picked probability by hand."""
    stop = stops(look.trace, look.side)[look.view.layer + 1]
    at = (look.side, stop, look.view.token, entry, share)
    return compute.stop_by_hand(look.model.name, look.given, *at, look.edits)


def _tokens(look: Look) -> tuple[int, float]:
    """The most probable token after each block [L + 1, T], its probability as colour; returns the picked."""
    ids, shares = compute.stops(look.model.name, look.given, look.side, look.edits)
    texts = [[look.label_of(int(i)) for i in row] for row in ids]
    place = look.view.token
    _sentence(look, [row[place] for row in texts], float(shares[-1, place]))
    header = {
        "aria": "The most probable token after each block, for every token of the prompt",
        "cols": look.labels,
        "colName": "token",
        "titles": ("after ↓", "token →"),
        "counted": (False, True),
        "texts": texts,
        "pick": [look.view.layer + 1, place],
        "height": 380 if look.config.causal else 250,
    }
    check = compute.checked_stops(look.model.name, look.given, look.side, place, look.edits)
    _grid(look, shares, header, check, lambda layer, token: state.change(layer=layer, token=token))
    row = look.view.layer + 1
    return int(ids[row, place]), float(shares[row, place])


def _classes(look: Look) -> tuple[int, float]:
    """The probability of each class after each block [L + 1, C]; returns what `_tokens` does."""
    shares = compute.class_stops(look.model.name, look.given, look.edits)
    labels, row = look.model.labels, look.view.layer + 1
    entry = look.view.entry if 0 <= look.view.entry < len(labels) else int(shares[row].argmax())
    _sentence(look, [labels[i] for i in shares.argmax(-1)], float(shares[-1].max()))
    header = {
        "aria": "The probability of each class after each block",
        "cols": list(labels),
        "colName": "class",
        "titles": ("after ↓", "class →"),
        "pick": [row, entry],
        "height": 250,
    }
    check = compute.checked_class_stops(look.model.name, look.given, look.edits)
    _grid(look, shares, header, check, lambda layer, entry: state.change(layer=layer, entry=entry))
    return entry, float(shares[row, entry])


def _sentence(look: Look, says: list[str], share: float) -> None:
    """What it would say first and last, and from where on the answer stays the last one."""
    agreed = len(says) - 1
    while agreed and says[agreed - 1] == says[-1]:
        agreed -= 1
    values = dict(first=says[0], last=says[-1], share=share, agreed=_row(agreed))
    words(look, "layers/sentence", token=look.token, **values)


def _row(stop: int) -> str:
    """What a row of the lens is called: row 0 is what enters the first block."""
    return f"block {stop - 1}" if stop else "start"


def _grid(look: Look, shares: np.ndarray, header: dict, check: Check, pick) -> None:
    """Shares after each block; checked is the picked token's column, or where there are classes all of it."""
    id = look.id_of("lens")
    keep(id, shares[None])
    columns = "C" if look.config.ending == "classes" else "T"
    header = header | {
        "src": id,
        "axes": f"L{columns}",
        "title": "If the model stopped here, it would say …",
        "rows": [_row(stop) for stop in range(len(shares))],
        "rowName": "after",
        "scale": "sequential",
        "max": 1.0,
        "wide": True,
        "foot": f"lens  [L+1={len(shares)}, {columns}={shares.shape[1]}]",
        "model": look.source,
        "light": light(check),
    }
    components.matrix("matrix-lens", header, lambda cell: pick(max(0, int(cell[0]) - 1), int(cell[1])))
