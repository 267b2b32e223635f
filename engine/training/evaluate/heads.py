"""What the heads of a model do, as a table of its card, and the verdict on all that was aimed at."""

from torch import Tensor

from engine.training.evaluate import report
from engine.training.evaluate.examples import ENOUGH, best_head
from engine.training.evaluate.intervals import bootstrap

NEEDED = ("previous token", "first token", "first token, amid a book", "induction")


def table(each: dict[str, Tensor], even: dict[str, float]) -> str:
    """For each role the head that is best in it, by its scores [N, L, H] on every text."""
    lines = [
        "| role | n | best head | score | even attention | heads at 0.5 or more |",
        "|:--|--:|:--|--:|--:|--:|",
    ]
    for role, scores in each.items():
        layer, head = best_head(scores.mean(0)[None])
        low, high = bootstrap(scores[:, layer, head].tolist())
        cells = (
            role,
            len(scores),
            f"block {layer}, head {head}",
            f"{scores[:, layer, head].mean():.2f} ({low:.2f}–{high:.2f})",
            f"{even[role]:.2f}",
            int((scores.mean(0) >= ENOUGH).sum()),
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def verdict(rows: list[dict], found: dict[str, Tensor]) -> str:
    """Which aims were reached, and how far the others are off."""
    value = {row["name"]: row["values"][0] for row in rows}
    ratio = value["random string, second time"] / value["random string, first time"]
    more = [("second reading of a random string ÷ the first", ratio, "<", 0.5)]
    more += [(f"{role} head", float(found[role].max()), "≥", ENOUGH) for role in NEEDED]
    if any(row["aim"] for row in rows):
        rows = rows + [dict(name=name, unit="number", values=[x], aim=aim) for name, x, *aim in more]
    reading = f"A random string of twelve tokens costs {ratio:.0%} of its first reading when it is repeated."
    return f"{reading}\n\n{report.verdict(rows)}".rstrip()
