"""The tasks in words for people, from assets/text/tasks.toml."""

import tomllib
from functools import cache
from pathlib import Path

FILE = Path(__file__).parents[3] / "assets" / "text" / "tasks.toml"


@cache
def words_of(task: str) -> dict[str, str]:
    """What a task is called (name), asks for (about) and, where its recipe fails, why (fails, else empty)."""
    return {"fails": ""} | tomllib.loads(FILE.read_text("utf-8"))[task]
