"""python -m engine.examples: a row for each number that a lecture printed, and whether it follows.

--json      the same for machines, an object a row
EXAMPLE …   of these examples only
"""

import argparse
import json
import math
import sys
from dataclasses import asdict

from engine.examples import all_rows, names
from engine.examples.printed import COARSE

HEADS = ("example", "lecture", "place", "cell", "printed", "computed", "agrees")


def main(arguments: list[str]) -> int:
    """Print the rows; 2 where an example is asked for that there is not, else 0."""
    asked = argparse.ArgumentParser(
        prog="python -m engine.examples", description="What the lectures printed, compared."
    )
    asked.add_argument("examples", nargs="*", help="names of examples; none: all")
    asked.add_argument("--json", action="store_true", help="for machines: a list of objects")
    options = asked.parse_args(arguments)
    if unknown := [name for name in options.examples if name not in names()]:
        print(f"There is no example {', '.join(unknown)}; there are {', '.join(names())}.", file=sys.stderr)
        return 2
    rows = all_rows(options.examples)
    print(_json(rows) if options.json else _table(rows))
    return 0


def _json(rows) -> str:
    """Objects with the fields of a Row and `agrees`; infinite numbers as text, as JSON has none."""
    objects = [asdict(row) | {"agrees": row.agrees} for row in rows]
    for each in objects:
        if not math.isfinite(each["computed"]):
            each["computed"] = str(each["computed"])
    return json.dumps(objects, ensure_ascii=False, indent=1)


def _table(rows) -> str:
    lines = [HEADS]
    for row in rows:
        more = "" if row.agrees else f"; it should be {row.should}"
        more = f": {row.should}" if row.verdict == COARSE else more
        verdict = row.verdict + more
        computed = f"{row.computed:.7g}".replace("inf", "∞").replace("-", "−")
        lines.append(
            (
                row.example,
                row.lecture,
                row.place,
                f"{row.of}[{row.row},{row.column}]",
                row.printed,
                computed,
                verdict,
            )
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADS))]
    told = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    differ = sum(not row.agrees for row in rows)
    return "\n".join([*told, f"{len(rows)} printed numbers; {differ} do not follow from what is given."])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
