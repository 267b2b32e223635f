"""Print what the grammar writes: `python -m engine.training english RULE …`."""

import random
import sys
from difflib import get_close_matches

from engine.training.data.grammar import grammar
from engine.training.options import COMMON, PROGRAM, Option, Parser, add, whole


def main(words: list[str]) -> None:
    """Print some texts of each rule of the grammar."""
    parser = Parser(prog=f"{PROGRAM} english", description=main.__doc__, allow_abbrev=False)
    parser.add_argument("rules", nargs="+", help="story, nature …: see assets/grammar")
    add(parser, {"count": Option(10, whole(1, 10**6), "texts of each"), "seed": COMMON["seed"]})
    parser.add_argument("--ask", action="store_true", help="questions on held-out combinations")
    options = parser.parse_args(words)
    draw = random.Random(options.seed)
    for rule in options.rules:
        if rule not in grammar().rules:
            near = ", ".join(get_close_matches(rule, grammar().rules, 3)) or "story, nature, things, talk"
            raise ValueError(f"the grammar has no rule {rule!r}; there are {near} …")
        for _ in range(options.count):
            print(grammar().question(rule, draw) if options.ask else grammar().text(rule, draw))
            print("-" * 40)


if __name__ == "__main__":
    from engine.training.__main__ import main as command

    sys.exit(command(["english", *sys.argv[1:]]))
