"""Writing: the text token by token, how surprising each is, what could stand in its place, and other texts."""

from dataclasses import replace

from app import state
from app.state import RANGES, View
from app.text import say
from app.ui.context import StepContext
from app.ui.controls import number, unfold
from app.ui.events import cell, numbers, place
from app.ui.frame import light
from app.ui.labels import token_labels
from app.ui.page import columns, put, text
from app.ui.source import code
from app.views.decode.settings import sampler, unedited
from app.views.decode.written import Written, written
from engine import decode

LONGEST = RANGES["length"][1]
BEST = 10  # entries that could stand in a token's place
DRAWS = 8  # whole continuations
MUCH = 12.0  # bits that have the darkest colour
HEADS = ("text", "seed", "log", "tokens", "each", "whole", "repeats")  # of a list of texts
WORDS = ("play", "stop", "step", "undo", "instead", "first", "given", "written", "bits")  # of the component


def draw(ctx: StepContext) -> None:
    one = written(ctx.model.name, ctx.view)
    unedited(ctx)
    left, right = columns(7, 4)
    with left:
        _text(ctx, one)
        text(_told(ctx, one))
        if note := state.told():
            text(note)
    with right:
        sampler()
        number(say("decode", "length"), "length")
        text(say("decode", "text/why", ctx.facts))
    _kept(ctx, one)
    many, open = unfold("draws", say("decode", "text/draws", count=DRAWS))
    if open:
        with many:
            _draws(ctx, one)
    code(decode.generate, decode.surprise)


def _text(ctx: StepContext, one: Written) -> None:
    """All tokens, the best ones in the place of each, and the buttons that write."""
    header = {
        "title": say("decode", "text/picture"),
        "tokens": tokens(ctx, one),
        "read": len(one.read),
        "length": len(one.added),
        "longest": LONGEST,
        "more": one.more and len(one.added) < LONGEST,
        "much": MUCH,
        "words": {name: say("decode", f"text/{name}") for name in WORDS},
        "foot": say("decode", "text/foot", tokens=len(one.ids)),
        "model": one.name,
        "light": light(one.check),
    }
    acts = dict(
        length=numbers((1, LONGEST), act=lambda sent: state.change(length=sent[0])),
        instead=cell(len(one.ids), BEST, lambda at: _take(ctx, one, *at)),
    )
    of = (one.given, one.read, replace(one.decoding, max_tokens=1))  # a longer text begins as a shorter one
    put("writing", "writing", header, of, **acts)


def tokens(ctx: StepContext, one: Written) -> list[dict]:
    """Each token with its surprise in bits, and the best entries in its place; of the first there are none."""
    labels = token_labels([one.model.tokenizer.shown(id) for id in one.ids])
    found = one.surprise
    bits = [None, *(round(x, 3) for x in found.bits.tolist())]
    best = [[], *_best(ctx, found)]
    return [
        {"id": id, "label": label, "bits": b, "best": others}
        for id, label, b, others in zip(one.ids, labels, bits, best, strict=True)
    ]


def _best(ctx: StepContext, found: decode.Surprise) -> list[list[tuple[int, str, float]]]:
    names = {id: ctx.label_of(id) for id in set(found.alternatives.flatten().tolist())}
    pairs = zip(found.alternatives.tolist(), found.probabilities.tolist(), strict=True)
    return [[(id, names[id], float(f"{p:.4g}")) for id, p in zip(ids, ps, strict=True)] for ids, ps in pairs]


def _told(ctx: StepContext, one: Written) -> str:
    """Sum and perplexity, and why the text ends where it does."""
    found = one.surprise
    bits = f"{found.total:.1f}" if found.total >= 10 else f"{found.total:.3g}"
    values = dict(bits=bits, count=len(found.bits), perplexity=found.perplexity, added=len(one.added))
    end = "on" if one.more else "full" if one.full else "ended"
    asked = dict(context=one.model.reads[-1].context)
    return f"{say('decode', 'text/sum', ctx.facts, **values)} {say('decode', f'text/{end}', **asked)}"


def _take(ctx: StepContext, one: Written, at: int, rank: int) -> None:
    """Put another token in the place of one, and let the model write on from there; both texts are kept."""
    if not at or rank >= len(one.surprise.alternatives[at - 1]):
        return
    id, model = int(one.surprise.alternatives[at - 1][rank]), one.model
    if id in model.tokenizer.special.values():
        return state.tell(say("decode", "text/end"))
    ids = (*one.ids[:at], id)
    new = one.text(ids)
    if new.count("\ufffd") > one.text(ids[:-1]).rstrip("\ufffd").count("\ufffd"):
        told = "part" if "\ufffd" in one.text((id,)) else "broken"
        return state.tell(say("decode", f"text/{told}", token=ctx.label_of(id)))
    field = "prompt" if isinstance(one.given, str) else "target"
    left = len(one.read) + one.decoding.max_tokens - len(ids)
    state.keep_text(ctx.view)
    state.anew(**{field: new}, length=max(1, min(LONGEST, left)))
    cut = written(one.name, state.current()).read != ids
    state.tell(say("decode", "text/recut") if cut else "")


def _kept(ctx: StepContext, one: Written) -> None:
    """The texts that were written before, beside this one."""
    now = state.text_of(ctx.view)
    kept = [view for view in state.texts_kept() if view.model == ctx.view.model and view != now]
    if not kept:
        return
    views = [now, *reversed(kept)]
    header = {"title": say("decode", "text/kept"), "rows": [_row(written(one.name, view)) for view in views]}
    acts = dict(
        open=place(len(views), lambda i: _open(ctx, views[i])),
        drop=place(len(views), lambda i: state.drop_text(views[i])),
    )
    _list("kept", header | {"at": 0, "drops": True}, views, **acts)


def _open(ctx: StepContext, view: View) -> None:
    state.keep_text(ctx.view)
    state.tell("")
    state.open_text(view)


def _draws(ctx: StepContext, one: Written) -> None:
    """Whole texts, each drawn with a seed of its own."""
    if one.decoding.method == "greedy":
        return text(say("decode", "text/one"))
    last = RANGES["seed"][1]
    seeds = [min(last, one.decoding.seed + k) for k in range(DRAWS)]
    header = {"title": "", "rows": [_row(one.with_seed(seed)) for seed in seeds], "at": 0, "drops": False}
    _list("draws", header, seeds, open=place(DRAWS, lambda i: _open(ctx, replace(ctx.view, seed=seeds[i]))))
    text(say("decode", "text/draws/why"))


def _row(one: Written) -> dict:
    seed = one.decoding.seed if one.decoding.method == "sample" else None
    sums = [one.log_probability, len(one.added), one.log_probability / max(1, len(one.added))]
    sums += [one.surprise.total, one.repeats]
    return {"before": one.text(one.read), "text": _added(one), "seed": seed, "numbers": sums}


def _added(one: Written) -> str:
    """What was added, as it goes on after the text before it."""
    whole, before = one.text(one.ids), one.text(one.read)
    return whole[len(before) :] if whole.startswith(before) else one.text(one.added)


def _list(key: str, header: dict, of: object, **acts) -> None:
    heads = [
        say("decode", f"list/{name}") for name in ("text", "seed", "log", "tokens", "each", "whole", "repeats")
    ]
    words = {name: say("decode", f"list/{name}") for name in ("open", "drop")}
    put("texts", f"texts-{key}", header | {"heads": heads, "words": words}, of, **acts)
