"""Automatic differentiation to read in class: modules with forward and backward, and a tape (lecture 004).

    x, weights, gold = Value([1.0, 2.0]), Value([[0.5, -1.0], [0.0, 1.0]]), Value([0.0, 1.0])
    predicted = Softmax().apply_fwd(Linear().apply_fwd(x, weights))
    loss = CrossEntropy().apply_fwd(gold, predicted)
    tape_bwd()
    weights.out_gradient                      # dJ/dweights [2, 2]

Plain numpy: it needs no torch (only by_torch does, imported by its own name). Read modules first, then tape;
block has the modules that a transformer's block needs besides, small those that LayerNorm is put together
from, networks graphs of modules; scalars has reverse mode on single numbers, procedure the whole backward pass
by hand, taped the same with modules, differences the check of all of them, lines what runs line by line.
"""

from engine.autodiff.block import Add, LayerNorm, Mask, MatMul, Scale
from engine.autodiff.differences import differences, slopes
from engine.autodiff.lines import Listing, line_by_line
from engine.autodiff.modules import CrossEntropy, Linear, Module, Sigmoid, Softmax
from engine.autodiff.networks import NETWORKS, Network, descend, measured, there_and_back
from engine.autodiff.procedure import BUGS, nn_backward, nn_forward, planted
from engine.autodiff.scalars import Node, backward_by_increments, backward_by_sums, graph, names_of
from engine.autodiff.small import Divide, Mean, Multiply, Root, SquaredError, Subtract
from engine.autodiff.tape import Value, tape, tape_bwd

__all__ = [
    "BUGS",
    "NETWORKS",
    "Add",
    "CrossEntropy",
    "Divide",
    "LayerNorm",
    "Linear",
    "Listing",
    "Mask",
    "MatMul",
    "Mean",
    "Module",
    "Multiply",
    "Network",
    "Node",
    "Root",
    "Scale",
    "Sigmoid",
    "Softmax",
    "SquaredError",
    "Subtract",
    "Value",
    "backward_by_increments",
    "backward_by_sums",
    "descend",
    "differences",
    "graph",
    "line_by_line",
    "measured",
    "names_of",
    "nn_backward",
    "nn_forward",
    "planted",
    "slopes",
    "tape",
    "tape_bwd",
    "there_and_back",
]
