"""The page Decode, as a visitor opens it."""

from streamlit.testing.v1 import AppTest

from tests.app.visit import MAIN

WRITERS = (
    "llama",
    "mixed",
    "bloom",
    "pair",
    "t5",
    "rnn",
    "lstm",
    "seer",
    "teller",
    "spans",
)  # a model a kind


def decoding(**link) -> AppTest:
    """A new visitor who opens a link to the page."""
    at = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in link.items():
        at.query_params[name] = str(value)
    return at.run().switch_page("views/decode/page.py").run()
