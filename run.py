"""Set up and start Glassbox, or run its tests.

    python run.py               install what is needed into .venv, then open the app
    python run.py --port 8600   the same on another port (further options go to Streamlit)
    python run.py --processes 2 the same with two server processes, for a crowd
    python run.py test          the same installation plus the tests' own, then the whole suite

Needs Python 3.11 or newer, nothing else.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")


def main(words: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit(f"Glassbox needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if words[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    testing = words[:1] == ["test"]
    install("requirements.txt")
    if not testing:
        return start(words)
    install("tests/requirements.txt")
    browser()
    return test(words[1:])


def say(text: str) -> None:
    print(f"[glassbox] {text}", flush=True)


def install(name: str) -> None:
    """Install a requirements file into .venv, unless exactly this file was installed before."""
    if not PYTHON.exists():
        make_venv()
    done = VENV / f".installed-{name.replace('/', '-')}"
    wanted = hashlib.sha256((HERE / name).read_bytes()).hexdigest()
    if done.exists() and done.read_text() == wanted:
        return
    say(f"installing {name} (the first time takes some minutes)")
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "-q", "-r", str(HERE / name)]
    call(*pip, trouble=f"{name} could not be installed; is there a connection, is the disk full?")
    done.write_text(wanted)


def make_venv() -> None:
    say("making .venv")
    try:
        call(sys.executable, "-m", "venv", str(VENV), trouble="Python's venv module is missing or broken")
    except (SystemExit, KeyboardInterrupt):
        shutil.rmtree(VENV, ignore_errors=True)  # a half of it would be taken for the whole the next time
        raise


def call(*command: str, trouble: str) -> None:
    """Run a command; where it fails, say so and end. The same call can simply be made again."""
    try:
        subprocess.run(command, check=True, cwd=HERE)
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"[glassbox] {trouble}\n[glassbox] what failed: {error}\n[glassbox] Run it again to go on.")


def start(options: list[str]) -> int:
    """Open the app; further words go to Streamlit, `--port N` for short."""
    options = [
        word.replace("--port", "--server.port", 1) if word.startswith("--port") else word for word in options
    ]
    if any(word.startswith("--processes") for word in options):
        return crowd(options)
    say("starting; the address stands below, Ctrl+C ends it")
    return end(str(PYTHON), "-m", "streamlit", "run", str(HERE / "app" / "server.py"), *options)


def crowd(options: list[str]) -> int:
    """Open the app in several processes, with a balancer before them."""
    at = next(i for i, word in enumerate(options) if word.startswith("--processes"))
    words = [*options[:at], *options[at].split("=", 1), *options[at + 1 :]]
    install("requirements-processes.txt")
    say("starting several processes; the address stands below, Ctrl+C ends them")
    return end(str(PYTHON), "-m", "app.processes", *words[at + 1 : at + 2], *words[:at], *words[at + 2 :])


def browser() -> None:
    """A Chromium for the browser tests, where there is none yet."""
    if shutil.which("chromium") or shutil.which("google-chrome") or (VENV / ".browser").exists():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        say("installing Chromium with apt")
        call("apt-get", "update", "-q", trouble="apt could not refresh its lists")
        call("apt-get", "install", "-y", "-q", "chromium", trouble="apt could not install chromium")
        return
    say("fetching Playwright's Chromium")
    call(str(PYTHON), "-m", "playwright", "install", "chromium", trouble="the browser could not be fetched")
    (VENV / ".browser").write_text("playwright")


def test(options: list[str]) -> int:
    say("checking the style")
    ruff, deno = [str(PYTHON), "-m", "ruff"], [str(BIN / "deno"), "fmt", "--check", "--quiet"]
    for step in ([*ruff, "check"], [*ruff, "format", "--check"], deno):
        if code := end(*step):
            return code
    workers = str(min(4, os.cpu_count() or 1))  # each holds the models; a file's tests stay together
    say(f"running the tests, {workers} at a time")
    return end(str(PYTHON), "-m", "pytest", "-q", "-n", workers, "--dist", "loadfile", *options)


def end(*command: str) -> int:
    """The command's own exit code; Ctrl+C is a normal end."""
    try:
        return subprocess.run(command, cwd=HERE).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
