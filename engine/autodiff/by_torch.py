"""The same in PyTorch: its gradients to stand beside ours, and the network as the lecture writes it."""

import torch
from torch import nn

from engine.autodiff import block, modules, small
from engine.autodiff.networks import Network, Values
from engine.autodiff.scalars import Node

TYPE = torch.float64
SCALARS = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "negate": torch.neg,
    **{name: getattr(torch, name) for name in ("exp", "log", "sin", "cos", "tanh", "sigmoid")},
}
FORWARD = {
    modules.Linear: lambda m, a, w: nn.functional.linear(a, w),
    modules.Sigmoid: lambda m, a: a.sigmoid(),
    modules.Softmax: lambda m, a: a.softmax(-1),
    modules.CrossEntropy: lambda m, gold, predicted: -torch.xlogy(gold, predicted).sum(-1),
    block.Add: lambda m, a, c: a + c,
    block.Scale: lambda m, a: m.factor * a,
    block.Mask: lambda m, a: a.masked_fill(torch.ones_like(a).triu(1).bool(), -torch.inf),
    block.MatMul: lambda m, a, c: a @ (c.T if m.transposed else c),
    block.LayerNorm: lambda m, a, g, b: torch.layer_norm(a, g.shape, g, b, m.eps),
    small.Subtract: lambda m, a, c: a - c,
    small.Multiply: lambda m, a, c: a * c,
    small.Divide: lambda m, a, c: a / c,
    small.Mean: lambda m, a: a.mean(-1, keepdim=True),
    small.Root: lambda m, a: (a + m.eps).sqrt(),
    small.SquaredError: lambda m, target, a: 0.5 * ((a - target) ** 2).sum(),
}


def scalar_gradients(nodes: list[Node]) -> dict[str, float]:
    """dy/d(each node) by autograd, of a graph of `engine.autodiff.graph`."""
    made: dict[str, torch.Tensor] = {}
    for node in nodes:
        if node.inputs:
            made[node.name] = SCALARS[node.operation](*(made[v.name] for v in node.inputs))
            made[node.name].retain_grad()
        else:
            made[node.name] = torch.tensor(node.value, dtype=TYPE, requires_grad=True)
    made[nodes[-1].name].backward()
    return {name: float(one.grad) for name, one in made.items() if one.grad is not None}


def gradients(network: Network, values: Values) -> dict[str, object]:
    """dJ/d(each of what is given) by autograd, as arrays."""
    made = {name: torch.tensor(values[name], dtype=TYPE, requires_grad=True) for name in network.given}
    given = list(made)
    for box in network.boxes:
        module = box.make()
        made[box.name] = FORWARD[type(module)](module, *(made[name] for name in box.inputs))
    made[network.boxes[-1].name].backward()
    return {name: made[name].grad.numpy() for name in given}


# --- the network as the lecture writes it -------------------------------------------------------------------


class NeuralNetwork(nn.Module):
    """Two layers without biases; `CrossEntropyLoss` has the softmax in it."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.linear1 = nn.Linear(inputs, hidden, bias=False, dtype=torch.float64)
        self.sigmoid = nn.Sigmoid()
        self.linear2 = nn.Linear(hidden, outputs, bias=False, dtype=torch.float64)
        self.plain = torch.ones(2)  # no nn.Parameter: nobody will train it

    def forward(self, x):
        """The scores b [K] of x [M]."""
        a = self.linear1(x)
        z = self.sigmoid(a)
        b = self.linear2(z)
        return b


def steps_of_sgd(model, x, y, rate):
    """Two steps, so that the second meets the gradients that the first has left."""
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for _ in range(2):
        pred = model(x)
        loss = loss_fn(pred, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def called_and_forwarded(linear, x):
    """Why linear(x) and not linear.forward(x): a hook is called by the first alone."""
    calls = []
    linear.register_forward_hook(lambda module, given, out: calls.append("the hook was called"))
    by_call = linear(x)
    by_forward = linear.forward(x)
    return by_call, by_forward
