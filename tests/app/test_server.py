"""What Streamlit would do on its own and this server does not."""

import streamlit
from streamlit import config
from streamlit.web import skills

import app.server  # noqa: F401


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
