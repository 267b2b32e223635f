"""The steps over an expression, there and back: what each does, its formula, what is known after it."""

from dataclasses import dataclass

from app.text import say
from engine.autodiff.scalars import Increment, Node, Sum
from engine.examples.formula import number

Known = dict[str, tuple[float, bool]]  # a gradient, and whether more is to come


@dataclass(frozen=True)
class Step:
    """name  as the slider has it
    told  what it does, as Markdown
    """

    name: str
    way: str
    node: str
    moving: tuple[tuple[str, str], ...]
    told: str
    formulas: tuple[str, ...]
    values: frozenset[str]
    gradients: Known


def story(done) -> list[Step]:
    """All steps: what is given, each node on the way out, each on the way back."""
    steps, values = [], frozenset(node.name for node in done.nodes if not node.inputs)
    start = say("backprop", "told/start")
    steps.append(Step(say("backprop", "told/given"), "forward", "", (), start, (), values, {}))
    for node in done.nodes:
        if node.inputs:
            values |= {node.name}
            steps.append(_forward(done, node, values))
    way_back = _sums if done.version == "sums" else _increments
    return steps + way_back(done, values)


def _forward(done, node: Node, values: frozenset[str]) -> Step:
    known = done.numbered
    label = known.labels[node.name]
    told = say("backprop", "told/forward", u=label, made=known.made[node.name])
    formula = f"{known.latex[node.name]} = {known.formulas[node.name]} = {number(node.value)}"
    moving = tuple((v.name, node.name) for v in node.inputs)
    name = say("backprop", "told/out", u=label, made=known.made[node.name])
    return Step(name, "forward", node.name, moving, told, (formula,), values, {})


def _first(done, values: frozenset[str]) -> Step:
    y = done.nodes[-1]
    told = say("backprop", f"told/{done.version}/first")
    name = say("backprop", "told/back", v="y")
    known = {y.name: (1.0, False)}
    return Step(name, "back", y.name, (), told, (r"\frac{dy}{dy} = 1",), values, known)


def _sums(done, values: frozenset[str]) -> list[Step]:
    steps, known = [_first(done, values)], {done.nodes[-1].name: (1.0, False)}
    for one in done.steps[1:]:
        known = known | {one.node.name: (one.gradient, False)}
        steps.append(_sum(done, one, values, known))
    return steps


def _sum(done, one: Sum, values: frozenset[str], known: Known) -> Step:
    label, v = done.numbered.labels[one.node.name], done.numbered.latex[one.node.name]
    symbols, partials, numbers = [], [], []
    for u, slope, partial, at in _terms(one):
        name = done.numbered.latex[u.name]
        symbols.append(rf"\frac{{dy}}{{d{name}}} \frac{{\partial {name}}}{{\partial {v}}}")
        partials.append(rf"\frac{{dy}}{{d{name}}} \cdot {_loose(done.numbered.partials[u.name][at])}")
        numbers.append(_product(slope, partial))
    lead = rf"\frac{{dy}}{{d{v}}}"
    users = ", ".join(dict.fromkeys(done.numbered.labels[u.name] for u, *_ in one.terms))
    told = say("backprop", "told/sums/step", v=label, users=users, n=len(symbols))
    formulas = [f"{lead} = " + " + ".join(part) for part in (symbols, partials)]
    formulas.append(rf"{lead} = {' + '.join(numbers)} = {number(one.gradient)}")
    moving = tuple((one.node.name, u.name) for u, *_ in one.terms)
    name = say("backprop", "told/back", v=label)
    return Step(name, "back", one.node.name, moving, told, tuple(formulas), values, known)


def _terms(one: Sum):
    """The terms with the place that the node has among the inputs of each."""
    seen: dict[str, int] = {}
    for u, slope, partial in one.terms:
        places = [i for i, v in enumerate(u.inputs) if v is one.node]
        at = seen[u.name] = seen.get(u.name, -1) + 1
        yield u, slope, partial, places[at]


def _increments(done, values: frozenset[str]) -> list[Step]:
    steps = [_first(done, values)]
    left = {node.name: sum(v is node for u in done.nodes for v in u.inputs) for node in done.nodes}
    known: Known = {done.nodes[-1].name: (1.0, False)}
    place: dict[str, int] = {}
    for one in done.steps:
        left[one.to.name] -= 1
        known = known | {one.to.name: (one.after, left[one.to.name] > 0)}
        place[one.node.name] = place.get(one.node.name, -1) + 1
        steps.append(_increment(done, one, place[one.node.name], values, known))
    return steps


def _increment(done, one: Increment, at: int, values: frozenset[str], known: Known) -> Step:
    labels, latex = done.numbered.labels, done.numbered.latex
    v, u = latex[one.to.name], latex[one.node.name]
    lead = rf"\frac{{dy}}{{d{v}}}"
    term = rf"\frac{{dy}}{{d{u}}} \frac{{\partial {u}}}{{\partial {v}}}"
    local = rf"\frac{{dy}}{{d{u}}} \cdot {_loose(done.numbered.partials[one.node.name][at])}"
    formulas = (
        rf"{lead} \leftarrow {lead} + {term} = {lead} + {local}",
        rf"{lead} = {number(one.before)} + {_product(one.slope, one.partial)} = {number(one.after)}",
    )
    kind = "more" if known[one.to.name][1] else "last"
    told = say("backprop", f"told/increments/{kind}", v=labels[one.to.name], u=labels[one.node.name])
    name = say("backprop", "told/increment", v=labels[one.to.name], u=labels[one.node.name])
    moving = ((one.to.name, one.node.name),)
    return Step(name, "back", one.to.name, moving, told, formulas, values, known)


def _product(a: float, b: float) -> str:
    return rf"{_loose(number(a))} \cdot {_loose(number(b))}"


def _loose(latex: str) -> str:
    """In brackets where it begins with a minus."""
    return f"({latex})" if latex.startswith("-") else latex
