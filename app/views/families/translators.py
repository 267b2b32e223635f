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
from engine.training.evaluate.report import SHARE, number

# rows of scores.json that stand side by side
SCORES = ("exact match", "chrF", "BLEU", "beam of 4: exact match", "beam of 4: BLEU")
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
        _scores(names)
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


def _scores(names: list[str]) -> None:
    """How good each is, by every measure, on the sentences held out of its training; of those that were
    measured."""
    found = {name: catalogue.beside(name, "scores.json") for name in names}
    found = {name: told for name, told in found.items() if _row_of(told, SCORES[0])}
    if not found:
        return
    rows = [[f"**{name}**", *(_score(_row_of(told, one)) for one in SCORES)] for name, told in found.items()]
    rows = [[*row, _error(told.get("alignment"))] for row, told in zip(rows, found.values(), strict=True)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    text("\n".join([say("families", "scores/head"), *lines]))
    counts = sorted({_row_of(told, SCORES[0])["count"] for told in found.values()})
    signs = {told.get("test") for told in found.values()}
    facts = {"same": len(signs) == 1 and None not in signs, "several": len(found) > 1}
    text(say("families", "scores/note", facts, n=" – ".join(f"{count:,}" for count in counts)))


def _row_of(told: dict, name: str) -> dict | None:
    return next((row for row in told.get("rows", []) if row["name"] == name and "intervals" in row), None)


def _score(row: dict | None) -> str:
    """A measured value and its interval; a dash where it was not measured."""
    if row is None:
        return "–"
    value, around = number(row["values"][0], row["unit"]), row["intervals"][0]
    ends = "–".join(number(end, row["unit"]).removesuffix("%") for end in around or ())
    return f"{value} ({ends})" if ends else value


def _error(told: dict | None) -> str:
    """The alignment error of the head that aligns best, as chosen on other pairs."""
    if not told:
        return "–"
    return _score({"values": [told["best"]["error"]], "unit": SHARE, "intervals": [told["best"]["interval"]]})


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
