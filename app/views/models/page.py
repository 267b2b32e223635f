"""The models: what each is, how it learned, how well it does, and what it was at moments of its training."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app import catalogue, components, compute, state
from app.text import say
from app.ui import what_ifs
from app.ui.controls import button, choice_of, slider_of_names
from app.ui.figures import panels, series
from app.ui.notes import notes
from app.ui.page import Page, columns, notice, text
from engine.load import AT, SHIPPED

CURVES = {  # of learning.json: what a curve is called, and its value in one record
    "bits": ("Bits per byte of held-out books", lambda r: r["bits"]),
    "again": ("A random string again: its loss against the first time", lambda r: r["second"] / r["first"]),
    "roles": ("The best induction head's score", lambda r: r["roles"]["induction"]),
    "whom": ("Who gave what to whom: share of right answers", lambda r: r["who to whom"]),
}
NO_CARD = "it has no card.md; one is written when a model has been measured"


def main() -> None:
    view = state.view(catalogue.models())
    if state.leaving():
        st.switch_page("views/walk/page.py", query_params=state.link())
    name, _, step = catalogue.walked(view).partition(AT)
    with Page() as page:
        notes()
        _choose(name)
        _what_ifs(view)
        _tried(name, lambda: _learned(name, step))
        card = _tried(name, lambda: _card(SHIPPED / name))
    components.show(page)
    st.markdown(card or "")
    state.publish()


def _tried(name: str, draw: Callable[[], str | None]) -> str | None:
    """What `draw` gives; a sentence about the model's folder where what is in it is broken or half written."""
    try:
        return draw()
    except Exception as error:  # whatever stands in the files of that folder
        notice(say("trouble", "models", name=name, reason=catalogue.told(error)), "warning")
        return None


def _card(folder: Path) -> str:
    if not (folder / "card.md").is_file():
        raise ValueError(NO_CARD)
    return (folder / "card.md").read_text("utf-8")


def _learned(name: str, step: str) -> None:
    """How it learned, where that was kept."""
    moments = catalogue.measured(name, "learning.json").get("moments", [])
    if moments:
        names = dict(zip([*catalogue.moments(name), name], [r for r in moments if r["ships"]], strict=True))
        _moments(name, step, names)
        text(say("model", "learning"))
        _curves(name, step, moments)


def _what_ifs(view: state.View) -> None:
    """The what-ifs of the walk, which change nothing that is told here."""
    if view.edits:
        what_ifs.strip(view.edits, compute.model(catalogue.walked(view)).reads[-1])
        text(say("model", "edits"))


def _choose(name: str) -> None:
    """Which of the shipped models; the walk then shows that one."""
    models, walk = columns(6, 1, align="end")
    with models:
        choice_of("model", say("model", "which"), name, {n: n for n in catalogue.shipped()}, _pick, named=True)
    with walk:
        button("walk", say("model", "walk"), state.leave)


def _moments(name: str, step: str, names: dict[str, dict]) -> None:
    """Which moment of its training; the walk then shows that one."""
    at = list(names).index(name + (step and AT + step))
    steps = [_steps(moment["step"]) for moment in names.values()]
    slider_of_names("moment", say("model", "moment"), at, steps, lambda i: _pick(list(names)[i]), of=name)


def _pick(name: str) -> None:
    state.change(model=catalogue.linked(name), image="", target="")


def _steps(n: int) -> str:
    return say("model", "steps", n=n)


def _curves(name: str, step: str, moments: list[dict]) -> None:
    """What was learned when: all curves over the steps, and their values at the picked moment."""
    now = next(r for r in moments if str(r["step"]) == (step or str(moments[-1]["step"])))
    steps = [r["step"] for r in moments]
    lines = [
        series(title, map(_place, steps), [value(r) for r in moments], [_steps(n) for n in steps])
        for title, value in CURVES.values()
    ]
    ticks = {_place(n): f"{n:,}" for n in (0, *(10**k for k in range(len(str(steps[-1])))))}
    names = (say("model", "curves/bits"), say("model", "curves/shares"))
    figure = panels(
        (lines[:1], lines[1:]), say("model", "curves/steps"), names, ticks, _place(now["step"]), 430
    )
    title = say("model", "curves/title")
    told = say(
        "model", "curves/say", step=now["step"], **{key: value(now) for key, (_, value) in CURVES.items()}
    )
    header = {"title": title, "aria": title, "model": name, "foot": "learning.json", "say": told}
    components.plot("plot-learning", header, figure)


def _place(step: int) -> float:
    """Where a number of steps stands on an axis in powers of ten, which has no 0: that stands before 1."""
    return max(step, 0.5)


main()
