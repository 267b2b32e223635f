"""The shapes and choices of one model."""

import math
from dataclasses import dataclass

from engine.position import POSITIONS

NORMS = ("layer", "rms", "none")
ENDINGS = ("logits", "masked", "classes", "nothing")
BOOLS = ("tied", "scale_scores", "scale_by_layer", "gated", "attention_bias", "mlp_bias", "qk_norm")
BOOLS += ("post_norm", "embed_norm", "causal", "next_sentence", "scale_embedding", "scale_logits", "residual")


@dataclass(frozen=True)
class Config:
    """The shape of one stack of blocks. A block is what papers call a layer."""

    vocabulary: int  # V, entries of the token table
    context: int  # longest prompt, in tokens
    width: int  # D, width of the residual stream
    layers: int  # L, blocks, one after another; 0 only where the image goes through convolutions
    heads: int  # H, attention heads of a block
    mlp_width: int  # F, units of a block's MLP
    key_heads: int | None = None  # G, key/value heads, shared by the H query heads; None: H
    head_width: int | None = None  # E, width of one head's query, key or value; None: D/H
    memory: int = 0  # width of the encoder that cross-attention attends to; 0: no cross-attention
    gated: bool = False  # gated MLP (GLU)
    experts: int = 0  # X, experts per block, among which a router chooses for each token; 0: one MLP
    experts_used: int = 2  # experts per token
    attention_bias: bool = True  # biases of W_Q, W_K, W_V and W_O
    mlp_bias: bool = True
    qk_norm: bool = False  # RMSNorm of every head's queries and keys, before rotation (QK norm)
    norm: str = "layer"  # a name of NORMS
    post_norm: bool = False  # norms after the residual additions (Vaswani et al. 2017)
    residual: bool = True  # each part of a block adds to the stream; else its output takes the stream's place
    embed_norm: bool = False  # the embeddings are normalised before block 0
    causal: bool = True  # a token sees itself and what came before; else everything
    segments: int = 0  # segments that a token can belong to, each with an embedding that is added
    image: int = 0  # pixels along each side of an image, for models that read images instead of tokens
    patch: int = 0  # pixels along each side of a patch
    channels: int = 1  # values per pixel: 1 grey, 3 red, green and blue
    filters: tuple[int, ...] = ()  # of each convolution of an image; none: it is cut into patches
    strides: tuple[int, ...] = ()  # of each; their product is the side of a patch, from cell to cell
    kernel: int = 3  # side of a filter
    classes: int = 0  # classes of images, scored from the first vector
    ending: str = "logits"  # a name of ENDINGS: the output head
    next_sentence: bool = False  # also predict, from the first token, whether the second text follows
    activation: str = "gelu"  # a name of engine.model.mlp.ACTIVATIONS
    positions: str = "learned"  # a name of engine.position.POSITIONS
    rotary_base: float = 10_000.0  # of rotary positions: the base of the frequencies
    buckets: int = 32  # of relative positions: buckets of distances, each with a bias per head
    max_distance: int = 128  # of relative positions: distances beyond it share the last bucket
    norm_eps: float = 1e-5
    scale_embedding: bool = False  # embeddings times √D (Vaswani et al. 2017, section 3.4)
    scale_logits: bool = False  # the last vectors divided by √D before the logits (T5)
    tied: bool = True  # the token table is also the output matrix (tied weights)
    scale_scores: bool = True  # divide q·k by the square root of the head's width
    scale_by_layer: bool = False  # and by the block's number, counted from 1

    def __post_init__(self):
        if self.key_heads is None:
            object.__setattr__(self, "key_heads", self.heads)
        for name in ("filters", "strides"):  # of a file they are lists
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        least = {"vocabulary": int(not self.image), "image": 0, "patch": int(bool(self.image)), "segments": 0}
        least |= {"classes": int(self.ending == "classes"), "memory": 0, "buckets": 4, "max_distance": 1}
        least |= {"experts": 0, "experts_used": 1, "kernel": 1, "layers": int(not self.filters)}
        least |= {} if self.head_width is None else {"head_width": 1}
        for name in ("context", "width", "heads", "mlp_width", "key_heads", "channels", *least):
            size = getattr(self, name)
            low = least.get(name, 1)
            if type(size) is not int or size < low:
                raise ValueError(f"{name} is {size!r}; it must be a whole number of {low} or more")
        for name in BOOLS:
            if type(getattr(self, name)) is not bool:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be true or false")
        for name in ("norm_eps", "rotary_base"):
            number = getattr(self, name)
            if type(number) not in (int, float) or not 0 < number < math.inf:
                raise ValueError(f"{name} is {number!r}; it must be a number above 0")
        for name, known in (("positions", POSITIONS), ("norm", NORMS), ("ending", ENDINGS)):
            if getattr(self, name) not in tuple(known):
                raise ValueError(f"{name} is {getattr(self, name)!r}; known are {', '.join(known)}")
        if self.head_width is None and self.width % self.heads:
            raise ValueError(
                f"width {self.width} cannot be divided among {self.heads} heads: "
                "choose a number of heads that divides it"
            )
        if self.head_width is None:
            object.__setattr__(self, "head_width", self.width // self.heads)
        if self.heads % self.key_heads:
            raise ValueError(f"{self.heads} heads cannot share {self.key_heads} key_heads evenly")
        if self.image and self.image % self.patch:
            raise ValueError(
                f"an image of {self.image} pixels a side cannot be cut into patches of {self.patch} a side: "
                f"{self.image} is not divisible by {self.patch}"
            )
        if self.filters or self.strides:
            self._check_filters()
        if self.image and self.context != self.patches + self.leading:
            what = "one for each cell" if self.filters else "its patches and one more"
            raise ValueError(
                f"an image of {self.image} pixels a side in patches of {self.patch} needs a context of "
                f"{self.patches + self.leading}, {what}, not {self.context}"
            )
        if self.image and (self.positions == "sinusoidal" or self.scale_embedding):
            raise ValueError("patches have learned positions and no scale: no sinusoidal, no scale_embedding")
        if self.positions == "relative" and self.max_distance <= self.near:
            raise ValueError(
                f"max_distance is {self.max_distance}; with {self.buckets} buckets distances below {self.near} "
                "have their own, so it must be above that"
            )
        if self.experts and self.experts_used > self.experts:
            raise ValueError(f"a token cannot go to {self.experts_used} experts_used of {self.experts} experts")
        if self.experts and (not self.gated or self.mlp_bias):
            raise ValueError("experts are gated MLPs without biases: gated must be true, mlp_bias false")
        if self.rotary and self.head_width % 2:
            raise ValueError(f"rotary positions rotate pairs of values; head_width {self.head_width} is odd")

    def _check_filters(self) -> None:
        """A ValueError where the convolutions do not lead from an image to the blocks."""
        for name in ("filters", "strides"):
            sizes = getattr(self, name)
            if not isinstance(sizes, tuple) or not all(type(n) is int and n >= 1 for n in sizes):
                raise ValueError(f"{name} is {sizes!r}; it must be a list of whole numbers of 1 or more")
        if not self.image or len(self.filters) != len(self.strides):
            raise ValueError(
                f"there are {len(self.filters)} filters and {len(self.strides)} strides, image is "
                f"{self.image}; each convolution of an image needs one of both"
            )
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel is {self.kernel}; it must be odd, so that a filter has a middle")
        if self.filters[-1] != self.width:
            raise ValueError(f"the last of filters is {self.filters[-1]}; it must be the width, {self.width}")
        if math.prod(self.strides) != self.patch:
            raise ValueError(
                f"strides {', '.join(map(str, self.strides))} lead from {math.prod(self.strides)} pixels to a "
                f"cell, not from {self.patch}: patch must be their product"
            )
        if self.ending != "nothing" or self.causal:
            raise ValueError("cells of convolutions are handed on: ending must be 'nothing', causal False")
        if self.positions not in ("learned", "none"):
            raise ValueError(f"positions is {self.positions!r}; cells have 'learned' ones or 'none'")

    @property
    def rotary(self) -> bool:
        """Whether queries and keys are rotated by their position."""
        return self.positions == "rotary"

    @property
    def patches(self) -> int:
        """N, patches of an image, or cells of its last feature map."""
        return (self.image // self.patch) ** 2

    @property
    def leading(self) -> int:
        """How many vectors stand before those of an image's patches: a learned one, or none before cells."""
        return int(bool(self.image) and not self.filters)

    @property
    def group_size(self) -> int:
        """How many heads share one head of keys and values (Ainslie et al. 2023); 1: each has its own."""
        return self.heads // self.key_heads

    @property
    def kept(self) -> int:
        """How many numbers a KV cache keeps per token: a key and a value for G heads, in every block."""
        return 2 * self.layers * self.key_heads * self.head_width

    @property
    def near(self) -> int:
        """Of relative positions: distances below this have their own bucket, on each visible side."""
        return self.buckets // 2 if self.causal else self.buckets // 2 // 2

    @property
    def stacks(self) -> tuple["Config", ...]:
        """The configs of all stacks that read: here itself."""
        return (self,)

    def scale(self, layer: int) -> float:
        """What block `layer` multiplies q·k by: 1/√E (Vaswani et al. 2017, section 3.2.1)."""
        scale = self.head_width**-0.5 if self.scale_scores else 1.0
        return scale / (layer + 1) if self.scale_by_layer else scale


@dataclass(frozen=True)
class PairConfig:
    """An encoder, and a decoder that attends to the encoder's last vectors by cross-attention."""

    encoder: Config
    decoder: Config
    start: int  # the token that the decoder reads first
    end: int  # the token that ends what it writes
    shared: bool = False  # both use one token table

    def __post_init__(self):
        a, b = self.encoder, self.decoder
        _check_handing_over(a, b.memory)
        if not b.causal or b.ending != "logits" or b.image:
            raise ValueError("a decoder beside an encoder writes tokens: causal must be True, ending 'logits'")
        if a.segments or b.segments:
            raise ValueError("each of two stacks reads one text without segments: segments must be 0")
        for name in ("start", "end"):
            id = getattr(self, name)
            if type(id) is not int or not 0 <= id < b.vocabulary:
                raise ValueError(f"{name} is {id!r}; it must be a token from 0 to {b.vocabulary - 1}")
        if type(self.shared) is not bool:
            raise ValueError(f"shared is {self.shared!r}; it must be true or false")
        if self.shared and (a.image or (a.vocabulary, a.width) != (b.vocabulary, b.width)):
            raise ValueError(
                "encoder and decoder can share a token table only if both have one of the same size"
            )

    @property
    def stacks(self) -> tuple[Config, Config]:
        """The configs of the encoder and of the decoder."""
        return self.encoder, self.decoder

    @property
    def context(self) -> int:
        """The longest text that both can read, in tokens."""
        return min(stack.context for stack in self.stacks)


def _check_handing_over(encoder: Config, width: int) -> None:
    """A ValueError if an encoder does not give its decoder vectors of width `width`."""
    if encoder.ending != "nothing" or encoder.next_sentence or encoder.memory:
        raise ValueError("an encoder beside a decoder passes on its last vectors: its ending must be 'nothing'")
    if encoder.width != width:
        raise ValueError(f"the decoder attends to vectors of width {width}; the encoder's have {encoder.width}")


CELLS = ("rnn", "gru", "lstm")
ATTENTIONS = ("none", "additive", "dot")


@dataclass(frozen=True)
class RecurrentConfig:
    """The shape of a recurrent encoder–decoder, or of a decoder `alone`: a language model.

    The encoder reads a text as the decoder does, or images (`encoder`): then the sizes are only the decoder's.
    """

    vocabulary: int  # V, entries of each token table: the source's and the target's
    context: int  # longest source and longest target, in tokens
    width: int  # D, width of embeddings and states
    start: int  # the token that the decoder reads first
    end: int  # the token that ends what it writes
    cell: str = "gru"  # a name of CELLS
    attention: str = "additive"  # a name of ATTENTIONS: how the decoder looks back at the source
    encoder: Config | None = None  # of models that read images: what reads them; None: reads text
    alone: bool = False  # without an encoder; its scores are by the token table (tied weights)

    image = segments = 0  # it reads tokens, of one text
    causal, ending = True, "logits"  # and scores what comes after each

    def __post_init__(self):
        for name in ("vocabulary", "context", "width"):
            size = getattr(self, name)
            if type(size) is not int or size < 1:
                raise ValueError(f"{name} is {size!r}; it must be a whole number of 1 or more")
        for name in ("start", "end"):
            id = getattr(self, name)
            if type(id) is not int or not 0 <= id < self.vocabulary:
                raise ValueError(f"{name} is {id!r}; it must be a token from 0 to {self.vocabulary - 1}")
        for name, known in (("cell", CELLS), ("attention", ATTENTIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; known are {', '.join(known)}")
        if type(self.alone) is not bool:
            raise ValueError(f"alone is {self.alone!r}; it must be true or false")
        if self.alone and (self.attention != "none" or self.encoder is not None):
            raise ValueError(
                f"a decoder alone has nothing to look back at: attention must be 'none', not "
                f"{self.attention!r}, and encoder None"
            )
        if self.encoder is not None:
            self._check_encoder()

    def _check_encoder(self) -> None:
        e = self.encoder
        if not isinstance(e, Config):
            raise ValueError(f"encoder is {e!r}; it must be the Config of a stack that reads images, or None")
        if not e.image or e.causal or e.segments:
            raise ValueError(
                f"the encoder has image {e.image}, causal {e.causal}, segments {e.segments}; beside a "
                "recurrent decoder it must read images, all at once: image above 0, causal False, segments 0"
            )
        _check_handing_over(e, self.width)

    @property
    def stacks(self) -> tuple["Config | RecurrentConfig", ...]:
        """The configs of the encoder (a stack that reads images, or this one) and of the decoder, or of it
        alone."""
        return (self,) if self.alone else (self.encoder or self, self)
