"""Starting what a test in the browser needs: the app as a server, Chromium, and waiting for the page."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as PageTimeout

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app" / "server.py"
ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",  # pages of a context share a process, which has compiled their scripts
)
TOURED = "localStorage.setItem('glassbox-tour', '1')"  # runs first: this visitor has taken the tour
RUNNING = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState"


@dataclass(frozen=True)
class Server:
    """A running server: where it is, how long its start took, and its process."""

    url: str
    boot: float  # seconds from the process's start to its first healthy answer
    pid: int
    log: Path


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def server(
    app: Path = APP,
    *options: str,
    timeout: float = 120,
    port: int = 0,
    processes: int = 1,
    models: Path | None = None,
    command: str = "streamlit",
) -> Iterator[Server]:
    """`app` served by Streamlit (or another module's `command`), on a free port unless one is given; `options`
    go onto its command line. Of models of one's own it finds those in the folder `models`.

    With several processes it is Glassbox itself, behind its balancer.
    """
    port = port or free_port()
    one = [command, "run", str(app)]
    several = ["app.processes", str(processes)]
    words = [sys.executable, "-m", *(one if processes == 1 else several), "--server.port", str(port)]
    words += ["--server.headless", "true", "--server.address", "127.0.0.1"]
    words += ["--server.fileWatcherType", "none", "--browser.gatherUsageStats", "false", *options]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        own = {"GLASSBOX_MODELS": str(models or ""), "HF_HUB_CACHE": folder}
        with log.open("wb") as out:
            started = time.perf_counter()
            process = subprocess.Popen(
                words, cwd=app.parents[1], stdout=out, stderr=subprocess.STDOUT, env=os.environ | own
            )
            try:
                url = f"http://127.0.0.1:{port}"
                _wait_for_health(url, process, log, started + timeout)
                yield Server(url, time.perf_counter() - started, process.pid, log)
            finally:
                stop(process)


def _wait_for_health(url: str, process: subprocess.Popen, log: Path, end: float) -> None:
    while time.perf_counter() < end:
        if process.poll() is not None:
            raise RuntimeError("the server ended at once:\n" + log.read_text("utf-8", "replace"))
        try:
            with urllib.request.urlopen(url + "/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.03)
    raise TimeoutError("the server did not start:\n" + log.read_text("utf-8", "replace"))


def stop(process: subprocess.Popen) -> None:
    """End a process that was started here, and wait until it has ended."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium or Chrome, or else the one that Playwright installed."""
    own = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=own, args=list(ARGS))
        try:
            yield browser
        finally:
            browser.close()


def idle(page: Page, quiet: int = 150, timeout: float = 60_000) -> None:
    """Wait until the script has finished and has stayed finished for `quiet` milliseconds."""
    rested = f"""quiet => {{
        const now = performance.now();
        if ({RUNNING} !== 'notRunning') window.__idle = null;
        else window.__idle ??= now;
        return window.__idle !== null && now - window.__idle >= quiet;
    }}"""
    try:
        page.wait_for_function(rested, arg=quiet, timeout=timeout)
    except PageTimeout as error:
        state = page.evaluate(RUNNING)
        raise TimeoutError(f"after {timeout / 1000:g} s the script is still in the state {state}") from error
    page.evaluate("window.__idle = null")
