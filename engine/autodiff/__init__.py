"""Automatic differentiation to read in class: modules with forward and backward, and a tape (lecture 004).

    x, weights, gold = Value([1.0, 2.0]), Value([[0.5, -1.0], [0.0, 1.0]]), Value([0.0, 1.0])
    predicted = Softmax().apply_fwd(Linear().apply_fwd(x, weights))
    loss = CrossEntropy().apply_fwd(gold, predicted)
    tape_bwd()
    weights.out_gradient                      # dJ/dweights [2, 2]

Plain numpy: it needs no torch. Read modules first, then tape; scalars has reverse mode on single numbers,
procedure the whole backward pass written out by hand, differences the check of all of them.
"""

from engine.autodiff.differences import differences, slopes
from engine.autodiff.modules import (
    Add,
    CrossEntropy,
    LayerNorm,
    Linear,
    Mask,
    MatMul,
    Module,
    Scale,
    Sigmoid,
    Softmax,
)
from engine.autodiff.procedure import BUGS, nn_backward, nn_forward
from engine.autodiff.scalars import Node, backward_by_increments, backward_by_sums, graph
from engine.autodiff.tape import Value, tape, tape_bwd

__all__ = [
    "BUGS",
    "Add",
    "CrossEntropy",
    "LayerNorm",
    "Linear",
    "Mask",
    "MatMul",
    "Module",
    "Node",
    "Scale",
    "Sigmoid",
    "Softmax",
    "Value",
    "backward_by_increments",
    "backward_by_sums",
    "differences",
    "graph",
    "nn_backward",
    "nn_forward",
    "slopes",
    "tape",
    "tape_bwd",
]
