"""Measure a finished model again: its scores, examples and card are written anew, from its weights alone.

    python -m engine.training.measure storybook FOLDER

What it was trained with must be given as it was then: the folder of texts or the file of pairs; nothing for
models of pictures. The options of its training are in its options.json.
"""

import argparse
import os
import tempfile
from pathlib import Path

from engine.training import work


def main() -> None:
    """Measure a finished model again, from the command line."""
    options = argparse.ArgumentParser(
        prog=os.environ.get("GLASSBOX_COMMAND", "python -m engine.training.measure"),
        description=__doc__.splitlines()[0],
    )
    options.add_argument("name", help="the model's folder in assets/models")
    options.add_argument("texts", nargs="?", type=Path, help="what it was trained with (none: pictures)")
    given = options.parse_args()
    folder = work.MODELS / given.name
    command, asked = work.asked_for(folder)
    with tempfile.TemporaryDirectory() as place:
        command.measure(folder, given.texts, Path(place), asked)


if __name__ == "__main__":
    main()
