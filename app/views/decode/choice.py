"""One choice in slow motion: what becomes of the scores until a token is drawn."""

from dataclasses import dataclass, replace

import torch

from app import components, compute, state
from app.once import once
from app.text import say
from app.ui.arithmetic import arithmetic, whole_run
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.controls import number, unfold
from app.ui.events import place
from app.ui.figures import bars
from app.ui.frame import light, origin
from app.ui.page import columns, group, put, text
from app.ui.source import code
from app.views.decode.settings import decoding_of, sampler
from engine import decode
from engine.decode import Decoding
from engine.worked import Check

SHOWN = 12  # candidates; the others are one bar together
MANY = 1000  # draws
SCORED = ("logits", "penalised", "tempered")  # the stages that change scores; the others cut


@dataclass(frozen=True)
class Choice:
    """The choice of the token after the picked one."""

    ctx: StepContext

    @property
    def point(self) -> str:
        return self.ctx.whole("logits")

    @once
    def decoding(self) -> Decoding:
        return decoding_of(self.ctx.view, max_tokens=1)

    @property
    def there(self) -> tuple[int, ...]:
        """The tokens that stand there already, for the repetition penalty."""
        penalised = self.decoding.repetition_penalty != 1
        return tuple(sorted(set(self.ctx.ids[: self.ctx.position + 1]))) if penalised else ()

    def of(self, function, at: object):
        """What `app.compute` has of this choice."""
        ctx = self.ctx
        return function(ctx.model.name, ctx.given, self.point, at, self.decoding, ctx.edits, self.there)

    @once
    def steps(self) -> dict[str, torch.Tensor]:
        return self.of(compute.sampled, (self.ctx.position,))

    @property
    def probabilities(self) -> torch.Tensor:
        return self.steps["probabilities"]

    @once
    def checks(self) -> tuple[Check, Check]:
        return self.of(compute.checked_choice, self.ctx.position)

    @property
    def u(self) -> float:
        """The number that `engine.generate` draws first with this seed."""
        random = torch.Generator().manual_seed(self.decoding.seed)
        return torch.rand((), generator=random, dtype=torch.float64).item()

    @once
    def drawn(self) -> int:
        if self.decoding.method == "greedy":
            return int(self.steps.get("penalised", self.steps["logits"]).argmax())
        return decode.draw(self.probabilities, self.u)

    @once
    def rows(self) -> list[int]:
        """The entries shown: the best by the scores that are cut, and those that were drawn or picked."""
        order = self.steps["tempered"].sort(descending=True, stable=True).indices
        rank = torch.empty_like(order)
        rank[order] = torch.arange(len(order))
        own = {*order[:SHOWN].tolist(), self.drawn, self.picked}
        return sorted(own, key=lambda i: int(rank[i]))

    @property
    def picked(self) -> int:
        """The entry whose arithmetic is shown: the drawn one, unless another was picked."""
        return self.ctx.view.entry if 0 <= self.ctx.view.entry < len(self.probabilities) else self.drawn


def draw(ctx: StepContext) -> None:
    one = Choice(ctx := _where_open(ctx))
    with group("tokens"):
        _tokens(ctx)
    left, right = columns(7, 4)
    with left:
        _stages(one)
        text(_told(one))
        many, open = unfold("many", say("decode", "choice/many", count=MANY))
    if open:
        with many:
            _many(one)
    with right:
        sampler()
        components.formula("formula", compute.formula(say("decode", "choice/formula")))
        at = (ctx.position, one.picked)
        arithmetic(ctx, (one.point, *at), one.of(compute.choice_by_hand, at), open=1)
        whole_run(ctx, one.point)
        text(say("decode", "choice/why"))
    code(decode.steps_of, decode.draw, decode.draw_many, decode.frequencies)


def _where_open(ctx: StepContext) -> StepContext:
    """Unless a token was picked, of a text that a decoder has written beside an encoder the place where it was
    least sure: at the last one it is sure that the text ends."""
    if not ctx.side or state.current().token >= 0:
        return ctx
    best = ctx.trace[ctx.whole("logits")][0].softmax(-1).max(-1).values
    return replace(ctx, view=replace(ctx.view, token=int(best.argmin())))


def _tokens(ctx: StepContext) -> None:
    """The tokens of the text: after which of them is chosen?"""
    header = {"tokens": ctx.labels, "ids": ctx.ids, "token": ctx.position, "layer": 0, "head": 0}
    header |= {"layers": 1, "heads": 1, "stack": ctx.side, "use": [], "what": say("decode", "choice/tokens")}
    components.bar(
        "bar",
        header,
        token=lambda i: state.change(token=i, entry=-1),
        layer=lambda i: None,
        head=lambda i: None,
        stack=lambda name: None,
    )


