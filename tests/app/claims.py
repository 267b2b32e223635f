"""What a text may say of which model: each pattern, wherever it is shown, needs what stands beside it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.state import View
from engine.config import Config, RecurrentConfig
from tests.app.visit import formulas, markdown, parts, within


@dataclass(frozen=True)
class Stack:
    """The stack that a page is about, and how it is looked at."""

    model: object
    side: str
    view: View

    @property
    def config(self) -> Config | RecurrentConfig:
        return self.model.get_submodule(self.side).config

    @property
    def recurrent(self) -> bool:
        return isinstance(self.config, RecurrentConfig)

    @property
    def sees(self) -> bool:
        """Whether it reads an image, or is a decoder that looks at one."""
        return bool(self.model.reads[0].image)

    @property
    def cells(self) -> bool:
        """Whether it, or the encoder that it looks at, reads an image through convolutions."""
        return bool(getattr(self.model.reads[0], "filters", ()))

    @property
    def scores(self) -> bool:
        """Whether it scores the entries of a vocabulary."""
        return self.side != "encoder" if self.recurrent else self.config.ending in ("logits", "masked")

    @property
    def tied(self) -> bool:
        """Whether the scores are by the token table."""
        return self.config.alone if self.recurrent else self.config.tied

    def has(self, **choices) -> bool:
        """Whether it is a stack of blocks with these choices in its config."""
        c = self.config
        return not self.recurrent and all(getattr(c, name) == value for name, value in choices.items())


Claim = tuple[str, Callable[[Stack], bool]]

CLAIMS: list[Claim] = [  # in the signs that a page shows: of a formula without its LaTeX
    # norms, and where they are
    (r"(?<!Unlike in )LayerNorm|γ and β|\+β", lambda s: s.has(norm="layer")),
    (r"RMSNorm|root mean square", lambda s: s.has(norm="rms")),
    (
        r"Before each part|normalised once more|after a last norm|normalised stream",
        lambda s: s.has(post_norm=False) and not s.has(norm="none"),
    ),
    (r"residual stream|untouched", lambda s: s.has(post_norm=False, residual=True)),
    (r"[Aa]fter each part|each sum is then|normalises the sum", lambda s: s.has(post_norm=True)),
    (r"added, then normalised|normalised before it enters", lambda s: s.has(embed_norm=True)),
    # positions
    (r"rotated|turned|q~|radians", lambda s: s.has(positions="rotary")),
    (r"(?i)sines and cosines|sin\(", lambda s: s.has(positions="sinusoidal")),
    (r"\*\*relative positions|learned the number", lambda s: s.has(positions="relative")),
    (r"ALiBi|slope", lambda s: s.has(positions="alibi")),
    (r"\+Bt,s", lambda s: s.has(positions="relative") or s.has(positions="alibi")),
    (r"position picks a row|\+WP", lambda s: s.has(positions="learned")),
    (r"[Tt]imes √D|multiplied by √D", lambda s: s.has(scale_embedding=True)),
    # attention
    (r"QK norm|γq", lambda s: s.has(qk_norm=True)),
    (r"plus b_[QKV]|\+b[QKVOe]", lambda s: s.has(attention_bias=True)),
    (r"grouped|shares? (its|number|with)", lambda s: not s.recurrent and s.config.group_size > 1),
    (r"KV cache", lambda s: not s.recurrent and s.config.causal and s.config.group_size > 1),
    (r"d_k|dk|did not divide", lambda s: s.has(scale_scores=True)),
    (r"block's number|\(l\+1\)", lambda s: s.has(scale_by_layer=True) or s.view.step == "layers"),
    (r"\*\*causal mask|Hide the future|never ahead|next token\b", lambda s: s.recurrent or s.config.causal),
    (r"bidirectional|padding mask", lambda s: s.has(causal=False, image=0)),
    (r"no mask|Images of one size", lambda s: bool(s.config.image)),
    (r"cross-attention\*\*", lambda s: not s.recurrent and bool(s.config.memory)),
    # the MLP
    (r"\+b[123]", lambda s: s.has(mlp_bias=True)),
    (r"\b[Ee]xperts?\b|router|nWr", lambda s: not s.recurrent and s.config.experts > 0),
    (r"many small detectors|units look at them", lambda s: s.has(experts=0)),
    (r"gated MLP|W3", lambda s: s.has(gated=True)),
    (r"GELU", lambda s: not s.recurrent and s.config.activation.startswith("gelu")),
    (r"ReLU", lambda s: s.has(activation="relu") or s.cells),
    (r"SiLU", lambda s: s.has(activation="silu")),
    # what is read off the end
    (r"W_?U|logit(?! lens)", lambda s: s.scores),
    (r"logit lens|Early rows", lambda s: not s.recurrent and s.config.ending != "nothing"),
    (r"next token\b", lambda s: s.scores),
    (r"tied weights|token table again", lambda s: s.tied and s.scores),
    (r"own output weights", lambda s: not s.tied),
    (r"\[MASK|\[SEP|masked language|WordPiece", lambda s: bool(s.config.segments)),
    (r"\[CLS", lambda s: bool(s.config.segments or s.config.image)),
    (r"next-sentence|one text follows|second text follow", lambda s: s.has(next_sentence=True)),
    (r"small letters", lambda s: bool(s.config.segments) and s.model.tokenizer.words("A") == ["a"]),
    (r"\bclass(es)?\b", lambda s: s.has(ending="classes")),
    (r"predicts nothing itself|\bmemory\b", lambda s: s.has(ending="nothing")),
    # what is read
    (r"\b([Pp]atch|[Ii]mages?\b|pixels?\b)", lambda s: s.sees),
    (r"all its red|how much red", lambda s: s.config.image and s.config.channels == 3),
    (r"brightness", lambda s: s.config.image and s.config.channels == 1),
    (r"\b([Ss]entence|[Tt]exts?\b(?! explorer)|[Ww]ords?\b)", lambda s: not s.config.image),
    (r"\bThe (en|de)coder\b|source text|teacher forcing", lambda s: len(s.model.reads) == 2),
    (r"source text|English", lambda s: not s.sees),
    (r"\bCNN|[Ff]ilters?\b|feature map|receptive field|stride", lambda s: s.cells),
    (r"first vector|[Pp]atch(es)?\b", lambda s: s.sees and (not s.cells or s.view.step == "maps")),
    # recurrent models
    (r"\b[Ss]tates?\b", lambda s: s.recurrent),
    (r"\b[Bb]locks?\b|attends?\b", lambda s: not s.recurrent),
    (r"bottleneck", lambda s: s.recurrent and s.side == "encoder"),
    (r"looks? back", lambda s: s.recurrent and s.config.attention != "none"),
    (r"v·tanh", lambda s: s.recurrent and s.config.attention == "additive"),
    (r"=st·hj", lambda s: s.recurrent and s.config.attention == "dot"),
    (r"Two vectors|\*\*forget|\*\*cell", lambda s: s.recurrent and s.config.cell == "lstm"),
    (r"\*\*reset", lambda s: s.recurrent and s.config.cell == "gru"),
    (r"One vector, the|vanilla", lambda s: s.recurrent and s.config.cell != "lstm"),
]


def shown(at) -> Iterator[str]:
    """All words of the step that a page shows: texts, formulas, titles of pictures; not the headline, which is
    of what the model as a whole reads and writes."""
    headline = set(within(at, "headline"))
    yield from (text for text in markdown(at) if text not in headline)
    yield from formulas(at)
    yield from (part["data"].get("title") or "" for part in parts(at) if isinstance(part["data"], dict))


def untrue(at, stack: Stack) -> list[tuple[str, str]]:
    """What a page says that is not so of the stack it is about: (the pattern, the text it is in)."""
    texts = list(shown(at))
    wrong = [pattern for pattern, is_so in CLAIMS if not is_so(stack)]
    return [(pattern, text) for pattern in wrong for text in texts if re.search(pattern, text)]
