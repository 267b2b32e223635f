"""Jobs for tests of what runs them."""

import os
import time
from pathlib import Path

import numpy as np
import torch


def counting(settings: dict, folder: Path):
    """Counts, as far and as slowly as it is told, and tells what it is asked."""
    step = 0
    while step < settings.get("steps", 3):
        time.sleep(settings.get("seconds", 0.0))
        if step == settings.get("raises"):
            raise ValueError("the number is too large")
        if step == settings.get("takes"):
            torch.empty(2**60)
        if step == settings.get("dies"):
            os._exit(7)
        print("what a library prints")
        asked = yield {"step": step, "settings": settings, "array": np.full((2, 3), step, np.float32)}
        settings, step = settings | asked, step + 1
    (folder / "end").write_text("here")
