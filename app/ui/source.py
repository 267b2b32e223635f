"""The code that ran."""

import inspect
from collections.abc import Callable

import streamlit as st

from app.ui.page import HERE


def code(*functions: Callable) -> None:
    """The functions that computed what the page shows: their source can be unfolded below it."""
    HERE.get().page.code = functions


def ran(*functions: Callable) -> None:
    """The source of functions, in an expander."""
    if not functions:
        return
    names = ", ".join(f.__qualname__ for f in functions)
    box = st.expander(f"The code that ran: {names}", on_change="rerun", key=f"code-{names}", type="compact")
    if box.open:
        for function in functions:
            box.code(
                "# " + inspect.getmodule(function).__name__ + "\n" + inspect.getsource(function),
                wrap_lines=True,
            )
