"""The MLP: each token's vector on its own, through F units and back; or several, each token using a few."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import Config
from engine.model.sublayer import Sublayer
from engine.trace.tap import SILENT

ACTIVATIONS = {
    "gelu": F.gelu,  # Hendrycks & Gimpel 2016, exact: x · Φ(x)
    "gelu_tanh": partial(F.gelu, approximate="tanh"),  # its approximation in GPT-2
    "relu": F.relu,
    "silu": F.silu,
}


def activation_of(config: Config):
    """The activation that the config names; ValueError if it is unknown."""
    if config.activation not in tuple(ACTIVATIONS):
        raise ValueError(f"activation is {config.activation!r}; known are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[config.activation]


class MLP(Sublayer):
    """W_out · activation(W_pre · x + b) + b; where gated, each unit times W_up · x (Shazeer 2020)."""

    def __init__(self, config: Config):
        super().__init__(config)
        self.activation = activation_of(config)
        self.pre = nn.Linear(config.width, config.mlp_width, config.mlp_bias)
        self.up = nn.Linear(config.width, config.mlp_width, config.mlp_bias) if config.gated else None
        self.out = nn.Linear(config.mlp_width, config.width, config.mlp_bias)

    def forward(self, x: Tensor, tap=SILENT) -> Tensor:
        """Each token's input [B, T, D] -> the MLP's output for it [B, T, D]."""
        pre = tap("pre", self.pre(x))  # [B, T, F]
        if self.up is None:
            act = tap("act", self.activation(pre))  # [B, T, F]
        else:
            gate = tap("gate", self.activation(pre))  # [B, T, F]
            up = tap("up", self.up(x))  # [B, T, F]
            act = tap("act", gate * up)  # [B, T, F]
        return tap("out", self.out(act))  # [B, T, D]


class Expert(nn.Module):
    """A gated MLP without biases or a norm: W_out · (activation(W_pre · x) · W_up · x)."""

    def __init__(self, config: Config):
        super().__init__()
        self.activation = activation_of(config)
        self.pre = nn.Linear(config.width, config.mlp_width, bias=False)
        self.up = nn.Linear(config.width, config.mlp_width, bias=False)
        self.out = nn.Linear(config.mlp_width, config.width, bias=False)

    def forward(self, x: Tensor, tap=SILENT) -> Tensor:
        """x [..., D] -> the expert's output [..., D]; zeros for a vector of zeros."""
        gate = tap("gate", self.activation(tap("pre", self.pre(x))))  # [..., F]
        act = tap("act", gate * tap("up", self.up(x)))  # [..., F]
        return tap("out", self.out(act))  # [..., D]


class Experts(Sublayer):
    """A mixture of experts (Shazeer et al. 2017): a router sends each token to a few of X experts.

    The shares are the softmax over the chosen experts' scores (Jiang et al. 2024, section 2.1): the same as the
    softmax over all scores, restricted to the chosen ones and renormalised.
    """

    def __init__(self, config: Config):
        super().__init__(config)
        self.used = config.experts_used
        self.router = nn.Linear(config.width, config.experts, bias=False)
        self.experts = nn.ModuleList(Expert(config) for _ in range(config.experts))

    def forward(self, x: Tensor, tap=SILENT) -> Tensor:
        """Each token's input [B, T, D] -> the sum of its experts' outputs, by their shares [B, T, D]."""
        scores = tap("router", self.router(x))  # [B, T, X]
        chosen = tap("chosen", highest(scores, self.used))  # [B, T, X]
        shares = scores.masked_fill(~chosen, -torch.inf).softmax(-1)  # [B, T, X]
        shares = tap("shares", shares.masked_fill(~chosen, 0))  # a token that is sent nowhere has no shares
        if tap is SILENT:
            return self._chosen_alone(x, chosen, shares)
        out = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            inside = tap.at(f"experts.{i}")
            read = inside("read", torch.where(chosen[..., i, None], x, 0))  # [B, T, D]; zeros stay zeros
            out = out + shares[..., i, None] * expert(read, inside)
        return tap("out", out)  # [B, T, D]

    def _chosen_alone(self, x: Tensor, chosen: Tensor, shares: Tensor) -> Tensor:
        """The same sum, each expert running only on the tokens sent to it."""
        out = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            sent = chosen[..., i]  # [B, T]
            out[sent] += shares[..., i][sent][:, None] * expert(x[sent])
        return out


def highest(scores: Tensor, count: int) -> Tensor:
    """[..., X], true for the `count` highest scores of each row; of equal ones the first."""
    best = scores.sort(dim=-1, descending=True, stable=True).indices[..., :count]
    return torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)
