"""What each module computes there and back, as formulas: the same template with symbols and with numbers."""

import numpy as np

from engine.autodiff import block, modules, small
from engine.autodiff.modules import Module
from engine.examples.formula import matrix
from engine.examples.value import value

ROWS = r"\textstyle\sum_{{rows}} "
MOST = 12  # numbers of one factor that is written out

# Templates: a, c the inputs, o the output, g its gradient, L ones where nothing is masked, e a column of ones,
# k a factor. Forward, then back for each input; a tuple of two where an input is repeated over rows or columns.
RULES: dict[type, tuple] = {
    modules.Linear: (r"{c}\,{a}", r"{c}^\top {g}", r"{g}\,{a}^\top"),
    modules.Sigmoid: (r"\sigma\left({a}\right)", r"{g} \odot {o} \odot (1 - {o})"),
    modules.Softmax: (
        r"\mathrm{{softmax}}\left({a}\right)",
        r"{g}^\top \left(\mathrm{{diag}}\left({o}\right) - {o}\,{o}^\top\right)",
    ),
    modules.CrossEntropy: (r"-{a}^\top \log {c}", r"-{g} \cdot \log {c}", r"-{g} \cdot ({a} \div {c})"),
    small.SquaredError: (
        r"\frac{{1}}{{2}} \sum \left({c} - {a}\right)^2",
        r"{g} \cdot \left({a} - {c}\right)",
        r"{g} \cdot \left({c} - {a}\right)",
    ),
    block.Scale: (r"{k}\,{a}", r"{k}\,{g}"),
    block.Mask: (r"\mathrm{{mask}}\left({a}\right)", r"{g} \odot {L}"),
    small.Subtract: ("{a} - {c}", "{g}", ("-{g}", r"-{g}\,{e}")),
    small.Multiply: (r"{a} \odot {c}", r"{g} \odot {c}", (r"{g} \odot {a}", ROWS + r"{g} \odot {a}")),
    small.Divide: (
        r"{a} \div {c}",
        r"{g} \div {c}",
        (r"-{g} \odot {a} \div {c}^2", r"-\left({g} \odot {a} \div {c}^2\right) {e}"),
    ),
    small.Mean: (r"\frac{{1}}{{{n}}}\,{a}\,{e}", r"\frac{{1}}{{{n}}}\,{g}\,{e}^\top"),
    small.Root: (r"\sqrt{{{a} + \varepsilon}}", r"{g} \div (2\,{o})"),
    block.Add: ("{a} + {c}", "{g}", ("{g}", ROWS + "{g}")),
}
MATMUL = (r"{a}\,{c}", r"{g}\,{c}^\top", r"{a}^\top {g}")
TRANSPOSED = (r"{a}\,{c}^\top", r"{g}\,{c}", r"{g}^\top {a}")


def forward(module: Module, names: list[str], output: str) -> tuple[str, str]:
    """The formula of an output, with symbols and with numbers (empty where they are too many)."""
    return _filled(module, _rule(module)[0], names, output, "")


def back(module: Module, at: int, names: list[str], output: str, gradient: np.ndarray) -> tuple[str, str]:
    """The formula of the gradient that goes back to an input."""
    rule = _rule(module)[1 + at]
    if isinstance(rule, tuple):
        rule = rule[module.inputs[at].shape != module.output.shape]
    return _filled(module, rule, names, output, f"g_{{{output}}}", gradient)


def _rule(module: Module) -> tuple:
    if isinstance(module, block.MatMul):
        return TRANSPOSED if module.transposed else MATMUL
    return RULES[type(module)]


def _filled(
    module, rule: str, names, output: str, g: str, gradient: np.ndarray | None = None
) -> tuple[str, str]:
    """With symbols, and with the numbers; of a softmax by rows those of its last row, all of it unmasked."""
    inputs, out, row = list(module.inputs), module.output, ""
    if isinstance(module, modules.Softmax) and out.ndim == 2:
        inputs, out, row = [inputs[0][-1]], out[-1], rf"_{{{len(out)}}}"
        gradient = None if gradient is None else gradient[-1]
    n = inputs[0].shape[-1] if inputs[0].ndim else 1
    symbols = {"a": names[0] + row, "c": names[-1], "o": output + row, "g": g + row, "n": n}
    symbols |= {"L": "L", "e": r"\mathbf{1}", "k": rf"\frac{{1}}{{\sqrt{{{_under(module)}}}}}"}
    parts = {"a": inputs[0], "c": inputs[-1], "o": out, "L": np.tri(*out.shape[-2:]) if out.ndim == 2 else out}
    parts |= {"e": np.ones(n)} | ({} if gradient is None else {"g": gradient})
    used = [part for name, part in parts.items() if f"{{{name}}}" in rule]
    if any(part.size > MOST for part in used):
        return rule.format(**symbols), ""
    columns = isinstance(module, modules.Linear) or all(part.ndim < 2 for part in [*inputs, out])
    numbers = {name: _matrix(part, columns or name == "e") for name, part in parts.items()}
    return rule.format(**symbols), rule.format(**symbols | numbers)


def _under(module) -> str:
    """What a factor is one over the root of."""
    return f"{module.factor**-2:.4g}" if isinstance(module, block.Scale) else "1"


def _matrix(numbers: np.ndarray, column: bool) -> str:
    """In LaTeX: a vector as a column, or as a row where it goes with the rows of a matrix."""
    latex = matrix(
        value(numbers[:, None] if numbers.ndim == 1 and column else np.where(numbers == 0, 0.0, numbers))
    )
    return f"{{{latex}}}" if numbers.ndim or not latex.startswith("-") else f"({latex})"


def jacobian(module: Module) -> np.ndarray | None:
    """diag(b) − b bᵀ of a softmax (by rows: of the last one)."""
    if not isinstance(module, modules.Softmax):
        return None
    b = module.output if module.output.ndim == 1 else module.output[-1]
    return np.diag(b) - np.outer(b, b)
