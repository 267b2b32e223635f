"""Words, sentences and grammars, as they stand in assets/grammar for people to read and change."""

import tomllib
from functools import cache
from pathlib import Path

GRAMMAR = Path(__file__).parents[3] / "assets" / "grammar"


@cache
def words(file: str) -> dict:
    """The entries of a TOML file in assets/grammar, in their order."""
    return tomllib.loads((GRAMMAR / file).read_text("utf-8"))
