"""What a run has come to: every method's reward, KL and texts beside each other, and their course."""

from app.text import plain, say
from app.ui.charts import by_itself
from app.ui.figures import graph, series
from app.ui.page import columns, text
from app.ui.tables import table
from app.views.train.rewards import parts

TRAINED = ("ppo", "cut", "dpo")
LEAST = 0.05  # of KL, on a logarithmic axis
REPEATS, STRANGER = 0.9, 1.2  # times as many different words, bits per token: more than chance


def of(events: list[dict], method: str) -> list[dict]:
    return [event for event in events if event["method"] == method]


def result(events: list[dict], method: str) -> dict | None:
    return next((event for event in of(events, method) if event.get("result")), None)


def results(events: list[dict], given: dict) -> None:
    """A table of numbers and one of texts."""
    found = [one for name in ("base", *TRAINED) if (one := result(events, name))]
    if not found:
        return
    best = next(iter(of(events, "best")), None)
    gold = "gold" in found[0]
    names = ["reward", *(["gold"] if gold else []), "kl", "bits", "distinct", "drawn", "updates"]
    rows = [_row(one, gold) for one in found]
    if best:
        rows.insert(1, _best_row(best, gold, given["texts"] * given["steps"]))
    text(say("rewards", "results/gold" if gold else "results"))
    table([say("rewards", "method"), *(say("rewards", f"column/{name}") for name in names)], rows)
    text(say("rewards", "results/why"))
    _texts(found, best)


def _row(one: dict, gold: bool) -> list[str]:
    row = [say("rewards", f"method/{one['method']}"), parts.spread(one["reward"])]
    row += [parts.spread(one["gold"])] if gold else []
    row += [parts.spread(one["kl"]), parts.signed(one["bits"]), f"{one['distinct']:.0%}"]
    return [*row, f"{one['drawn']:,}", f"{one['updates']}"]


def _best_row(best: dict, gold: bool, drawn: int) -> list[str]:
    """The largest n of those that were worked out; no weight has changed."""
    row = [say("rewards", "method/best of", n=best["ns"][-1]), parts.signed(best["reward"][-1])]
    row += [parts.signed(best["gold"][-1])] if gold else []
    row += [f"≤ {best['kl'][-1]:.2f}", parts.signed(best["bits"]), f"{best['distinct']:.0%}"]
    return [*row, f"{drawn:,}", "0"]


def _texts(found: list[dict], best: dict | None) -> None:
    """Unselected texts of each."""
    shown = [found[0], *([best] if best else []), *found[1:]]
    rows = [
        [say("rewards", f"method/{one['method']}") if not i else "", parts.quoted(sample)]
        for one in shown
        for i, sample in enumerate(one["samples"][:3])
    ]
    text(say("rewards", "samples"))
    table([say("rewards", "method"), say("rewards", "samples/text")], rows, right=9)


def charts(events: list[dict], given: dict) -> None:
    """Reward against KL, and the course of each."""
    names = [name for name in ("ppo", "cut") if of(events, name)]
    if not names:
        return
    a, b = columns(1, 1)
    with a:
        title = say("rewards", "frontier")
        figure = graph(
            _frontier(events), say("rewards", "column/kl"), say("rewards", "column/reward"), log=True
        )
        by_itself("frontier", title, figure)
    with b:
        title = say("rewards", "course")
        lines = _course(events, names)
        by_itself("course", title, graph(lines, say("rewards", "batch"), say("rewards", "column/reward")))
    a, b = columns(1, 1)
    for place, what in zip((a, b), ("kl", "distinct"), strict=True):
        with place:
            lines = [_over_steps(events, name, what) for name in names]
            axis = say("rewards", f"column/{what}")
            by_itself(what, axis, graph(lines, say("rewards", "batch"), axis, zero=True, height=220))
    _dpo(events, given)


def _dpo(events: list[dict], given: dict) -> None:
    """Its loss, and how often it has gone through its pairs."""
    steps = [event for event in of(events, "dpo") if "loss" in event]
    if not steps:
        return
    title, count = say("rewards", "dpo/loss"), next(event["count"] for event in of(events, "judge"))
    line = series(title, [e["step"] for e in steps], [e["loss"] for e in steps])
    by_itself(
        "dpo", title, graph([line], say("rewards", "update"), say("rewards", "loss"), zero=True, height=220)
    )
    passes = steps[-1]["step"] * max(1, given["texts"] // 2) / count
    values = dict(updates=steps[-1]["step"], passes=passes, pairs=count, right=steps[-1]["right"])
    text(say("rewards", "dpo/passes", **values))


def _frontier(events: list[dict]) -> list:
    """Best of n as a curve, the others as they went."""
    lines = []
    for name in ("ppo", "cut"):
        went = [event for event in of(events, name) if "step" in event and event["kl"] > LEAST]
        if went:
            lines.append(series(named(name), *([e[k] for e in went] for k in ("kl", "reward"))))
    for best in of(events, "best"):
        there = [i for i, x in enumerate(best["kl"]) if x > LEAST]
        x, y = ([best[name][i] for i in there] for name in ("kl", "reward"))
        labels = [say("rewards", "method/best of", n=best["ns"][i]) for i in there]
        lines.append(series(named("best"), x, y, labels))
    looks = [event for event in of(events, "dpo") if "reward" in event]
    if looks:
        x, y = ([event[name][0] for event in looks] for name in ("kl", "reward"))
        lines.append(series(named("dpo"), x, y))
    return lines


def _over_steps(events: list[dict], method: str, what: str, called: str = ""):
    steps = [event for event in of(events, method) if "step" in event]
    return series(called or named(method), [e["step"] for e in steps], [e[what] for e in steps])


def _course(events: list[dict], methods: list[str]) -> list:
    """The reward that is learned from, and what the rule says where there is one."""
    there = "gold" in next(event for event in of(events, methods[0]) if "step" in event)
    return [
        _over_steps(events, method, what, say("rewards", f"course/{what}", method=named(method)))
        for what in (("reward", "gold") if there else ("reward",))
        for method in methods
    ]


def named(method: str) -> str:
    return plain(say("rewards", f"method/{method}"))


def hacking(events: list[dict]) -> None:
    """What became of the language when the leash was cut, in numbers."""
    base, held, cut = (result(events, name) for name in ("base", "ppo", "cut"))
    if not cut:
        return
    values = {}
    for name, one in (("base", base), ("held", held), ("cut", cut)):
        if one:
            values |= {f"{name}_{what}": one[what][0] for what in ("reward", "kl")}
            values |= {f"{name}_{what}": one[what] for what in ("bits", "distinct")}
    key = ("seen" if _broke(base, held, cut) else "unseen") if held else "alone"
    text(say("rewards", f"hacking/{key}", **values, sample=cut["samples"][0].strip()))


def _broke(base: dict, held: dict, cut: dict) -> bool:
    """A higher reward, beyond both intervals, for texts that repeat themselves or that the base model finds
    stranger, more than its own and those on the leash."""
    higher = cut["reward"][1] > held["reward"][2]
    stranger = cut["bits"] > STRANGER * max(base["bits"], held["bits"])
    return higher and (stranger or cut["distinct"] < REPEATS * min(base["distinct"], held["distinct"]))
