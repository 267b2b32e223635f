"""Tasks asked by example: the prompt, how probable the right answer becomes, and what is written."""

import math
import statistics

from app import catalogue, compute, state, writing
from app.text import say
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.controls import button, choice, number, slider_of, switch
from app.ui.figures import bars, graph, series
from app.ui.page import columns, group, notice, put, text
from app.ui.source import code
from app.views.decode.unedited import without_edits
from engine.decode import Decoding, prompting
from engine.decode.prompting import Task, tasks

LARGE = 20_000_000  # parameters, from which one order of the examples is tried
ORDERS = 3  # of smaller models
SAMPLES = 3
LONGEST = 16  # tokens of what is written


def draw(ctx: StepContext) -> None:
    if ctx.model.reads[0].image:
        return notice(say("decode", "prompts/image", model=ctx.model.name))
    without_edits(ctx, "prompts")
    view = ctx.view
    task = tasks()[view.task]
    shots = min(view.shots, len(task.demonstrations))
    prompt = task.prompt(shots, view.seed, view.mixed)
    choice(say("decode", "prompts/tasks"), "task", {name: _called(name) for name in tasks()})
    left, right = columns(1, 1)
    with left:
        _controls(task, shots)
        _asked(ctx, task, prompt)
    with right:
        _curve(ctx, task, shots)
        _verdict(ctx, task, shots)
        if task.met:
            text(say("decode", "prompts/met"))
        _card(ctx, task)
    _samples(ctx, prompt)
    _all(ctx)
    _found(task)
    code(Task.prompt, prompting.log_probability)


def _called(name: str) -> str:
    return say("decode", f"prompts/task/{name}")


def _controls(task: Task, shots: int) -> None:
    most = len(task.demonstrations)
    label = say("decode", "prompts/shots")
    slider_of("shots", label, shots, 0, most, 1, lambda n: state.change(shots=int(n)), of=most)
    a, b = columns(1, 1)
    with a:
        number(say("decode", "prompts/seed"), "seed")
    with b:
        switch(say("decode", "prompts/mixed"), "mixed")


def _asked(ctx: StepContext, task: Task, prompt: str) -> None:
    """The prompt as it is read, and what is expected after it."""
    text(say("decode", "prompts/asked"))
    with group("asked", border=True):
        *lines, last = prompt.split("\n")
        for i, line in enumerate(lines):
            put("text", f"line-{i}", ["div", ["p", line]])
        put("text", "line-last", ["div", ["p", f"{last} ", ["strong", task.question[1]]]])
    if ctx.view.prompt == prompt:
        return text(say("decode", "prompts/there"))
    button("run", say("decode", "prompts/run"), lambda: state.anew(prompt=prompt), primary=True, of=prompt)


# --- the right answer ----------------------------------------------------------------------------


def orders(model) -> int:
    """How many orders of the examples are tried with a model."""
    return 1 if sum(p.numel() for p in model.parameters()) > LARGE else ORDERS


def shares(name: str, task: str, shots: int, seed: int, mixed: bool) -> tuple[float, float] | None:
    """The probability of the right answer, and its share of those of all answers that are compared; None where
    one of them does not fit into what the model reads."""
    right, wrong = writing.answered(name, task, shots, seed, mixed and shots > 0)
    if right is None or None in wrong:
        return None
    return math.exp(right), 1 / sum(math.exp(min(each - right, 700)) for each in (right, *wrong))


def medians(name: str, task: Task, seed: int, mixed: bool, count: int) -> dict[int, tuple[float, float]]:
    """The medians of both over `count` orders, for each number of examples that fits."""
    found = {}
    for shots in range(len(task.demonstrations) + 1):
        seeds = (seed + i for i in range(count if shots else 1))
        tried = [shares(name, task.name, shots, each, mixed) for each in seeds]
        if None not in tried:
            found[shots] = tuple(statistics.median(each) for each in zip(*tried, strict=True))
    return found


def _curve(ctx: StepContext, task: Task, shots: int) -> None:
    """The probability of the right answer against the number of examples."""
    name, seed, count = ctx.model.name, ctx.view.seed, orders(ctx.model)
    found = {mixed: medians(name, task, seed, mixed, count) for mixed in (False, True)}
    if not found[False]:
        return text(say("decode", "prompts/long", model=name))
    lines = [
        series(say("decode", "prompts/right"), found[False], [p for p, _ in found[False].values()]),
        series(say("decode", "prompts/share"), found[False], [s for _, s in found[False].values()]),
        series(say("decode", "prompts/share/mixed"), found[True], [s for _, s in found[True].values()]),
    ]
    figure = graph(lines, "examples", "probability", height=250, percent=True)
    figure.layout.xaxis.dtick = 1
    title = say("decode", "prompts/curve", answer=task.question[1])
    chart(ctx, "shots", figure, title, foot=say("decode", "prompts/median", n=count))
    text(say("decode", "prompts/curve/explained", n=len(task.wrong)))
    if len(found[False]) <= len(task.demonstrations):
        text(say("decode", "prompts/cut", context=ctx.model.reads[0].context))


