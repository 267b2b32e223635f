"""A model that learns: choose a task, press start, and see every number move."""

from app import components, jobs, state
from app.settings import read
from app.text import say
from app.ui import jobs as ui
from app.ui.controls import choice, choice_of, number, select_of, slider, slider_of_names, switch, unfold
from app.ui.page import columns, group, notice, text
from app.ui.source import code
from app.views.train.learn import curves, hand, pictures, seen, takes
from app.views.train.learn.settings import (
    ALL,
    PAIRS,
    POSITIONS,
    RATES,
    Learn,
    choose_pair,
    choose_task,
    is_of,
    job_settings,
    set_to,
)
from engine.tokenize.plain import excerpt
from engine.training.tasks import CORPUS, Lesson, live
from engine.training.tasks.task import NORMS, OPTIMIZERS
from engine.training.tasks.words import words_of

KIND = "lesson"
EXAMPLE = 20_000  # characters of the shipped text


def draw() -> None:
    learn = read(Learn)
    _task(learn)
    try:
        wanted = job_settings(learn)
        fresh = seen.untrained(learn, wanted["corpus"])
    except ValueError as error:
        notice(say("learn", "cannot", why=str(error)), "warning")
        wanted, fresh = None, []
    takes.troubles()
    one = ui.bar(KIND, wanted or {}, say("learn", "start"), _far, ready=wanted is not None)
    if one is not None and one.ended and not is_of(one, wanted):
        one = None
    runs = _shown(one, wanted, fresh)
    if runs:
        _pictures(one, runs, learn)
    code(Lesson.step, Lesson.rate, live.look)


def _far(one: jobs.Running) -> str:
    """How far a job is, in a sentence."""
    last = one.events[-1]["runs"]
    speed = sum(run["speed"] for event in one.events[-5:] for run in event["runs"]) / len(one.events[-5:])
    return say("learn", "far", done=max(run["done"] for run in last), speed=speed)


def _shown(one: jobs.Running | None, wanted: dict | None, fresh: list) -> list:
    """The runs that are shown: the job's, or new ones where there is none."""
    if one is None or not one.events:
        return fresh
    runs = seen.told(one)
    if not is_of(one, wanted):
        notice(say("learn", "other", task=words_of(runs[0].task)["name"]))
    for run in runs:
        if run.ended:
            notice(say("learn", "ended", name=run.name, why=run.ended), "warning")
    return runs


def _pictures(one, runs: list, learn: Learn) -> None:
    told = one if one is not None and one.events else None
    if one is not None:
        with group("learn-curves"):
            curves.first(runs)
            curves.compared(runs)
        if told and not one.ended:
            _rate(one, runs)
    _scrub(told, runs, learn)
    with group("learn-pictures"):
        pictures.answers(runs, learn)
        pictures.draw(runs, learn)
    if told:
        curves.second(runs)
        hand.draw(told, runs, learn)
    takes.draw(told, runs, learn)


# --- what can be set --------------------------------------------------------------------------------


def _task(learn: Learn) -> None:
    a, b = columns(2, 3)
    with a:
        names = {name: words_of(name)["name"] for name in ALL}
        select_of("learn-task", say("learn", "task"), learn.task, names, choose_task)
    with b:
        pairs = {"one": say("learn", "pair/one")} | {pair: say("learn", f"pair/{pair}") for pair in PAIRS}
        choice_of("learn-pair", say("learn", "pair"), learn.pair, pairs, choose_pair, named=True)
    told = words_of(learn.task)
    how = "text" if learn.task == CORPUS else "causal" if learn.causal else "unmasked"
    facts = {"fails": bool(told["fails"]), "how": how}
    text(say("learn", "about", facts, about=told["about"], why=told["fails"]))
    if learn.pair != "one":
        text(say("learn", f"pair/{learn.pair}/why"))
    if learn.task == CORPUS:
        _corpus()
    place, open = unfold("learn-shape", _summary(learn))
    if open:
        with place:
            _shape(learn)


def _summary(learn: Learn) -> str:
    return say(
        "learn", "summary", **{key: getattr(learn, key) for key in ("layers", "heads", "width", "rate", "seed")}
    )


def _shape(learn: Learn) -> None:
    a, b, c = columns(1, 1, 1)
    with a:
        for name, step in (("layers", 1), ("heads", 1)):
            slider(say("learn", f"set/{name}"), f"learn.{name}", step)
        number(say("learn", "set/width"), "learn.width")
        choice(say("learn", "set/positions"), "learn.positions", _names("positions", POSITIONS))
    with b:
        choice(say("learn", "set/norm"), "learn.norm", _names("norm", NORMS))
        for name in ("residual", "divided", "causal"):
            switch(say("learn", f"set/{name}"), f"learn.{name}")
    with c:
        choice(say("learn", "set/optimizer"), "learn.optimizer", _names("optimizer", OPTIMIZERS))
        slider_of_names("learn-rate", say("learn", "set/rate"), _nearest(learn.rate), _rates(), _set_rate)
        for name in ("batch", "steps", "seed"):
            number(say("learn", f"set/{name}"), f"learn.{name}")


def _names(of: str, all: tuple[str, ...]) -> dict[str, str]:
    return {name: say("learn", f"{of}/{name}") for name in all}


def _rates() -> list[str]:
    return [f"{rate:g}" for rate in RATES]


def _nearest(rate: float) -> int:
    return min(range(len(RATES)), key=lambda i: abs(RATES[i] - rate))


def _set_rate(i: int) -> None:
    set_to(rate=RATES[i])


def _corpus() -> None:
    corpus = state.current().corpus
    header = {"text": corpus, "placeholder": say("learn", "corpus"), "label": say("learn", "corpus")}
    header |= {"run": say("learn", "corpus/take")}
    header["examples"] = [(excerpt()[:EXAMPLE], say("learn", "corpus/alice"))]
    components.prompt("corpus", header, _take, _take)


def _take(corpus: str) -> None:
    state.change(corpus=corpus)


# --- while it goes ----------------------------------------------------------------------------------


def _rate(one: jobs.Running, runs: list) -> None:
    at = _nearest(runs[0].peak)
    slider_of_names("learn-now", say("learn", "rate now"), at, _rates(), lambda i: one.ask(rate=RATES[i]))


def _scrub(one, runs: list, learn: Learn) -> None:
    """Back through the checkpoints; at its end the slider follows the newest."""
    steps = [kept["step"] for kept in runs[0].kept]
    run = runs[min(learn.run, len(runs) - 1)]
    a, b = columns(3, 2)
    with a:
        if len(steps) > 1:
            names = [say("learn", "kept/step", step=step) for step in steps]
            names[-1] = say("learn", "kept/last", step=steps[-1])
            slider_of_names(
                "learn-kept", say("learn", "kept"), runs[0].at(learn.kept), names, _to(steps), grows=True
            )
        else:
            text(say("learn", "kept/first", {"letters": run.by_letter}, accuracy=run.accuracy(run.kept[0])))
    with b:
        if len(runs) > 1:
            names = {str(i): one.name for i, one in enumerate(runs)}
            picked = str(min(learn.run, len(runs) - 1))
            choice_of("learn-run", say("learn", "run"), picked, names, lambda i: set_to(run=int(i)), named=True)
        if one is not None:
            takes.open_in_walk(one, runs, learn)


def _to(steps: list[int]):
    return lambda i: set_to(kept=-1 if i == len(steps) - 1 else steps[i])
