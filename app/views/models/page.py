"""The models: what each is, how it learned, how well it does, and its checkpoints."""

from collections.abc import Callable

import streamlit as st

from app import catalogue, components, compute, shelf, state
from app.text import say
from app.ui import picker, what_ifs
from app.ui.controls import button, choice_of, slider_of_names
from app.ui.figures import panels, series
from app.ui.notes import notes
from app.ui.page import Page, columns, notice, text
from app.views.models import own
from engine.load import AT

CURVES = {  # of learning.json: what a curve is called, and its value in one record
    "bits": ("Bits per byte of held-out books", lambda r: r["bits"]),
    "again": ("Repeated random string: second loss ÷ first", lambda r: r["second"] / r["first"]),
    "roles": ("The best induction head's score", lambda r: r["roles"]["induction"]),
    "whom": ("Who gave what to whom: share correct", lambda r: r["who to whom"]),
}
NO_CARD = "it has no card.md; one is written when a model has been measured"


def main() -> None:
    view = state.view(catalogue.models())
    shown = catalogue.walked(view)
    shipped = not shelf.find(shown)
    name, _, step = shown.partition(AT) if shipped else (shown, "", "")
    with Page() as page:
        notes()
        _choose(shown, name)
        own.draw(name)
        _what_ifs(view)
        if shipped:
            _tried(name, lambda: _learned(name, step))
        card = _tried(name, lambda: _card(name))
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


def _card(name: str) -> str:
    if shelf.find(name):
        return own.card(name)
    card = catalogue.folder_of(name) / "card.md"
    if not card.is_file():
        raise ValueError(NO_CARD)
    return card.read_text("utf-8")


def _learned(name: str, step: str) -> None:
    """How it learned, where that was kept."""
    checkpoints = catalogue.measured(name, "learning.json").get("checkpoints", [])
    if checkpoints:
        shipped = [record for record in checkpoints if record["ships"]]
        names = dict(zip([*catalogue.checkpoints(name), name], shipped, strict=True))
        _checkpoints(name, step, names)
        text(say("model", "learning"))
        _curves(name, step, checkpoints)


def _what_ifs(view: state.View) -> None:
    """The what-ifs of the walk, which change nothing that is told here."""
    if view.edits and not catalogue.fault(catalogue.walked(view)):
        what_ifs.strip(view.edits, compute.model(catalogue.walked(view)).reads[-1])
        text(say("model", "edits"))


def _choose(shown: str, name: str) -> None:
    """Which model; the walk then shows that one."""
    models, walk = columns(5, 1, align="end")
    with models:
        placed = catalogue.placed()
        names = {n: n for n in catalogue.shipped() if n not in placed}
        choice_of("model", say("model", "which"), name, names, picker.pick, named=True)
        if placed:
            names = {n: say("positions", f"{kind}/name") for n, kind in placed.items()}
            choice_of("placed", say("model", "family/placed"), name, names, picker.pick, named=True)
    with walk:
        picker.draw(shown)
        button("walk", say("model", "walk"), state.leave)


def _checkpoints(name: str, step: str, names: dict[str, dict]) -> None:
    """Which checkpoint of its training; the walk then shows that one."""
    at = list(names).index(name + (step and AT + step))
    steps = [_steps(checkpoint["step"]) for checkpoint in names.values()]
    label = say("model", "checkpoint")
    slider_of_names("checkpoint", label, at, steps, lambda i: _pick(list(names)[i]), of=name)


def _pick(name: str) -> None:
    state.change(model=catalogue.linked(name), image="", target="")


def _steps(n: int) -> str:
    return say("model", "steps", n=n)


def _curves(name: str, step: str, checkpoints: list[dict]) -> None:
    """What was learned when: all curves over the steps, and their values at the picked checkpoint."""
    now = next(r for r in checkpoints if str(r["step"]) == (step or str(checkpoints[-1]["step"])))
    steps = [r["step"] for r in checkpoints]
    lines = [
        series(title, map(_place, steps), [value(r) for r in checkpoints], [_steps(n) for n in steps])
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
    """Where a number of steps is on a logarithmic axis, which has no 0: that is drawn before 1."""
    return max(step, 0.5)


main()
