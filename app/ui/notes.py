"""What is said on top of any page: what a link asked for in vain, what an address cannot hold, and trouble."""

from app import state
from app.text import say
from app.ui.labels import escape
from app.ui.page import notice

TOLD = 6  # things that a link asked for in vain


def notes() -> None:
    ignored, uncarried = state.ignored(), state.uncarried()
    if ignored:
        more = len(ignored) - TOLD
        said = [escape(note) for note in ignored[:TOLD]] + [say("trouble", "more", n=more)] * (more > 0)
        notice(say("trouble", "link") + " " + " ".join(said))
    if uncarried:
        notice(say("trouble", "uncarried", names=" and ".join(uncarried)))
    for complaint in state.complaints():
        notice(complaint, "warning")
