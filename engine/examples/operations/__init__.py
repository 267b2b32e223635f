"""The operations that an example's steps are made of: what each computes, and the arithmetic of one cell.

Each is an `Operation` in OPERATIONS, by its name in formulas. Some work number by number; the others say in
`cell` which terms a cell is made of. Shapes that do not fit are a `Misfit` with a sentence. Rows are what
softmax, mean, variance, sum and the like work on, one by one, as in attention and LayerNorm.
"""

from engine.examples.operations import each, matrices, parts, rows  # noqa: F401  (they fill the table)
from engine.examples.operations.table import OPERATIONS, Operation
from engine.examples.operations.waves import WAVES, frequency

__all__ = ["OPERATIONS", "WAVES", "Operation", "frequency"]
