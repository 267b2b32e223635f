"""From token ids to the first vectors."""

import torch
from torch import Tensor, nn

from engine.config import Config
from engine.tap import SILENT


class Embed(nn.Module):
    """A row of the token table; where positions are learned, plus a row of the position table."""

    def __init__(self, config: Config):
        super().__init__()
        self.token = nn.Embedding(config.vocabulary, config.width)
        self.position = None if config.rotary else nn.Embedding(config.context, config.width)

    def forward(self, ids: Tensor, start: int = 0, tap=SILENT) -> Tensor:
        """ids [B, T], the first of them at position `start` -> [B, T, D]."""
        token = tap("token", self.token(ids))  # [B, T, D]
        if self.position is None:
            return tap("out", token)  # [B, T, D]
        places = torch.arange(start, start + ids.shape[1], device=ids.device)
        position = tap("position", self.position(places).expand_as(token))  # [B, T, D]
        return tap("out", token + position)  # [B, T, D]
