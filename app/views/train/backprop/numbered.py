"""The nodes of an expression with short names, in topological order: u₁, u₂, …, y."""

from dataclasses import dataclass

from app.views.train.backprop.symbols import typed
from engine.autodiff.scalars import Node

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
PLAIN = {"add": "{} + {}", "subtract": "{} − {}", "multiply": "{} · {}", "divide": "{} / {}", "negate": "−{}"}
LATEX = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": r"{0} \cdot {1}",
    "divide": r"\frac{{{0}}}{{{1}}}",
    "negate": "-{0}",
    "exp": "e^{{{0}}}",
    "sigmoid": r"\sigma({0})",
    **{name: rf"\{name} {{0}}" for name in ("log", "sin", "cos", "tanh")},
}
PARTIALS = {  # ∂u/∂v, ∂u/∂w of u = g(v, w)
    "add": ("1", "1"),
    "subtract": ("1", "-1"),
    "multiply": ("{w}", "{v}"),
    "divide": (r"\frac{{1}}{{{w}}}", r"-\frac{{{v}}}{{{w}^2}}"),
    "negate": ("-1",),
    "exp": ("{u}",),
    "log": (r"\frac{{1}}{{{v}}}",),
    "sin": (r"\cos {v}",),
    "cos": (r"-\sin {v}",),
    "tanh": ("(1 - {u}^2)",),
    "sigmoid": ("{u}(1 - {u})",),
}


@dataclass(frozen=True)
class Numbered:
    """By node: its short name in plain letters and in LaTeX, what it is made of, its partial derivatives."""

    labels: dict[str, str]
    latex: dict[str, str]
    made: dict[str, str]
    formulas: dict[str, str]
    partials: dict[str, tuple[str, ...]]


def numbered(nodes: list[Node]) -> Numbered:
    found = Numbered({}, {}, {}, {}, {})
    count = 0
    for node in nodes:
        count += bool(node.inputs)
        last = node is nodes[-1] and bool(node.inputs)
        plain, latex = ("y", "y") if last else (f"u{count}".translate(SUBSCRIPTS), f"u_{{{count}}}")
        if not node.inputs:
            plain = _short(node.name)
            latex = typed(plain.removesuffix("…")) if node.name.isidentifier() else plain
        found.labels[node.name], found.latex[node.name] = plain, latex
        _made(node, found)
    return found


def _made(node: Node, found: Numbered) -> None:
    if not node.inputs:
        found.made[node.name] = found.formulas[node.name] = ""
        found.partials[node.name] = ()
        return
    labels = [found.labels[v.name] for v in node.inputs]
    symbols = [found.latex[v.name] for v in node.inputs]
    sign = {"sigmoid": "σ"}.get(node.operation, node.operation)
    found.made[node.name] = PLAIN.get(node.operation, sign + "({})").format(*labels)
    found.formulas[node.name] = LATEX[node.operation].format(*symbols)
    names = {"u": found.latex[node.name], "v": symbols[0], "w": symbols[-1]}
    found.partials[node.name] = tuple(one.format(**names) for one in PARTIALS[node.operation])


def _short(name: str) -> str:
    return name if len(name) <= 12 else name[:11] + "…"
