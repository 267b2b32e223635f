"""Prints how many megabytes a look into one block of a long prompt adds at its peak."""

import re
from pathlib import Path

import torch

import engine
from engine.model.transformer import Transformer
from tests.bench.large import GPT2_SMALL

STATUS = Path("/proc/self/status")
RESET_PEAK = "5"


def main() -> None:
    if not STATUS.exists():
        return print("nan")  # only Linux tells
    model = Transformer(GPT2_SMALL).requires_grad_(False).eval()
    engine.run(model, torch.zeros(1, 8, dtype=torch.long))["blocks.5.attn.pattern"]
    trace = engine.run(model, torch.arange(GPT2_SMALL.context)[None])
    Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    before = _megabytes("VmRSS")
    trace["blocks.5.attn.pattern"]
    print(_megabytes("VmHWM") - before)


def _megabytes(name: str) -> float:
    return int(re.search(rf"^{name}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)[1]) / 1024


if __name__ == "__main__":
    main()
