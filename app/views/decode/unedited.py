"""What is said where the what-ifs are left out."""

from app.text import say
from app.ui.context import StepContext
from app.ui.page import notice


def without_edits(ctx: StepContext, what: str) -> None:
    """Say that a part's writing is the model's own, where there are what-ifs; `what` names the text."""
    if ctx.edits:
        notice(say("decode", f"{what}/without what-ifs"))
