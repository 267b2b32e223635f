"""What a part of a page shows of its job: how far it is, and the buttons that start, pause and end it."""

from collections.abc import Callable

from app import components, jobs, turns
from app.text import say
from app.ui.controls import button
from app.ui.page import columns, notice, text

OFTEN, SELDOM = 250, 2000  # milliseconds between two pictures of it: the more visitors wait, the more
SHARES = (2, 2, 2, 9)


def bar(
    kind: str,
    settings: dict,
    label: str,
    told: Callable[[jobs.Running], str] = lambda one: "",
    *,
    paused: bool = True,
    ready: bool = True,
) -> jobs.Running | None:
    """The visitor's job of this kind with these buttons; None where he has none.

    label   of the button that starts one with `settings`
    told    how far it is, a sentence
    paused  whether it can be paused
    ready   whether it can be started with these settings
    """
    one = jobs.mine()
    mine = one if one and one.kind == kind else None
    if one and not mine and not one.ended:
        text(say("train", "job/other", kind=say("train", f"job/{one.kind}")))
    places = columns(*SHARES, align="center")
    active = mine is not None and not mine.ended
    with places[0]:
        if not active:
            button(
                "job-start",
                label,
                lambda: jobs.start(kind, settings),
                primary=True,
                disabled=not ready,
                of=settings,
            )
        elif mine.state == "paused":
            button("job-on", say("train", "job/on"), mine.go_on, primary=True)
        elif paused:
            button("job-pause", say("train", "job/pause"), mine.pause, disabled=mine.state != "running")
    with places[1]:
        if active and mine.state == "paused":
            button("job-step", say("train", "job/step"), mine.step)
    with places[2]:
        if active:
            button("job-stop", say("train", "job/stop"), mine.stop)
    with places[3]:
        if mine:
            text(_told(mine, told))
    if mine and mine.state == "failed":  # how far it came stands above
        notice(say("train", "job/failed", why=mine.why), "warning")
    if active and mine.moving:
        components.ticker(_pause(mine), lambda: None)
    return mine


def _pause(one: jobs.Running) -> int:
    """Milliseconds until the page is drawn again."""
    crowd = len(turns.DRAWING.waiting) + (3 if one.state == "waiting" else 0)
    return min(SELDOM, OFTEN * (1 + crowd))


def _told(one: jobs.Running, told: Callable[[jobs.Running], str]) -> str:
    """Its state, and how far it is."""
    far = told(one) if one.events else ""
    if one.state == "failed":
        return far
    values = dict(place=one.place, running=jobs.running(), why=one.why)
    key = f"job/{one.state}" + ("/why" if one.state == "stopped" and one.why else "")
    return f"{say('train', key, **values)} {far}".strip()
