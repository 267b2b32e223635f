"""Fetch a checkpoint from the Hugging Face hub: python -m engine.load OWNER/NAME"""

import argparse
import os
import sys

from engine.load import load

options = argparse.ArgumentParser(
    prog=os.environ.get("GLASSBOX_COMMAND", "python -m engine.load"),
    description="Fetch a checkpoint from the Hugging Face hub, or look whether one can be read.",
)
options.add_argument("name", help="OWNER/NAME on the hub, a folder, or a shipped model")
try:
    model = load(options.parse_args().name, download=True)
except ValueError as error:
    sys.exit(str(error))
size = sum(p.numel() for p in model.parameters())
blocks = sum(stack.layers for stack in model.config.stacks)
many = "block" if blocks == 1 else "blocks"
print(f"{model.name}: {blocks} {many}, {size:,} parameters; ready for engine.load")
