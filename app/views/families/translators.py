"""The translators side by side: output, path lengths, quality."""

from app import catalogue, components, compute
from app.architecture import facts_of
from app.state import View
from app.text import say
from app.ui.context import StepContext
from app.ui.figures import graph, series
from app.ui.labels import escape
from app.ui.page import columns, group, text
from engine.analysis import certainty, parameters_of, path_length, path_to_target, sequential_steps

METRIC = "chrF"  # rows of scores.json with this name, a comma and a length are for sentences of that length


def draw(view: View) -> None:
    """The table of all translators, and how good each is; nothing if there is only one."""
    names = catalogue.translators()
    if len(names) < 2:
        return
    with group("translators", border=True):
        rows = ["| " + " | ".join(_row(view, name)) + " |" for name in names]
        text(say("families", "translators/lead"))
        text("\n".join([say("families", "translators/head"), *rows]))
        text(say("families", "translators/note"))
        _quality(names)


def _row(view: View, name: str) -> list[str]:
    """The cells of one model, or why it cannot read the sentence."""
    model, given = compute.model(name), catalogue.given(name, view, gap=True)
    facts = facts_of(model, "decoder")
    who = say("families", "translators/model", facts, name=name, cell=getattr(model.config, "cell", "").upper())
    total = f"{sum(parameters_of(model).values()):,}"
    try:
        trace = compute.trace(name, given)
    except ValueError as error:
        return [who, escape(str(error)), *[""] * 5, total]
    written = " ".join(StepContext(view, model, given, trace, side="decoder").text.split())
    length, last = trace.ids.shape[1], trace.target.shape[1] - 1
    ways = [sequential_steps(model.reads[0], length), path_length(model.reads[0], length - 1)]
    ways.append(path_to_target(model.config, length, 0, last))
    at_once = say("families", "translators/at once", facts | {"several": length > 1}, tokens=length)
    return [who, escape(written or "∅"), f"{certainty(trace):.0%}", *map(str, ways), at_once, total]


def _quality(names: list[str]) -> None:
    """Quality by sentence length: a curve for each model that was measured."""
    found = {name: scores for name in names if (scores := _by_length(name))}
    lengths = _common(list(found.values()))
    if not lengths:
        return
    rows = {name: [scores[length] for length in lengths] for name, scores in found.items()}
    lines = [series(name, range(len(lengths)), row) for name, row in rows.items()]
    figure = graph(lines, say("families", "quality/length"), METRIC, height=240, ticks=lengths, zero=True)
    title = say("families", "quality/title")
    told = (f"{name}: {_told(lengths, row)}" for name, row in rows.items())
    header = {"title": title, "aria": f"{title}. {'; '.join(told)}", "foot": "scores.json"}
    left, right = columns(7, 4)
    with left:
        components.plot("plot-quality", header, figure)
    with right:
        text(say("families", "quality/why"))


def _by_length(name: str) -> dict[str, float]:
    """A model's scores by sentence length in words; empty if it was not measured."""
    rows = catalogue.beside(name, "scores.json").get("rows", [])
    named = ((row["name"].partition(", "), row["values"][0]) for row in rows)
    return {length.replace(" words", ""): x for (name, _, length), x in named if name == METRIC and length}


def _common(scores: list[dict[str, float]]) -> list[str]:
    """The lengths measured for all models, in order."""
    return [length for length in scores[0] if all(length in one for one in scores)] if scores else []


def _told(lengths: list[str], row: list[float]) -> str:
    return ", ".join(f"{length} words {value:.1f}" for length, value in zip(lengths, row, strict=True))
