"""The models: what each is, how it learned, how well it does, and its checkpoints."""

import streamlit as st

from app import catalogue, components, state
from app.text import say
from app.ui.figures import panels, series
from app.ui.page import Page
from engine.load import AT, SHIPPED, checkpoints_of

CURVES = {  # of learning.json: what a curve is called, and its value in one record
    "bits": ("Bits per byte of held-out books", lambda r: r["bits"]),
    "again": ("Repeated random string: second loss ÷ first", lambda r: r["second"] / r["first"]),
    "roles": ("The best induction head's score", lambda r: r["roles"]["induction"]),
    "whom": ("Who gave what to whom: share correct", lambda r: r["who to whom"]),
}


def main() -> None:
    view = state.view(catalogue.models())
    name, _, step = (view.model or catalogue.shipped()[0]).partition(AT)
    _choose(name)
    checkpoints = catalogue.beside(name, "learning.json").get("checkpoints", [])
    if checkpoints:
        _checkpoints(name, step, checkpoints)
        st.markdown(say("model", "learning"))
        _curves(name, step, checkpoints)
    st.markdown((SHIPPED / name / "card.md").read_text("utf-8"))
    state.publish()


def _choose(name: str) -> None:
    """Which of the shipped models; the walk then shows that one."""
    names = catalogue.shipped()
    st.session_state["control-model"] = name
    with st.container(key="models"):
        a, b = st.columns([6, 1], vertical_alignment="bottom")
        a.segmented_control(
            say("model", "which"),
            names,
            key="control-model",
            required=True,
            on_change=lambda: _pick(st.session_state["control-model"]),
        )
        b.page_link("views/walk/page.py", label=say("model", "walk"), icon=":material/arrow_forward:")


def _checkpoints(name: str, step: str, checkpoints: list[dict]) -> None:
    """Which checkpoint of its training; the walk then shows that one."""
    names = dict(zip([*checkpoints_of(name), name], [r for r in checkpoints if r["ships"]], strict=True))
    st.session_state["control-checkpoint"] = name + (step and AT + step)
    st.select_slider(
        say("model", "checkpoint"),
        list(names),
        key="control-checkpoint",
        format_func=lambda checkpoint: _steps(names[checkpoint]["step"]),
        on_change=lambda: _pick(st.session_state["control-checkpoint"]),
    )


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
    with Page() as page:
        components.plot("plot-learning", header, figure)
    components.show(page)


def _place(step: int) -> float:
    """Where a number of steps is on a logarithmic axis, which has no 0: that is drawn before 1."""
    return max(step, 0.5)


main()
