"""All benchmarks, one after the other, or those that are named (some ten minutes in all)."""

import argparse
import os

from tests.bench import browser, engine, lessons, visitors

PROGRAMS = {"engine": engine, "lessons": lessons, "browser": browser, "visitors": visitors}
parser = argparse.ArgumentParser(prog=os.environ.get("GLASSBOX_COMMAND"), description=__doc__)
parser.add_argument("what", nargs="*", metavar="WHAT", help=f"{', '.join(PROGRAMS)} (all of them)")
asked = parser.parse_args().what
if unknown := sorted(set(asked) - set(PROGRAMS)):
    parser.error(f"there is no {', '.join(unknown)}; there is {', '.join(PROGRAMS)}")
for name in asked or PROGRAMS:
    PROGRAMS[name].main()
