"""The folder of files that this process writes for its visitors: it goes with the process."""

import atexit
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

LEFT = 24 * 3600.0  # seconds after which the folder of a process that was killed is deleted
MADE: list[Path] = []
_LOCK = threading.Lock()


def new() -> Path:
    """A new folder, in the one of this process; that is made anew where somebody has cleaned up."""
    with _LOCK:
        if not MADE:
            _sweep()
            MADE.append(Path(tempfile.mkdtemp(prefix=f"glassbox-{os.getpid()}-")))
            atexit.register(clear)
        MADE[0].mkdir(mode=0o700, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=MADE[0]))


def clear() -> None:
    """Delete all of them."""
    while MADE:
        shutil.rmtree(MADE.pop(), ignore_errors=True)


def _sweep() -> None:
    """Delete what processes left that could not clean up: a killed one, or a machine that was switched off."""
    for folder in Path(tempfile.gettempdir()).glob("glassbox-*-*"):
        number = folder.name.split("-")[1]
        if number.isdigit() and not _runs(int(number)) and time.time() - folder.stat().st_mtime > LEFT:
            shutil.rmtree(folder, ignore_errors=True)


def _runs(process: int) -> bool:
    """Whether there is a process of this number; where that cannot be asked, whether it may be."""
    if os.name != "posix":  # on Windows the question would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
