"""One view of one trace: what every step of the walk draws from."""

import math
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import blake2s

import numpy as np

from app import compute
from app.architecture import Facts, facts_of, own_mask
from app.edits import Edits, found
from app.once import once
from app.state import View
from app.ui.labels import patch_labels, token_labels
from engine.analysis import ends
from engine.config import Config, RecurrentConfig
from engine.decode import Decoding
from engine.model.transformer import Transformer
from engine.spans import together, told
from engine.trace import Trace
from engine.trace.tap import Edit
from engine.worked import Worked

ACTIVATIONS = {"gelu_tanh": "GELU", "gelu": "GELU", "relu": "ReLU", "silu": "SiLU"}  # as papers call them
WINDOW = 4  # tokens, where a mask needs a number
NORMS = {"layer": "LayerNorm", "rms": "RMSNorm", "none": ""}


@dataclass(frozen=True)
class StepContext:
    view: View  # with layer, head, token and key that exist
    model: Transformer
    given: compute.Given  # what the model reads
    trace: Trace
    side: str = ""  # of a model with two stacks, the one shown: "encoder" or "decoder"

    @property
    def stack(self) -> Transformer:
        """The stack of blocks shown."""
        return self.model.get_submodule(self.side)

    @property
    def config(self) -> Config:
        return self.stack.config

    @once
    def labels(self) -> list[str]:
        return patch_labels(self.config) if self.config.image else token_labels(self.tokens)

    @once
    def names(self) -> list[str]:
        """The labels as sentences use them: a text that occurs more than once has its position after it."""
        bare = [label.removeprefix("·") for label in self.labels]
        count = Counter(bare)
        pairs = enumerate(zip(self.labels, bare, strict=True))
        return [f"{label} ({i})" if count[text] > 1 else label for i, (label, text) in pairs]

    @property
    def tokens(self) -> list[bytes]:
        """The bytes of each token that the stack reads."""
        return self.trace.target_tokens() if self.side == "decoder" else self.trace.tokens()

    @property
    def text(self) -> str:
        """The text that the tokens encode, without those that begin or end it."""
        special = set(self.model.tokenizer.special.values())
        parts = (token for token, id in zip(self.tokens, self.ids, strict=True) if id not in special)
        return b"".join(parts).decode("utf-8", "replace")

    @once
    def filled(self) -> list[tuple[str, int | None]]:
        """Of a model that fills spans, the source put together: pieces of text, and which of the sentinels each
        stands for (None: it was read)."""
        tokenizer = self.model.tokenizer
        parts = together(tokenizer, self.memory.ids, replace(self, side="decoder").ids)
        names = {id: n for n, id in enumerate(tokenizer.sentinels)}
        pieces = [(told(tokenizer, part.ids), names.get(part.sentinel)) for part in parts]
        return [(pieces[0][0].removeprefix(" "), pieces[0][1]), *pieces[1:]] if pieces else []

    @property
    def filled_text(self) -> str:
        """The same in one line; empty where the source has no gap."""
        gaps = any(number is not None for _, number in self.filled)
        return " ".join("".join(piece for piece, _ in self.filled).split()) if gaps else ""

    @property
    def position(self) -> int:
        """The position after which the next token is predicted: the picked one."""
        return self.view.token

    @property
    def gap(self) -> int | None:
        """The position of the first [MASK], if there is one."""
        mask = getattr(self.model.tokenizer, "mask", None)
        return self.ids.index(mask) if mask in self.ids else None

    @property
    def usual(self) -> int | None:
        """The position that is picked where none was: the gap; in a decoder beside an encoder the one after
        which most is open, without what-ifs, or the last of a text that a person gave. None: as anywhere."""
        if self.side != "decoder":
            sentinels = getattr(self.model.tokenizer, "sentinels", ())
            return next((t for t, id in enumerate(self.ids) if id in sentinels), self.gap)
        at = tuple(range(len(self.labels)))
        if self.view.target:
            return at[-1]
        _, shares = compute.best(self.model.name, self.given, self.outcome[0], at, 1)
        return int(shares[:, 0].argmin())

    @property
    def ids(self) -> list[int]:
        """The tokens' ids; of an image's patches or cells their numbers, a vector before them counted, too."""
        if self.config.image:
            return list(range(self.config.context))
        return (self.trace.target if self.side == "decoder" else self.trace.ids)[0].tolist()

    @once
    def memory(self) -> "StepContext":
        """The encoder of the same run, which the decoder attends to by cross-attention."""
        return replace(self, side="encoder")

    def positions(self, point: str) -> list[str]:
        """The labels of the keys' positions at a point: the encoder's in cross-attention."""
        return self.memory.labels if self.trace.table[point].part == "cross" else self.labels

    @property
    def token(self) -> str:
        """The name of the query's token."""
        return self.names[self.view.token]

    @property
    def key(self) -> str:
        return self.names[min(self.view.key, len(self.names) - 1)]

    @once
    def facts(self) -> Facts:
        """The facts of this model, which choose among the texts and their parts."""
        return facts_of(self.model, self.side)

    @once
    def values(self) -> dict[str, object]:
        """Values that any text may use: the sizes of this model and the names of its parts."""
        c = self.config
        if isinstance(c, RecurrentConfig):
            return {"width": c.width} | self.pieces
        root = math.sqrt(c.head_width)
        n = min(self.window, len(self.labels))
        sizes = dict(width=c.width, head_width=c.head_width, root=root, n=n, rest=max(len(self.labels) - n, 1))
        sizes |= dict(experts=c.experts, used=c.experts_used)
        return dict(norm=NORMS[c.norm], activation=self.activation, **sizes, **self.pieces)

    @property
    def pieces(self) -> dict[str, str]:
        """What one of an image's vectors is called, and several."""
        piece = "cell" if self.facts["cells"] else "patch"
        return {"piece": piece, "pieces": "cells" if piece == "cell" else "patches"}

    @property
    def activation(self) -> str:
        """The activation's name in papers."""
        return ACTIVATIONS[self.config.activation]

    @property
    def masking(self) -> Edit | None:
        """The what-if that gives the picked block another mask."""
        return self.edit_of("attn.mask", "mask")

    @property
    def mask(self) -> str:
        """The picked block's mask; the model's own by its rule's name, where that is one to pick."""
        if self.masking:
            return self.masking.value[0]
        return own_mask(self.config) if self.config.causal or self.config.image else "own"

    @property
    def window(self) -> int:
        """The n of the mask in use, or of the one that would be picked."""
        return self.masking.value[1] if self.masking else WINDOW

    def head_in(self, point: str) -> int:
        """Which head of a point the picked head works with: several may share one."""
        shared = self.axes(point).startswith("G")
        return self.view.head // self.config.group_size if shared else self.view.head

    @property
    def seen(self) -> list[int]:
        """The positions that the picked token may look at, in the picked head."""
        allowed = self.trace[self.point("attn.mask")][0, self.view.head, self.view.token]
        return allowed.nonzero().flatten().tolist()

    def point(self, name: str) -> str:
        """The full name of a point of the picked block."""
        return self.whole(f"blocks.{self.view.layer}.{name}")

    def whole(self, name: str) -> str:
        """The full name of a point of the stack, outside its blocks or with their number."""
        return f"{self.side}.{name}" if self.side else name

    @property
    def ends(self) -> list[str]:
        """The points of the stream before the first block and after each."""
        return [self.whole(end) for end in ends(self.config)]

    def sources(self, point: str) -> tuple[str, ...]:
        """The points that a point is made from."""
        return self.trace.table[point].sources

    def axes(self, point: str) -> str:
        """The point's axes without the batch."""
        return self.trace.table[point].axes[1:]

    def array(self, point: str) -> np.ndarray:
        """The point's numbers for this prompt, without the batch axis."""
        return self.trace[point][0].cpu().numpy()

    @property
    def edits(self) -> Edits:
        """The what-ifs that the run was made with."""
        return self.trace.edits

    def with_edits(self, edits: Edits) -> "StepContext":
        """The same view of the run with these what-ifs and no others."""
        return replace(self, trace=compute.trace(self.model.name, self.given, edits))

    def edit_of(self, name: str, op: str = "", at: dict | None = None) -> Edit | None:
        """The what-if of a point of the picked block."""
        return found(self.edits, self.point(name), op, at)

    def strongest(self, **points: str) -> "StepContext":
        """The same view, a key or a unit picked where none was: the index of the largest value in size that a
        point has for the picked head and token."""
        unpicked = {name: point for name, point in points.items() if getattr(self.view, name) < 0}
        found = {name: self._largest(point) for name, point in unpicked.items()}
        return replace(self, view=replace(self.view, **found)) if found else self

    def _largest(self, point: str) -> int:
        places = {"H": self.view.head, "G": self.head_in(point), "T": self.view.token}
        places["N"] = max(self.view.token - 1, 0)  # no patch is the first vector
        row = self.trace[point][(0, *(places[axis] for axis in self.axes(point)[:-1]))]
        return int(row.abs().argmax())

    @property
    def outcome(self) -> tuple[str, tuple[int, ...]]:
        """The point of the model's answer, and at which position it is read off: after the picked token."""
        if "classes" in self.trace.table:
            return "classes", ()
        if self.side == "encoder":
            return "decoder.logits", (self.trace.target.shape[1] - 1,)
        return self.whole("logits"), (self.view.token if self.gap is None else self.gap,)

    def choice(self, point: str, at: tuple[int, ...], decoding: Decoding = Decoding("sample")) -> Worked:
        """The arithmetic of a probability: of the answer `at`, a position if there are several and an entry."""
        return compute.choice_by_hand(self.model.name, self.given, point, at, decoding, self.trace.edits)

    def checked(self, point: str):
        return compute.checked(self.model.name, self.given, point, self.trace.edits)

    @property
    def source(self) -> str:
        """Which model the numbers come from, and whether it was changed for them."""
        return self.model.name + (", what if" if self.trace.edits else "")

    def id_of(self, point: str, variant: str = "") -> str:
        """A name for a tensor in the page: the same tensor has the same name."""
        return f"{self.model.name}{compute.version(self.model.name)}|{self._run}|{point}|{variant}"

    @once
    def _run(self) -> str:
        """A name for what was read and changed, the same on every server."""
        return blake2s(repr((self.given, self.edits)).encode("utf-8", "replace"), digest_size=8).hexdigest()

    def answer(self, index: int) -> str:
        """What one of the model's scores is for: an entry of the vocabulary, or a class."""
        return self.model.labels[index] if self.model.labels else self.label_of(index)

    def label_of(self, token_id: int) -> str:
        return token_labels([self.model.tokenizer.shown(token_id)])[0]
