"""The KV cache: what is kept from token to token, what is let go, and what that saves."""

from dataclasses import replace
from itertools import accumulate

import numpy as np

from app import catalogue, components, compute, state, writing
from app.architecture import whole as whole_facts
from app.text import counted, say
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.controls import button, slider_of, slider_of_names
from app.ui.figures import bars, graph, series
from app.ui.frame import clamp, origin
from app.ui.heatmaps import ASKS
from app.ui.page import changing, columns, group, keep, text
from app.ui.source import code
from app.views.decode.unedited import without_edits
from engine.config import Config, RecurrentConfig
from engine.decode import cost
from engine.decode.keeping import Agreement, agreement
from engine.model.cache import Cache

WRITTEN = 16  # tokens that are written to be looked at
TIMED = 128  # tokens that are timed
HALF = 2  # bytes of a number where large models run
LENGTHS = (1, *range(128, 8193, 128))  # tokens, of the curves by formula
CURVES = ("GPT-2 small", "LLaMA-2-7B", "LLaMA-2-70B", "Mistral-7B")


def draw(ctx: StepContext) -> None:
    without_edits(ctx, "cache")
    found = writing.kept_and_anew(ctx.model.name, ctx.given, WRITTEN)
    if isinstance(ctx.model.reads[-1], RecurrentConfig):
        _states(ctx, found)
    else:
        whole, first, last = _written(ctx, found.ids)
        _passes(whole, first, last)
        _saved(whole, first)
        _formulas(whole)
    with group("measured"):
        _measured(ctx)
    _proof(ctx, found)
    code(Cache, agreement)


# --- token by token ------------------------------------------------------------------------------


def _written(ctx: StepContext, ids: list[int]) -> tuple[StepContext, int, int]:
    """The run of a text with what the model writes after it, and how many positions are read in the first pass
    and in all: as far as the written text is cut into the tokens that were chosen."""
    view, name = replace(ctx.view, edits=()), ctx.model.name
    if len(ctx.model.reads) == 2:
        view = replace(view, stack="decoder")
        ctx = replace(ctx, view=view, side="decoder", trace=compute.trace(name, ctx.given))
        first, last = 1, len(ctx.ids)
    else:
        first = ctx.trace.ids.shape[1]
        given = _reread(ctx, ids)
        ctx = replace(ctx, view=view, given=given, trace=compute.trace(name, given))
        last = ctx.trace.ids.shape[1]
    layer, head = clamp(view.layer, ctx.config.layers), clamp(view.head, ctx.config.heads)
    return replace(ctx, view=replace(view, layer=layer, head=head)), first, last


def _reread(ctx: StepContext, ids: list[int]) -> str:
    """The longest text whose tokens are those of the prompt and the first that were written."""
    tokenizer, before = ctx.model.tokenizer, ctx.trace.ids[0].tolist()
    for count in range(max(0, len(ids) - 1), 0, -1):
        longer = ctx.given + tokenizer.decode(ids[:count])
        if tokenizer.encode(longer) == [*before, *ids[:count]]:
            return longer
    return ctx.given


def _passes(ctx: StepContext, first: int, last: int) -> None:
    """What one pass reads, keeps and lets go."""
    view, config = ctx.view, ctx.config
    passes = last - first + 1
    now = clamp(view.at_pass - 1, passes) + 1
    held = first + now - 1
    new = first if now == 1 else 1
    a, b, c = columns(2, 1, 1)
    with a:
        if passes > 1:
            label = say("decode", "cache/pass")
            slider_of("pass", label, now, 1, passes, 1, lambda n: state.change(at_pass=int(n)), of=passes)
    for place, field, count in ((b, "layer", config.layers), (c, "head", config.heads)):
        with place:
            _picker(field, getattr(view, field), count)
    source = _source(ctx)
    held_bytes = cost.cache_bytes(config, held, source=source)
    told = dict(n=now, held=held, new=new, token=ctx.names[held - 1], bytes=held_bytes, again=held - new)
    changing(say("decode", "cache/first" if now == 1 else "cache/next", ctx.facts, **told))
    left, right = columns(1, 1)
    with left:
        text(say("decode", "cache/kept"))
        for letter in "kv":
            _columns(ctx, kept_point(ctx, "attn", letter), held, slice(0, held), new, letter)
        if config.memory:
            text(say("decode", "cache/cross", source=source))
            for letter in "kv":
                _columns(ctx, kept_point(ctx, "cross", letter), source, slice(0, source), 0, f"cross-{letter}")
        _again(ctx, held, new, source)
    with right:
        text(say("decode", "cache/gone"))
        latest = slice(held - new, held)
        _columns(ctx, kept_point(ctx, "attn", "q"), held, latest, new, "q")
        _rows(ctx, "attn.masked", held, latest, "diverging")
        _rows(ctx, "attn.pattern", held, latest, "sequential")


