"""A step's formula: read from text, worked out, told in LaTeX, and the arithmetic of one of its cells.

The text is Python's notation for + − * / ** @ and .T, numbers, names and calls of OPERATIONS. It is parsed and
walked, never evaluated as Python: whatever else stands in it is refused with a sentence.
"""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.examples.numbers import number
from engine.examples.operations import OPERATIONS, Operation
from engine.examples.value import HUGE, Misfit, Value, short, value
from engine.worked.recipes.terms import Worked
from engine.worked.recipes.terms import number as to_digits

SIGNS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power"}
SIGNS |= {ast.MatMult: "matmul"}
LONGEST = 500  # characters of a formula
LONGEST_LATEX = 4000  # of what it is in LaTeX
MOST_WORK = 200_000  # numbers that the operations of an example may give together
EACH = 50  # what an operation counts beside them
DEEPEST = 40
SHOWN = 4  # digits of a number in a formula, as in the table below it
LOOSE = {"add": 1, "subtract": 1, "negative": 1, "multiply": 2, "matmul": 2, "divide": 3}  # how tight it binds


@dataclass(frozen=True)
class Part:
    """A part of a formula: a name, a number, or an operation on other parts.

    text, latex  as it is written
    operation    None for a name and a number
    parts        what the operation is on
    value        what it gives; None until it was worked out
    """

    text: str
    latex: str
    operation: Operation | None = None
    parts: tuple["Part", ...] = ()
    value: Value | None = None

    @property
    def names(self) -> list[str]:
        """All names in it, each once."""
        if self.operation:
            return list(dict.fromkeys(name for part in self.parts for name in part.names))
        return [] if self.value is not None else [self.text]


def read(text: str, symbols: Mapping[str, str] | None = None) -> Part:
    """A formula from its text; symbols: names in LaTeX. A Misfit where it is none."""
    if len(text) > LONGEST:
        raise Misfit(f"A formula of {len(text):,} characters is too long; the most is {LONGEST}.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if _depth(tree) > DEEPEST:
            raise Misfit(
                f"“{short(text)}” has more than {DEEPEST} operations inside each other; take several steps."
            )
        return replace(_short_enough(_part(tree, symbols or {})), text=text.strip())
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, Misfit):
            raise
        raise Misfit(f"“{short(text)}” is not a formula; one looks like softmax(Q @ K.T / sqrt(3)).") from None


def _short_enough(part: Part) -> Part:
    if len(part.latex) > LONGEST_LATEX:
        raise Misfit(
            f"“{short(part.text)}” has {len(part.latex):,} characters with the symbols of its values; the most "
            f"is {LONGEST_LATEX:,}. Take shorter symbols, or several steps."
        )
    return part


def _depth(node: ast.AST) -> int:
    return 1 + max(map(_depth, ast.iter_child_nodes(node)), default=0)


def _part(node: ast.AST, symbols: Mapping[str, str]) -> Part:
    match node:
        case ast.Constant(value=int() | float() as x) if not isinstance(x, bool) and abs(x) <= HUGE:
            return Part(ast.unparse(node), number(x), value=value(x))
        case ast.Name(id=name):
            return Part(name, symbols.get(name, symbol(name)))
        case ast.Attribute(value=inner, attr="T"):
            return _called("transpose", [_part(inner, symbols)], node)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return _called("negative", [_part(inner, symbols)], node)
        case ast.BinOp(left=a, op=op, right=b) if type(op) in SIGNS:
            return _called(SIGNS[type(op)], [_part(a, symbols), _part(b, symbols)], node)
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]):
            return _called(name, [_part(each, symbols) for each in given], node)
    raise Misfit(
        f"“{short(ast.unparse(node))}” cannot stand in a formula; names, numbers, + - * / ** @, .T and the "
        f"operations {', '.join(sorted(OPERATIONS))} can."
    )


def _called(name: str, parts: list[Part], node: ast.AST) -> Part:
    if name not in OPERATIONS:
        raise Misfit(f"There is no operation “{short(name)}”; there are {', '.join(sorted(OPERATIONS))}.")
    operation = OPERATIONS[name]
    least, most = operation.parts
    if not least <= len(parts) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise Misfit(f"{name} takes {wanted} values, not {len(parts)}.")
    return Part(
        ast.unparse(node),
        _in_latex(operation, [_bracketed(operation, p, i) for i, p in enumerate(parts)]),
        operation,
        tuple(parts),
    )