def _verdict(ctx: StepContext, task: Task, shots: int) -> None:
    """Is the right answer the one that the model prefers, and how probable is it by itself?"""
    mixed = ctx.view.mixed and shots > 0
    right, wrong = writing.answered(ctx.model.name, task.name, shots, ctx.view.seed, mixed)
    if right is None or None in wrong:
        return
    best = max(zip(wrong, task.wrong, strict=True))
    told = dict(right=task.question[1], p=_percent(right), bits=-right / math.log(2))
    told |= dict(wrong=best[1], q=_percent(best[0]), model=ctx.model.name)
    hit = writes(ctx, task, shots)
    verdict = "wrong" if best[0] >= right else "written" if hit else "preferred"
    text(say("decode", f"prompts/verdict/{verdict}", **told))


def _percent(log: float) -> str:
    share = math.exp(log)
    return f"{share:.2%}" if share >= 0.0001 else say("decode", "prompts/tiny")


def _card(ctx: StepContext, task: Task) -> None:
    """What was measured of the task on many questions, as the model's card has it."""
    rows = [row for row in _rows(ctx.model.name) if task.card and row["name"].startswith(f"{task.card}, ")]
    if not rows:
        return text(say("decode", "prompts/card/none"))
    each = []
    for row in rows:
        name = row["name"].replace(task.card, _called(task.name))
        each.append(say("decode", "prompts/card/row", name=name, n=row["count"], share=row["values"][0]))
    chance = rows[0]["chance"]
    text(say("decode", "prompts/card", rows="; ".join(each), chance=chance, model=ctx.model.name))


def _rows(name: str) -> list[dict]:
    return catalogue.beside(name, "scores.json").get("rows", []) if name in catalogue.shipped() else []


# --- what is written -----------------------------------------------------------------------------


def _samples(ctx: StepContext, prompt: str) -> None:
    """The most probable text after the prompt, and some samples beside it."""
    if len(ctx.model.reads) == 2:
        text(say("decode", "prompts/translator", ctx.facts, model=ctx.model.name))
    text(say("decode", "prompts/samples"))
    seed, name = ctx.view.seed, ctx.model.name
    given = _given(ctx, prompt)
    ways = {say("decode", "prompts/greedy"): Decoding(max_tokens=LONGEST)}
    for i in range(SAMPLES):
        decoding = Decoding("sample", seed=seed + i, max_tokens=LONGEST)
        ways[say("decode", "prompts/sample", seed=seed + i)] = decoding
    for place, (way, decoding) in zip(columns(*[1] * len(ways)), ways.items(), strict=True):
        with place:
            try:
                written = writing.text_after(name, given, decoding)
            except ValueError as error:
                return text(say("decode", "prompts/trouble", error=str(error)))
            lines = written.split("\n")
            put("text", way, ["div", ["p", ["strong", way]], *(["p", line] for line in lines if line.strip())])


def _given(ctx: StepContext, prompt: str) -> compute.Given:
    """A prompt as the model reads it: beside an encoder the decoder has nothing yet."""
    return (prompt, "") if len(ctx.model.reads) == 2 else prompt


def writes(ctx: StepContext, task: Task, shots: int) -> bool:
    """Does the model write the right answer, if it always takes the most probable token?"""
    prompt = task.prompt(shots, ctx.view.seed, ctx.view.mixed)
    length = len(ctx.model.tokenizer.encode(f" {task.question[1]}")) + 1
    written = writing.text_after(ctx.model.name, _given(ctx, prompt), Decoding(max_tokens=length))
    return written.strip().startswith(task.question[1])


def _all(ctx: StepContext) -> None:
    """All tasks at this number of examples: is the right answer written, and what is its share?"""
    view, rows, hits, fit = ctx.view, [], 0, 0
    for task in tasks().values():
        shots = min(view.shots, len(task.demonstrations))
        found = shares(ctx.model.name, task.name, shots, view.seed, view.mixed)
        hit = found is not None and writes(ctx, task, shots)
        hits, fit = hits + hit, fit + (found is not None)
        note = "no room" if found is None else "hit" if hit else "miss"
        told = say("decode", f"prompts/{note}", share=0.0 if found is None else found[1])
        row = {"label": _called(task.name), "value": 0.0 if found is None else found[1], "note": told}
        rows.append(row | {"off": not hit, "mark": task.name == view.task})
    figure = bars(rows, "task", "share of the answers", height=260, percent=True)
    names = list(tasks())
    pick = (names, lambda name: state.change(task=name))
    title = say("decode", "prompts/all", n=view.shots)
    chart(ctx, "all", figure, title, foot=say("decode", "prompts/all/foot"), pick=pick)
    told = dict(model=ctx.model.name, hits=hits, n=fit, all=len(rows))
    text(say("decode", "prompts/all/explained" if fit == len(rows) else "prompts/all/some", **told))


# --- where it comes from -------------------------------------------------------------------------


def _found(task: Task) -> None:
    """Demonstrations of the task in ordinary books."""
    told = prompting.found()
    there = told["found"][task.name]
    text(say("decode", "prompts/why"))
    many = dict(n=there["count"], books=told["books"], bytes=told["bytes"])
    text(say("decode", "prompts/found", **many))
    places = columns(1, 1)
    for i, one in enumerate(there["excerpts"]):
        source = f"{one['title']}, {one['author']}" if one["author"] else one["title"]
        words = [f"… {_line(one['before'])}", ["strong", _line(one["found"])], f"{_line(one['after'])} … "]
        with places[i % 2]:
            put("text", f"excerpt-{i}", ["div", ["p", *words, ["em", f"({source})"]]])
    text(say("decode", "prompts/on purpose"))


def _line(words: str) -> str:
    return words.replace("\n", " ")