def _picker(field: str, at: int, count: int) -> None:
    if count > 1:
        label = say("decode", f"cache/{field}")
        slider_of_names(
            field, label, at, [str(i) for i in range(count)], lambda i: state.change(**{field: i}), of=count
        )


def kept_point(ctx: StepContext, part: str, letter: str) -> str:
    """The point of a letter as attention uses it: rotated, normalised, or as projected."""
    names = (ctx.point(f"{part}.{letter}{end}") for end in ("_rot", "_norm", ""))
    return next(name for name in names if name in ctx.trace.table)


def _columns(ctx: StepContext, point: str, held: int, there: slice, new: int, name: str) -> None:
    """A point [H, T, E] of the picked head as columns, one a position; what is let go is hatched."""
    values = ctx.array(point)[ctx.head_in(point)].T[:, :held]
    labels = ctx.positions(point)[:held]
    rows = [str(i) for i in range(len(values))]
    marked = [["col", held - new, held]] if new else []
    header = dict(axes="EC", rows=rows, rowName="dimension", titles=["dimension ↓", "token →"], height=180)
    _matrix(ctx, point, values, there, 1, header | dict(cols=labels, bands=marked, scale="diverging"), name)


def _rows(ctx: StepContext, name: str, held: int, there: slice, scale: str) -> None:
    """The scores or weights of the picked head: the rows of earlier passes are let go."""
    point, labels = ctx.point(name), ctx.labels[:held]
    values = ctx.array(point)[ctx.view.head, :held, :held]
    header = dict(axes="RC", rows=labels, cols=labels, rowName="token", titles=ASKS)
    header |= dict(scale=scale, height=230, bands=[["row", there.start, there.stop]], counted=[True, True])
    header |= {"hidden": "let go" if there.start else "masked"}
    header |= {"max": 1.0, "told": "weight"} if scale == "sequential" else {"told": "score"}
    _matrix(ctx, point, values, there, 0, header, name.partition(".")[2])


def _matrix(
    ctx: StepContext, point: str, values: np.ndarray, there: slice, axis: int, header: dict, name: str
) -> None:
    shown = np.full(values.shape, -np.inf, np.float32)
    part = (slice(None), there) if axis else (there,)
    shown[part] = values[part]
    id = ctx.id_of(point, f"{values.shape}{there}{ctx.view.head}")
    keep(id, shown[None])
    title = say("decode", f"cache/{name}", head=ctx.view.head, layer=ctx.view.layer)
    more = dict(src=id, title=title, aria=title, colName="token")
    components.matrix(f"matrix-{name}", dict(hidden="let go") | header | more | origin(ctx, point))


def _again(ctx: StepContext, held: int, new: int, source: int) -> None:
    """What this pass costs with a cache and without one: what is computed again is what the cache spares."""
    config, first = ctx.config, held == new
    with_cache = cost.pass_flops(config, new, held, 1, None, source, new=first)
    without = cost.pass_flops(config, held, held, 1, None, source)
    rows = [
        {"label": say("decode", "cache/with"), "value": with_cache},
        {"label": say("decode", "cache/without"), "value": without},
    ]
    rows = [row | {"note": counted(row["value"])} for row in rows]
    _read(ctx, held, new)
    figure = bars(rows, "way", "FLOPs of this pass", height=90)
    chart(ctx, "pass", figure, say("decode", "cache/flops"), foot=say("decode", "cache/counted"))