def _in_latex(operation: Operation, parts: list[str]) -> str:
    if operation.parts[0] != operation.parts[1]:
        parts = [",\\, ".join(parts)]
    latex = operation.latex
    if any(r"\begin{bmatrix}" in part for part in parts):  # brackets as tall as what they hold
        latex = latex.replace("(", r"\left(").replace(")", r"\right)")
    return latex.format(*parts)


def _bracketed(operation: Operation, part: Part, place: int) -> str:
    """A part in LaTeX, in brackets where it binds less than what it stands in."""
    if not part.operation:
        return part.latex
    own, outside = LOOSE.get(part.operation.name, 4), LOOSE.get(operation.name, 0)
    if operation.name in ("divide", "sqrt", "exp") or (operation.name == "power" and place == 1):
        return part.latex
    if operation.name in ("transpose", "power", "row", "column", "columns", "rows", "lookup"):
        return part.latex if own > 3 and part.operation.name != "power" else rf"({part.latex})"
    loose = own < outside or (own == outside and place == 1 and operation.name in ("subtract",))
    return rf"\left({part.latex}\right)" if loose else part.latex


GREEK = ("alpha", "beta", "gamma", "delta", "epsilon", "mu", "sigma", "theta", "lambda", "eta")


def symbol(name: str) -> str:
    """A name in LaTeX: W_q and h1 have an index, mu is a letter, longer ones are upright."""
    head, _, index = name.partition("_")
    if len(head) > 1 and head[1:].isdigit():
        head, index = head[0], "_".join(filter(None, (head[1:], index)))
    letter = rf"\{head}" if head in GREEK else head if len(head) == 1 else rf"\mathrm{{{head}}}"
    below = index.replace("_", ",")
    below = below if len(below) <= 2 else rf"\mathrm{{{below}}}"
    return f"{letter}_{{{below}}}" if index else letter


@dataclass
class Budget:
    """What an example's operations may still take, so that none occupies the server."""

    left: int = MOST_WORK

    def take(self, numbers: int) -> None:
        """A Misfit where it is used up."""
        self.left -= EACH + numbers
        if self.left < 0:
            raise Misfit(
                f"The operations up to here give more than {MOST_WORK:,} numbers, the most of an example; take "
                "fewer rows or columns, or shorter formulas."
            )


def work_out(part: Part, known: Mapping[str, Value], budget: Budget | None = None) -> Part:
    """The same with values all through. A Misfit where shapes do not fit, or where what comes out is no number;
    KeyError where a name has none."""
    if part.value is not None:
        return part
    if not part.operation:
        return replace(part, value=known[part.text])
    budget = budget or Budget()
    parts = tuple(work_out(each, known, budget) for each in part.parts)
    done = replace(part, parts=parts, value=part.operation.compute(*(each.value for each in parts)))
    budget.take(done.value.numbers.size)
    _check_numbers(done)
    return done


HIDING = ("log", "mask", "causal")  # what gives −∞ for ordinary numbers
NOT_REAL = {
    "divide": "divides by 0, or by a number too near to it",
    "sqrt": "takes the square root of a negative number",
    "log": "takes the logarithm of a negative number",
    "power": "is a power that is no real number, or too large",
}


def _check_numbers(part: Part) -> None:
    """A Misfit where numbers stop being numbers: −∞ is one only where scores are hidden, +∞ never."""
    x, given = part.value.numbers, [each.value.numbers for each in part.parts]
    hidden = any(np.isneginf(each).any() for each in given)
    good = np.abs(x) <= HUGE
    if hidden or part.operation.name in HIDING:
        good |= np.isneginf(x)
    if good.all():
        return
    if hidden:
        raise Misfit(
            f"{short(part.text, 60)} is no number where a cell is −∞: ∞ − ∞ and 0 · ∞ are none. −∞ is for "
            "scores that a mask hides, before their softmax; put a number there."
        )
    why = NOT_REAL.get(part.operation.name, f"gives a number beyond {HUGE:.0e}, which is too large here")
    raise Misfit(f"{short(part.text, 60)} {why}; change a number that it is made of.")


