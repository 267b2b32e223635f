"""Text to words to pieces to ids: an encoder's vocabulary, cut by the longest piece."""

from itertools import zip_longest

from app import compute
from app.ui.context import StepContext
from app.ui.labels import visible
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from app.views.walk.steps.tokens import ENTRY, cut, picked
from engine.tokenize.wordpiece import ENDS, cuts


def draw(ctx: StepContext) -> None:
    each = compute.cut(ctx.model.name, ctx.view.prompt)
    steps = _steps_of(each, ctx.view.token)
    left, right = columns(7, 4)
    with left:
        cut(
            ctx,
            _groups(ctx),
            title=f"How “{visible(steps[0][0])}” is cut",
            slider="Cuts so far",
            merges=[[visible(part) for part in parts] for parts in steps],
            notes=_notes(steps),
            light=_light(ctx, each),
        )
        words(
            ctx,
            "tokens/counts",
            characters=len(ctx.view.prompt),
            pieces=len(each),
            tokens=len(ctx.ids) - len(ENDS),
            context=ctx.config.context,
        )
    with right:
        picked(ctx)
        code(cuts)


def _groups(ctx: StepContext) -> list:
    """Each token on its own: (text, [(position, id, what it is)])."""
    special = ctx.model.tokenizer.special.values()
    kinds = [ENTRY if id in special else "one entry of the list" for id in ctx.ids]
    pairs = enumerate(zip(ctx.tokens, ctx.ids, kinds, strict=True))
    return [(visible(token.decode()), [(i, id, kind)]) for i, (token, id, kind) in pairs]


def _steps_of(each: list[list[list[str]]], token: int) -> list[list[str]]:
    """How the word of a token was cut; [CLS] and the last [SEP] stand alone."""
    end = 1  # after [CLS]
    for steps in each:
        end += len(steps[-1])
        if 0 < token < end:
            return steps
    return [["[SEP]"]] if token else [["[CLS]"]]


def _notes(steps: list[list[str]]) -> list[str]:
    """What happened at each stop of the slider: which piece was cut off."""
    if len(steps) == 1:
        return ["in the vocabulary as a whole: nothing to cut"]
    if steps[-1] == ["[UNK]"]:
        return ["the word", "no piece of the vocabulary fits the rest, so the whole word is unknown"]
    cut = [
        f"cut {n}: {visible(parts[n - 1])} is the longest piece known" for n, parts in enumerate(steps[1:], 1)
    ]
    return ["the word is not in the vocabulary", *cut]


def _light(ctx: StepContext, each: list[list[list[str]]]) -> dict:
    """Are the tokens those that the cuts end in, between [CLS] and [SEP]?"""
    pieces = [piece for steps in each for piece in steps[-1]]
    cut, used = ["[CLS]", *pieces, "[SEP]"], [t.decode() for t in ctx.tokens]
    if cut != used:
        i = next(i for i, (a, b) in enumerate(zip_longest(cut, used)) if a != b)
        return {"ok": False, "text": f"cut again by this rule, token {i} differs from the one used"}
    return {"ok": True, "text": "every word cut again by this rule gives these tokens"}
