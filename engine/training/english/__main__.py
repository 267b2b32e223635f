"""Print some texts of each rule: `python -m engine.training.english RULE … [--seed N] [--ask]`."""

import argparse
import os
import random

from engine.training.english import grammar

options = argparse.ArgumentParser(
    prog=os.environ.get("GLASSBOX_COMMAND", "python -m engine.training.english"),
    description=__doc__.split(":")[0],
)
options.add_argument("rules", nargs="+")
options.add_argument("--count", type=int, default=10)
options.add_argument("--seed", type=int, default=0)
options.add_argument("--ask", action="store_true", help="questions on held-out combinations")
options = options.parse_args()
draw = random.Random(options.seed)
for rule in options.rules:
    for _ in range(options.count):
        print(grammar().question(rule, draw) if options.ask else grammar().text(rule, draw))
        print("-" * 40)
