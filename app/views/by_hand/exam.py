"""Exercises: a sheet by its seed, to be filled in, checked, and printed with or without solutions."""

from app import components, state
from app.text import say
from app.ui.controls import choice, number, switch
from app.ui.page import columns, group, text
from app.views.by_hand import grids
from engine.examples import work_out
from engine.examples.exam import KINDS, Exercise, exam
from engine.examples.value import short, value


def draw() -> None:
    view = state.current()
    kinds = {kind: say("by_hand", f"exam/{kind}") for kind in ("mixed", *KINDS)}
    choice(say("by_hand", "exam/kinds"), "exercise", kinds)
    a, b, c, d = columns(1, 1, 1, 2)
    with a:
        number(say("by_hand", "exam/count"), "exercises")
    with b:
        number(say("by_hand", "exam/seed"), "seed")
    with c:
        switch(say("by_hand", "exam/solutions"), "solved")
    with d:
        acts = [(act, say("by_hand", f"acts/{act}")) for act in ("print", "link")]
        words = {word: say("by_hand", f"acts/{word}") for word in ("copied", "bar")}
        components.sheet("acts", {"acts": acts, "words": words, "file": "", "text": "", "most": 0})
    text(say("by_hand", "exam/sheet", seed=view.seed))
    for i, exercise in enumerate(exam(view.seed, view.exercise, view.exercises)):
        with group(f"exercise-{i + 1}", border=True):
            _exercise(i, exercise)


def _exercise(i: int, exercise: Exercise) -> None:
    view = state.current()
    text(f"**{i + 1}.** {exercise.question}")
    key = f"exam {view.exercise} {view.seed} {i} {exercise.kind}"
    typed = state.noted(key) or [[""] * len(exercise.answers)]
    verdicts = grids.verdicts_of(typed, lambda _, j, answer: exercise.right(j, answer))
    # the answers' places only; texts have no numbers to show
    place = value([0.0] * len(exercise.answers), (exercise.names,))
    texts = any(isinstance(x, str) for x in exercise.answers)
    more = {"verdicts": verdicts, "after": [] if texts else grids.no_number(typed)}
    head = grids.header(say("by_hand", "exam/answer", n=i + 1), "guess", place, typed, **more)

    def change(order: list[int], sent: str) -> None:
        state.note(
            key, [[short(cell, 60) for cell in sent.split("\n")[0].split("\t")][: len(exercise.answers)]]
        )

    components.grid(f"answer-{i}", head, change=grids.typed_in(change))
    if view.solved:
        _solution(i, exercise)


def _solution(i: int, exercise: Exercise) -> None:
    answers = [x if isinstance(x, str) else grids.written(x) for x in exercise.answers]
    text(say("by_hand", "exam/solution", answers="; ".join(answers)))
    if exercise.solution:
        text(exercise.solution)
    if not exercise.example:
        return
    for name, done in work_out(exercise.example).items():
        step = done.step
        more = {"says": grids.compute.marked(step.says)} if step.says else {}
        if latex := grids.in_numbers(done.part):
            more["numbers"] = grids.formula(f"= {latex}", name)
        grids.plain(f"solution-{i}-{name}", name, done.part.value, grids.equation(step), **more)
