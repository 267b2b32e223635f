"""Searching: greedy search, samples, beam search and the exact search on one tree of −ln p."""

import math

from app import state, writing
from app.text import say
from app.ui.context import StepContext
from app.ui.controls import button, number, slider, switch_of
from app.ui.frame import light
from app.ui.labels import escape
from app.ui.page import columns, put, text
from app.ui.source import code
from app.views.decode.settings import unedited
from app.views.decode.written import Written, written
from engine.decode import search
from engine.decode.tree import Tree, sample
from engine.decode.tree import exact as exact_search
from engine.worked import Check
from engine.worked.derived import worst

DEEPEST_EXACT = 4  # tokens
SAMPLES = 3
LIGHTER = 1e-4  # by how much a sum of −ln p must be lower than another
MISSED = {"storybook": ("Once upon a time", 4)}  # where greedy search misses the most probable text
HEADS = ("way", "text", "sum", "again", "probability", "steps")


def draw(ctx: StepContext) -> None:
    view = ctx.view
    depth = view.depth
    one = written(ctx.model.name, view)
    seeds = tuple(min(state.RANGES["seed"][1], view.seed + k) for k in range(SAMPLES))
    asked = (depth, seeds, view.width, view.length_penalty, view.exactly and depth <= DEEPEST_EXACT)
    found, many = writing.searched(one.name, one.given, one.read, *asked)
    unedited(ctx)
    _controls(ctx)
    _picture(ctx, one, found)
    if many:
        text(say("decode", "tree/cannot", n=many))
    text(_told(one, found))
    left, right = columns(7, 4)
    with left:
        text(_table(ctx, one, found))
    with right:
        text(say("decode", "tree/why", width=view.width))
        vocabulary = one.model.reads[-1].vocabulary
        text(say("decode", "tree/cost", width=view.width, depth=depth, vocabulary=vocabulary))
    code(search, sample, exact_search)


def _controls(ctx: StepContext) -> None:
    a, b, c, d = columns(1, 1, 1, 1)
    with a:
        slider(say("decode", "tree/depth"), "depth", 1)
    with b:
        slider(say("decode", "tree/width"), "width", 1)
    with c:
        slider(say("decode", "tree/penalty"), "length_penalty", 0.1)
    with d:
        number(say("decode", "seed"), "seed")
    a, b = columns(3, 2)
    with a:
        label = say("decode", "tree/exactly", most=DEEPEST_EXACT)
        switch_of("exactly", label, ctx.view.exactly, lambda on: _search_exactly(on, ctx.view.depth))
    if case := MISSED.get(ctx.model.name):
        with b:
            prompt, depth = case
            again = dict(prompt=prompt, depth=depth, width=state.DEFAULT.width, exactly=True)
            button("missed", say("decode", "tree/example"), lambda: state.anew(**again))


def _search_exactly(on: bool, depth: int) -> None:
    state.change(exactly=on, depth=min(depth, DEEPEST_EXACT) if on else depth)


def _kind(way: str) -> str:
    return way.partition(" ")[0]


def _name(way: str) -> str:
    """A way as texts call it; a sample with its seed."""
    return f"{say('decode', f'tree/way/{_kind(way)}')} {way.partition(' ')[2]}".strip()


def _picture(ctx: StepContext, one: Written, found: Tree) -> None:
    kinds = list(dict.fromkeys(map(_kind, found.ends)))
    header = {
        "title": say("decode", "tree/picture"),
        "aria": say("decode", "tree/aria"),
        "root": "…" + ctx.label_of(one.read[-1]),
        "kinds": [(kind, say("decode", f"tree/way/{kind}")) for kind in kinds],
        "pruned": say("decode", "tree/pruned"),
        "nodes": nodes(ctx, found, kinds),
        "foot": say("decode", "tree/foot"),
        "model": one.name,
        "light": light(worst(_again(one, found.ids(way))[1] for way in found.ends)),
    }
    put("tree", "tree", header)


def nodes(ctx: StepContext, found: Tree, kinds: list[str]) -> list[dict]:
    """Every node with its parent, −ln p, the sum, and which ways lead through it and end there."""
    ends = {}
    for way, leaves in found.ends.items():
        for rank, leaf in enumerate(leaves):
            name = _name(way)
            ends.setdefault(leaf, []).append(f"{name} {rank + 1}" if len(leaves) > 1 else name)
    return [
        {
            "parent": -1 if node.parent is None else node.parent,
            "label": ctx.label_of(node.id),
            "cost": node.cost,
            "total": node.total,
            "step": node.step,
            "by": [i for i, kind in enumerate(kinds) if kind in set(map(_kind, by))],
            "ends": list(dict.fromkeys(ends.get(i, []))),
        }
        for i, (node, by) in enumerate(zip(found.nodes, found.by, strict=True))
    ]


def _again(one: Written, ids: list[int]) -> tuple[float, Check]:
    """−ln of the probability of the tokens `ids`, the whole text read at once, and the check of that."""
    found, check = writing.surprises(one.name, one.given, (*one.read, *ids))
    return float(found.bits[len(one.read) - 1 :].sum()) * math.log(2), check


def _told(one: Written, found: Tree) -> str:
    """Does a way find a more probable text than greedy search?"""
    greedy = found.total("greedy")
    order = ("exact", "beam", "greedy", "sample")
    way = min(found.ends, key=lambda way: (round(found.total(way), 4), order.index(_kind(way))))
    if found.total(way) > greedy - LIGHTER:
        return say("decode", "tree/found", greedy=greedy)
    values = dict(greedy=greedy, best=found.total(way), way=say("decode", f"tree/finds/{_kind(way)}"))
    times = math.exp(greedy - found.total(way))
    return say("decode", "tree/missed", text=one.text(tuple(found.ids(way))).strip(), times=times, **values)


def _table(ctx: StepContext, one: Written, found: Tree) -> str:
    """What each way found, and what it took."""
    lines = [[say("decode", f"tree/head/{head}") for head in HEADS], ["---"] * len(HEADS)]
    for way, steps in found.steps.items():
        ids, total = found.ids(way), found.total(way)
        told = escape("".join(map(ctx.label_of, ids))) or say("decode", "tree/nothing")
        again, _ = _again(one, ids)
        lines.append(
            [_name(way), told, f"{total:.4f}", f"{again:.4f}", f"{100 * math.exp(-total):.3g}%", f"{steps:,}"]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