def _read(ctx: StepContext, held: int, new: int) -> None:
    """Which tokens are read in this pass: a new one is 1, one that is computed again 0.5."""
    read = np.full((2, held), -np.inf, np.float32)
    read[1], read[:, held - new :] = 0.5, 1.0
    words = {1.0: say("decode", "cache/new"), 0.5: say("decode", "cache/again"), -np.inf: ""}
    id = ctx.id_of("read", f"{held} {new}")
    keep(id, read[None])
    title = say("decode", "cache/read")
    header = dict(src=id, axes="RC", title=title, aria=title, rowName="", colName="token", height=170)
    header |= dict(rows=[say("decode", "cache/with"), say("decode", "cache/without")], cols=ctx.labels[:held])
    header |= dict(texts=[[words[float(x)] for x in row] for row in read], scale="sequential", max=1.0)
    header["kinds"] = [[1.0, words[1.0]], *([[0.5, words[0.5]]] if held > new else [])]
    said = say("decode", "cache/marked", again=held - new)
    components.matrix("matrix-read", header | dict(say=said, foot="", model=ctx.model.name, hidden="kept"))


# --- by formula ----------------------------------------------------------------------------------


def _saved(ctx: StepContext, first: int) -> None:
    """FLOPs of each token and of the text so far, by the length of this model's window."""
    config = ctx.config
    source = _source(ctx)
    lengths = list(range(first, config.context + 1)) or [config.context]
    each = {cached: [cost.token_flops(config, n, cached, None, source) for n in lengths] for cached in (1, 0)}
    each[1][0] = each[0][0]  # the first pass reads all of the prompt in any case
    names = {1: say("decode", "cache/with"), 0: say("decode", "cache/without")}
    left, right = columns(1, 1)
    for place, name, made in ((left, "token", each), (right, "whole", _sums(each))):
        with place:
            lines = [series(names[cached], lengths, made[cached]) for cached in (1, 0)]
            figure = graph(lines, "tokens so far", "FLOPs", height=220, zero=True)
            chart(
                ctx,
                f"flops-{name}",
                figure,
                say("decode", f"cache/flops/{name}"),
                foot=say("decode", "cache/counted"),
            )
    whole = _sums(each)
    more = dict(ratio=whole[0][-1] / whole[1][-1], context=config.context)
    more |= dict(bytes=cost.cache_bytes(config, config.context, source=source))
    text(say("decode", "cache/saved", **more))


def _sums(each: dict[int, list[int]]) -> dict[int, list[int]]:
    return {cached: list(accumulate(values)) for cached, values in each.items()}


def _source(ctx: StepContext) -> int:
    """Positions of the encoder that cross-attention looks at; 0 where there is none."""
    encoder = ctx.model.reads[0]
    if not ctx.config.memory:
        return 0
    return encoder.context if encoder.image else ctx.trace.ids.shape[1]


def _formulas(ctx: StepContext) -> None:
    """Bytes of the cache of well-known models, and of the scores, against length."""
    left, right = columns(1, 1)
    with left:
        lines = [_curve(name, cache_of) for name in CURVES]
        alone = cost.SHAPES["LLaMA-2-70B"].config
        alone = replace(alone, key_heads=alone.heads)
        lengths = [n for n in LENGTHS if n <= alone.context]
        lines.append(
            series(say("decode", "cache/ungrouped"), lengths, [cache_of(cost.Shape(alone), n) for n in lengths])
        )
        figure = graph(lines, "tokens", "GB", height=300, zero=True)
        chart(ctx, "bytes", figure, say("decode", "cache/bytes"), foot=say("decode", "cache/half"), model="")
        text(say("decode", "cache/families"))
    with right:
        own = cost.Shape(ctx.config)
        for name, unit, of in (("scores", "MB", scores_of), ("work", "GFLOPs", work_of)):
            lines = [_curve("GPT-2 small", of), _curve(ctx.model.name, of, own)]
            figure = graph(lines, "tokens", unit, height=190, zero=True)
            foot = say("decode", f"cache/{name}/foot")
            chart(ctx, name, figure, say("decode", f"cache/{name}"), foot=foot, model="")
        text(say("decode", "cache/square"))


