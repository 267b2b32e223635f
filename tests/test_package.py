"""The package: what `pip install .` brings, in an environment of its own and an empty folder."""

import os
import subprocess
import sys
import sysconfig
import urllib.request
import venv
from pathlib import Path
from types import SimpleNamespace

import pytest

import engine
from tests.serving import free_port

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="paths inside an environment differ")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package built and installed without what it needs, which comes from this environment."""
    place = tmp_path_factory.mktemp("package")
    pip = [sys.executable, "-m", "pip"]
    build = ["wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-q", "-w", str(place)]
    subprocess.run([*pip, *build], check=True)
    venv.create(place / "env", symlinks=True)
    python = place / "env" / "bin" / "python"
    wheel = next(place.glob("glassbox-*.whl"))
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", "-q", str(wheel)], check=True)
    site = next((place / "env").glob("lib/python*/site-packages"))
    (site / "z_what_it_needs.pth").write_text(sysconfig.get_path("purelib"))
    (place / "empty").mkdir()
    return SimpleNamespace(bin=python.parent, site=site, folder=place / "empty")


def call(installed, *command: str) -> str:
    program, *words = command
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(installed.bin / program), *words],
        cwd=installed.folder,
        env=own,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_it_puts_nothing_beside_other_packages_but_its_own_folder(installed):
    ours = {file.name for file in installed.site.iterdir()} - {"z_what_it_needs.pth", "__pycache__"}
    assert {name.partition("-")[0] for name in ours} == {"glassbox", "glassbox.pth"}


def test_nothing_of_the_app_the_engine_and_the_assets_is_missing(installed):
    for part in (
        "app",
        "engine",
        "assets/models",
        "assets/text",
        "assets/examples",
        "assets/fonts",
        "assets/notebook",
        ".streamlit",
    ):
        files = {
            f.relative_to(ROOT)
            for f in (ROOT / part).rglob("*")
            if f.is_file() and "__pycache__" not in f.parts
        }
        assert not {str(f) for f in files if not (installed.site / "glassbox" / f).exists()}


def test_the_engine_is_imported_as_here(installed):
    code = "import engine; print(engine.__file__); print(*engine.shipped())"
    file, names = call(installed, "python", "-c", code).splitlines()
    assert Path(file).is_relative_to(installed.site / "glassbox")
    assert names.split() == engine.shipped()


def test_the_command_has_the_words_that_make_sense_there(installed):
    assert "glassbox train FOLDER" in (said := call(installed, "glassbox", "--help")) and "run.py" not in said
    assert "glassbox bench" not in said and ".venv" not in said
    assert "Did you mean: glassbox train" in (said := call(installed, "glassbox", "trian"))
    assert "bench" not in said
    assert "usage: glassbox load" in call(installed, "glassbox", "load", "--help")


def test_what_is_missing_there_is_named(installed):
    assert "pip install jupyterlab" in call(installed, "glassbox", "notebook")
    assert list(installed.folder.iterdir()) == []


def test_the_app_starts_from_an_empty_folder(installed):
    port = free_port()
    command = [str(installed.bin / "glassbox"), "--port", str(port), "--server.headless=true"]
    with subprocess.Popen(command, cwd=installed.folder, stdout=subprocess.PIPE, text=True) as app:
        try:
            assert any(f"open http://localhost:{port}" in line for line in iter(app.stdout.readline, ""))
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=10) as answer:
                assert answer.status == 200
        finally:
            app.terminate()
    assert list(installed.folder.iterdir()) == []
