"""Fetch a checkpoint from the Hugging Face hub: python -m engine.load OWNER/NAME"""

import sys

from engine.load import load

if len(sys.argv) != 2:
    sys.exit(__doc__)
try:
    model = load(sys.argv[1], download=True)
except ValueError as error:
    sys.exit(str(error))
size = sum(p.numel() for p in model.parameters())
blocks = sum(stack.layers for stack in model.config.stacks)
many = "block" if blocks == 1 else "blocks"
print(f"{model.name}: {blocks} {many}, {size:,} parameters; ready for engine.load")
