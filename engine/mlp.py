"""The MLP: every token's vector alone, through F units and back."""

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import Config
from engine.sublayer import Sublayer
from engine.tap import SILENT

ACTIVATIONS = {
    "gelu": F.gelu,  # Hendrycks & Gimpel 2016, exact: x · Φ(x)
    "gelu_tanh": partial(F.gelu, approximate="tanh"),  # the same, as GPT-2 computes it
    "relu": F.relu,
    "silu": F.silu,
}


class MLP(Sublayer):
    """W_out · activation(W_pre · x + b) + b; where gated, each unit times W_up · x (Shazeer 2020)."""

    def __init__(self, config: Config):
        super().__init__(config)
        if config.activation not in tuple(ACTIVATIONS):
            raise ValueError(f"activation is {config.activation!r}; known are {', '.join(ACTIVATIONS)}")
        self.activation = ACTIVATIONS[config.activation]
        self.pre = nn.Linear(config.width, config.mlp_width, config.mlp_bias)
        self.up = nn.Linear(config.width, config.mlp_width, config.mlp_bias) if config.gated else None
        self.out = nn.Linear(config.mlp_width, config.width, config.mlp_bias)

    def forward(self, x: Tensor, tap=SILENT) -> Tensor:
        """What each token reads [B, T, D] -> what the MLP writes for it [B, T, D]."""
        pre = tap("pre", self.pre(x))  # [B, T, F]
        if self.up is None:
            act = tap("act", self.activation(pre))  # [B, T, F]
        else:
            gate = tap("gate", self.activation(pre))  # [B, T, F]
            up = tap("up", self.up(x))  # [B, T, F]
            act = tap("act", gate * up)  # [B, T, F]
        return tap("out", self.out(act))  # [B, T, D]
