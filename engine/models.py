"""The whole model: embed, a stack of blocks, a last norm, and a score for every word piece."""

import math

import torch
from torch import Tensor, nn

from engine.block import Block
from engine.cache import Cache
from engine.config import Config
from engine.embed import Embed
from engine.masks import causal_mask
from engine.norm import NORMS
from engine.position import turns
from engine.tap import SILENT


class Decoder(nn.Module):
    """A decoder-only transformer (GPT-2, LLaMA): each token sees itself and the tokens before it.

    The parts carry the names of the points they make, so `blocks.0.attn.q` is both a point and the
    layer with its weights. `tokenizer` and `name` are set by engine.load.
    """

    tokenizer = None
    name = "model"

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.embed = Embed(config)
        self.blocks = nn.ModuleList(Block(config, i) for i in range(config.layers))
        self.final_norm = NORMS[config.norm](config.width, config.norm_eps)
        self.logits = nn.Linear(config.width, config.vocabulary, bias=False)
        if config.tied:
            self.logits.weight = self.embed.token.weight

    def forward(
        self, ids: Tensor, padding: Tensor | None = None, cache: Cache | None = None, tap=SILENT
    ) -> Tensor:
        """ids [B, T] (those after the cached ones, if any), padding [B, T] -> logits [B, T, V]."""
        start = cache.length if cache else 0
        T = ids.shape[1]
        x = self.embed(ids, start, tap.at("embed"))
        fused = tap is SILENT and padding is None and start == 0
        mask = None if fused else causal_mask(T, start + T, padding, ids.device)
        angles = self.angles(start, T)
        for i, block in enumerate(self.blocks):
            x = tap(f"blocks.{i}.resid_pre", x)
            x = block(x, mask, angles, cache.layer(i) if cache else None, tap.at(f"blocks.{i}"))
        if cache:
            cache.length += T
        return self.unembed(x, tap)

    def angles(self, start: int, T: int) -> Tensor | None:
        """The turns of queries and keys at T positions from `start` [T, E/2]; None: positions are learned."""
        if not self.config.rotary:
            return None
        places = torch.arange(start, start + T, device=self.device)
        return turns(places, self.config.head_width, self.config.rotary_base)

    def unembed(self, x: Tensor, tap=SILENT) -> Tensor:
        """The stream after the last block [B, T, D] -> logits [B, T, V]."""
        return tap("logits", self.logits(self.final_norm(x, tap.at("final_norm"))))

    @property
    def device(self):
        return self.embed.token.weight.device


def fresh(config: Config, seed: int) -> Decoder:
    """A model at its random start: normal weights, smaller where they add to the stream (GPT-2)."""
    torch.manual_seed(seed)
    model = Decoder(config)
    for name, p in model.named_parameters():
        if p.dim() == 2:
            into_stream = name.endswith("out.weight")
            nn.init.normal_(p, std=0.02 / (math.sqrt(2 * config.layers) if into_stream else 1))
        elif name.endswith("bias"):
            nn.init.zeros_(p)
    return model
