"""Worked examples of the lectures: given numbers, steps as named operations, and what the lectures printed.

An example is a file `assets/examples/NAME.toml`:

    title = "LayerNorm of four numbers"
    topic = "normalisation"       # attention, masks, positions, normalisation, recurrent, counting, facts,
                                  # decoding, networks
    order = 3                     # its place among those of its topic; optional: then after those that have one
    lecture = "002"               # the first three digits of its file
    place = "Layer Normalization" # the heading of the slide
    says = "…"                    # for the reader, Markdown; optional
    ours = "…"                    # why the numbers are ours; left out: they are the lecture's

    [given.x]                     # a value that can be changed. Short: `given.eps = 0` or `given.x = [1, 2]`
    numbers = [100, 200, 100, 0]  # one number, a list (a row), or a list of rows; -inf is −∞
    rows = ["reza", "lives"]      # names, of a matrix only; optional
    columns = ["x1", "x2"]        # names of the columns, or of a row's entries; optional
    latex = 'x'                   # its symbol, where the name alone does not give it; optional
    says = "…"                    # what it is; optional
    ours = "…"                    # why this one is ours, where the others are the lecture's; optional

    [[step]]                      # one operation a step shows best
    name = "mu"
    formula = "mean(x)"           # names above it, numbers, + - * / ** @ .T, and operations
    latex = '\\mu'                 # optional
    says = "…"                    # optional

    [[printed]]                   # what the lecture printed for a value
    of = "y"                      # a step or a given
    cells = ["0", "1.4", "0", "-1.4"]   # texts, so that the places are known; a list, rows, or one text; ""
                                  # is a cell that is not printed. "117M", "1.5B", "15T", "12%", "100,277"
    row = 1                       # where the first cell stands, counted from 1; optional, as is column
    lecture, place                # where they differ from the example's

    [question]                    # optional
    ask = "Which is the correct matrix for a causal model?"
    candidates = ["A", "B"]       # names of values
    equals = "M"                  # the value that the right candidate equals, number by number
    says = "…"                    # told once it is answered

    [walk]                        # optional: the same on a real model
    step = "scores"               # a step of the Walk; and model, prompt, layer, head, as in links

Values have 0, 1 or 2 axes: a number, a row, a matrix. `engine.examples.operations` has the operations. Those of
rows (mean, variance, sum, max, argmax, norm) give a column for a matrix and a number for a row, which then go
with the matrix number by number: `(X - mean(X)) / sqrt(variance(X) + eps)`. `width(K)` is the number of
columns, so that `sqrt(width(K))` follows when the matrix is made wider. Rows, columns and places are counted
from 1. What is said is Markdown with emphasis and `code`; formulas in it are written in plain letters.

From code:

    from engine.examples import shipped, values_of, work_out, why, rows_of, exam
    values_of(shipped("layernorm"))["y"].numbers         # all values by name
    why(work_out(shipped("layernorm"))["y"].part, (1,))  # the arithmetic of a cell
    rows_of(shipped("layernorm"))                        # printed beside computed

`python -m engine.examples [--json] [EXAMPLE …]` prints a row for each printed number.
"""

from engine.examples.exam import exam
from engine.examples.example import Example, Misfit, names, read, shipped, values_of, work_out
from engine.examples.formula import why
from engine.examples.printed import all_rows, compare, rows_of

__all__ = [
    "Example",
    "Misfit",
    "all_rows",
    "compare",
    "exam",
    "names",
    "read",
    "rows_of",
    "shipped",
    "values_of",
    "why",
    "work_out",
]
