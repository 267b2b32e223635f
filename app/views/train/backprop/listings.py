"""The header of `components.listing`: lines of code with what they changed, as far as a run has come."""

from collections.abc import Mapping

import numpy as np

from app.text import say
from app.views.by_hand.grids import written
from app.views.train.backprop.runs import Run

HIDDEN = ("self", "__class__", "optimizer", "loss_fn", "_")  # variables that hold no numbers
MOST = 12  # numbers of a variable that are written out
WORDS = ("pick", "ok", "off")


def header(name: str, run: Run, at: int, *, pickable: bool = False, verdicts: Mapping[int, bool] = {}) -> dict:
    """Lines up to the event `at` of the run; verdicts: of lines (counted over all listings), right or wrong."""
    notes, groups, number = _notes(run, at), [], 0
    now = run.lines[at] if run.lines else None
    for listing in run.listings:
        function, lines = listing.function.__qualname__, []
        documented = _docstring(listing.lines)
        for i, text in enumerate(listing.lines):
            note = notes.get((function, i))
            here = now is not None and (now.function, now.line) == (function, i)
            state = "at-it" if here else "to-come" if note is None else "done"
            lines.append(
                {
                    "text": text,
                    "note": note or "",
                    "state": state if i else "done",
                    "mark": verdicts.get(number),
                    "pick": number if pickable and " = " in text else None,
                }
            )
            number += 1
        groups.append(
            [function if "." in function else "", [line for i, line in enumerate(lines) if i not in documented]]
        )
    words = {word: say("backprop", f"listing/{word}") for word in WORDS}
    title = say("backprop", f"listing/{name}")
    return {"name": name, "title": title, "aria": title, "groups": groups, "words": words}


def _docstring(lines: list[str]) -> set[int]:
    """The lines of a docstring, which is for who reads the file."""
    quotes = [i for i, line in enumerate(lines) if '"""' in line]
    if not quotes:
        return set()
    end = quotes[0] if lines[quotes[0]].count('"""') == 2 else quotes[1]
    return set(range(quotes[0], end + 1))


def _notes(run: Run, at: int) -> dict[tuple[str, int], str]:
    """What each line changed the last time that it was done, of the lines done so far."""
    notes = {}
    for one in run.lines[: at + 1]:
        before, now = flat(one.before), flat(one.values)
        changed = [f"{name} = {text}" for name, text in now.items() if before.get(name) != text]
        notes[one.function, one.line] = "\n".join(changed)
    return notes


def flat(values: Mapping[str, object]) -> dict[str, str]:
    """Variables as texts, by name: x, a.out_gradient, model.linear1.weight.grad."""
    found: dict[str, str] = {}
    for name, value in values.items():
        _into(found, name, value)
    return found


def _into(found: dict[str, str], name: str, value: object) -> None:
    if isinstance(value, dict):
        for inner, each in value.items():
            if inner != "is":
                _into(found, name if inner == "numbers" else f"{name}.{inner}", each)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        found[name] = (
            "[" + ", ".join(each["is"] if isinstance(each, dict) else str(each) for each in value) + "]"
        )
    elif name.split(".")[0] not in HIDDEN or "." in name:
        found[name] = told(value)


def told(value: object) -> str:
    """A value as one line of text; what is not there yet says so."""
    if value is None:
        return say("backprop", "graph/notYet")
    if isinstance(value, np.ndarray):
        if value.size > MOST:
            return str(list(value.shape))
        rows = [", ".join(written(x, 3) for x in row) for row in np.atleast_2d(value).tolist()]
        return "; ".join(rows) if value.ndim == 0 else f"[{'; '.join(rows)}]"
    if isinstance(value, float):
        return written(value, 4)
    return ", ".join(map(told, value)) or "[]" if isinstance(value, list) else str(value)
