"""The models of a person's own: folders under --models, and what the hub's cache on this machine holds.

Only files are looked at: nothing is fetched, and no weight is read for a listing.
"""

import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import psutil
from huggingface_hub import constants

import engine
from app.architecture import family_of

VARIABLE = "GLASSBOX_MODELS"  # folders, as PATH has them
FRESH = 3.0  # seconds for which a listing holds
DEEP = 3  # levels of folders below one that was named
MOST = 2000  # folders that are looked into
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf")
TELLING = (".json", ".safetensors", ".tiktoken")  # files that say what a folder holds
REPOSITORY = re.compile(r"models--([\w.-]+?)(?:--([\w.-]+))?")  # as the hub's library names its folders
LONGEST_REASON = 300  # characters
HUB = "hub"  # before a name of the hub that another model has


@dataclass(frozen=True)
class Listed:
    """A model as a list tells it, without its weights."""

    name: str
    folder: Path
    stamp: tuple = ()  # another one where the folder's files are others
    family: str = ""
    parameters: int = 0
    bytes: int = 0  # on disk
    why: str = ""  # it cannot be read; empty where it can

    @property
    def needs(self) -> int:
        """Bytes of memory that it takes."""
        return 4 * self.parameters

    @property
    def loading(self) -> int:
        """The same while it is loaded: what is read stands beside what is made of it."""
        return self.needs + self.bytes


def models() -> list[Listed]:
    """All that there are, in the order of their names; what was added is in it after a few seconds."""
    with _LOCK:
        if time.monotonic() - _LAST.get("at", -FRESH) >= FRESH:
            _LAST["models"], _LAST["at"] = _listing(), time.monotonic()
        return _LAST["models"]


def find(name: str) -> Listed | None:
    return OF_SESSIONS.get(name) or next((one for one in models() if one.name == name), None)


def forget() -> None:
    """Look again the next time."""
    with _LOCK:
        _LAST.clear()


_LOCK = threading.Lock()
OF_SESSIONS: dict[str, Listed] = {}  # app/session_models.py: no list but their visitor's tells of them
_LAST: dict = {}
_FAILED: dict[tuple[Path, tuple], str] = {}  # what only loading has shown


def fail(one: Listed, error: Exception) -> None:
    """Remember why a model could not be loaded, until its files are others."""
    _FAILED[one.folder, one.stamp] = reason(error, one.folder)
    forget()


def room() -> int:
    """Bytes of memory that this machine has free."""
    return psutil.virtual_memory().available


def reason(error: Exception, folder: Path) -> str:
    """What an error says, on one line; a folder's way is nothing for visitors."""
    text = getattr(error, "strerror", None) or str(error)
    text = text.replace(f"{folder}{os.sep}", "").replace(str(folder), folder.name)
    return " ".join(text.split())[:LONGEST_REASON].rstrip(".")


# --- where they are ------------------------------------------------------------------------------


def tops() -> list[Path]:
    """The folders that were named."""
    named = os.environ.get(VARIABLE, "").split(os.pathsep)
    return [Path(top).expanduser().absolute() for top in named if top]


def _listing() -> list[Listed]:
    hub, folders = dict(_in_cache()), dict.fromkeys(path for top in tops() for path in _below(top))
    taken = set(engine.shipped())
    named = {f"{HUB}/{name}" if name in taken else name: path for name, path in hub.items()}
    named |= dict(zip(names_of(folders, taken | set(named)), folders, strict=True))
    return sorted((listed(name, path) for name, path in named.items()), key=lambda one: one.name.lower())


def names_of(folders: Iterable[Path], taken: set[str]) -> list[str]:
    """A name for each folder: its own; before it as many of those that it is in as tell it from all others."""
    parts = [path.parts[1:] for path in folders]
    longest = max(map(len, parts), default=0)
    ends = {k: Counter("/".join(p[-k:]) for p in parts) for k in range(1, longest + 1)}

    def name(path: tuple[str, ...]) -> str:
        tried = ("/".join(path[-k:]) for k in range(1, len(path) + 1))
        alone = (end for k, end in enumerate(tried, 1) if ends[k][end] == 1 and end not in taken)
        return next(alone, "/".join(path))

    return [name(path) for path in parts]


def _below(top: Path) -> Iterator[Path]:
    """The folders at `top` and below that hold a model, or something that is to be one."""
    level, left = [(top, False)], MOST
    for _ in range(DEEP + 1):
        inside = []
        for folder, within in level:
            left -= 1
            names, subfolders, readable = _content(folder)
            model = "config.json" in names or (not within and any(n.endswith(WEIGHTS) for n in names))
            if model or not readable:
                yield folder
            inside += [(folder / name, within or model) for name in subfolders]
            if left <= 0:
                return
        level = inside


def _content(folder: Path) -> tuple[list[str], list[str], bool]:
    """The names of a folder's files and of its folders, hidden ones left out; whether it can be read."""
    files, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    (folders if entry.is_dir() else files).append(entry.name)
    except OSError:
        return [], [], False
    return files, sorted(folders), True


def _in_cache() -> Iterator[tuple[str, Path]]:
    """The checkpoints in the hub's cache: their names there, and the folder of the newest files of each."""
    cache = Path(constants.HF_HUB_CACHE)
    for name in _content(cache)[1]:
        if found := REPOSITORY.fullmatch(name):
            yield "/".join(filter(None, found.groups())), _snapshot(cache / name)


def _snapshot(repository: Path) -> Path:
    """What the name "main" stands for, or else what was fetched last."""
    snapshots = repository / "snapshots"
    try:
        commit = (repository / "refs" / "main").read_text("ascii").strip()
        if re.fullmatch(r"\w+", commit):
            return snapshots / commit
    except (OSError, ValueError):
        pass
    found = [snapshots / name for name in _content(snapshots)[1]]
    return max(found, key=lambda path: path.stat().st_mtime, default=snapshots)


# --- what they are -------------------------------------------------------------------------------


def listed(name: str, folder: Path) -> Listed:
    """The model of a folder under a name; why it cannot be read, where it cannot."""
    if not name.isprintable():
        cleaned = "".join(c if c.isprintable() else "�" for c in name)
        return Listed(cleaned, folder, why="no link can hold the name of this folder: give it another")
    stamp = _stamp(folder)
    found = _surveyed(folder, stamp)
    return replace(found, name=name, why=_FAILED.get((folder, stamp), found.why))


def _stamp(folder: Path) -> tuple:
    """What changes where the files of a folder do that say what it holds."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(TELLING):
                    file = entry.stat()
                    found.append((entry.name, file.st_mtime_ns, file.st_size))
    except OSError:
        pass
    return tuple(sorted(found))


@lru_cache(4000)
def _surveyed(folder: Path, stamp: tuple) -> Listed:
    """A folder's model without a name."""
    try:
        os.listdir(folder)  # where it may not be looked into, the system says why
        found = engine.survey(folder)
        family = family_of(found.model)
    except Exception as error:  # whatever is in a folder that somebody put there
        return Listed("", folder, stamp, why=reason(error, folder))
    without = found.model.without_tokenizer
    why = f"{folder.name} {without}, and a page reads text" if without else ""
    return Listed("", folder, stamp, family, found.parameters, found.bytes, why)
