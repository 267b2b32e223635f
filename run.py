"""Everything that one does with Glassbox, with one command.

    python run.py                        open the app; the first time, install what is needed into .venv
    python run.py --port 8600            the same on another port
    python run.py --network              the same for a class: others in this network can open it
    python run.py --device cpu           the same on the processor, even where there is a GPU
    python run.py --processes 2          the same with two server processes, for a crowd
    python run.py --models DIR           the same with the models of a folder of yours beside the shipped ones

    python run.py train FOLDER …         train a model on texts; or encoder, translation, digits, captions
    python run.py measure NAME …         measure a trained model again and write its card
    python run.py english RULE …         print what the grammar of the training texts writes
    python run.py load OWNER/NAME        fetch a checkpoint from the Hugging Face hub
    python run.py notebook [FILE]        Jupyter, with an example to begin with
    python run.py python [FILE] …        Python with `import engine`, for scripts of your own
    python run.py test …                 the style and all tests; further words go to pytest
    python run.py bench [WHAT]           how fast it is: engine, lessons, browser, visitors; all without a word

`python run.py WORD --help` says more. Python 3.11 or newer must be there, nothing else.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = (HERE / "requirements.txt").exists()  # or else an installed package, which has all it needs
VENV = HERE / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin") if CHECKOUT else Path(sys.executable).parent
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python") if CHECKOUT else Path(sys.executable)
COMMAND = "python run.py" if CHECKOUT else "glassbox"
HELP = ("-h", "--help")

APP, TESTS = "requirements.txt", "tests/requirements.txt"
MODULES = {  # word -> what Python runs: a module, and what stands before the words that were typed
    "start": ("app.start",),
    "train": ("engine.training",),
    "measure": ("engine.training", "measure"),
    "english": ("engine.training", "english"),
    "load": ("engine.load",),
    "bench": ("tests.bench",),
}
WORDS = (*MODULES, "notebook", "python", "test")
NEEDS = {  # what more than the app's own requirements
    "test": TESTS,
    "bench": TESTS,
    "notebook": "assets/notebook/requirements.txt",
    "train digits": "engine/training/requirements.txt",
}
ENVIRONMENT = {  # unless it says otherwise
    # glibc: freed memory stays with the process; to get it from the system again costs more than the sums in it
    "MALLOC_TRIM_THRESHOLD_": 2**29,
    "MALLOC_MMAP_THRESHOLD_": 2**25,
    # numpy: one thread each for many visitors; on busy cores its threads wait for one another and burn them
    "OPENBLAS_NUM_THREADS": 1,
    "VECLIB_MAXIMUM_THREADS": 1,
}


def main(words: list[str] | None = None) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit(f"Glassbox needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    words = sys.argv[1:] if words is None else words
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what runs for us ends with us
    try:
        return do(words)
    except KeyboardInterrupt:
        say(f"stopped; the same command goes on: {COMMAND} {' '.join(words)}".rstrip())
        return 130


def do(words: list[str]) -> int:
    if words[:1] and words[0] in HELP:
        print(usage())
        return 0
    word, rest = ("start", words) if not words or words[0].startswith("-") else (words[0], words[1:])
    known(word, [w for w in WORDS if CHECKOUT or NEEDS.get(w) != TESTS])
    if (
        set(rest) & set(HELP)
        and word != "python"
        and (word not in MODULES or not installed(NEEDS.get(word, APP)))
    ):
        print(usage(word))
        return 0
    prepare(word, rest)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, str(value))
    special = {"notebook": notebook, "python": python, "test": test}
    return special[word](rest) if word in special else module(word, rest)


def known(word: str, words: list[str]) -> None:
    """End with what there is, and with what may have been meant, where there is no such word."""
    if word in words:
        return
    near = difflib.get_close_matches(word, words, 1, 0.5)
    meant = f" Did you mean: {COMMAND} {near[0]}" if near else ""
    say(f"There is no “{word}”.{meant}", sys.stderr)
    say(f"There is: {', '.join(words)}. {COMMAND} --help says more.", sys.stderr)
    sys.exit(2)


def usage(word: str = "") -> str:
    """What this file's first lines say, of one word or of all."""
    lines = __doc__.replace("python run.py", COMMAND).splitlines()
    if not CHECKOUT:
        here = tuple(f"    {COMMAND} {name} " for name, needs in NEEDS.items() if needs == TESTS)
        lines = [line.partition("; the first time")[0] for line in lines if not line.startswith(here)]
    begin = tuple(f"    {COMMAND} {mark}" for mark in ((" ", "-") if word == "start" else (f"{word} ",)))
    own = [line for line in lines if word and line.startswith(begin)]
    own += ["All its options are told once Glassbox is installed."] if word in MODULES else []
    return "\n".join(own or lines)


def say(text: str, file=None) -> None:
    print(f"[glassbox] {text}", flush=True, file=file)


# --- what must be there --------------------------------------------------------------------------


def needed(word: str, rest: list[str]) -> list[str]:
    """The requirements files of what is asked for."""
    more = NEEDS.get(word) or NEEDS.get(" ".join([word, *rest[:1]]))
    if word == "start" and any(option.partition("=")[0] == "--processes" for option in rest):
        more = "requirements-processes.txt"
    return [APP, more] if more else [APP]


def prepare(word: str, rest: list[str]) -> None:
    """Have all that it needs installed."""
    for name in needed(word, rest) if CHECKOUT else ():
        install(name)
    if NEEDS.get(word) == TESTS:
        browser()


def stamp(name: str) -> Path:
    return VENV / f".installed-{name.replace('/', '-')}"


