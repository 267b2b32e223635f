"""What nobody foresaw: the log has all of it under an id, the page shows a sentence with that id."""

import contextlib
import logging
import secrets
from collections.abc import Iterator

import streamlit as st

from app.text import say

LOG = logging.getLogger(__name__)


def told(error: BaseException) -> str:
    """The sentence for a visitor about an error, which goes into the log."""
    id = secrets.token_hex(4)
    LOG.error("trouble %s", id, exc_info=error)
    return say("trouble", "unforeseen", id=id)


def show(error: Exception) -> bool:
    """In the place of a stack trace, the sentence about it."""
    st.error(told(error))
    return True


@contextlib.contextmanager
def no_panics() -> Iterator[None]:
    """Native code that panics raises a BaseException, which would end the thread and leave the page waiting: it
    becomes an error like all others."""
    try:
        yield
    except BaseException as error:
        if not panicked(error):
            raise
        raise RuntimeError(f"native code panicked: {error}") from error


def panicked(error: BaseException) -> bool:
    return type(error).__module__ == "pyo3_runtime"
