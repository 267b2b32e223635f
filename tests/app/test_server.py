"""What Streamlit would do on its own and this server does not."""

import asyncio
import re
import socket
from pathlib import Path

import pytest
import streamlit
from streamlit import config
from streamlit.runtime import app_session as session
from streamlit.web import skills

WRITE_THEME = session._populate_theme_msg

from app import server  # noqa: E402


def test_no_offer_to_install_anything_stands_over_the_page(monkeypatch):
    real = config.get_option
    off = ("server.headless", "logger.hideWelcomeMessage")
    monkeypatch.setattr(config, "get_option", lambda name: False if name in off else real(name))
    assert skills.nudge_suppression_reason() == "no_agent"
    assert not skills.should_show_skills_nudge()


def test_no_host_outside_is_asked_for_this_machines_address():
    assert streamlit.net_util.get_external_ip() is None


def test_no_page_of_another_host_may_steer_the_app():
    assert config.get_option("client.allowedOrigins") == []


OWN = ["localhost:8501", "127.0.0.1", "192.168.1.7:8501", "[::1]:8501", "LOCALHOST", "localhost."]
FOREIGN = [
    "evil.example.com",
    "127.0.0.1.evil.com:8501",
    "localhost.evil.com",
    "",
    "localhost@evil.com",
    "[::1",
    "::1:x",
]


def ask(scope: dict) -> list[dict]:
    """What the server answers before the app is asked; "app" where it is."""
    sent = []

    async def inner(scope, receive, send):
        sent.append({"type": "app"})

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    asyncio.run(server.Hosts(inner)(scope, receive, send))
    return sent


def scope_of(host: str | None, kind: str = "http", path: str = "/") -> dict:
    headers = [] if host is None else [(b"host", host.encode())]
    return {"type": kind, "path": path, "headers": headers, "method": "GET"}


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_only_a_host_that_is_this_machine_is_answered(kind):
    for host in [*OWN, socket.gethostname()]:
        assert ask(scope_of(host, kind)) == [{"type": "app"}], host
    for host in [*FOREIGN, None]:
        first = ask(scope_of(host, kind))[0]
        assert first["type"] == ("http.response.start" if kind == "http" else "websocket.close"), host
        assert first.get("status", 421) == 421


def test_a_name_that_the_server_was_told_is_its_own(monkeypatch):
    real = config.get_option
    told = {"server.allowedHosts": ["class.example.org", "*.school.example"]}
    monkeypatch.setattr("streamlit.get_option", lambda name: told.get(name) or real(name))
    for host in ("class.example.org", "CLASS.example.org:443", "a.school.example"):
        assert server.is_own(host)
    assert not server.is_own("other.example.org")


def test_nobody_is_told_how_busy_it_is():
    assert ask(scope_of("localhost", path="/_stcore/metrics"))[0]["status"] == 404
    assert ask(scope_of("localhost", path="/_stcore/health")) == [{"type": "app"}]


def test_a_visitor_is_shown_no_stack_trace():
    assert config.get_option("client.showErrorDetails") == "none"


def test_what_is_sent_does_not_wait_for_the_other_side(monkeypatch):
    monkeypatch.setattr(server, "warm", lambda: None)

    async def begin():
        async with server.lifespan(server.app):
            pass

    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as client:
        assert not listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        asyncio.run(begin())
        client.connect(listening.getsockname())
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_streamlit_collects_no_garbage_before_a_page_hears_that_it_is_finished():
    assert config.get_option("runner.postScriptGC") is False


def test_the_theme_that_is_copied_is_the_one_that_streamlit_writes():
    written, (first, second) = session.CustomThemeConfig(), (session.CustomThemeConfig() for _ in range(2))
    write_copy = server.copied(WRITE_THEME)
    for write, theme in ((WRITE_THEME, written), (write_copy, first), (write_copy, second)):
        write(theme)
        for part, section in ((theme.light, "light"), (theme.dark, "dark"), (theme.sidebar, "sidebar")):
            write(part, f"theme.{section}")
    assert written.light.primary_color and not written.HasField("sidebar")
    assert written == first == second
    assert session._populate_theme_msg is not WRITE_THEME


def test_every_page_is_found_by_its_own_address():
    """Streamlit asks below a page's address for its own files unless the server knows the page."""
    assert set(server.PAGES) >= set(
        re.findall(r'url_path="([^"]+)"', Path(server.__file__).with_name("main.py").read_text())
    )
