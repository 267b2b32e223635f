"""Loading a checkpoint, changing it for the worse, and seeing it refused."""

import json
from pathlib import Path

import pytest

import engine


def load(folder: Path):
    """The model of a folder, on the processor."""
    return engine.load(folder, device="cpu")


def configure(folder: Path, **entries) -> None:
    """Change entries of config.json; `...` takes one out."""
    config = json.loads((folder / "config.json").read_text()) | entries
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not ...}))


def refused(folder: Path, message: str) -> None:
    """Loading fails with a ValueError whose text has a match for `message`."""
    with pytest.raises(ValueError, match=message):
        load(folder)
