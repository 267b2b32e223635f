"""Worked examples: what is given can be changed, and every step follows."""

import re
from collections.abc import Callable
from dataclasses import replace

from app import components, state
from app.text import say
from app.ui.controls import button, select_of, switch
from app.ui.events import flag
from app.ui.labels import escape
from app.ui.page import columns, group, notice, text
from app.views.by_hand import grids
from engine.examples import Example, Misfit, changes, names, read, shipped, why, work_out
from engine.examples.example import LARGEST_FILE, TOPICS, Done
from engine.examples.formula import same
from engine.examples.own import to_toml
from engine.examples.printed import rows_of
from engine.examples.value import Value

FIRST = "reza_lives"


def draw() -> None:
    name = state.current().example
    if name and name != "own" and name not in names():
        notice(say("by_hand", "unknown", name=name[:40]), "warning")
    name = name if name in names() else FIRST
    example = shipped(name)
    _choose(example)
    show(example)


def _choose(example: Example) -> None:
    """The topics, and the examples of the present one."""
    by_topic = {topic: [each for each in names() if shipped(each).topic == topic] for topic in TOPICS}
    topics = {topic: say("by_hand", f"topic/{topic}") for topic, those in by_topic.items() if those}
    titles = {each: shipped(each).title for each in by_topic[example.topic]}
    left, right = columns(1, 2)
    with left:
        select_of("topic", say("by_hand", "topics"), example.topic, topics, lambda one: _open(by_topic[one][0]))
    with right:
        select_of("example", say("by_hand", "examples/which"), example.name, titles, _open, of=example.topic)


def _open(name: str) -> None:
    state.change(example=name, given="", cell="")


def show(example: Example) -> None:
    """One example, with the changed numbers of the view."""
    now, ignored = changes.read(example, state.current().given)
    if ignored:
        notice(say("by_hand", "ignored") + " " + " ".join(map(escape, ignored)), "warning")
    changed = example.with_values(now)
    text(_told(example))
    left, right = columns(1, 5)
    with left:
        text(f"#### {say('by_hand', 'given')}")
    with right:
        _acts(changed, bool(now))
    _given(example, changed)
    if example.question:
        _question(changed)
    text(f"#### {say('by_hand', 'steps')}")
    if example.question and not state.noted(f"answer {example.name}"):
        return text(say("by_hand", "question/first"))
    _steps(example, changed)
    _walk(example)


def _told(example: Example) -> str:
    told = [example.says] if example.says else []
    place = say("by_hand", "place", lecture=example.lecture, place=example.place) if example.lecture else ""
    ours = say("by_hand", "ours", why=example.ours) if example.ours else ""
    return f"### {escape(example.title)}\n\n" + "\n\n".join(
        filter(None, [*told, ". ".join(filter(None, (place, ours)))])
    )


def _acts(changed: Example, differs: bool) -> None:
    file = to_toml(changed)
    offered = ("link", "print", "save") if len(file) <= LARGEST_FILE else ("link", "print")
    acts = [(act, say("by_hand", f"acts/{act}")) for act in offered]
    acts += [("reset", say("by_hand", "acts/reset"))] if differs else []
    header = {"acts": acts, "words": {word: say("by_hand", f"acts/{word}") for word in ("copied", "bar")}}
    header |= {"file": f"{changed.name}.toml", "text": file, "most": 0}
    left, right = columns(3, 1)
    with left:
        components.sheet("acts", header, reset=flag(lambda on: _reset(changed.name)))
    with right:
        switch(say("by_hand", "predict"), "predict")


def _reset(name: str) -> None:
    for start in (grids.key_of(name, ""), f"guess {name}", f"shown {name}", f"answer {name}"):
        state.forget(start)
    state.change(given="", cell="")


def _given(example: Example, changed: Example) -> None:
    with group("givens"):
        for original, one in zip(example.given, changed.given, strict=True):
            if not (example.question and one.name in example.question.candidates):
                grids.given(example.name, one, False, _put(example, original.name))


def _put(example: Example, name: str) -> Callable[[Value], None]:
    """Put a new value into the view; what it was made from may have changed meanwhile."""

    def act(value: Value) -> None:
        now, _ = changes.read(example, state.current().given)
        state.change(given=changes.write(example, now | {name: value}))

    return act


# --- steps -------------------------------------------------------------------------------------------


