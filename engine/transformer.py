"""The whole model: embed, a stack of blocks, a last norm, and a score for every word piece."""

import math

import torch
from torch import Tensor, nn

from engine.block import Block
from engine.cache import Cache
from engine.config import Config
from engine.embed import Embed, PatchEmbed
from engine.inputs import Inputs
from engine.masks import causal_mask, full_mask
from engine.mlp import ACTIVATIONS
from engine.norm import NORMS
from engine.points import Point, points_of
from engine.position import turns
from engine.tap import SILENT


class MaskedHead(nn.Module):
    """BERT's step between the last vectors and the scores: a map, an activation, a norm."""

    def __init__(self, config: Config):
        super().__init__()
        self.activation = ACTIVATIONS[config.activation]
        self.pre = nn.Linear(config.width, config.width)
        self.norm = NORMS[config.norm](config.width, config.norm_eps)

    def forward(self, x: Tensor, tap=SILENT) -> Tensor:
        """x [B, T, D] -> [B, T, D]."""
        act = tap("act", self.activation(tap("pre", self.pre(x))))  # [B, T, D]
        return self.norm(act, tap.at("norm"))


class NextSentenceHead(nn.Module):
    """Does the second text follow the first? Read off the first token, [CLS] (Devlin et al. 2018)."""

    def __init__(self, config: Config):
        super().__init__()
        self.pre = nn.Linear(config.width, config.width)
        self.scores = nn.Linear(config.width, 2)

    def forward(self, x: Tensor, tap=SILENT) -> Tensor:
        """x [B, T, D] -> scores [B, 2]: it follows, it does not."""
        first = tap("first", x[:, 0])  # [B, D]
        pooled = tap("pooled", tap("pre", self.pre(first)).tanh())  # [B, D]
        return tap("scores", self.scores(pooled))  # [B, 2]


