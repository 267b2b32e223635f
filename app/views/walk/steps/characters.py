"""Text to characters to ids: the vocabulary of a model that learned a small task."""

from app.ui.context import StepContext
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from app.views.walk.steps.tokens import cut, picked
from engine.tokenize.characters import CharacterTokenizer


def draw(ctx: StepContext) -> None:
    text = ctx.view.prompt
    left, right = columns(7, 4)
    with left:
        same = ctx.model.tokenizer.decode(ctx.ids) == text
        told = "the ids decode to exactly this text" if same else "the ids decode to another text"
        cut(
            ctx,
            [(label, [(i, ctx.ids[i], "a character")]) for i, label in enumerate(ctx.labels)],
            title="Every character is a token",
            slider="",
            merges=[[ctx.token]],
            notes=[""],
            light={"ok": same, "text": told},
        )
        words(ctx, "tokens/counts", characters=len(text), context=ctx.config.context)
    with right:
        picked(ctx)
        code(CharacterTokenizer.encode)
