"""What pages derive from a trace: pure functions of its numbers and of the model's weights."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import Config, PairConfig, RecurrentConfig
from engine.model.transformer import Transformer
from engine.position import rotate
from engine.trace import Trace


def entropy(pattern: Tensor) -> Tensor:
    """Bits of each row [..., S] -> [...]: 0 for a single token, log2(n) for n equal weights."""
    return (pattern * pattern.clamp_min(1e-30).log2()).sum(-1).neg().clamp_min(0)


def without_first(pattern: Tensor) -> Tensor:
    """The pattern [..., T, S] without the first token's weight, each row summing to 1 again (the first row,
    which has nothing else, becomes 0).

    Heads that find nothing relevant attend to the first token, the attention sink (Xiao et al. 2023).
    """
    return without(pattern, [0])


def without(pattern: Tensor, keys: list[int]) -> Tensor:
    """The pattern [..., T, S] without the weight of some keys, each row summing to 1 again (0 where none is
    left)."""
    rest = pattern.clone()
    rest[..., keys] = 0
    return rest / rest.sum(-1, keepdim=True).clamp_min(1e-12)


def value_sized(pattern: Tensor, v: Tensor) -> Tensor:
    """Weights [..., H, T, S] times the norm of each value, v [..., G, S, E]: how long the vector is that each
    token takes from each (Kobayashi et al. 2020)."""
    sizes = v.norm(dim=-1)
    sizes = sizes.repeat_interleave(pattern.shape[-3] // sizes.shape[-2], -2)  # one per head
    return pattern * sizes[..., None, :]


def value_weighted(pattern: Tensor, v: Tensor) -> Tensor:
    """The same, each row summing to 1 again."""
    weighted = value_sized(pattern, v)
    return weighted / weighted.sum(-1, keepdim=True).clamp_min(1e-12)


def rollout(patterns: list[Tensor]) -> Tensor:
    """How much of each input position every position holds after all blocks [T, S], as far as attention moves
    it: each block keeps half of what it had and mixes half by the average of its heads [H, T, S] (attention
    rollout, Abnar & Zuidema 2020)."""
    held = torch.eye(patterns[0].shape[-1], dtype=patterns[0].dtype, device=patterns[0].device)
    for pattern in patterns:
        held = 0.5 * held + 0.5 * pattern.mean(0) @ held
    return held


def dots_at(q: Tensor, k: Tensor, asking: Tensor, looked_at: Tensor) -> Tensor:
    """q · k of an unrotated query and key [..., E], each rotated to positions of one's choice.

    asking and looked_at are angles [N, E/2] or [1, E/2] -> [..., N]; moving both positions by the same number
    changes nothing (Su et al. 2021, equation 11).
    """
    return (rotate(q, asking) * rotate(k, looked_at)).sum(-1)


def nearest(table: Tensor, row: int, count: int) -> tuple[list[int], list[float]]:
    """The rows of `table` [V, D] nearest to one of them by cosine, without itself."""
    cosines = F.cosine_similarity(table, table[row][None], dim=-1)
    cosines[row] = -2
    best = cosines.topk(min(count, len(table) - 1))
    return best.indices.tolist(), best.values.tolist()


def flat_map(vectors: Tensor) -> Tensor:
    """Vectors [N, D] as points [N, 2] along their first two principal components."""
    return project(vectors, vectors, 2)


def project(vectors: Tensor, basis: Tensor, count: int) -> Tensor:
    """Vectors [N, D] as points [N, count], along the directions in which `basis` [M, D] spreads most, from its
    mean (principal component analysis, Pearson 1901)."""
    vectors, basis = vectors.cpu().double(), basis.cpu().double()
    centre = basis.mean(0)
    _, _, directions = torch.linalg.svd(basis - centre, full_matrices=False)
    points = (vectors - centre) @ directions[:count].T
    return F.pad(points, (0, count - points.shape[1]))


def spread(vectors: Tensor) -> float:
    """How far vectors [N, D] are from their mean: the mean of the squared distances."""
    vectors = vectors.cpu().double()
    return (vectors - vectors.mean(0)).square().sum(-1).mean().item()


@torch.inference_mode()
def lens(trace: Trace, side: str = "") -> tuple[Tensor, Tensor]:
    """What the model would predict if it stopped after each block (logit lens, nostalgebraist 2020).

    Returns the most probable token [L + 1, T] and its probability; row 0 is before the first block. `side`
    names the stack of a model with two.
    """
    stack, start = trace.model.get_submodule(side), side and f"{side}."
    best = [stack.unembed(trace[start + name])[0].softmax(-1).max(-1) for name in ends(stack.config)]
    return torch.stack([each.indices for each in best]), torch.stack([each.values for each in best])


@torch.inference_mode()
def class_lens(trace: Trace) -> Tensor:
    """The probability of each class if the model stopped after each block [L + 1, C], as `lens`."""
    model = trace.model
    return torch.stack([model.unembed(trace[name])[0].softmax(-1) for name in ends(model.config)])


def ends(config: Config) -> list[str]:
    """The points of the stream before the first block and after each."""
    if not config.layers:
        return ["embed.out"]
    between = [f"blocks.{i}.resid_pre" for i in range(config.layers)]
    return [*between, f"blocks.{config.layers - 1}.resid_post"]


def cosine_similarity(trace: Trace, token: int, other: Trace) -> Tensor:
    """The cosine of a token's vector with each of another run, before and after each block [L + 1, T]."""
    rows = [
        F.cosine_similarity(trace[name][0, token][None], other[name][0], dim=-1)
        for name in ends(trace.model.config)
    ]
    return torch.stack(rows)


