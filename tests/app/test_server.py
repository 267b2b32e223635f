"""What Streamlit would do on its own and this server does not."""

import asyncio
import socket

import streamlit
from streamlit import config
from streamlit.runtime import app_session as session
from streamlit.web import skills

WRITE_THEME = session._populate_theme_msg

import app.server  # noqa: E402


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


def test_what_is_sent_does_not_wait_for_the_other_side(monkeypatch):
    monkeypatch.setattr(app.server, "warm", lambda: None)

    async def begin():
        async with app.server.lifespan(app.server.app):
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
    write_copy = app.server.copied(WRITE_THEME)
    for write, theme in ((WRITE_THEME, written), (write_copy, first), (write_copy, second)):
        write(theme)
        for part, section in ((theme.light, "light"), (theme.dark, "dark"), (theme.sidebar, "sidebar")):
            write(part, f"theme.{section}")
    assert written.light.primary_color and not written.HasField("sidebar")
    assert written == first == second
    assert session._populate_theme_msg is not WRITE_THEME
