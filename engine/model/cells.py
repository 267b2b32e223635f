"""The cells of recurrent models: from a token's vector and the previous state to the next state."""

from torch import Tensor, nn

from engine.trace.tap import SILENT


class Cell(nn.Module):
    """One step: from a token's vector and the previous state to the next state.

    The gates' weights are stacked in `x` and `h`, so that the inputs of all steps are one matrix product.
    """

    gates: tuple[str, ...]  # in the order in which their weights are stacked
    carried = ("h",)  # what is carried from step to step: the state
    state_bias = False  # whether W_h has its own bias

    def __init__(self, width: int):
        super().__init__()
        self.x = nn.Linear(width, len(self.gates) * width)
        self.h = nn.Linear(width, len(self.gates) * width, self.state_bias)


class RNN(Cell):
    """h' = tanh(W_x x + W_h h + b) (Elman 1990)."""

    gates = ("h",)

    def forward(self, x: Tensor, state: tuple[Tensor], tap=SILENT) -> tuple[Tensor]:
        """x [B, D], the token's input W_x x + b; state h [B, D] -> h' [B, D]."""
        (h,) = state
        pre = tap("h_pre", x + self.h(h))  # [B, D]
        return (tap("h", pre.tanh()),)


class GRU(Cell):
    """h' = (1 − update) · candidate + update · h (Cho et al. 2014).

    The reset gate is applied after W_h, as in cuDNN and torch; the paper applies it before.
    """

    gates = ("reset", "update", "candidate")
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

    gates = ("input", "forget", "candidate", "output")
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