class Transformer(nn.Module):
    """One stack of blocks. Causal, each token sees itself and the tokens before it (GPT-2, LLaMA); otherwise
    every token sees all (BERT), or every patch of an image (ViT).

    The parts carry the names of the points they make, so `blocks.0.attn.q` is both a point and the
    layer with its weights. `tokenizer`, `prepare`, `labels` and `name` are set by engine.load.
    """

    tokenizer = None
    prepare = None  # of models that read images: what makes their numbers of pixels
    labels: tuple[str, ...] = ()  # of models that tell classes: what they are called
    name = "model"

    def __init__(self, config: Config):
        super().__init__()
        self.config = c = config
        self.embed = PatchEmbed(c) if c.image else Embed(c)
        self.blocks = nn.ModuleList(Block(c, i) for i in range(c.layers))
        self.final_norm = None if c.post_norm else NORMS[c.norm](c.width, c.norm_eps)
        self.head = MaskedHead(c) if c.ending == "masked" else None
        self.scale = c.width**-0.5 if c.scale_logits else None
        self.logits = None
        self.classes = nn.Linear(c.width, c.classes) if c.ending == "classes" else None
        if c.ending in ("logits", "masked"):
            self.logits = nn.Linear(c.width, c.vocabulary, bias=c.ending == "masked")
        self.follows = NextSentenceHead(c) if c.next_sentence else None
        self.tie()

    def tie(self) -> None:
        """Let the parts that share a table have one: at first, and whenever a table was put in its place."""
        if self.logits is not None and self.config.tied:
            self.logits.weight = self.embed.token.weight
        if self.config.positions == "relative":
            for block in self.blocks:
                block.attn.bias.weight = self.blocks[0].attn.bias.weight

    def initialise(self) -> None:
        """A random start: normal weights, smaller where they add to the stream (GPT-2)."""
        for name, p in self.named_parameters():
            if p.dim() == 2:
                into_stream = name.endswith("out.weight")
                nn.init.normal_(p, std=0.02 / (math.sqrt(2 * self.config.layers) if into_stream else 1))
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(
        self,
        ids: Tensor,
        padding: Tensor | None = None,
        cache: Cache | None = None,
        segments: Tensor | None = None,
        memory: Tensor | None = None,
        memory_padding: Tensor | None = None,
        tap=SILENT,
    ) -> Tensor:
        """ids [B, T] (those after the cached ones, if any), padding and segments [B, T] -> logits [B, T, V],
        or the last vectors [B, T, D] of a model that has none.

        memory [B, S, its width] and memory_padding [B, S] are what cross-attention looks at.
        """
        return self.finish(self.stream(ids, padding, cache, segments, memory, memory_padding, tap), tap)

    def stream(
        self,
        ids: Tensor,
        padding: Tensor | None = None,
        cache: Cache | None = None,
        segments: Tensor | None = None,
        memory: Tensor | None = None,
        memory_padding: Tensor | None = None,
        tap=SILENT,
    ) -> Tensor:
        """The same inputs -> the residual stream after the last block [B, T, D]."""
        start, memory_mask = cache.length if cache else 0, None
        if memory is not None:
            memory = tap("memory", memory)  # [B, S, its width]
        x = self.begin(ids, start, segments, tap)
        T, c = x.shape[1], self.config
        plain = c.causal and c.positions != "relative"
        fused = tap is SILENT and padding is None and start == 0 and plain
        mask = None if fused else self.mask(T, start + T, padding)
        if memory is not None:
            memory_mask = full_mask(T, memory.shape[1], memory_padding, self.device)
        angles = self.angles(start, T)
        for i, block in enumerate(self.blocks):
            x = tap(f"blocks.{i}.resid_pre", x)
            layer_cache = cache.layer(i) if cache else None
            x = block(x, mask, angles, layer_cache, memory, memory_mask, tap.at(f"blocks.{i}"))
        if cache:
            cache.length += T
        return x

    def begin(self, ids: Tensor, start: int = 0, segments: Tensor | None = None, tap=SILENT) -> Tensor:
        """Token ids [B, T], or images [B, channels, image, image] -> the first vectors [B, T, D]."""
        if self.config.image:
            return self.embed(ids, tap.at("embed"))
        return self.embed(ids, start, segments, tap.at("embed"))

    def mask(self, T: int, S: int, padding: Tensor | None) -> Tensor:
        """Who may look at whom [B or 1, 1, T, S]."""
        if self.config.causal:
            return causal_mask(T, S, padding, self.device)
        return full_mask(T, S, padding, self.device)

    def angles(self, start: int, T: int) -> Tensor | None:
        """The turns of queries and keys at T positions from `start` [T, E/2]; None: positions are learned."""
        if not self.config.rotary:
            return None
        places = torch.arange(start, start + T, device=self.device)
        return turns(places, self.config.head_width, self.config.rotary_base)

    def finish(self, x: Tensor, tap=SILENT) -> Tensor:
        """All that is read off the stream after the last block; returns the same as `unembed`."""
        if self.follows is not None:
            self.follows(x, tap.at("follows"))
        return self.unembed(x, tap)

    def unembed(self, x: Tensor, tap=SILENT) -> Tensor:
        """The stream after the last block [B, T, D] -> logits [B, T, V] or classes [B, C], if there are any."""
        if self.final_norm is not None:
            x = self.final_norm(x, tap.at("final_norm"))
        if self.head is not None:
            x = self.head(x, tap.at("head"))
        if self.classes is not None:
            return tap("classes", self.classes(tap("first", x[:, 0])))
        if self.scale is not None:
            x = tap("scaled", x * self.scale)
        return x if self.logits is None else tap("logits", self.logits(x))

    # --- what a trace asks of a model (engine.trace) ---------------------------------------------

    @property
    def reads(self) -> tuple[Config, ...]:
        return (self.config,)

    @property
    def device(self) -> torch.device:
        return self.blocks[0].attn.q.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.blocks[0].attn.q.weight.dtype

    def points(self, inputs: Inputs) -> dict[str, Point]:
        return points_of(self.config)

    def read(self, inputs: Inputs, tap) -> Tensor:
        return self(inputs.ids, inputs.padding, segments=inputs.segments, tap=tap)

    def room_of(self, point: str) -> str:
        """ "embed", "blocks.3" or "end"."""
        first, _, rest = point.partition(".")
        if first == "blocks":
            return f"blocks.{rest.partition('.')[0]}"
        return "embed" if first == "embed" else "end"

    def enter(self, room: str, inputs: Inputs, kept, tap, memory_padding: Tensor | None = None) -> None:
        """Compute the inside of one room again; `kept` has the stream between the blocks by name."""
        if room == "embed":
            self.begin(inputs.ids, 0, inputs.segments, tap)
        elif room == "end":
            self.finish(kept[f"blocks.{len(self.blocks) - 1}.resid_post"], tap)
        else:
            x, memory, memory_mask = kept[f"{room}.resid_pre"], None, None
            T = x.shape[1]
            if self.config.memory:
                memory = kept["memory"]
                memory_mask = full_mask(T, memory.shape[1], memory_padding, self.device)
            mask, angles = self.mask(T, T, inputs.padding), self.angles(0, T)
            self.get_submodule(room)(x, mask, angles, None, memory, memory_mask, tap.at(room))

    def stack_of(self, point: str, inputs: Inputs) -> tuple["Transformer", Inputs]:
        return self, inputs

    def length(self, inputs: Inputs) -> int:
        """T, how many positions there are: tokens, or patches and the vector before them."""
        return self.config.context if self.config.image else inputs.ids.shape[1]
