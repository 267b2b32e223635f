"""How each kind of point is made: the second route, apart from the forward pass."""

from collections.abc import Callable
from typing import NamedTuple

from engine.recipes import attention, cells, recurrent, whole


class Kind(NamedTuple):
    whole: Callable
    cell: Callable


KINDS = {
    "token row": Kind(whole.token_row, cells.token_row),
    "position row": Kind(whole.position_row, cells.position_row),
    "sinusoid": Kind(whole.sinusoid, cells.sinusoid),
    "times": Kind(whole.times, cells.times),
    "bias row": Kind(whole.bias_row, cells.bias_row),
    "segment row": Kind(whole.segment_row, cells.segment_row),
    "patches": Kind(whole.patches, cells.patches),
    "put before": Kind(whole.put_before, cells.put_before),
    "first token": Kind(whole.first_token, cells.first_token),
    "tanh": Kind(whole.tanh, cells.tanh),
    "sum": Kind(whole.add, cells.add),
    "same": Kind(whole.same, cells.same),
    "mean": Kind(whole.mean, cells.mean),
    "variance": Kind(whole.variance, cells.variance),
    "standardise": Kind(whole.standardise, cells.standardise),
    "mean square": Kind(whole.mean_square, cells.mean_square),
    "to size 1": Kind(whole.to_size_1, cells.to_size_1),
    "affine": Kind(whole.affine, cells.affine),
    "linear": Kind(whole.linear, cells.linear),
    "heads": Kind(whole.heads, attention.heads),
    "turn": Kind(whole.turn, attention.turn),
    "concat": Kind(whole.concat, attention.concat),
    "dot": Kind(whole.dot, attention.dot),
    "scale": Kind(whole.scale, attention.scale),
    "rule": Kind(whole.rule, attention.rule),
    "mask": Kind(whole.mask, attention.mask),
    "softmax": Kind(whole.softmax, attention.softmax),
    "mix": Kind(whole.mix, attention.mix),
    "activation": Kind(whole.activation, cells.activation),
    "product": Kind(whole.product, cells.product),
    "zeros": Kind(recurrent.zeros, recurrent.zeros_cell),
    "sigmoid": Kind(recurrent.sigmoid, recurrent.sigmoid_cell),
    "gate sum": Kind(recurrent.gate_sum, recurrent.gate_sum_cell),
    "gate map": Kind(recurrent.gate_map, recurrent.gate_map_cell),
    "reset sum": Kind(recurrent.reset_sum, recurrent.reset_sum_cell),
    "blend": Kind(recurrent.blend, recurrent.blend_cell),
    "keep and add": Kind(recurrent.keep_and_add, recurrent.keep_and_add_cell),
    "carry": Kind(recurrent.carry, recurrent.carry_cell),
    "stack": Kind(recurrent.stack, recurrent.stack_cell),
    "dot product": Kind(recurrent.dot_product, recurrent.dot_product_cell),
    "additive": Kind(recurrent.additive, recurrent.additive_cell),
    "real": Kind(recurrent.real, recurrent.real_cell),
    "weighted sum": Kind(recurrent.weighted_sum, recurrent.weighted_sum_cell),
    "joined": Kind(recurrent.joined, recurrent.joined_cell),
}
