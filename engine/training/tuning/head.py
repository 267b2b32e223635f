"""A classification head on a model that was trained for something else."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.model.attention import Attention
from engine.model.transformer import Transformer
from engine.trace.inputs import inputs_of
from engine.training.tuning.data import Example

FORM = "Review: {x}\nSentiment:"  # how a decoder reads a review: as in a prompt, up to the answer
PAIR = "{0} [SEP] {1}"  # how an encoder reads two texts


@dataclass(frozen=True, eq=False)
class Batch:
    """Texts as a model reads them.

    ids [B, T], padding [B, T] (True = a real token), segments [B, T] or None, labels [B]
    """

    ids: Tensor
    padding: Tensor | None
    segments: Tensor | None
    labels: Tensor

    def rows(self, chosen: Sequence[int]) -> "Batch":
        """Some of its texts, without columns that are padding in all of them."""
        places = torch.as_tensor(chosen, device=self.ids.device)
        if self.padding is None:
            return Batch(self.ids[places], None, None, self.labels[places])
        long = int(self.padding[places].sum(-1).max())
        cut = [None if x is None else x[places, :long] for x in (self.ids, self.padding, self.segments)]
        return Batch(*cut, self.labels[places])


def batch_of(model: Transformer, examples: Sequence[Example]) -> Batch:
    """All examples as one batch, filled up at the end; a ValueError where one is too long for the model."""
    texts = [PAIR.format(*one.texts) if len(one.texts) == 2 else FORM.format(x=one.text) for one in examples]
    if model.config.causal is False and len(examples[0].texts) == 1:
        texts = [one.text for one in examples]
    read = inputs_of(model, texts)
    padding = torch.ones_like(read.ids, dtype=torch.bool) if read.padding is None else read.padding
    check_fit(model, padding)
    labels = torch.tensor([one.label for one in examples], device=read.ids.device)
    return Batch(read.ids, padding, read.segments, labels)


def check_fit(model: Transformer, padding: Tensor) -> None:
    """A ValueError where a text has more tokens than the model reads."""
    longest = int(padding.sum(-1).max())
    if longest > model.config.context:
        raise ValueError(
            f"the longest text has {longest} tokens; {model.name} reads {model.config.context}: shorten it"
        )


def copy_of(model: Transformer) -> Transformer:
    """A model with the same numbers, whose weights may change: the one that is shared never does."""
    own = copy.deepcopy(model)
    for module in own.modules():
        if isinstance(module, Attention):
            module.joined = {}  # made of the weights as they were
    for p in own.parameters():
        p.requires_grad_(True)
    return own


class Classifier(nn.Module):
    """A model, and a linear head that scores labels by its vector of the last token, or of [CLS].

    A causal model has read the whole text only at its last token; of one that reads both ways the first, [CLS]
    (or an image's first vector), stands for all (Devlin et al. 2018).
    """

    def __init__(self, model: Transformer, labels: int):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.config.width, labels, device=model.device)
        nn.init.zeros_(self.head.weight)  # before the first step every label is as probable as any other
        nn.init.zeros_(self.head.bias)

    def features(self, batch: Batch) -> Tensor:
        """The vectors that the head reads [B, D]."""
        model = self.model
        padding = None if model.config.causal else batch.padding  # what comes later changes no causal vector
        x = model.stream(batch.ids, model.context(batch.ids, padding), batch.segments)
        x = x if model.final_norm is None else model.final_norm(x)
        if not model.config.causal:
            return x[:, 0]
        return x[torch.arange(len(x), device=x.device), batch.padding.sum(-1) - 1]

    def forward(self, batch: Batch) -> Tensor:
        """Scores [B, labels]."""
        return self.head(self.features(batch))

    def loss(self, batch: Batch) -> Tensor:
        """Nats per text."""
        return F.cross_entropy(self(batch), batch.labels)


@torch.no_grad()
def features_of(classifier: Classifier, batch: Batch, size: int = 40) -> Tensor:
    """The vectors of many texts [N, D], `size` at a time."""
    rows = range(len(batch.labels))
    return torch.cat([classifier.features(batch.rows(rows[i : i + size])) for i in rows[::size]])


@torch.no_grad()
def scores_of(classifier: Classifier, batch: Batch) -> Tensor:
    """The scores of many texts [N, labels]."""
    return classifier.head(features_of(classifier, batch))
