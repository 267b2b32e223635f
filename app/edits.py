"""What-ifs: changes to points of the run, as the view and the link hold them.

In a link each is `op~point~where~value`, with `!` between them: zero~blocks.2.attn.z~H3 takes out a head.
"""

import math
import re
from dataclasses import replace

from engine.trace import Trace
from engine.trace.tap import Edit

Edits = tuple[Edit, ...]

WRITTEN = {  # how an op's value is written in a link, if it is not a number
    "zero": lambda value: "",
    "mean": lambda value: "",
    "take": str,
    "mask": lambda value: ".".join(map(str, value)),
}

OPS = ("zero", "mean", "set", "scale", "take", "mask")  # those that a link may hold
MOST = 100  # edits in a link
LARGEST = 1e9  # number, in size, that a what-if sets
BLOCK = re.compile(r"\bblocks\.(\d+)\.")
STEP = re.compile(r"\bsteps\.(\d+)\.")
NAME = re.compile(r"[\w.]{1,60}")
AT = re.compile(r"([A-Z])(\d{1,7})")


def write(edits: Edits) -> str:
    """The text of a link that `read` reads."""
    return "!".join(_written(edit) for edit in edits)


def _written(edit: Edit) -> str:
    where = "".join(f"{axis}{i}" for axis, i in edit.at)
    value = WRITTEN.get(edit.op, repr)(edit.value)
    return "~".join((edit.op, edit.point, where, value)).rstrip("~")


def read(text: str) -> tuple[Edits, list[str]]:
    """The edits that a link's text encodes, and each part of it that encodes none."""
    found, unread = [], []
    parts = text.split("!") if text else []
    for part in parts[:MOST]:
        edit = _read(part)
        (unread if edit is None else found).append(edit or part)
    return tuple(found), unread + parts[MOST:]


def _read(text: str) -> Edit | None:
    op, point, where, value, *more = (*text.split("~"), "", "", "")
    if op not in OPS or any(more) or AT.sub("", where):
        return None
    try:
        return Edit(point, op, [(axis, int(i)) for axis, i in AT.findall(where)], _value(op, value))
    except ValueError:
        return None


def _value(op: str, text: str) -> float | str | tuple[str, int] | None:
    if op == "take" and NAME.fullmatch(text):
        return text
    if op == "mask":
        kind, _, n = text.partition(".")
        return kind, int(n)
    if op in ("zero", "mean"):
        return None
    number = float(text)
    if not math.isfinite(number) or abs(number) > LARGEST:
        raise ValueError("not a usable number")
    return number


def fitting(trace: Trace, edits: Edits) -> tuple[Edits, list[str]]:
    """Those of the edits that can be made in a run, and why each of the others cannot."""
    reasons = {}
    for edit in sorted(set(edits), key=lambda edit: edit.point):  # block by block: a trace keeps few at once
        try:
            _refuse_nan(trace, edit)
            edit.apply(trace[edit.point], trace.table[edit.point], _taken(trace, edit))
        except (KeyError, ValueError) as error:
            reasons[edit] = str(error.args[0])
    return tuple(e for e in edits if e not in reasons), [reasons[e] for e in edits if e in reasons]


def _refuse_nan(trace: Trace, edit: Edit) -> None:
    """A ValueError where −∞ would be multiplied by 0 or a negative number: the result would not be a number."""
    if edit.op == "scale" and edit.value <= 0 and trace[edit.point].isneginf().any():
        raise ValueError(
            f"{edit.point} holds −∞ in its masked cells, so it can only be scaled by numbers above 0"
        )


def _taken(trace: Trace, edit: Edit):
    """What an edit takes from another point, which must be made before it and in the same block."""
    if edit.op != "take":
        return None
    tensor, (here, there), order = (
        trace[edit.value],
        (trace.table[n] for n in (edit.point, edit.value)),
        trace.points(),
    )
    if here.place[:2] != there.place[:2] or order.index(there.name) > order.index(here.name):
        raise ValueError(f"{edit.point} cannot take {edit.value}, which is not made before it in its block")
    return tensor


def found(edits: Edits, point: str, op: str = "", at: dict | None = None) -> Edit | None:
    """The edit of a point, of this op if one is named, at exactly these cells."""
    where = Edit(point, "zero", at or {}).at
    return next((e for e in edits if e.point == point and e.at == where and op in ("", e.op)), None)


def put(edits: Edits, *more: Edit) -> Edits:
    """The edits with more of them, each replacing an earlier edit of the same cells."""
    for edit in more:
        old = found(edits, edit.point, at=dict(edit.at))
        edits = tuple(edit if e == old else e for e in edits) if old else (*edits, edit)
    return edits


def drop(edits: Edits, *gone: Edit | None) -> Edits:
    return tuple(edit for edit in edits if edit not in gone)


def moved(edit: Edit, layer: int) -> Edit:
    """The same edit in another block."""
    value = BLOCK.sub(f"blocks.{layer}.", edit.value) if edit.op == "take" else edit.value
    return replace(edit, point=BLOCK.sub(f"blocks.{layer}.", edit.point), value=value)


def layer_of(edit: Edit) -> int | None:
    """Which block it is in, if it is in one."""
    block = BLOCK.search(edit.point)
    return int(block[1]) if block else None


def together(edits: Edits, layers: int) -> list[Edits]:
    """The edits one by one, except that those doing the same in every block, or at several steps of a recurrent
    stack, form one group."""
    groups: dict[Edit, list[Edit]] = {}
    for edit in edits:
        same = moved(edit, 0)
        groups.setdefault(replace(same, point=STEP.sub("steps.0.", same.point)), []).append(edit)
    found = []
    for group in groups.values():
        in_steps = STEP.search(group[0].point) is not None
        whole = in_steps or (layer_of(group[0]) is not None and len(group) == layers > 1)
        found += [tuple(group)] if whole else [(edit,) for edit in group]
    return found
