"""The cells of recurrent models: from a token's vector and the previous state to the next state."""

import torch
from torch import Tensor, nn

from engine.trace.tap import SILENT


class Cell(nn.Module):
    """One step: from a token's vector and the previous state to the next state.

    The gates' weights are stacked in `x` and `h`, so that the inputs of all steps are one matrix product.
    """

    gates: tuple[str, ...]  # in the order in which their weights are stacked
    carried = ("h",)  # what is carried from step to step: the state
    state_bias = False  # whether W_h has its own bias
    kernel: staticmethod  # torch's, which takes all steps at once

    def __init__(self, width: int):
        super().__init__()
        self.x = nn.Linear(width, len(self.gates) * width)
        self.h = nn.Linear(width, len(self.gates) * width, self.state_bias)

    def fused(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """All steps at once: the tokens' vectors x [B, T, D], the state before the first [B, D] -> all states
        h [B, T, D], the state after the last."""
        bias = self.h.bias if self.state_bias else torch.zeros_like(self.x.bias)
        weights = [self.x.weight, self.h.weight, self.x.bias, bias]
        before = [part[None] for part in state]  # a layer, of which there is one
        before = before if len(before) > 1 else before[0]
        states, *after = self.kernel(x, before, weights, True, 1, 0.0, self.training, False, True)
        return states, tuple(part[0] for part in after)


class RNN(Cell):
    """h' = tanh(W_x x + W_h h + b) (Elman 1990)."""

    gates, kernel = ("h",), staticmethod(torch.rnn_tanh)

    def forward(self, x: Tensor, state: tuple[Tensor], tap=SILENT) -> tuple[Tensor]:
        """x [B, D], the token's input W_x x + b; state h [B, D] -> h' [B, D]."""
        (h,) = state
        pre = tap("h_pre", x + self.h(h))  # [B, D]
        return (tap("h", pre.tanh()),)


class GRU(Cell):
    """h' = (1 − update) · candidate + update · h (Cho et al. 2014).

    The reset gate is applied after W_h, as in cuDNN and torch; the paper applies it before.
    """

    gates, kernel = ("reset", "update", "candidate"), staticmethod(torch.gru)
    state_bias = True

    def forward(self, x: Tensor, state: tuple[Tensor], tap=SILENT) -> tuple[Tensor]:
        """x [B, 3 D], the token's inputs W_x x + b of all gates; state h [B, D] -> h' [B, D]."""
        (h,) = state
        x_reset, x_update, x_candidate = x.chunk(3, -1)
        h_reset, h_update, h_candidate = self.h(h).chunk(3, -1)
        reset = tap("reset", tap("reset_pre", x_reset + h_reset).sigmoid())  # [B, D]
        update = tap("update", tap("update_pre", x_update + h_update).sigmoid())  # [B, D]
        recalled = reset * tap("candidate_h", h_candidate)
        candidate = tap("candidate", tap("candidate_pre", x_candidate + recalled).tanh())  # [B, D]
        return (tap("h", (1 - update) * candidate + update * h),)


class LSTM(Cell):
    """cell' = forget · cell + input · candidate, h' = output · tanh(cell') (Hochreiter & Schmidhuber 1997, with
    the forget gate of Gers et al. 2000)."""

    gates, kernel = ("input", "forget", "candidate", "output"), staticmethod(torch.lstm)
    carried = ("h", "cell")

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor], tap=SILENT) -> tuple[Tensor, Tensor]:
        """x [B, 4 D], the token's inputs W_x x + b of all gates; state h and cell [B, D] -> h' and cell'."""
        h, cell = state
        i, f, c, o = (x + self.h(h)).chunk(4, -1)
        input = tap("input", tap("input_pre", i).sigmoid())  # [B, D]
        forget = tap("forget", tap("forget_pre", f).sigmoid())  # [B, D]
        candidate = tap("candidate", tap("candidate_pre", c).tanh())  # [B, D]
        output = tap("output", tap("output_pre", o).sigmoid())  # [B, D]
        after = tap("cell", forget * cell + input * candidate)  # [B, D]
        return tap("h", output * tap("cell_tanh", after.tanh())), after


CELLS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