def _curve(name: str, of, shape: cost.Shape | None = None):
    """A quantity of a shape from one token to a full window."""
    shape = shape or cost.SHAPES[name]
    step = max(1, min(shape.config.context, LENGTHS[-1]) // 64)
    lengths = [n for n in (1, *range(step, shape.config.context + 1, step)) if n <= LENGTHS[-1]]
    return series(name, lengths, [of(shape, n) for n in lengths])


def cache_of(shape: cost.Shape, tokens: int) -> float:
    """Gigabytes of the cache, in 16 bits a number."""
    return cost.cache_bytes(shape.config, tokens, HALF, shape.window) / 1e9


def scores_of(shape: cost.Shape, tokens: int) -> float:
    """Megabytes of one block's scores, in 32 bits a number."""
    return cost.score_bytes(shape.config, tokens, window=shape.window) / 1e6


def work_of(shape: cost.Shape, tokens: int) -> float:
    """GFLOPs of queries times keys and weights times values."""
    return cost.score_flops(shape.config, tokens, shape.window) / 1e9


# --- measured ------------------------------------------------------------------------------------


def _measured(ctx: StepContext) -> None:
    """The time of each token and of the text, measured at a click."""
    text(say("decode", "cache/clock", n=TIMED))
    sign = f"timed {ctx.id_of('time')}"
    if not state.rested(sign):
        return button("time", say("decode", "cache/measure"), lambda: state.rest(sign), primary=True, of=sign)
    found = writing.timed(ctx.model.name, ctx.given, TIMED)
    if len(found.tokens) < 2:
        return text(say("decode", "cache/no room"))
    laps = {say("decode", "cache/with"): found.kept, say("decode", "cache/without"): found.anew}
    left, right = columns(1, 1)
    for place, name, of in ((left, "each", list), (right, "all", lambda x: list(accumulate(x)))):
        with place:
            lines = [series(way, found.tokens, [1000 * t for t in of(times)]) for way, times in laps.items()]
            figure = graph(lines, "tokens read", "milliseconds", height=220, zero=True)
            foot = say("decode", "cache/median", n=found.repeats)
            chart(ctx, f"time-{name}", figure, say("decode", f"cache/time/{name}"), foot=foot)
    kept, anew = sum(found.kept), sum(found.anew)
    text(say("decode", "cache/timed", n=len(found.tokens), kept=kept, anew=anew, ratio=anew / kept))


def _beside(ctx: StepContext, lengths: range) -> list:
    """Of a recurrent language model: what the default model, a Transformer, would keep of as many tokens."""
    other = compute.model(catalogue.shipped()[0])
    if len(ctx.model.reads) == 2 or not isinstance(other.config, Config):
        return []
    return [series(other.name, lengths, [cost.cache_bytes(other.config, n) for n in lengths])]


def _proof(ctx: StepContext, found: Agreement) -> None:
    """That both give the same scores; and how much room is left."""
    if found.ids:
        told = dict(n=len(found.ids), largest=f"{found.largest:.2g}", scores=found.scores)
        vocabulary = ctx.model.reads[-1].vocabulary
        text(say("decode", "cache/proof", **told, vocabulary=vocabulary, bytes=found.bytes[-1]))
    text(say("decode", "cache/full", whole_facts(ctx.model), context=ctx.model.reads[-1].context))


def _states(ctx: StepContext, found: Agreement) -> None:
    """A recurrent decoder keeps its state, as large after any number of tokens."""
    text(say("decode", "cache/state", whole_facts(ctx.model), bytes=found.bytes[-1] if found.bytes else 0))
    if found.bytes:
        lengths = range(1, len(found.bytes) + 1)
        lines = [series(ctx.model.name, lengths, found.bytes), *_beside(ctx, lengths)]
        figure = graph(lines, "tokens", "bytes", height=200, zero=True)
        chart(ctx, "state", figure, say("decode", "cache/state/title"), foot=ctx.model.name)
