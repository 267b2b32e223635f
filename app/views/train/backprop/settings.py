"""What the part is set to: its view, the scalar graph, the graph of modules, the three ways."""

from dataclasses import dataclass

from app.settings import settings
from app.state import one_of, ranged
from engine.autodiff import NETWORKS

# u1 is used twice, by exp and by the sum; the last is the lecture's network with one number a layer
EXPRESSIONS = {
    "shared": "x * w + sin(x * w) * x",
    "square": "(w * x - t) * (w * x - t)",
    "exam": "exp(x * z) + x * z / log(x) + sin(log(x)) / (x * z)",
    "softmax": "-log(exp(a) / (exp(a) + exp(b)))",
    "network": "-log(sigmoid(b * sigmoid(a * x)))",
}
FIRST = {"x": 2.0, "w": 0.5, "z": 1.5, "t": 3.0, "a": 1.0, "b": -0.5}  # a number to begin with, by name
WAYS = ("procedure", "tape", "torch")
BUGS = ("sigmoid", "linear 2", "cross-entropy", "linear 1", "softmax")  # in an order that gives none away
LATEST = 9_999  # steps, lines


@settings("backprop")
@dataclass(frozen=True)
class Backprop:
    show: str = one_of("scalar", "scalar", "modules", "ways")
    # single numbers: the expression, its inputs where they differ, which version goes back, the step shown (-1:
    # the second on the way back)
    expression: str = EXPRESSIONS["shared"]
    inputs: str = ""
    version: str = one_of("sums", "sums", "increments")
    at: int = ranged(-1, -1, LATEST)
    # modules: the graph, its numbers where they differ, the step that is shown (-1: two modules back), the
    # learning rate as typed, the steps of gradient descent taken: "0.5x3;0.1x2"
    graph: str = one_of("network", *NETWORKS)
    numbers: str = ""
    module: int = ranged(-1, -1, LATEST)
    rate: str = "0.1"
    taken: str = ""
    # three ways: which, its numbers, the line that was done last (-1: all), the planted bug (0: none), the line
    # that is suspected, what of PyTorch is shown
    way: str = one_of("procedure", *WAYS)
    given: str = ""
    line: int = ranged(-1, -1, LATEST)
    bug: int = ranged(0, 0, len(BUGS))
    guess: int = ranged(-1, -1, LATEST)
    topic: str = one_of("step", "step", "register", "call")
