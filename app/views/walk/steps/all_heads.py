"""Every head of every block at once, what each looks at, and the picked one large."""

import math

import numpy as np

from app import components, compute, state, weights
from app.architecture import CROSS
from app.edits import drop, found, put
from app.text import say
from app.ui import what_ifs
from app.ui.context import StepContext
from app.ui.controls import choice, choice_of, switch, switch_of, unfold
from app.ui.events import numbers
from app.ui.frame import light, origin
from app.ui.heatmaps import ASKS, WEIGHTS
from app.ui.page import columns, keep, text
from app.ui.source import code
from app.views.machine.lanes import Lanes, blocks_of, lanes_of
from engine import analysis, roles
from engine.model.attention import attend
from engine.trace import Edit
from engine.worked.derived import check_largest, worst

CELLS = 200_000  # of all small heads together
LARGE = 160  # rows and columns of the large one
TOLD = 6  # heads named in a sentence
SECONDS = 1e6  # weights from which the check of all of them waits for a click


def draw(ctx: StepContext) -> None:
    shown = Shown(ctx)
    left, right = columns(11, 9)
    with left:
        shown.filter()
    with right:
        shown.which()
        form, take = columns(2, 3, align="center")
        with form:
            shown.form()
        with take:
            shown.take()
    text(shown.sentence())
    left, right = columns(11, 9)
    with left:
        shown.small()
    with right:
        what_ifs.changes(shown.ctx)
        shown.large()
    shown.check()
    shown.rollout()
    code(attend, *[roles.scores, analysis.without, analysis.value_weighted])


