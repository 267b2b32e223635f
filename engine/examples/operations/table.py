"""The table of operations: what each is called, what it computes, and the arithmetic of one of its cells."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.examples.value import Value
from engine.worked.recipes.terms import Worked

Cell = Callable[..., Worked]  # (parts, at): the arithmetic of the cell `at`; a part has latex, text and value


@dataclass(frozen=True)
class Operation:
    """name     in formulas
    parts       how many it takes, at least and at most
    compute     what it gives for its parts' values
    latex       its formula; {0}, {1} stand for the parts
    cell        the arithmetic of one cell; None: number by number, by `latex`
    says        what it does, in a few words
    """

    name: str
    parts: tuple[int, int]
    compute: Callable[..., Value]
    latex: str
    cell: Cell | None
    says: str


OPERATIONS: dict[str, Operation] = {}


def operation(latex: str, says: str, parts: int | tuple[int, int] = 1, cell: Cell | None = None):
    """Put a function into the table under its name, without a trailing underscore."""
    least, most = (parts, parts) if isinstance(parts, int) else parts

    def put(compute):
        name = compute.__name__.rstrip("_")
        OPERATIONS[name] = Operation(name, (least, most), compute, latex, cell, says)
        return compute

    return put
