"""One fine-tuning: which numbers of a model are trained, on which examples, and what came of it."""

import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.model.build import fresh
from engine.model.transformer import Transformer
from engine.training.evaluate.language import bits_per_byte
from engine.training.tuning import lora
from engine.training.tuning.data import Example, Labelled, passage
from engine.training.tuning.head import Batch, Classifier, batch_of, copy_of, features_of, scores_of

WAYS = ("head", "lora", "all", "random")
HEAD_RATE = 0.01  # of the head, which starts at 0
HEAD_STEPS = 200  # of the head alone: its vectors are computed once, and a step costs next to nothing
DIVERGED = "the loss is no number any more: choose a lower learning rate"
CLIP = 1.0  # the largest norm of all gradients together
LARGEST_RATE = 10.0
MOST_STEPS = 2000


@dataclass(frozen=True)
class Recipe:
    """How a model is tuned.

    way      "all": every weight; "head": the head alone; "lora": the head and A and B of LoRA; "random": every
             weight, from a random start instead of the trained one
    rate     of AdamW, falling to 0 in a straight line; of the head it is HEAD_RATE
    batch    examples a step, drawn anew for each
    rank, targets   of LoRA
    """

    way: str = "all"
    steps: int = 60
    rate: float = 1e-3
    batch: int = 8
    rank: int = 4
    targets: str = "queries and values"
    seed: int = 0

    def __post_init__(self):
        if self.way not in WAYS:
            raise ValueError(f"there is no way {self.way!r}; known are {', '.join(WAYS)}")
        if not 0 < self.rate <= LARGEST_RATE:
            raise ValueError(
                f"the learning rate is {self.rate:g}; it is a number above 0 and up to {LARGEST_RATE:g}, "
                "and 0.0001 to 0.003 is what mostly works"
            )
        for name, most in (("steps", MOST_STEPS), ("batch", 200)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a whole number from 1 to {most}")


@dataclass(eq=False)
class Tuned:
    """What a fine-tuning left.

    right    which held-out examples it got right [N]; probabilities [N, labels]
    numbers  how many numbers were trained, of `of`; kept: bytes kept for the backward pass of one step
    losses   of every step, in nats
    """

    classifier: Classifier
    recipe: Recipe
    right: np.ndarray
    probabilities: np.ndarray
    seconds: float
    numbers: int
    of: int
    kept: int
    losses: list[float] = field(default_factory=list)

    @property
    def memory(self) -> int:
        """Bytes of the weights, of the gradients and of AdamW's two averages of each number that is trained,
        and of what was kept for the backward pass."""
        return 4 * self.of + 3 * 4 * self.numbers + self.kept


def prepare(model: Transformer, labels: int, recipe: Recipe) -> Classifier:
    """A copy of a model (or its shape at a random start) with a head, and what is to be trained marked."""
    torch.manual_seed(recipe.seed)
    if recipe.way == "random":
        own = copy_of(model)
        own.load_state_dict(fresh(model.config, recipe.seed).state_dict())
    else:
        own = copy_of(model)
    if recipe.way == "head":
        own.requires_grad_(False)
    if recipe.way == "lora":
        lora.inject(own, recipe.rank, recipe.targets)
    return Classifier(own, labels)


def optimizer_of(classifier: Classifier, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW for what is trained, with another rate for the head."""
    head = list(classifier.head.parameters())
    rest = [p for p in classifier.model.parameters() if p.requires_grad]
    groups = [{"params": head, "lr": HEAD_RATE}] + ([{"params": rest, "lr": recipe.rate}] if rest else [])
    return torch.optim.AdamW(groups, weight_decay=0.01)


def count_trained(classifier: Classifier) -> tuple[int, int]:
    """How many numbers are trained, and how many there are."""
    each = list(classifier.parameters())
    return sum(p.numel() for p in each if p.requires_grad), sum(p.numel() for p in each)


def step(classifier: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch, share: float) -> float:
    """One step down the gradient of a batch's loss, at this share of the full rates; returns the loss
    before it, in nats. A ValueError where it is no number any more."""
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("full", group["lr"]) * share
    loss = classifier.loss(batch)
    if not math.isfinite(loss.item()):
        raise ValueError(DIVERGED)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_([p for p in classifier.parameters() if p.requires_grad], CLIP)
    optimizer.step()
    return loss.item()


def tune(
    model: Transformer, of: Labelled, learned: Sequence[Example], recipe: Recipe
) -> Iterator[dict | Tuned]:
    """Tune a copy of a model on some examples, step by step: {"step", "steps", "loss"}; a Tuned last."""
    classifier = prepare(model, len(of.labels), recipe)
    learn, held = batch_of(model, learned), batch_of(model, of.held)
    begun, losses = time.perf_counter(), []
    if recipe.way == "head":
        losses = head_alone(classifier, features_of(classifier, learn), learn.labels)
        seconds, kept = time.perf_counter() - begun, 4 * learn.labels.numel() * model.config.width
    else:
        optimizer, draw, kept = optimizer_of(classifier, recipe), random.Random(f"batches {recipe.seed}"), 0
        for i in range(recipe.steps):
            chosen = draw.sample(range(len(learned)), min(recipe.batch, len(learned)))
            with Kept() as now:
                losses.append(step(classifier, optimizer, learn.rows(chosen), 1 - i / recipe.steps))
            kept = max(kept, now.bytes)
            yield {"step": i + 1, "steps": recipe.steps, "loss": losses[-1]}
        seconds = time.perf_counter() - begun
    shares = scores_of(classifier, held).softmax(-1).cpu().numpy()
    if not np.isfinite(shares).all():
        raise ValueError(DIVERGED)
    right = shares.argmax(-1) == of.truth()
    yield Tuned(classifier, recipe, right, shares, seconds, *count_trained(classifier), kept, losses)


def tuned(model: Transformer, of: Labelled, learned: Sequence[Example], recipe: Recipe) -> Tuned:
    """The same at once."""
    *_, last = tune(model, of, learned, recipe)
    return last


def head_alone(
    classifier: Classifier, features: Tensor, labels: Tensor, steps: int = HEAD_STEPS
) -> list[float]:
    """Train the head on vectors [N, D] that do not change; the losses in nats."""
    optimizer = torch.optim.AdamW(classifier.head.parameters(), lr=HEAD_RATE, weight_decay=0.01)
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(classifier.head(features), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


class Kept(torch.autograd.graph.saved_tensors_hooks):
    """Counts the bytes of what a forward pass keeps for the backward pass, the weights themselves apart."""

    def __init__(self):
        self.bytes, self._seen = 0, set()
        super().__init__(self._keep, lambda x: x)

    def __enter__(self) -> "Kept":
        super().__enter__()
        return self

    def _keep(self, x: Tensor) -> Tensor:
        place = x.untyped_storage().data_ptr()
        if not isinstance(x, nn.Parameter) and not (x.is_leaf and x.requires_grad) and place not in self._seen:
            self._seen.add(place)
            self.bytes += x.untyped_storage().nbytes()
        return x


def forgotten(model: Transformer) -> float:
    """What a model's words cost in a book that it never read, in bits a byte."""
    row = np.array(model.tokenizer.encode_file(passage()))
    return bits_per_byte(model, row, model.tokenizer, model.config.context)
