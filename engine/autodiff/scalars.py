"""Reverse mode on single numbers: a graph visited forward, then backward in two ways (lecture 004)."""

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """u = g(v₁, …) and its partial derivatives ∂u/∂v₁, … at those values."""

    value: Callable[..., float]
    partials: Callable[..., tuple[float, ...]]


OPERATIONS = {
    "add": Operation(lambda v, w: v + w, lambda v, w: (1.0, 1.0)),
    "subtract": Operation(lambda v, w: v - w, lambda v, w: (1.0, -1.0)),
    "multiply": Operation(lambda v, w: v * w, lambda v, w: (w, v)),
    "divide": Operation(lambda v, w: v / w, lambda v, w: (1 / w, -v / w**2)),
    "negate": Operation(lambda v: -v, lambda v: (-1.0,)),
    "exp": Operation(math.exp, lambda v: (math.exp(v),)),
    "log": Operation(math.log, lambda v: (1 / v,)),
    "sin": Operation(math.sin, lambda v: (math.cos(v),)),
    "cos": Operation(math.cos, lambda v: (-math.sin(v),)),
    "tanh": Operation(math.tanh, lambda v: (1 - math.tanh(v) ** 2,)),
    "sigmoid": Operation(lambda v: _sigmoid(v), lambda v: (_sigmoid(v) * (1 - _sigmoid(v)),)),
}
SIGNS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}
LIMIT = 200  # characters of an expression


@dataclass
class Node:
    """One number of the graph: how it was made, its value, and dy/d(it) after a backward pass."""

    name: str
    operation: str  # "" for an input or a constant
    inputs: tuple["Node", ...]
    value: float
    gradient: float | None = None

    def partials(self) -> tuple[float, ...]:
        """∂(this)/∂(each input)."""
        return OPERATIONS[self.operation].partials(*(v.value for v in self.inputs)) if self.inputs else ()


def graph(expression: str, **values: float) -> list[Node]:
    """The nodes of an expression such as "exp(x * w) + sin(x)", in topological order; the last one is y.

    Only the signs + − * / and the functions of `OPERATIONS` are known; nothing else is evaluated. ValueError
    for anything else, for a name without a value, and where a value does not exist (log 0, 1/0, too large).
    """
    nodes: dict[str, Node] = {}
    _visit(_parsed(expression), values, nodes)
    return list(nodes.values())


def names_of(expression: str) -> list[str]:
    """The names in an expression that need a value, as they come; ValueError as of `graph`."""
    tree = _parsed(expression)
    functions = {id(part.func) for part in ast.walk(tree) if isinstance(part, ast.Call)}
    names = [part for part in ast.walk(tree) if isinstance(part, ast.Name) and id(part) not in functions]
    return list(
        dict.fromkeys(name.id for name in sorted(names, key=lambda part: (part.lineno, part.col_offset)))
    )


def _parsed(expression: str) -> ast.expr:
    if len(expression) > LIMIT:
        raise ValueError(f"an expression has at most {LIMIT} characters, this one {len(expression)}")
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{expression!r:.60} is not an expression such as exp(x * w) + sin(x)") from None


def _visit(tree: ast.expr, values: dict[str, float], nodes: dict[str, Node]) -> Node:
    """The node of a part of the expression, after the nodes of its inputs; the same part is the same node."""
    key = ast.unparse(tree)
    if key not in nodes:
        operation, parts = _operation(tree)
        inputs = tuple(_visit(part, values, nodes) for part in parts)
        value = _value(key, tree, operation, inputs, values)
        nodes.setdefault(key, Node(key, operation, inputs, value))
    return nodes[key]


def _operation(tree: ast.expr) -> tuple[str, list[ast.expr]]:
    match tree:
        case ast.BinOp(left, sign, right) if type(sign) in SIGNS:
            return SIGNS[type(sign)], [left, right]
        case ast.UnaryOp(ast.USub(), part):
            return "negate", [part]
        case ast.Call(ast.Name(name), [part], []) if name in OPERATIONS and name not in SIGNS.values():
            return name, [part]
        case ast.Name() | ast.Constant(int() | float()):
            return "", []
    known = ", ".join(name for name in OPERATIONS if name not in {*SIGNS.values(), "negate"})
    raise ValueError(f"{ast.unparse(tree)!r:.60} is not known here; there are + − * / and {known}")


def _value(key: str, tree: ast.expr, operation: str, inputs, values) -> float:
    try:
        if operation:
            value = OPERATIONS[operation].value(*(v.value for v in inputs))
        else:
            value = float(tree.value if isinstance(tree, ast.Constant) else values[key])
    except KeyError:
        raise ValueError(f"{key} has no value; there are {', '.join(values) or 'none'}") from None
    except (ArithmeticError, ValueError, TypeError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{key:.60} has no finite value here")
    return value


@dataclass(frozen=True)
class Sum:
    """Version A at one node: dy/dv is the sum over all nodes u that use v."""

    node: Node
    terms: tuple[tuple[Node, float, float], ...]  # u, dy/du, du/dv
    gradient: float


def backward_by_sums(nodes: list[Node]) -> list[Sum]:
    """Version A: in reverse topological order each node sums over the nodes that have it as an input."""
    steps = []
    for node in reversed(nodes):
        terms = tuple(
            (u, u.gradient, partial)
            for u in nodes
            for v, partial in zip(u.inputs, u.partials(), strict=True)
            if v is node
        )
        node.gradient = 1.0 if node is nodes[-1] else sum(slope * partial for _, slope, partial in terms)
        steps.append(Sum(node, terms, node.gradient))
    return steps


@dataclass(frozen=True)
class Increment:
    """Version B, one increment: dy/dv grows by dy/du · du/dv."""

    node: Node  # u
    to: Node  # v
    before: float
    slope: float  # dy/du
    partial: float  # du/dv
    after: float


def backward_by_increments(nodes: list[Node]) -> list[Increment]:
    """Version B: all start at 0 but dy/dy = 1; in reverse order each node adds to those that it was made of."""
    for node in nodes:
        node.gradient = 0.0
    nodes[-1].gradient = 1.0
    steps = []
    for u in reversed(nodes):
        for v, partial in zip(u.inputs, u.partials(), strict=True):
            before = v.gradient
            v.gradient = before + u.gradient * partial
            steps.append(Increment(u, v, before, u.gradient, partial, v.gradient))
    return steps


def _sigmoid(v: float) -> float:
    return 0.5 * (1 + math.tanh(v / 2))
