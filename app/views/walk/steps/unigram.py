"""Text to words to the most probable pieces to ids: T5's vocabulary."""

from app import compute
from app.text import say
from app.ui.context import StepContext
from app.ui.controls import text_field
from app.ui.labels import visible
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from app.views.walk.steps.target import sure
from app.views.walk.steps.tokens import ENTRY, LONGEST_TARGET, cut, picked
from engine.tokenize.hub import SPACE
from engine.tokenize.unigram import UnigramTokenizer

SHOWN = 4  # ways to cut a word
LONGEST = 100  # letters of a word whose other cuts are looked for


def draw(ctx: StepContext) -> None:
    runs, text = runs_of(ctx), ctx.text if ctx.side else ctx.view.prompt
    run = next(run for run in runs if ctx.view.token in run)
    steps = _steps_of(ctx, run)
    left, right = columns(7, 4)
    with left:
        words(
            ctx,
            "tokens/counts",
            characters=len(text),
            pieces=sum(len(run) > 1 or ctx.ids[run[0]] not in _special(ctx) for run in runs),
            tokens=sum(id not in _special(ctx) for id in ctx.ids),
            context=ctx.config.context,
        )
        if ctx.side == "decoder":
            sure(ctx)
            text_field(say("walk", "target/field"), "target", LONGEST_TARGET)
        cut(
            ctx,
            _groups(ctx),
            title=f"How “{visible(_word(ctx, run))}” is cut",
            slider="From less to more probable",
            merges=[[visible(piece.replace(SPACE, " ")) for piece in pieces] for _, pieces in steps],
            notes=_notes(steps),
            light=_light(ctx, runs),
        )
    with right:
        picked(ctx)
        code(UnigramTokenizer.cuts)


def runs_of(ctx: StepContext) -> list[range]:
    """The positions of each word's tokens. What is special, unknown or a single byte stands alone: on the best
    way to cut a text every run of tokens is itself the best way to cut what it encodes."""
    alone = [id in _special(ctx) or ctx.model.tokenizer.is_byte(id) for id in ctx.ids]
    entries = [_entry(ctx, id) for id in ctx.ids]
    begins = [0]
    for i in range(1, len(entries)):
        begins += [i] if entries[i].startswith(SPACE) or alone[i - 1] or alone[i] else []
    return [range(a, b) for a, b in zip(begins, [*begins[1:], len(entries)], strict=True)]


def _special(ctx: StepContext) -> set[int]:
    tokenizer = ctx.model.tokenizer
    return {*tokenizer.special.values(), *tokenizer.added.values(), tokenizer.unknown}


def _entry(ctx: StepContext, id: int) -> str:
    try:
        return ctx.model.tokenizer.token(id)
    except KeyError:
        return ctx.model.tokenizer.shown(id).decode()


def _word(ctx: StepContext, run: range) -> str:
    return "".join(_entry(ctx, ctx.ids[i]) for i in run).replace(SPACE, " ")


def _used(ctx: StepContext, run: range) -> list[str]:
    return [_entry(ctx, ctx.ids[i]) for i in run]


def _steps_of(ctx: StepContext, run: range) -> list[tuple[float, list[str]]]:
    """Ways to cut a word, the one used last; of what stands alone nothing else."""
    used = _used(ctx, run)
    score, word = ctx.model.tokenizer.score(used), "".join(used)
    if len(word) > LONGEST or ctx.ids[run[0]] in _special(ctx):
        return [(score, used)]
    others = [way for way in compute.ways(ctx.model.name, word, SHOWN) if way[1] != used][: SHOWN - 1]
    return [*reversed(others), (score, used)]


def _notes(steps: list[tuple[float, list[str]]]) -> list[str]:
    if len(steps) == 1:
        return ["no other way to cut it"]
    *others, (best, _) = [(f"{score:.3f}".replace("-", "−"), pieces) for score, pieces in steps]
    told = [f"log-probability {score}" for score, _ in others]
    return [*told, f"log-probability {best}: the largest, so this is used"]


def _groups(ctx: StepContext) -> list:
    """Each token on its own: (text, [(position, id, what it is)])."""
    special = _special(ctx)
    kinds = [ENTRY if id in special else "one entry of the list" for id in ctx.ids]
    pairs = enumerate(zip(ctx.tokens, ctx.ids, kinds, strict=True))
    return [(visible(token.decode("utf-8", "replace")), [(i, id, kind)]) for i, (token, id, kind) in pairs]


def _light(ctx: StepContext, runs: list[range]) -> dict:
    """Is no cut of any word more probable than the one used?"""
    tokenizer = ctx.model.tokenizer
    for run in runs:
        used = _used(ctx, run)
        if ctx.ids[run[0]] in _special(ctx) or tokenizer.is_byte(ctx.ids[run[0]]):
            continue
        ((best, pieces), *_) = compute.ways(ctx.model.name, "".join(used), 1)
        if best - tokenizer.score(used) > 1e-9:
            text = f"“{visible(_word(ctx, run))}” would be cut {' '.join(map(visible, pieces))}"
            return {"ok": False, "text": text}
    return {"ok": True, "text": "no word has a more probable cut than the one used"}
