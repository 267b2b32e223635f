"""The planted bug: which one, the line that is suspected, and whether it was that."""

from app import settings
from app.text import say
from app.ui.controls import select_of
from app.ui.page import notice, text
from app.views.train.backprop.runs import Run
from app.views.train.backprop.settings import BUGS, Backprop
from engine.autodiff import Listing, nn_backward


def choose(now: Backprop) -> None:
    names = {"0": say("backprop", "bug/none")}
    names |= {str(i + 1): say("backprop", "bug/number", n=i + 1) for i in range(len(BUGS))}
    plant = lambda one: settings.change(Backprop, bug=int(one), guess=-1, line=-1)  # noqa: E731
    select_of("bug", say("backprop", "bug"), str(now.bug), names, plant)


def suspect(line: int) -> None:
    settings.change(Backprop, guess=line)


def spoiled(run: Run) -> int:
    """The line that differs from the right code, counted over all listings."""
    before, backward = run.listings
    right = Listing(nn_backward).lines
    return len(before.lines) + next(i for i, line in enumerate(backward.lines) if line != right[i])


def verdicts(now: Backprop, run: Run) -> dict[int, bool]:
    return {now.guess: now.guess == spoiled(run)} if now.guess >= 0 else {}


def told(now: Backprop, run: Run) -> None:
    """What to do, or whether the suspected line is the one."""
    if now.guess < 0:
        return text(say("backprop", "bug/find"))
    at = spoiled(run)
    if now.guess != at:
        return notice(say("backprop", "bug/not"), "warning")
    right = Listing(nn_backward).lines[at - len(run.listings[0].lines)].strip()
    notice(say("backprop", "bug/found", right=right) + " " + say("backprop", f"bug/why/{BUGS[now.bug - 1]}"))
