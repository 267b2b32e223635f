"""What-ifs on the page: what was changed, what became of the answer, and controls that change more."""

import re

from app import compute, state
from app.edits import Edits, drop, found, layer_of, put, together
from app.text import say
from app.ui.context import StepContext
from app.ui.controls import choice_of, unfold
from app.ui.events import flag, place
from app.ui.page import columns, text
from app.ui.page import put as put_part
from engine.analysis import divergence
from engine.config import Config
from engine.points.point import Point
from engine.trace.tap import Edit

BEST = 3  # answers named
PARTS = {  # what can be taken out: a point, and what it is called
    "attn.z": "head",
    "attn.out": "attention",
    "cross.out": "cross-attention",
    "mlp.out": "the MLP",
}


def changes(ctx: StepContext) -> None:
    """The what-ifs of a run, and what became of its answer."""
    strip(ctx.edits, ctx.config)
    outcome(ctx)


def strip(edits: Edits, config) -> None:
    """The changes of a model of this config, each with a cross to take it back, and one that takes all back."""
    if not edits:
        return
    groups = together(edits, getattr(config, "layers", 1))
    labels = [_label(group) for group in groups]

    def remove(number: int) -> None:
        state.edit(lambda edits: drop(edits, *groups[number]))

    header = {"items": labels, "all": say("walk", "edits/clear"), "say": say("walk", "edits/lead")}
    acts = dict(remove=place(len(groups), remove), clear=flag(lambda on: state.change(edits=())))
    put_part("edits", "edits", header, groups, **acts)


def outcome(ctx: StepContext) -> None:
    """What became of the answer: the most probable ones before and after, and how far apart the two are."""
    if not ctx.edits:
        return
    point, at = ctx.outcome
    before, after = (compute.answer(ctx.model.name, ctx.given, point, at, edits) for edits in ((), ctx.edits))
    token = ctx.token if at and ctx.side != "encoder" else ""
    told = dict(before=_best(ctx, before), after=_best(ctx, after), bits=divergence(before, after))
    text(say("walk", "edits/outcome", ctx.facts | {"placed": bool(token)}, token=token, **told))