class Shown:
    """What is shown of a run: the heads of one kind of attention, as the view wants their weights."""

    def __init__(self, ctx: StepContext):
        self.cross = bool(ctx.view.attention == "cross" and ctx.config.memory)
        self.part = "cross" if self.cross else "attn"
        ctx = ctx.strongest(key=ctx.point(f"{self.part}.pattern"))
        self.ctx, self.view, self.config = ctx, ctx.view, ctx.config
        self.there = ctx.memory if self.cross else ctx
        self.points = tuple(ctx.whole(f"blocks.{i}.{self.part}.pattern") for i in range(self.config.layers))
        self.point = self.points[self.view.layer]
        self.hidden = self._hidden() if self.view.sink else ()
        self.run = (ctx.model.name, ctx.given)
        self.scores = compute.head_roles(*self.run, ctx.side, self.part, ctx.edits)
        L, H = self.config.layers, self.config.heads
        self.names = [[self._named(layer, head) for head in range(H)] for layer in range(L)]

    def say(self, name: str, **values) -> str:
        facts = self.ctx.facts | {"cross": self.cross, "hidden": bool(self.hidden)}
        return say("heads", name, facts, **self.ctx.pieces | values)

    def _named(self, layer: int, head: int) -> str:
        return roles.named({role: float(scores[layer, head]) for role, scores in self.scores.items()})

    def _hidden(self) -> tuple[int, ...]:
        """The first key and those that are no text."""
        mask = self.ctx.trace[self.point.rpartition(".")[0] + ".mask"][0].cpu()
        special = roles.seen_of(self.ctx.trace, mask, self.ctx.side, self.part).special
        return tuple(sorted({0, *special.nonzero().flatten().tolist()}))

    def of_role(self, role: str) -> list[tuple[int, int]]:
        """The heads that are called by a role."""
        return [(i, h) for i, row in enumerate(self.names) for h, name in enumerate(row) if name == role]

    # --- what is above the pictures ---------------------------------------------------------------

    def which(self) -> None:
        """Which stack, and what it looks at, where there are two."""
        side, memory = self.ctx.side, self.config.memory
        if not side:
            return
        kinds = {"encoder": self.say("of/encoder"), "self": self.say("of/self"), "cross": self.say("of/cross")}
        kinds = kinds if memory or side == "encoder" else {name: kinds[name] for name in ("encoder", "self")}
        now = "encoder" if side == "encoder" else "cross" if self.cross else "self"
        choice_of("which", self.say("of"), now, kinds, _show)

    def form(self) -> None:
        """The picked head as squares or as lines."""
        names = {name: self.say(f"form/{name}") for name in ("squares", "lines")}
        now = "lines" if self.view.lines else "squares"
        choice_of("form", self.say("form"), now, names, lambda name: state.change(lines=name == "lines"))

    def take(self) -> None:
        """The picked head taken out, or as it is."""
        picked = self.view.layer, self.view.head
        label = self.say("take", layer=picked[0], head=picked[1])
        switch_of("take", label, bool(self._out(*picked)), lambda on: self._take(*picked), of=picked)

    def filter(self) -> None:
        """The roles that heads have on this prompt, as a choice."""
        count = {role: len(self.of_role(role)) for role in roles.ROLES}
        kept = [role for role in roles.ROLES if count[role] or role == self.view.role]
        names = {"": self.say("filter/all", n=self.config.layers * self.config.heads)}
        names |= {role: f"{self.say(f'role/{role}')} {count[role]}" for role in kept}
        choice(self.say("filter"), "role", names)

    def sentence(self) -> str:
        """Who has the picked role, and what it is; else, the role that most have."""
        role = self.view.role
        if role:
            return f"{self._told(role)} {self.say(f'means/{role}')}"
        most = max(roles.ROLES, key=lambda role: len(self.of_role(role)))
        return self._told(most) if self.of_role(most) else self.say("found/none")

    def _told(self, role: str) -> str:
        """Which heads are called by a role."""
        heads = [f"{layer}.{head}" for layer, head in self.of_role(role)]
        more = [self.say("more", n=len(heads) - TOLD)] * (len(heads) > TOLD)
        listed = ", ".join(heads[:TOLD] + more) or "–"
        total = self.config.layers * self.config.heads
        return self.say(f"found/{role}", n=len(heads), total=total, heads=listed)

    # --- all of them, small -----------------------------------------------------------------------

    def small(self) -> None:
        ctx, view, L, H = self.ctx, self.view, self.config.layers, self.config.heads
        most = max(8, min(64, math.isqrt(CELLS // (L * H))))
        asking, seen = (_lanes(one, most) for one in (ctx, self.there))
        blocks = blocks_of(asking, seen)
        data, half = compute.thumbnails(*self.run, self.points, self.hidden, view.weighted, blocks, ctx.edits)
        id = ctx.id_of(self.points[0], f"all {self.variant} {blocks}")
        keep(id, data, apart=True)
        header = {
            "src": id,
            "half": half,
            "layers": L,
            "heads": H,
            "rows": asking.names(ctx.labels),
            "cols": seen.names(self.there.labels),
            "first": [[one.first(i) for i in range(one.number)] for one in (asking, seen)],
            "counted": [not ctx.config.image, not self.there.config.image],
            "layer": view.layer,
            "head": view.head,
            "role": view.role,
            "roles": {role: self.say(f"role/{role}") for role in roles.ROLES},
            "named": self.names,
            "scores": {role: np.round(x.astype(float), 3).tolist() for role, x in self.scores.items()},
            "dormant": (self.scores["first"] >= roles.DORMANT).tolist(),
            "off": [[i, h] for i in range(L) for h in range(H) if self._out(i, h)],
            "title": self.say("title", model=ctx.model.name),
            "aria": self.say("aria", layers=L, heads=H),
            "say": " ".join([self.say("say"), *self._pooled(asking, seen)]),
            "foot": f"{self.points[0]} … {self.points[-1]}  [L={L}, H={H}, T={len(ctx.labels)}, "
            f"S={len(self.there.labels)}]{self.variant and f', {self.variant}'}",
            "model": ctx.source,
            "light": self._light(blocks),
        }
        picked = ((0, L - 1), (0, H - 1))
        cell = ((0, len(ctx.labels) - 1), (0, len(self.there.labels) - 1))
        components.all_heads(
            "all_heads",
            header,
            pick=numbers(*picked, act=lambda at: state.change(layer=at[0], head=at[1], key=-1)),
            take=numbers(*picked, act=lambda at: self._take(*at)),
            open=numbers(*picked, *cell, act=self._open),
        )

    @property
    def variant(self) -> str:
        """What was done to the weights."""
        done = [self.say("done/weighted")] * self.view.weighted + [self.say("done/hidden")] * bool(self.hidden)
        return " and ".join(done)

    def _pooled(self, asking: Lanes, seen: Lanes) -> list[str]:
        size = max(asking.size, seen.size)
        return [self.say("pooled", n=size)] * (size > 1)

    def _edit(self, layer: int, head: int) -> Edit:
        return Edit(self.points[layer].rpartition(".")[0] + ".z", "zero", {"H": head})

    def _out(self, layer: int, head: int) -> Edit | None:
        edit = self._edit(layer, head)
        return found(state.current().edits, edit.point, "zero", {"H": head})

    def _take(self, layer: int, head: int) -> None:
        """Take a head out, or put it back."""
        old = self._out(layer, head)
        new = () if old else (self._edit(layer, head),)
        state.edit(lambda edits: put(drop(edits, old), *new))

    def _open(self, at: list[int]) -> None:
        """The step of the walk that shows these weights."""
        places = dict(zip(("layer", "head", "token", "key"), at, strict=True))
        state.change(step=CROSS if self.cross else "softmax", **places)

    # --- the picked one, large --------------------------------------------------------------------

    def large(self) -> None:
        view = self.view
        header = self._matrix()
        pick = self._pick(header.pop("lanes"))
        if view.lines:
            components.lines("lines", header | {"sums": self.say("sums")}, pick)
        else:
            components.matrix("matrix-all_heads", header, pick)
        switch(self.say("hide"), "sink")
        switch(self.say("weight"), "weighted")

    def _matrix(self) -> dict:
        ctx, view = self.ctx, self.view
        asking, seen = (_lanes(one, LARGE) for one in (ctx, self.there))
        pattern, checks = weights.weights_of(ctx.trace, self.point, self.hidden, view.weighted)
        head = weights.hatched(ctx.trace, self.point, pattern)[view.head]
        id = ctx.id_of(self.point, f"head {view.head} {self.variant}")
        small, blocks = head, blocks_of(asking, seen)
        if max(blocks[0]) > 1:
            small = analysis.largest(head, *blocks)
            checks = [*checks, check_largest(head, *blocks, small)]
        keep(id, small[None])
        role = self.names[view.layer][view.head]
        name = self.say(f"role/{role}") if role else ""
        title = self.say("head", layer=view.layer, head=view.head)
        header = (
            WEIGHTS
            | origin(ctx, self.point)
            | {
                "src": id,
                "title": f"{title}{name and f': {name}'}",
                "aria": f"{title}{name and f', {name}'}",
                "say": self._pooled(asking, seen)[0] if self._pooled(asking, seen) else None,
                "height": 380,
                "axes": "TS",
                "rows": asking.names(ctx.labels),
                "cols": seen.names(self.there.labels),
                "rowName": "token",
                "colName": "looks at",
                "titles": ASKS,
                "counted": [not ctx.config.image, not self.there.config.image],
                "told": "weight",
                "pick": [_lane_of(asking, view.token), _lane_of(seen, view.key)],
                "lanes": (asking, seen),
            }
        )
        if checks:
            header |= {"light": light(worst([ctx.checked(self.point), *checks]))}
        if self.variant:
            header |= {"foot": f"{self.point}, {self.variant}"}
        return header

    def _pick(self, lanes: tuple[Lanes, Lanes]):
        def pick(cell: list[int]) -> None:
            token, key = (one.first(i) for one, i in zip(lanes, cell, strict=True))
            state.change(token=token, key=key)

        return pick

    # --- checks, and all blocks together ----------------------------------------------------------

    @property
    def name(self) -> str:
        """What the check of all heads is called."""
        return self.ctx.id_of(self.points[-1], f"all heads {self.variant}")

    def _light(self, blocks: compute.Blocks) -> dict | None:
        if not state.rested(self.name):
            return None
        check = compute.checked_heads(
            *self.run, self.ctx.side, self.part, self.hidden, self.view.weighted, blocks, self.ctx.edits
        )
        told = light(check)
        return told | {"text": f"{self.say('checked', n=len(self.points))} {told['text']}"}

    def check(self) -> None:
        """All heads are checked when the visitor stays; where that takes seconds, at a click."""
        if state.rested(self.name):
            return
        count = self.config.layers * self.config.heads * len(self.ctx.labels) * len(self.there.labels)
        button = self.say("check/go") if count > SECONDS else ""
        header = {"name": self.name, "ask": True, "button": button, "ok": None}
        components.rest("rest", header | {"say": self.say("check/waits")}, state.rest)

    def rollout(self) -> None:
        """How much of each position is in each after all blocks, as far as attention moves it."""
        if self.cross or len(self.ctx.labels) > LARGE:
            return
        inside, open = unfold("rollout", self.say("rollout"))
        if not open:
            return
        with inside:
            shares, check = compute.rollout(*self.run, self.points, self.ctx.edits)
            id = self.ctx.id_of(self.points[-1], "rollout")
            keep(id, shares.astype(np.float32)[None])
            header = (
                WEIGHTS
                | self._matrix()
                | {
                    "src": id,
                    "title": self.say("rollout"),
                    "aria": self.say("rollout"),
                    "foot": self.say("rollout/foot"),
                    "light": light(check),
                    "told": "number",
                    "height": 420,
                }
            )
            header.pop("lanes")
            text(self.say("rollout/means"))
            components.matrix("matrix-rollout", header)


def _show(kind: str) -> None:
    """Another stack, or the same with another attention."""
    stack = "encoder" if kind == "encoder" else "decoder"
    attention = "cross" if kind == "cross" else "self"
    if stack != state.current().stack:
        state.anew(stack=stack, layer=0)
    state.change(attention=attention, key=-1)


def _lanes(ctx: StepContext, most: int) -> Lanes:
    return lanes_of(ctx.config, len(ctx.labels), most)


def _lane_of(lanes: Lanes, position: int) -> int:
    return min(max(position + lanes.before, 0) // lanes.size, lanes.number - 1)
