"""The loss of a text over a plane through all weights of a model, and the paths of optimizers on it.

The plane is w + a·d₁ + b·d₂. Its directions are random with rows as long as the weights' own (filter
normalisation, Li et al. 2018), or two single weights. No weight of the model is touched.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import engine
from engine.model.build import model_of
from engine.training.optimizers import OPTIMIZERS, Settings, clip

FAR = 100.0  # a coordinate beyond this has run away: weights a hundred times as long as they were
TORCH = {
    "sgd": lambda p, s: torch.optim.SGD(p, s.rate),
    "momentum": lambda p, s: torch.optim.SGD(p, s.rate, momentum=s.beta1),
    "adam": lambda p, s: torch.optim.Adam(p, s.rate, (s.beta1, s.beta2), s.eps),
    "adamw": lambda p, s: torch.optim.AdamW(p, s.rate, (s.beta1, s.beta2), s.eps, s.decay),
}
Directions = tuple[dict[str, Tensor], dict[str, Tensor]]


class Slice:
    """The mean loss of a text's next tokens, in nats, at a point (a, b) of the plane.

    All weights lie one after the other in one vector, of which the model's are views.
    """

    def __init__(self, model: nn.Module, ids: list[int], directions: Directions):
        self.here = _joined(weights_of(model), model)
        self.directions = [_joined(direction, model) for direction in directions]
        self.moved = self.here.clone()
        self.views = _views(self.moved, model)
        with torch.device("meta"):
            self.shell = model_of(model.config)
        self.ids = torch.tensor([ids])

    def _loss(self, point: np.ndarray) -> Tensor:
        self.moved.copy_(self.here)
        for times, direction in zip(point, self.directions, strict=True):
            self.moved.add_(direction, alpha=float(times))
        logits = torch.func.functional_call(self.shell, self.views, (self.ids,))
        return F.cross_entropy(logits[0, :-1], self.ids[0, 1:])

    @torch.no_grad()
    def loss(self, a: float, b: float) -> float:
        """In nats."""
        return self._loss(np.array([a, b])).item()

    def gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss at a point, and its gradient along the two directions: that of all weights, times each."""
        for view in self.views.values():
            view.requires_grad_()
        loss = self._loss(point)
        slopes = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(self.views.values()))])
        return loss.item(), np.array([float(slopes @ d) for d in self.directions])


def _joined(weights: dict[str, Tensor], model: nn.Module) -> Tensor:
    """Numbers for all weights of a model in one vector; 0 where there are none."""
    all = weights_of(model)
    return torch.cat([weights.get(name, torch.zeros_like(w)).flatten() for name, w in all.items()])


def _views(vector: Tensor, model: nn.Module) -> dict[str, Tensor]:
    all = weights_of(model)
    parts = vector.split([w.numel() for w in all.values()])
    return {name: part.view(w.shape) for (name, w), part in zip(all.items(), parts, strict=True)}


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """All weights of a model by name, each once."""
    return {name: p.detach() for name, p in model.named_parameters()}


def random_directions(model: nn.Module, seed: int) -> Directions:
    """Two random directions whose rows have the length of the weights' rows; norms and biases stay (Li et al.
    2018, section 4)."""
    dice = torch.Generator().manual_seed(seed)

    def one() -> dict[str, Tensor]:
        found = {}
        for name, w in weights_of(model).items():
            if w.dim() > 1:
                d = torch.randn(w.shape, generator=dice)
                found[name] = d * w.norm(dim=1, keepdim=True) / d.norm(dim=1, keepdim=True)
        return found

    return one(), one()


def two_weights(model: nn.Module, ids: list[int], matrix: str) -> tuple[Directions, list[tuple[int, ...]]]:
    """The two weights of a matrix by which the loss is steepest, as directions; and where they are."""
    weights = weights_of(model)
    moved = weights | {matrix: weights[matrix].clone().requires_grad_()}
    with torch.device("meta"):
        shell = model_of(model.config)
    read = torch.tensor([ids])
    logits = torch.func.functional_call(shell, moved, (read,))
    (g,) = torch.autograd.grad(F.cross_entropy(logits[0, :-1], read[0, 1:]), moved[matrix])
    best = g.abs().flatten().topk(2).indices
    places = [tuple(int(i) for i in np.unravel_index(int(at), g.shape)) for at in best]
    directions = []
    for at in places:
        one = torch.zeros_like(weights[matrix])
        one[at] = 1.0
        directions.append({matrix: one})
    return tuple(directions), places


@dataclass(frozen=True)
class Way:
    """points [n + 1, 2]; the loss at each [n + 1]; the gradients there [n + 1, 2], as they are before clipping;
    how far torch's optimizer, given the same gradients, is from our last point."""

    points: np.ndarray
    losses: np.ndarray
    gradients: np.ndarray
    away: float


def torchs_step(name: str, point: np.ndarray, gradient: np.ndarray, s: Settings) -> np.ndarray:
    """Where torch's optimizer goes with its first step."""
    theirs = torch.tensor(point, requires_grad=True)
    theirs.grad = torch.tensor(gradient)
    TORCH[name]([theirs], s).step()
    return theirs.detach().numpy()


def path(plane: Slice, name: str, start: np.ndarray, steps: int, s: Settings, most: float = 0.0) -> Way:
    """The way of an optimizer on the plane, as far as it does not run away. most: norm to clip to; 0: none."""
    points, losses, gradients, memory = [np.array(start, float)], [], [], {}
    theirs = torch.tensor(points[0], requires_grad=True)
    judge = TORCH[name]([theirs], s)
    while True:
        loss, g = plane.gradient(points[-1])
        losses.append(loss)
        gradients.append(g)
        if len(points) > steps or not np.isfinite([loss, *g]).all() or np.abs(points[-1]).max() > FAR:
            break
        used = clip([g], most)[0][0] if most else g
        after, memory = OPTIMIZERS[name](points[-1], used, memory, s)
        points.append(after)
        theirs.grad = torch.tensor(used)
        judge.step()
    away = float(np.abs(theirs.detach().numpy() - points[-1]).max())
    return Way(np.array(points), np.array(losses), np.array(gradients), away)


def slice_of(model: nn.Module, ids: list[int], matrix: str, seed: int) -> Slice:
    """The plane of two random directions (no matrix), or of two weights of a matrix."""
    directions = two_weights(model, ids, matrix)[0] if matrix else random_directions(model, seed)
    return Slice(model, ids, directions)


def job(settings: dict, folder: Path) -> Iterator[dict]:
    """The landscape row by row, unless `rows` is 0, then the path of every optimizer, and where gradients
    are clipped, what it would be without.

    settings: model, ids, matrix, seed, reach, rows, start [2], steps, rate, beta1, beta2, decay, clip (0: none)
    events: axis and row (its number) with losses; path (its optimizer) with clip, points, losses, gradients,
            away
    """
    torch.set_num_threads(1)
    plane = slice_of(engine.load(settings["model"]), settings["ids"], settings["matrix"], settings["seed"])
    axis = np.linspace(-settings["reach"], settings["reach"], settings["rows"])
    for i, b in enumerate(axis):
        losses = np.array([plane.loss(a, b) for a in axis])
        yield {"row": i, "axis": axis, "losses": losses}
    s = Settings(*(settings[name] for name in ("rate", "beta1", "beta2")), decay=settings["decay"])
    for clip_to in sorted({settings["clip"], 0.0}, reverse=True):
        for name in OPTIMIZERS:
            way = path(plane, name, settings["start"], settings["steps"], s, clip_to)
            yield {"path": name, "clip": clip_to, **vars(way)}