def _best(ctx: StepContext, shares) -> str:
    best = shares.topk(min(BEST, len(shares)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return ", ".join(f"{ctx.answer(i).removeprefix('·')} {share:.1%}" for i, share in pairs)


def _label(group: Edits) -> str:
    """What a change, or the same one in all blocks, is called; it is shown as plain text."""
    edit, layer = group[0], layer_of(group[0])
    name = edit.point.rpartition(f"blocks.{layer}.")[2]
    where = "every block" if len(group) > 1 else "" if layer is None else f"block {layer}"
    cell = f" at {', '.join(f'{axis} {i}' for axis, i in edit.at)}" if edit.at else ""
    if edit.op in ("zero", "mean") and name in PARTS:
        part = f"head {dict(edit.at)['H']}" if name == "attn.z" and "H" in dict(edit.at) else PARTS[name]
        return f"{where}: {part} {'taken out' if edit.op == 'zero' else 'replaced by its average'}"
    if edit.op == "take":
        part = name.removesuffix(".out") if name.endswith("norm.out") else name
        gone = {"norm": f"without {part}", "rot": f"{name.rpartition('.')[2][0]} not rotated"}
        return f"{where}: {gone.get(re.split('[._]', part)[-1], f'no residual in {name}')}"
    if edit.op == "mask":
        return f"{where}: mask “{edit.value[0]}”, n = {edit.value[1]}"
    if (edit.op, name) == ("scale", "attn.masked"):
        return f"{where}: temperature {1 / edit.value:.3g} in the softmax"
    if (edit.op, name) == ("scale", "attn.scores"):
        return f"{where}: scores × {edit.value:.4g}"
    signs = {"set": f" = {edit.value}", "scale": f" × {edit.value}"}
    return f"{edit.point}{cell}{signs.get(edit.op, f': {edit.op}')}"


def taken_out(ctx: StepContext, name: str, label: str, at: dict | None = None) -> None:
    """A part of the picked block as it is, taken out, or replaced by its average over the prompt."""
    point = ctx.point(name)
    edit = found(ctx.edits, point, at=at)
    now = edit.op if edit and edit.op in ("zero", "mean") else "own"
    names = {key: say("walk", f"edits/part/{key}") for key in ("own", "zero", "mean")}

    def take(op: str) -> None:
        new = () if op == "own" else (Edit(point, op, at or {}),)
        state.edit(lambda edits: put(drop(edits, edit), *new))

    choice_of(f"out-{name}", label, now, names, take, named=True, of=(point, at))


# --- mechanisms: what a block, or every block, would do without one -------------------------------


def undivided(ctx: StepContext, layer: int) -> Edits:
    """No division by √d_k."""
    scale = ctx.config.scale(layer)
    return (Edit(_at(ctx, layer, "attn.scores"), "scale", value=1 / scale),)


def _uniform(ctx: StepContext, layer: int) -> Edits:
    """All scores equal: each token attends evenly to all it may see."""
    names = ["attn.scores", *["attn.bias"] * ctx.facts["biased"]]
    return tuple(Edit(_at(ctx, layer, name), "zero") for name in names)


def _unplaced(ctx: StepContext, layer: int) -> Edits:
    """No positions."""
    if ctx.config.rotary:
        turned = (_at(ctx, layer, f"attn.{x}_rot") for x in "qk")
        return tuple(Edit(point, "take", value=ctx.sources(point)[0]) for point in turned)
    if ctx.facts["biased"]:
        return (Edit(_at(ctx, layer, "attn.bias"), "zero"),)
    return (Edit(ctx.whole("embed.position"), "zero"),)


def _unnormed(ctx: StepContext, layer: int) -> Edits:
    """No norm: its input passes unchanged."""
    norms = [p for p in _of_block(ctx, layer) if p.part.endswith("norm")]
    read = {p.part: p.sources[0] for p in reversed(norms)}  # by the first point of each
    return tuple(Edit(p.name, "take", value=read[p.part]) for p in norms if p.short == "out")


def _unadded(ctx: StepContext, layer: int) -> Edits:
    """No residual connection: of each sum only the part's own output."""
    sums = (p for p in _of_block(ctx, layer) if p.kind == "sum")
    return tuple(Edit(p.name, "take", value=p.sources[-1]) for p in sums)


def _of_block(ctx: StepContext, layer: int) -> list[Point]:
    return [p for p in ctx.trace.table.values() if (p.stack, p.layer) == (ctx.side, layer)]


def _at(ctx: StepContext, layer: int, name: str) -> str:
    return ctx.whole(f"blocks.{layer}.{name}")


def _without(name: str):
    return lambda ctx, layer: (Edit(_at(ctx, layer, name), "zero"),)


MECHANISMS = {
    "scale": (undivided, lambda c: c.scale_scores),
    "uniform": (_uniform, lambda c: True),
    "attention": (_without("attn.out"), lambda c: True),
    "mlp": (_without("mlp.out"), lambda c: True),
    "positions": (_unplaced, lambda c: c.positions != "none"),
    "norm": (_unnormed, lambda c: c.norm != "none"),
    "residual": (_unadded, lambda c: c.residual),
}


def mechanisms(ctx: StepContext) -> None:
    """For each mechanism: as it is, off in the picked block, or off in all blocks."""
    if not isinstance(ctx.config, Config):
        return
    inside, open = unfold("mechanisms", say("walk", "edits/mechanisms"))
    if not open:
        return
    there = {name: edits for name, (edits, has) in MECHANISMS.items() if has(ctx.config)}
    with inside:
        text(say("walk", "edits/why"))
        for column, names in zip(columns(1, 1), (list(there)[::2], list(there)[1::2]), strict=True):
            with column:
                for name in names:
                    _mechanism(ctx, name, there[name])


def _mechanism(ctx: StepContext, name: str, edits) -> None:
    here = edits(ctx, ctx.view.layer)
    everywhere = tuple(dict.fromkeys(edit for i in range(ctx.config.layers) for edit in edits(ctx, i)))
    on = {"all": everywhere} if here == everywhere else {"here": here, "all": everywhere}
    now = next((scope for scope in ("all", "here") if scope in on and set(on[scope]) <= set(ctx.edits)), "own")
    names = {scope: say("walk", f"edits/scope/{scope}", layer=ctx.view.layer) for scope in ("own", *on)}

    def take(scope: str) -> None:
        state.edit(lambda edits: put(drop(edits, *everywhere), *on.get(scope, ())))

    label = say("walk", f"edits/mechanism/{name}")
    choice_of(f"mechanism-{name}", label, now, names, take, named=True, of=everywhere)
