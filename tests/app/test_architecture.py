"""Who may do what in the app, read from its source."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"
FILES = {str(file.relative_to(APP)): file.read_text("utf-8") for file in sorted(APP.rglob("*.py"))}
SCRIPTS = {str(file.relative_to(APP)): file.read_text("utf-8") for file in sorted(APP.rglob("*.js"))}
MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc")
PAGES = ("app.views", "app.server", "app.main", "app.warm")
STEPS = ("app.views.walk.steps", "app.views.machine")  # and the picture that the first of them shows
READERS = {"components/__init__.py", "text.py", "lectures.py", "server.py", "processes.py", "shelf.py"}
READERS |= {f"views/models/{name}.py" for name in ("page", "own")}  # cards
READERS |= {"scratch.py", "session_models.py", "views/train/learn/takes.py"}  # what a visitor made and brought
READERS.add("views/train/rewards/judge.py")  # a shipped model on the processor
READERS.add("views/tokenizers/cutters.py")  # whose vocabularies are the same
READING = {"read_text", "read_bytes", "open", "iterdir", "glob", "rglob", "load", "fromfile", "urlopen"}


@cache
def nodes_of(file: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(FILES[file])))


def nodes(file: str, kind: type) -> list:
    return [node for node in nodes_of(file) if isinstance(node, kind)]


def attributes(file: str) -> set[str]:
    return {node.attr for node in nodes(file, ast.Attribute)}


def called(file: str) -> set[str]:
    """The last names of what a file calls, the engine's own functions left out."""
    names = [ast.unparse(node.func) for node in nodes(file, ast.Call)]
    return {name.split(".")[-1] for name in names if not name.startswith("engine.")}


def imported_names(file: str) -> set[str]:
    return {alias.name for node in nodes(file, ast.ImportFrom) for alias in node.names}


def users(names: set[str]) -> set[str]:
    return {file for file in FILES if attributes(file) & names}


def test_only_compute_remembers_what_visitors_ask_for():
    """And the parts of Train, each what it computes. Files and the start may remember themselves, the shelf
    what it read of folders: they do not grow with visitors."""
    remembers = {file for file in FILES if "shared" in imported_names(file)}
    assert {file for file in remembers if not file.startswith("views/train/")} == {
        "compute.py",
        "positions.py",
        "warm.py",
        "writing.py",
    }
    assert {file for file in FILES if "lru_cache" in imported_names(file)} == {"shelf.py"}
    assert not users({"cache_data", "cache_resource"})


def test_only_the_state_knows_the_link():
    assert users({"query_params"}) == {"state.py"}


def test_few_files_read_files():
    assert {file for file in FILES if called(file) & READING} <= READERS


@pytest.mark.parametrize("file", FILES)
def test_no_text_is_put_into_the_page_as_html(file):
    assert not {k.arg for k in nodes(file, ast.keyword)} & {"unsafe_allow_html", "unsafe_allow_javascript"}
    for call in nodes(file, ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("html", "iframe"):
            assert all(isinstance(argument, ast.Constant) for argument in call.args)


@pytest.mark.parametrize("file", FILES)
def test_html_of_components_is_constant(file):
    for keyword in nodes(file, ast.keyword):
        assert keyword.arg != "html" or isinstance(keyword.value, ast.Constant)


@pytest.mark.parametrize("file", SCRIPTS)
def test_no_script_makes_markup_or_code_from_text(file):
    assert not MARKUP.search(SCRIPTS[file])


@pytest.mark.parametrize("file", SCRIPTS)
def test_no_script_reaches_out(file):
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|sendBeacon|https?://|import\(", SCRIPTS[file])


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("views/walk/steps/")])
def test_a_step_knows_nothing_of_pages_and_links(file):
    modules = {node.module or "" for node in nodes(file, ast.ImportFrom)}
    assert not {m for m in modules if m.startswith(PAGES) and not m.startswith(STEPS)}
