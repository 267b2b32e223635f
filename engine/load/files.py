"""Files that anybody may have made: looked at before they are read, and never more of them than is wanted."""

import json
import os
import stat
from pathlib import Path

MOST_JSON = 16 * 2**20  # bytes of a config.json or an index; the largest are below 5 million
MOST_TEXT = 256 * 2**20  # bytes of a vocabulary
MOST_NESTED = 50  # levels of a JSON file


def is_there(path: Path) -> bool:
    """Whether a folder has something of that name, be it a link that leads nowhere."""
    return os.path.lexists(path)


def check_file(path: Path, most: int | None = None) -> int:
    """How many bytes a file has; a ValueError where it is none, cannot be reached or has more than `most`."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
        raise ValueError(f"{path} is {kind}, not a file")
    if most is not None and found.st_size > most:
        raise ValueError(f"{path} has {found.st_size:,} bytes; such a file has at most {most:,}")
    return found.st_size


def read_json(path: Path) -> dict:
    """A JSON object from a file; a ValueError where it is missing, damaged, absurd or no object."""
    if not is_there(path):
        raise ValueError(f"{path.parent} has no {path.name}; a checkpoint folder needs one")
    check_file(path, MOST_JSON)
    try:
        content = json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {str(error)[:200]}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, not an object {{…}}")
    if _is_deeper(content, MOST_NESTED):
        raise ValueError(f"{path} is nested deeper than {MOST_NESTED} levels")
    return content


def _once(pairs: list[tuple[str, object]]) -> dict:
    """The object of these pairs, each name of which stands there once."""
    content: dict = {}
    for name, value in pairs:
        if name in content and content[name] != value:
            raise ValueError(f"{name[:60]!r} stands there twice, with two values")
        content[name] = value
    return content


def _is_deeper(content, levels: int) -> bool:
    level = [content]
    for _ in range(levels):
        inside = (part.values() if isinstance(part, dict) else part for part in level)
        level = [x for values in inside for x in values if isinstance(x, dict | list)]
    return bool(level)
