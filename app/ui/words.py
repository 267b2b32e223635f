"""The walk's texts, as they are for the model shown."""

from app.text import say
from app.ui.context import StepContext
from app.ui.page import text


def words(ctx: StepContext, name: str, /, *also: str, **values) -> None:
    """A text of the walk, as it is for this kind of model (`also`: what else is so), filled in."""
    text(told(ctx, name, *also, **values))


def told(ctx: StepContext, name: str, /, *also: str, **values) -> str:
    """The same text, to be shown elsewhere."""
    return say("walk", name, ctx.facts | dict.fromkeys(also, True), **ctx.values | values)