def _steps(example: Example, changed: Example) -> None:
    view, done = state.current(), work_out(changed)
    printed = _printed(example, changed)
    covered = {name for name in done if view.predict and not state.noted(f"shown {example.name} {name}")}
    for name, each in done.items():
        if example.question and name in example.question.candidates:
            continue
        with group(f"work-{name}", border=True):
            if each.trouble:
                components.formula(f"formula-{name}", grids.formula(grids.equation(each.step), name))
                notice(escape(each.trouble), "warning")
                continue
            shown = not covered.intersection(each.step.formula.names)
            act = _pick(name)
            rows = [row for row in printed if row.of == name]
            grids.result(each, rows, name in covered, shown, act, _revealing(example.name, name))
            if name not in covered:
                _worked(name, each)


def _printed(example: Example, changed: Example) -> list:
    """What the lecture printed, while its own numbers stand there."""
    same_numbers = all(same(a.value, b.value) for a, b in zip(example.given, changed.given, strict=True))
    return rows_of(example) if same_numbers else []


def _revealing(example: str, name: str) -> Callable[[], None]:
    return lambda: state.note(f"shown {example} {name}", True)


def _pick(name: str) -> Callable[[list[int]], None]:
    """Pick a cell of a step; picked once more, it is none."""

    def act(at: list[int]) -> None:
        picked = f"{name}.{at[0] + 1}.{at[1] + 1}"
        state.change(cell="" if state.current().cell == picked else picked)

    return act


def _worked(name: str, done: Done) -> None:
    at = grids.picked(name)
    value = done.part.value
    if at and all(0 <= i < n for i, n in zip(at, value.grid.shape, strict=True)):
        index = value.at(*at)
        grids.arithmetic(name, done.part, index, why(done.part, index))


# --- the question ------------------------------------------------------------------------------------


def _question(example: Example) -> None:
    """Which of some matrices is the right one? What is right follows from the numbers."""
    asked, values = example.question, _values(example)
    picked = state.noted(f"answer {example.name}")
    text(f"#### {say('by_hand', 'question')}\n\n{asked.ask}")
    with group("candidates"):
        for name in asked.candidates:
            if name in values:
                _candidate(example.name, name, values, asked.equals, picked)
    if picked in values and asked.equals in values:
        right = same(values[picked], values[asked.equals])
        notice(say("by_hand", "question/right" if right else "question/wrong", name=picked) + " " + asked.says)


def _candidate(example: str, name: str, values: dict[str, Value], equals: str, picked: str | None) -> None:
    verdict = same(values[name], values[equals]) if picked == name and equals in values else None
    label = say("by_hand", "question/this", name=name)
    shown = "" if verdict is None else say("by_hand", "grid/right" if verdict else "grid/wrong")
    head = grids.header(name, "result", values[name], grids.rows_of(values[name]))
    head |= {
        "formula": grids.formula(rf"\text{{{name}}}", name),
        "acts": [("answer", label)],
        "after": [shown] * bool(shown),
    }
    act = lambda on: state.note(f"answer {example}", name)  # noqa: E731
    size = values[name].grid.shape
    components.grid(f"candidate-{name}", head, pick=grids.cell(*size, act), answer=flag(act))


def _values(example: Example) -> dict[str, Value]:
    done = work_out(example)
    values = {given.name: given.value for given in example.given}
    return values | {name: each.part.value for name, each in done.items() if each.part}


# --- the same on a real model ------------------------------------------------------------------------


def _walk(example: Example) -> None:
    """Opens the Walk where a model does the same."""
    if "step" in example.walk:
        button("same", say("by_hand", "same"), lambda: _leave(example), primary=True)


def _leave(example: Example) -> None:
    walk = example.walk
    where = {
        name: int(walk[name]) for name in ("layer", "head") if re.fullmatch("[0-9]{1,3}", walk.get(name, ""))
    }
    texts = {name: walk[name] for name in ("model", "prompt") if name in walk}
    if walk["step"] in state.CHOICES["step"]:
        state.anew(step=walk["step"], stage=0, edits=(), **where, **texts)
    state.leave()


def read_own(file: str) -> Example:
    """An example of one's own from the text of its file; a Misfit where it is none."""
    example = replace(read(file), topic="own", name="own")
    if not example.steps:
        raise Misfit("It has no [[step]], so there is nothing to work out; a name and a formula make one.")
    rows_of(example)  # what is printed in it can be compared
    return example