def _stages(one: Choice) -> None:
    rows, ctx = one.rows, one.ctx
    header = origin(ctx, one.point) | {"light": light(one.checks[0])}
    header |= {
        "title": say("decode", "choice/picture"),
        "aria": say("decode", "choice/aria", token=ctx.names[ctx.position]),
        "rows": [ctx.label_of(i) for i in rows],
        "tail": say("decode", "choice/others", count=len(one.probabilities) - len(rows)),
        "stages": stages(one.steps, rows),
        "mark": rows.index(one.picked),
        "drawn": rows.index(one.drawn),
        "fell": _fell(one),
    }
    act = place(len(rows), lambda i: state.change(entry=rows[i]))
    put("stages", "stages", header, rows, pick=act)


def stages(steps: dict[str, torch.Tensor], rows: list[int]) -> list[dict]:
    """Each stage on the whole vocabulary. A stage that changes scores shows them as shares; one that cuts, the
    shares that it cuts from; the last the shares of what is left. Beside the entries `rows`, the sum of all
    others and of those of them that are kept."""
    others = torch.ones(len(steps["logits"]), dtype=torch.bool)
    others[rows] = False
    found, before = [], steps["logits"]
    for name, x in steps.items():
        last = name == "probabilities"
        kept = x > 0 if last else ~x.isneginf()
        shares = x if last else (x if name in SCORED else before).softmax(-1)
        found.append(
            {
                "name": say("decode", f"choice/stage/{name}"),
                "scores": x[rows].tolist() if name in SCORED else None,
                "shares": shares[rows].tolist(),
                "kept": kept[rows].tolist(),
                "left": int(kept.sum()),
                "tail": float(shares[others].sum()),
                "tail_left": int(kept[others].sum()),
                "tail_kept": float(shares[others & kept].sum()),
            }
        )
        before = x
    return found


def _fell(one: Choice) -> dict | None:
    """Where the uniform number falls among the cumulative probabilities, which go by the entries' numbers."""
    if one.decoding.method == "greedy":
        return None
    ends, p = one.probabilities.cumsum(-1), one.probabilities
    spans = [[float(ends[i] - p[i]), float(ends[i])] for i in one.rows]
    return {"u": one.u, "spans": spans, "title": say("decode", "choice/cumulative")}


def _told(one: Choice) -> str:
    p, ctx = one.probabilities, one.ctx
    values = dict(token=ctx.label_of(one.drawn), share=float(p[one.drawn]), after=ctx.names[ctx.position])
    values |= dict(kept=int((p > 0).sum()), vocabulary=len(p), method=one.decoding.method, id=one.drawn)
    if one.decoding.method == "greedy":
        return say("decode", "choice/greedy", ctx.facts, **values)
    start, end = (float(p[: one.drawn + more].sum()) for more in (0, 1))
    return say("decode", "choice/drawn", ctx.facts, u=one.u, seed=ctx.view.seed, start=start, end=end, **values)


def _many(one: Choice) -> None:
    """Many draws counted, beside what is to be expected."""
    p, ctx = one.probabilities, one.ctx
    found = decode.frequencies(decode.draw_many(p, MANY, ctx.view.seed), p)
    best = [i for i in p.sort(descending=True, stable=True).indices[:SHOWN].tolist() if p[i] > 0]
    rows = [_counted(ctx.label_of(i), found.counts[i], found.expected[i], found.deviation[i]) for i in best]
    expected = found.expected[best].tolist()
    if rest := int((p > 0).sum()) - len(best):
        share = 1 - float(p[best].sum())
        due = (MANY * share, (MANY * share * (1 - share)) ** 0.5)
        rows.append(_counted(say("decode", "choice/others", count=rest), MANY - found.counts[best].sum(), *due))
        expected.append(due[0])
    names = (say("decode", "choice/expected"), say("decode", "choice/counted"), expected)
    figure = bars(rows, "token", say("decode", "choice/times"), height=330, original=names)
    number(say("decode", "seed/many"), "seed")
    title = say("decode", "choice/many", count=MANY)
    chart(ctx, "many", figure, title, point=one.point, check=one.checks[0])
    values = dict(count=MANY, seed=ctx.view.seed, chi=found.chi_square, freedom=found.freedom)
    usual = (2 * found.freedom) ** 0.5
    text(say("decode", "choice/fit" if found.freedom else "choice/certain", usual=usual, **values))


def _counted(label: str, count, expected, deviation) -> dict:
    count, expected, deviation = float(count), float(expected), float(deviation)
    note = f"{count:.0f}: {expected:.1f} ± {deviation:.1f}, {count - expected:+.1f}".replace("-", "−")
    return {"label": label, "value": count, "note": note}