def why(part: Part, at: tuple[int, ...]) -> Worked:
    """The arithmetic of one cell of a formula that was worked out."""
    if not part.operation:
        x = float(part.value.numbers[at])
        worked = Worked("", at, part.latex, number(x), (), x, x, x)
    elif part.operation.cell:
        worked = part.operation.cell(part.parts, at)
    else:
        x = _again(part, at)
        numbers = f"{_numbers(part, at)} = {number(x)}"
        worked = Worked("", at, part.latex, numbers, (), x, x, x, tuple(_sources(part, at)))
    return replace(worked, at=at, shown=float(part.value.numbers[at]))


def _own(part: Part, at: tuple[int, ...]) -> tuple[int, ...]:
    """A cell of a part that is spread over the cells of a larger one."""
    return tuple(
        min(i, n - 1) for i, n in zip(at[len(at) - len(part.value.shape) :], part.value.shape, strict=True)
    )


def _numbers(part: Part, at: tuple[int, ...]) -> str:
    """A formula that works number by number, with the numbers of one cell."""
    if not part.operation or part.operation.cell:
        return number(float(part.value.numbers[_own(part, at)]))
    inside = []
    for i, each in enumerate(part.parts):
        text = _numbers(each, at)
        leaf = not each.operation or bool(each.operation.cell)
        bare = part.operation.name in ("divide", "sqrt", "exp") or (part.operation.name == "power" and i == 1)
        negative = text.startswith("-") and (i > 0 or part.operation.name in ("power", "negative"))
        if leaf:
            inside.append(f"({text})" if negative and not bare else text)
        else:
            inside.append(_bracketed(part.operation, replace(each, latex=text), i))
    return part.operation.latex.format(*inside)


def _again(part: Part, at: tuple[int, ...]) -> float:
    """One cell of a formula that works number by number, computed from that cell's numbers alone."""
    if not part.operation or part.operation.cell:
        return float(part.value.numbers[_own(part, at)])
    given = [value(_again(each, at)) for each in part.parts]
    return float(part.operation.compute(*given).numbers)


def _sources(part: Part, at: tuple[int, ...]) -> list[str]:
    """The cells that a number is made of, as text."""
    if part.operation and not part.operation.cell:
        return list(dict.fromkeys(source for each in part.parts for source in _sources(each, at)))
    if not part.operation and part.text.replace(".", "").isdigit():
        return []
    own = _own(part, at)
    names = [part.value.names[axis][i] for axis, i in enumerate(own)]
    return [f"{part.text}[{', '.join(names)}]" if names else part.text]


TAKEN = ("width", "height", "size", "transpose", "row", "rows", "column", "columns", "reorder", "identity")
FEW = 36  # numbers of a matrix that is written out in a formula
FEW_IN_ALL = 150


def in_numbers(part: Part) -> str:
    """A formula that was worked out, with the numbers in place of the names; empty where they are too many."""
    sizes = [each.value.numbers.size for each in _leaves(part)]
    if max(sizes) > FEW or sum(sizes) > FEW_IN_ALL:
        return ""
    return _written(part)


def _leaves(part: Part) -> list[Part]:
    return [leaf for each in part.parts for leaf in _leaves(each)] if part.operation else [part]


def _written(part: Part) -> str:
    if not part.operation or part.operation.name in TAKEN:
        return matrix(part.value)
    inside = []
    for i, each in enumerate(part.parts):
        text = _written(each)
        negative = not each.operation and text.startswith("-") and i > 0 and part.operation.name != "divide"
        shown = replace(each, latex=text)
        inside.append(f"({text})" if negative else _bracketed(part.operation, shown, i))
    return _in_latex(part.operation, inside)


def matrix(of: Value) -> str:
    """A value in LaTeX: a number, or a matrix in brackets."""
    if not of.shape:
        return _brief(float(of.numbers))
    rows = [" & ".join(_brief(x) for x in row) for row in of.grid.tolist()]
    return r"\begin{bmatrix} " + r" \\ ".join(rows) + r" \end{bmatrix}"


def _brief(x: float) -> str:
    return number(x) if x == int(x if math.isfinite(x) else 0) else to_digits(x, SHOWN)


def same(a: Value, b: Value) -> bool:
    """Are two values equal, number by number, within rounding?"""
    if a.shape != b.shape:
        return False
    pairs = zip(a.numbers.ravel(), b.numbers.ravel(), strict=True)
    return all(x == y or math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9) for x, y in pairs)
