"""README.md promises only what is so: its snippets run, its commands are there, its tables are whole."""

import contextlib
import json
import os
import re
import runpy
import shlex
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import run
from app.state import View
from engine.load import SHIPPED

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
COMMANDS = [line.partition("#")[0].split() for line in re.findall(r"python run\.py[^`\n|]*", README)]
WORDS = [command[2:] for command in COMMANDS if command[2:] and command[2] != "…"]
LONGEST_PICTURE = 150_000  # bytes


def test_the_snippets_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    Image.fromarray(np.full((20, 20, 3), 200, np.uint8)).save(tmp_path / "digit.png")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in BLOCKS:
        exec(block, names)
    assert names["trace"]["classes"].shape == (1, 10)
    said = capsys.readouterr().out
    assert "Je vois un chat." in said and "door" in said


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_command_is_one_that_there_is(words):
    assert words[0] in (*run.WORDS, "WORD") or words[0].startswith("-")


def options_of(module: tuple[str, ...], words: list[str], monkeypatch, capsys) -> str:
    """What a module's --help says."""
    kind = words[:1] if words[:1] and not words[0].isupper() else []
    monkeypatch.setattr(sys, "argv", [module[0], *module[1:], *kind, "--help"])
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    here = Path.cwd()
    with contextlib.suppress(SystemExit):
        runpy.run_module(module[0], run_name="__main__", alter_sys=True)
    os.chdir(here)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [w for w in WORDS if w[0] in run.MODULES or w[0].startswith("--")], ids=" ".join
)
def test_a_commands_options_are_those_that_it_has(words, monkeypatch, capsys):
    word, rest = ("start", words) if words[0].startswith("-") else (words[0], words[1:])
    told = options_of(run.MODULES[word], rest if word == "train" else [], monkeypatch, capsys)
    assert "usage:" in told
    for option in re.findall(r"--[a-z-]+", shlex.join(words)):
        assert option in told, f"{words}: no {option}"


def test_what_a_link_can_set_is_said_completely():
    table = README.partition("### Links")[2].partition("For example")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(rows))) == sorted(View.__dataclass_fields__)


def test_the_table_of_models_is_whole():
    table = README.partition("## Models")[2].partition("All were")[0]
    assert sorted(re.findall(r"\*\*([\w-]+)\*\*", table)) == sorted(f.name for f in SHIPPED.iterdir())


@pytest.mark.parametrize("file", re.findall(r"!\[[^]]+\]\(([^)]+)\)", README))
def test_a_picture_is_there_and_small(file):
    assert 10_000 < (ROOT / file).stat().st_size < LONGEST_PICTURE


def test_the_notebook_to_begin_with_runs():
    cells = json.loads((ROOT / "assets/notebook/first_look.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names = {"Math": str}
    for source in code:
        exec(source.replace("from IPython.display import Math", ""), names)
    assert names["tokens"][1] == " animal" and names["cell"].shown
