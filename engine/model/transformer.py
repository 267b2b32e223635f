"""The whole model: embeddings, a stack of blocks, a last norm, and scores."""

import math
from dataclasses import replace

from torch import Tensor, nn

from engine.config import Config
from engine.masks import CAUSAL, Mask, causal_mask, full_mask
from engine.model.base import Model
from engine.model.block import Block
from engine.model.cache import Cache
from engine.model.context import Context
from engine.model.convolution import CellEmbed
from engine.model.embed import Embed, PatchEmbed
from engine.model.mlp import ACTIVATIONS
from engine.model.norm import norm_of
from engine.position import places_of, turns
from engine.trace.inputs import Inputs
from engine.trace.tap import SILENT


class MaskedHead(nn.Module):
    """BERT's head between the last vectors and the scores: a linear layer, an activation, a norm."""

    def __init__(self, config: Config):
        super().__init__()
        self.activation = ACTIVATIONS[config.activation]
        self.pre = nn.Linear(config.width, config.width)
        self.norm = norm_of(config)

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


class Transformer(Model):
    """One stack of blocks. If causal, each token sees itself and the tokens before it (GPT-2, LLaMA); otherwise
    every token sees all (BERT), and every patch all patches (ViT). Of images it reads patches, or the cells of
    a convolutional network, which may be all there is of it: then it has no blocks.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = c = config
        self.embed = (CellEmbed if c.filters else PatchEmbed if c.image else Embed)(c)
        self.blocks = nn.ModuleList(Block(c, i) for i in range(c.layers))
        self.final_norm = None if c.post_norm else norm_of(c)
        self.head = MaskedHead(c) if c.ending == "masked" else None
        self.scale = c.width**-0.5 if c.scale_logits else None
        self.logits = None
        self.classes = nn.Linear(c.width, c.classes) if c.ending == "classes" else None
        if c.ending in ("logits", "masked"):
            self.logits = nn.Linear(c.width, c.vocabulary, bias=c.ending == "masked")
        self.follows = NextSentenceHead(c) if c.next_sentence else None
        self.tie()

    def tie(self) -> None:
        """Tie shared weights: at the start, and again after a weight has been replaced."""
        if self.logits is not None and self.config.tied:
            self.logits.weight = self.embed.token.weight
        if self.config.positions == "relative":
            for block in self.blocks:
                block.attn.bias.weight = self.blocks[0].attn.bias.weight

    def initialise(self) -> None:
        """A random start: normal weights, smaller where they add to the stream (GPT-2). Where scores are not
        divided by √d_k the queries' weights are, and where the last vectors are divided by √D the token table
        begins with entries about 1 (T5). Filters are such that the size of numbers stays the same from map to
        map (He et al. 2015)."""
        c = self.config
        for name, p in self.named_parameters():
            if p.dim() == 4:
                nn.init.kaiming_normal_(p, nonlinearity="relu")
            elif p.dim() == 2:
                std = 0.02 / (math.sqrt(2 * c.layers) if name.endswith("out.weight") else 1)
                std *= 1 if c.scale_scores or not name.endswith(".q.weight") else c.head_width**-0.5
                nn.init.normal_(p, std=1.0 if c.scale_logits and name == "embed.token.weight" else std)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(
        self, ids: Tensor, context: Context | None = None, segments: Tensor | None = None, tap=SILENT
    ) -> Tensor:
        """Token ids [B, T] or images [B, channels, image, image] -> logits [B, T, V] or classes [B, C], or the
        last vectors [B, T, D] if the model has neither. Of a context with `last`, T is 1 there.

        context   as self.context() makes it; None: no padding, nothing read before
        segments  [B, T], which sentence each token belongs to; None: all 0
        """
        x = self.stream(ids, context, segments, tap)
        return self.finish(x[:, -1:] if context is not None and context.last else x, tap)

    def stream(
        self, ids: Tensor, context: Context | None = None, segments: Tensor | None = None, tap=SILENT
    ) -> Tensor:
        """The same inputs -> the residual stream after the last block [B, T, D]."""
        context = self.context(ids) if context is None else context
        if context.memory is not None:
            context = replace(context, memory=tap("memory", context.memory))  # [B, S, its width]
        x = self.begin(ids, context.start, segments, tap, context.places)
        for i, block in enumerate(self.blocks):
            x = tap(f"blocks.{i}.resid_pre", x)
            x = block(x, context, tap.at(f"blocks.{i}"))
        if context.cache is not None:
            context.cache.advance(x.shape[1])
        return x

    def context(
        self,
        ids: Tensor,
        padding: Tensor | None = None,
        cache: Cache | None = None,
        memory: Tensor | None = None,
        memory_padding: Tensor | None = None,
        last: bool = False,
    ) -> Context:
        """The context of every block while `ids` are read.

        padding  [B, S], True = a real token; None: all are. S includes the cached tokens
        cache    holds the tokens read before; `ids` come after them
        memory   [B, S, its width], what cross-attention attends to, with its padding [B, S]
        last     only the last position is to be scored
        """
        T, start = self.length(ids), 0 if cache is None else cache.length
        memory_mask = None
        if memory is not None:
            memory_mask = full_mask(T, memory.shape[1], memory_padding, self.device)
            memory = memory if cache is None else cache.unread(memory, self.config)
        places = None if padding is None else places_of(T, start, padding)
        angles = self.angles(start, T, padding)
        return Context(self.mask(T, start + T, padding), angles, cache, memory, memory_mask, places, last)

    def new_cache(self, batch: int = 1, room: int | None = None) -> Cache:
        """An empty cache for texts of up to `room` tokens; None: of a full context."""
        return Cache(self.config, batch, room, self.blocks[0].attn.k.weight)

    def length(self, ids: Tensor) -> int:
        """T, the number of positions: tokens; patches and the vector before them; or cells."""
        return self.config.context if self.config.image else ids.shape[1]

    def mask(self, T: int, S: int, padding: Tensor | None = None) -> Mask:
        """Who may look at whom when T queries are the last of S positions: [B or 1, 1, T, S], or CAUSAL."""
        if not self.config.causal:
            return full_mask(T, S, padding, self.device)
        return CAUSAL if T in (1, S) and padding is None else causal_mask(T, S, padding, self.device)

    def angles(self, start: int, T: int, padding: Tensor | None = None) -> Tensor | None:
        """How far queries and keys at T positions from `start` are turned [T, E/2], in radians; with padding
        [B, 1, T, E/2], the same for all heads; None: positions are not rotary."""
        if not self.config.rotary:
            return None
        places = places_of(T, start, padding, self.device)
        places = places if padding is None else places[:, None]
        return turns(places, self.config.head_width, self.config.rotary_base)

    def begin(
        self,
        ids: Tensor,
        start: int = 0,
        segments: Tensor | None = None,
        tap=SILENT,
        places: Tensor | None = None,
    ) -> Tensor:
        """Token ids [B, T], or images [B, channels, image, image] -> the first vectors [B, T, D]."""
        if self.config.image:
            return self.embed(ids, tap.at("embed"))
        return self.embed(ids, start, segments, tap.at("embed"), places)

    def finish(self, x: Tensor, tap=SILENT) -> Tensor:
        """All outputs computed from the stream after the last block; returns the same as `unembed`."""
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

    def read(self, inputs: Inputs, tap=SILENT) -> Tensor:
        """The whole pass over checked inputs; returns the same as `forward`."""
        return self(inputs.ids, self.context(inputs.ids, inputs.padding), inputs.segments, tap)

    def recompute(self, segment: str, inputs: Inputs, kept, tap, memory_padding: Tensor | None = None) -> None:
        """Run one segment of the pass again: "embed", "blocks.3" or "end"; `kept` has the points between."""
        if segment == "embed":
            places = self.context(inputs.ids, inputs.padding).places
            self.begin(inputs.ids, 0, inputs.segments, tap, places)
        elif segment == "end":
            last = f"blocks.{len(self.blocks) - 1}.resid_post" if len(self.blocks) else "embed.out"
            self.finish(kept[last], tap)
        else:
            memory = kept["memory"] if self.config.memory else None
            context = self.context(inputs.ids, inputs.padding, None, memory, memory_padding)
            self.get_submodule(segment)(kept[f"{segment}.resid_pre"], context, tap.at(segment))