def wanted(name: str) -> str:
    return hashlib.sha256((HERE / name).read_bytes()).hexdigest()


def installed(name: str) -> bool:
    """Was exactly this requirements file installed before?"""
    return not CHECKOUT or (
        PYTHON.exists() and stamp(name).exists() and stamp(name).read_text() == wanted(name)
    )


def install(name: str) -> None:
    """Install a requirements file into .venv, unless exactly this file was installed before."""
    if installed(name):
        return
    writable()
    if not PYTHON.exists() or not list(PYTHON.parent.glob("pip*")):  # none, or the half of one
        make_venv()
    say(f"installing {name}{size() if name == APP and not stamp(name).exists() else ''}")
    quiet = [] if sys.stdout.isatty() else ["-q"]  # a person wants to see that it goes on
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *quiet, "-r", str(HERE / name)]
    call(*pip, trouble=f"{name} could not be installed; is there a connection, is the disk full?")
    stamp(name).write_text(wanted(name))


def size() -> str:
    """What the first installation brings, about, and how to have less of it."""
    small = ": about 400 MB to download, 1.5 GB on the disk, some minutes"
    own = os.environ.get("PIP_INDEX_URL", "") + os.environ.get("PIP_EXTRA_INDEX_URL", "")
    if "/cpu" in own or (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return small
    large = ": up to 3 GB to download and 7 GB on the disk, since PyTorch for Linux brings NVIDIA's libraries"
    if shutil.which("nvidia-smi"):
        return large
    return f"""{large}.
[glassbox] This machine seems to have no NVIDIA GPU. A tenth is enough, with PyTorch's build for processors:
[glassbox]     Ctrl+C, then  PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu {COMMAND}"""


def writable() -> None:
    """End with what to do where nothing can be installed."""
    place = VENV if VENV.exists() else HERE
    if not os.access(place, os.W_OK):
        sys.exit(
            f"[glassbox] {place} cannot be written to, and what Glassbox needs would be installed there.\n"
            "[glassbox] Copy the whole folder to a place of your own and run it there."
        )


def make_venv() -> None:
    say("making .venv")
    try:  # clear: what is there lacks its Python or pip, and can only be made anew
        command = (sys.executable, "-m", "venv", "--clear", str(VENV))
        call(
            *command, trouble="Python's venv module is missing or broken (on Debian: apt install python3-venv)"
        )
    except (SystemExit, KeyboardInterrupt):
        shutil.rmtree(VENV, ignore_errors=True)  # a half of it would be taken for the whole the next time
        raise


def call(*command: str, trouble: str) -> None:
    """Run a command; where it fails, say so and end. The same call can simply be made again."""
    try:
        subprocess.run(command, check=True, cwd=HERE)
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"[glassbox] {trouble}\n[glassbox] what failed: {error}\n[glassbox] Run it again to go on.")


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


# --- what is done --------------------------------------------------------------------------------


def module(word: str, words: list[str]) -> int:
    """A module of ours; its messages name the command that was typed."""
    name, *before = MODULES[word]
    os.environ["GLASSBOX_COMMAND"] = COMMAND if before or word == "start" else f"{COMMAND} {word}"
    return python(["-P", "-m", name, *before, *words])  # -P: no module of the folder where we are stands before


def python(words: list[str]) -> int:
    """.venv's Python in the caller's folder, with our modules before all others."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
    return become(str(PYTHON), *words)


def notebook(words: list[str]) -> int:
    """Jupyter in the caller's folder; it asks nobody for news or updates."""
    if not CHECKOUT and not importlib.util.find_spec("jupyterlab"):
        sys.exit("[glassbox] Jupyter is not installed here: pip install jupyterlab")
    if not any(word.endswith(".ipynb") for word in words):
        words = [*words, example()]
    silent = "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"
    root = ["--allow-root"] if os.name != "nt" and os.geteuid() == 0 else []
    return python(["-m", "jupyterlab", *silent, "--LabApp.extension_manager=readonly", *root, *words])


def example() -> str:
    """The notebook to begin with: a copy in the caller's folder, which is the caller's to change."""
    own = Path("glassbox.ipynb")
    if not own.exists():
        shutil.copyfile(HERE / "assets" / "notebook" / "first_look.ipynb", own)
        say(f"{own.resolve()} is a notebook to begin with, and yours to change")
    return str(own)


def test(words: list[str]) -> int:
    words = [where(word) for word in words]
    os.chdir(HERE)
    say("checking the style")
    ruff, deno = [str(PYTHON), "-m", "ruff"], [str(BIN / "deno"), "fmt", "--check", "--quiet"]
    for step in ([*ruff, "check"], [*ruff, "format", "--check"], deno):
        code = subprocess.run(step).returncode
        if code:
            return code
    workers = str(min(4, os.cpu_count() or 1))  # each holds the models; a file's tests stay together
    say(f"running the tests, {workers} at a time")
    return become(
        str(PYTHON), "-m", "pytest", "-q", "-n", workers, "--dist", "loadfile", "--no-loadscope-reorder", *words
    )


def where(word: str) -> str:
    """A path of the caller's folder as seen from ours; pytest's path::test too."""
    path, mark, name = word.partition("::")
    return str(Path(path).resolve()) + mark + name if Path.cwd() != HERE and Path(path).exists() else word


def become(*command: str) -> int:
    """The last command takes this one's place: signals reach it, and its exit code is ours."""
    sys.stdout.flush()
    if os.name == "nt":  # where nobody waits for what takes another's place
        try:
            return subprocess.run(command).returncode
        except KeyboardInterrupt:  # which reached it too
            return 130
    os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main())
