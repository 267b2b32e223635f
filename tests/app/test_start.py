"""Starting the app: its options, its port, and the addresses that are told."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit import config

from app import address, start
from tests.serving import free_port

RUN = Path(start.ROOT) / "run.py"


def given(monkeypatch, *words: str) -> dict:
    monkeypatch.setattr(sys, "argv", ["start", *words])
    return start._given(start._parser(), Path("/somewhere"))


@pytest.fixture
def taken():
    """A port that something listens on."""
    with socket.create_server(("127.0.0.1", free_port())) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("words", [("--port", "8600"), ("--port=8600",), ("--server.port", "8600")])
def test_a_port_can_be_said_in_every_way(monkeypatch, words):
    assert given(monkeypatch, *words)["server.port"] == 8600


def test_streamlits_options_are_taken_and_files_are_the_callers(monkeypatch):
    got = given(monkeypatch, "--theme.base", "dark", "--server.sslKeyFile", "key.pem", "--network")
    assert got["theme.base"] == ["dark"] and got["server.address"] == "0.0.0.0"
    assert Path(got["server.sslKeyFile"][0]) == Path("/somewhere/key.pem")


def test_folders_of_models_are_the_callers_and_must_be_there(monkeypatch, tmp_path, capsys):
    (tmp_path / "nets").mkdir()
    named = given(monkeypatch, "--models", "nets", "--models", str(tmp_path))["models"]
    assert start._folders(named, tmp_path) == [str(tmp_path / "nets"), str(tmp_path)]
    with pytest.raises(SystemExit, match="There is no folder no; --models takes one"):
        start._folders(["no"], tmp_path)
    (tmp_path / f"a{os.pathsep}b").mkdir()
    with pytest.raises(SystemExit, match="stands between several folders"):
        start._folders([f"a{os.pathsep}b"], tmp_path)


@pytest.mark.parametrize(
    "word, near", [("--prot", "--port"), ("--server.adress", "--server.address"), ("--netwrk", "--network")]
)
def test_a_wrong_option_names_the_nearest_and_our_command(monkeypatch, capsys, word, near):
    with pytest.raises(SystemExit):
        given(monkeypatch, word, "1")
    said = capsys.readouterr().err
    assert f"there is no option {word}; did you mean {near}?" in said
    assert "streamlit" not in said


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_there_is_no_such_port(port):
    with pytest.raises(SystemExit, match="65535"):
        start._port(port, "localhost")


@pytest.mark.parametrize("where", ["localhost", "0.0.0.0"])
def test_a_port_that_was_asked_for_and_is_taken_is_not_replaced(taken, where):
    with pytest.raises(SystemExit, match=f"Port {taken} is taken.*--port"):
        start._port(taken, where)


def test_else_the_next_free_port_is_taken_and_told(taken, monkeypatch, capsys):
    monkeypatch.setattr(start.config, "get_option", {"server.port": taken}.get)
    port = start._port(None, "localhost")
    assert taken < port <= taken + start.TRIED
    assert f"Port {taken} is taken" in (said := capsys.readouterr().out) and f"port {port}" in said


def test_an_address_that_is_not_this_machines_is_refused():
    with pytest.raises(SystemExit, match=r"cannot listen at 203\.0\.113\.7"):
        start._port(8600, "203.0.113.7")


def settings(monkeypatch, **options) -> None:
    monkeypatch.setattr(config, "get_option", lambda name: options.get(name.partition(".")[2], ""))


def test_others_are_told_nothing_of_a_server_for_this_machine_alone(monkeypatch):
    settings(monkeypatch, address="localhost", port=8600)
    assert not address.shared() and address.others() == []
    assert address.told() == ["open http://localhost:8600"]


def test_a_class_is_told_the_addresses_of_this_machine(monkeypatch):
    monkeypatch.setattr(address, "of_this_machine", lambda: ["10.1.2.3", "192.168.5.6"])
    settings(monkeypatch, address="0.0.0.0", port=8600, baseUrlPath="/glass/")
    assert address.others() == ["http://10.1.2.3:8600/glass", "http://192.168.5.6:8600/glass"]
    assert all(any(url in line for line in address.told()) for url in address.others())
    settings(monkeypatch, address="10.1.2.3", port=8600, sslCertFile="x")
    assert address.others() == ["https://10.1.2.3:8600"] and address.here() == address.others()[0]


def test_the_addresses_of_this_machine_are_reachable_ones():
    for found in address.of_this_machine():
        assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", found) and not found.startswith(("127.", "169.254."))


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
def test_the_server_tells_where_it_is_and_ends_with_run_py(tmp_path):
    port = free_port()
    command = [sys.executable, str(RUN), "--network", "--port", str(port), "--server.headless", "true"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as app:
        lines = iter(app.stdout.readline, "")
        assert any(line == f"[glassbox] open http://localhost:{port} on this machine\n" for line in lines)
        for found in address.of_this_machine():
            assert f"http://{found}:{port}" in next(lines)
        app.send_signal(signal.SIGINT)
        assert app.wait(20) == 0
        assert app.stdout.read().splitlines()[-1:] == ["[glassbox] ended"]
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 1)
