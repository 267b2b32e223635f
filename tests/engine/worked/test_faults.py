"""The second route is independent: every deliberate fault in the forward pass turns a light red."""

import ast
import inspect
import sys
from pathlib import Path

import pytest

import engine
from engine.config import Config, PairConfig, RecurrentConfig
from engine.worked import check, work
from engine.worked.rerun import check_run
from tests.engine.faults import EDITS, FAULTS, PAGES, TRACES, lights

CAUGHT: dict[str, bool] = {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_turns_its_own_light_red_and_no_later_one(fault):
    red = fault.red_lights()
    CAUGHT[fault.name] = fault.is_caught_by(red)
    assert red, "no light is red"
    assert CAUGHT[fault.name], f"red: {red}"


def test_all_faults_are_caught(record_property):
    record_property("says", f"{sum(CAUGHT.values())} of {len(CAUGHT)} faults caught")
    assert all(CAUGHT.values())


def test_there_are_many_and_each_has_a_name():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 60


@pytest.mark.parametrize("run", sorted({fault.run for fault in FAULTS}))
def test_without_a_fault_no_light_is_red(run):
    one = lights(TRACES[run]()) if run in TRACES else PAGES[run]()
    assert [name for name, light in one.items() if not light.ok] == []


# --- the whole run --------------------------------------------------------------------------------

HARMLESS = {  # what a step gets wrong here cannot be seen in the answer
    "bias of the keys twice": "a number added to all scores of a row changes no weight",
    "rotary: counted from 1": "only the distance of two positions counts",
    "ALiBi: distances off by one": "a number added to all scores of a row changes no weight",
    "masked, but not by −∞": "e to the −30 is nothing beside these scores",
    "an expert runs on every token": "its share is 0 where it was not chosen",
    "next sentence read off the last token": "the logits do not read it",
    "next sentence without tanh": "the logits do not read it",
}


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.run in TRACES][::6], ids=lambda fault: fault.name)
def test_the_whole_run_is_red_with_a_fault_that_reaches_the_answer(fault):
    assert fault.run_is_red() != (fault.name in HARMLESS)


@pytest.mark.parametrize("run", TRACES)
def test_the_whole_run_agrees_without(run):
    trace = TRACES[run]()
    assert check_run(trace, list(trace.table)[-1]).ok


# --- nothing is shared ----------------------------------------------------------------------------

SECOND = sorted((Path(engine.__file__).parent / "worked").rglob("*.py"))
ALLOWED = {  # what the second route may import of the engine: data, names, and each other
    "engine.config": {"Config", "PairConfig"},
    "engine.points.point": {"Point"},
    "engine.trace.tap": {"Edit", "known"},
    "engine.trace": {"Trace"},
}


@pytest.mark.parametrize("file", SECOND, ids=lambda file: Path(file).name)
def test_the_second_route_imports_data_and_names_alone(file):
    for node in ast.walk(ast.parse(Path(file).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("engine") for alias in node.names), ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("engine"):
            names = {alias.name for alias in node.names}
            own = node.module.startswith("engine.worked")
            assert own or names <= ALLOWED.get(node.module, set()), ast.unparse(node)


@pytest.mark.parametrize("file", SECOND, ids=lambda file: Path(file).name)
def test_the_second_route_reads_plain_fields_of_the_config(file):
    made = {
        name for kind in (Config, PairConfig, RecurrentConfig) for name, x in vars(kind).items() if _computes(x)
    }
    for node in ast.walk(ast.parse(Path(file).read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in made:
            assert "config" not in ast.unparse(node.value).split("."), ast.unparse(node)


def _computes(x) -> bool:
    return isinstance(x, property) or inspect.isfunction(x)


NAMING = {
    "_versions",
    "known",
    "Place.name",
    "Point.name",
    "Point.place",
    "Trace.__getitem__",
    "Trace.has",
    "Trace._segment",
    "Trace.other_of",
}  # which point is meant


@pytest.mark.parametrize("run", TRACES)
def test_no_function_runs_in_both_routes(run):
    """What was really called: every function of the engine in one route and in the other."""
    edits, made = [e for e in EDITS.values() if e.op not in ("copy", "mean")] if run == "plain" else (), set()
    with _calls(made):
        trace = TRACES[run](edits)
    again: set = set()
    with _calls(again):
        for point in trace.points():
            check(trace, point)
            work(trace, point, (0,) * trace[point].dim())
        check_run(trace, list(trace.table)[-1])
    assert {code.co_qualname.partition(".<locals>")[0] for code in made & again} - NAMING == set()


class _calls:
    """Collects the code of every function of the engine that is called inside."""

    def __init__(self, codes: set):
        self.codes = codes

    def __enter__(self):
        root = str(Path(engine.__file__).parent)

        def seen(frame, event, argument):
            if event == "call" and frame.f_code.co_filename.startswith(root):
                self.codes.add(frame.f_code)

        self.before = sys.getprofile()
        sys.setprofile(seen)

    def __exit__(self, *error):
        sys.setprofile(self.before)