def promotes(model: Transformer, layer: int, unit: int, count: int) -> tuple[list[int], list[float]]:
    """The tokens, or classes, whose scores one MLP unit raises most, per unit of its activation.

    Its column of W_out, times the last norm's γ, times each score's vector (Geva et al. 2022). ValueError if
    there is no such direct path: norms after the sums, a head before the scores, or no scores.
    """
    if model.final_norm is None or model.head is not None or not (model.logits or model.classes):
        raise ValueError(f"a unit of {model.name} does not reach the scores directly, only through other parts")
    column, scores = model.blocks[layer].mlp.out.weight[:, unit], model.logits or model.classes
    raised = scores.weight @ (model.final_norm.weight * column) * (model.scale or 1)
    best = raised.topk(min(count, len(raised)))
    return best.indices.tolist(), best.values.tolist()


def certainty(trace: Trace) -> float:
    """The geometric mean of the probabilities that an encoder–decoder gives the target's tokens, the end
    included. For its own output it is low if it cannot read the source."""
    target = trace.target[0].tolist()
    logs = trace["decoder.logits"][0].log_softmax(-1)
    return logs[range(len(target)), [*target[1:], trace.model.end]].mean().exp().item()


def parameters_of(model: nn.Module) -> dict[str, int]:
    """How many parameters each part has; a tied table counts once, as an embedding."""
    parts = ("tables", "convolutions", "cells", "attention", "MLP", "norms", "ending")
    counts = dict.fromkeys(parts, 0)
    for name, parameter in model.named_parameters():
        counts[_part(name)] += parameter.numel()
    return counts


def _part(name: str) -> str:
    """The part that a parameter belongs to."""
    marks = {"norm": "norms", ".attn.": "attention", ".cross.": "attention", ".mlp.": "MLP"}
    marks |= {".conv.": "convolutions", "embed": "tables"}
    marks |= {".cell.": "cells", ".start.": "cells", ".token.": "tables"}  # of recurrent models
    return next((part for mark, part in marks.items() if mark in f".{name}"), "ending")


def divergence(p: Tensor, q: Tensor) -> float:
    """The KL divergence of q [V] from p [V], in bits (Kullback & Leibler 1951); 0: they are equal."""
    seen = p > 0
    return float((p[seen] * (p[seen] / q[seen]).log2()).sum().clamp(min=0))


# --- path lengths: one token after another, or all at once ------------------------------------------------


def path_length(config: Config | RecurrentConfig, distance: int) -> int:
    """How many steps lie between two tokens of a text, `distance` apart: one per token in a recurrent model,
    one in all in a Transformer (Vaswani et al. 2017, table 1)."""
    return abs(distance) if isinstance(config, RecurrentConfig) else min(1, abs(distance))


def path_to_target(config: PairConfig | RecurrentConfig, length: int, position: int, t: int) -> int:
    """How many steps lie between `position` in a source of `length` tokens or patches and position `t` of the
    output: one with attention (Bahdanau et al. 2014); without, those to the vector that the decoder starts
    from, and from there through every state."""
    if not 0 <= position < length or t < 0:
        raise ValueError(f"positions go from 0 to {length - 1} and from 0 upwards; got {position} and {t}")
    if isinstance(config, PairConfig) or config.attention != "none":
        return 1
    reader = config.stacks[0]
    if reader is not config and reader.filters:
        return 2 + t  # all cells make the state that the decoder starts from
    told = 0 if reader.image else length - 1
    return path_length(reader, told - position) + 1 + t


def sequential_steps(config: Config | RecurrentConfig, length: int) -> int:
    """How many steps must wait for one another to read `length` tokens: one per token if recurrent, one per
    block in a Transformer (Vaswani et al. 2017, table 1), and one per convolution."""
    return length if isinstance(config, RecurrentConfig) else len(config.filters) + config.layers


# --- more numbers than cells of a picture -----------------------------------------------------------------


def pooled(
    values: np.ndarray, sizes: tuple[int, int], before: tuple[int, int] = (0, 0)
) -> tuple[np.ndarray, np.ndarray]:
    """A matrix [R, C] in blocks of `sizes`, each told by its entry that is largest in size.

    -> those entries [R', C'] and where each stands [R', C', 2]. The last blocks may be smaller, and the first
    ones have so many places less as stand `before` the matrix. A block of −∞ alone (masked) stays −∞.
    """
    (R, C), (r, c), (top, left) = values.shape, sizes, before
    rows, columns = -(-(R + top) // r), -(-(C + left) // c)
    padded = np.full((rows * r, columns * c), -np.inf, values.dtype)
    padded[top : top + R, left : left + C] = values
    blocks = padded.reshape(rows, r, columns, c).swapaxes(1, 2).reshape(rows, columns, r * c)
    best = np.where(np.isneginf(blocks), -1.0, np.abs(blocks)).argmax(-1)
    entries = np.take_along_axis(blocks, best[..., None], -1)[..., 0]
    at = np.indices((rows, columns)).transpose(1, 2, 0) * (r, c) - before
    return entries, at + np.stack(np.divmod(best, c), -1)


def largest(weights: np.ndarray, sizes: tuple[int, int], before: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Weights [..., T, S] in the same blocks, each told by the largest of them; −∞ where all are masked."""
    for axis, size, places in zip((-2, -1), sizes, before, strict=True):
        if size > 1:
            starts = np.arange(-places, weights.shape[axis], size).clip(0)
            weights = np.maximum.reduceat(weights, starts, axis)
    return weights
