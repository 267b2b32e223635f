"""What heads are called by what they look at: for each role the cells in which such a head has its weight.

A score is the weight on a role's cells R(t), averaged over the queries t that have any (Clark et al. 2019):

    score = mean over t of Σ_{s ∈ R(t)} pattern[t, s]

It is 0 where the prompt gives no chance to tell: no query has such a cell, or even attention would have more
than CHANCE of its weight there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.analysis import entropy
from engine.trace import Trace

NAMED = 0.5  # score from which a head is called by a role: most of its weight, on average
DIFFUSE = 0.9  # share of the largest possible entropy from which it is called diffuse
DORMANT = 0.9  # weight on the first token from which it is said to do little on this prompt
ROUNDING = 1e-6  # of sums of shares
CHANCE = 0.35  # even attention's score above which a role cannot be told


@dataclass(frozen=True)
class Seen:
    """What stands along the sides of a pattern [..., T, S].

    allowed: bool [..., T, S], which keys a query may look at; ids [T] of the tokens; special: bool [S], the
    tokens that are no text; own: are the keys of the same text as the queries?
    """

    allowed: Tensor
    ids: Tensor
    special: Tensor
    own: bool = True

    @property
    def apart(self) -> Tensor:
        """How far the key stands before the query [T, S]."""
        T, S = self.allowed.shape[-2:]
        return torch.arange(T)[:, None] - torch.arange(S)[None, :]


def copies(ids: Tensor) -> Tensor:
    """[T, T], true where another position has the same token."""
    return (ids[:, None] == ids[None, :]) & ~torch.eye(len(ids), dtype=torch.bool)


def after(cells: Tensor) -> Tensor:
    """The cells [T, S] one key further on."""
    return torch.cat([torch.zeros_like(cells[:, :1]), cells[:, :-1]], -1)


def _first(seen: Seen) -> Tensor:
    cells = torch.zeros(seen.allowed.shape[-2:], dtype=torch.bool)
    cells[int(seen.own) :, 0] = True  # of its own text the first token has no choice
    return cells


def _special(seen: Seen) -> Tensor:
    asks = ~seen.special[:, None] if seen.own else True
    return (seen.special & (torch.arange(len(seen.special)) > 0)) & asks & torch.ones_like(_first(seen))


CELLS: dict[str, Callable[[Seen], Tensor]] = {
    "previous": lambda seen: seen.apart == 1,  # Clark et al. 2019
    "next": lambda seen: seen.apart == -1,  # Clark et al. 2019
    "self": lambda seen: seen.apart == 0,
    "first": _first,  # Xiao et al. 2023, attention sinks
    "special": _special,  # Clark et al. 2019
    "duplicate": lambda seen: copies(seen.ids),  # Wang et al. 2022
    "induction": lambda seen: after(copies(seen.ids)),  # Olsson et al. 2022
}
CROSS = ("first", "special")  # those that can be told of another text's tokens, too
ROLES = (*CELLS, "diffuse")


def share(pattern: Tensor, cells: Tensor) -> Tensor:
    """The weight [..., T, S] -> [...] on cells of each row, on average over the rows that have any, or 0."""
    return (pattern * cells).sum((-2, -1)) / cells.any(-1).sum(-1).clamp_min(1)


def scores(pattern: Tensor, seen: Seen) -> dict[str, Tensor]:
    """For each role the score of every head of a pattern [..., T, S] -> [...], from 0 to 1."""
    count = seen.allowed.sum(-1, keepdim=True)  # of keys
    free = (seen.allowed & (count > 1)).expand(pattern.shape)  # where a query has a choice
    even = free / count.clamp_min(1)
    found = {}
    for role, cells_of in CELLS.items():
        cells = cells_of(seen) & free if seen.own or role in CROSS else torch.zeros_like(free)
        found[role] = share(pattern, cells) * (share(even, cells) <= CHANCE + ROUNDING)
    most = (1 / even.amax(-1).clamp_min(1e-12)).log2() * free.any(-1)  # bits, of each row
    spread = (entropy(pattern) / most.clamp_min(1e-12) * free.any(-1)).sum(-1)
    chance = share(even.amax(-1, keepdim=True), free.any(-1, keepdim=True)) <= CHANCE + ROUNDING
    return found | {"diffuse": spread / free.any(-1).sum(-1).clamp_min(1) * chance}


def named(found: dict[str, float]) -> str:
    """What a head of these scores is called: the role with the highest, if that is high enough; else ""."""
    role = max(CELLS, key=lambda role: found[role])
    return role if found[role] >= NAMED else "diffuse" if found["diffuse"] >= DIFFUSE else ""


def of_run(trace: Trace, side: str = "", part: str = "attn") -> dict[str, Tensor]:
    """The scores [L, H] of all heads of a stack for the first prompt; part: "attn", or "cross" for those that
    look at the encoder."""
    start = f"{side}.blocks" if side else "blocks"
    layers = range(trace.model.get_submodule(side).config.layers)
    each = []
    for layer in layers:
        pattern, allowed = (trace[f"{start}.{layer}.{part}.{name}"][0].cpu() for name in ("pattern", "mask"))
        each.append(scores(pattern, seen_of(trace, allowed, side, part)))
    return {role: torch.stack([one[role] for one in each]) for role in ROLES}


def seen_of(trace: Trace, allowed: Tensor, side: str, part: str = "attn") -> Seen:
    """What stands along the sides of the patterns of a run's first prompt."""
    ids = _ids(trace, side)
    keys = _ids(trace, "encoder") if part == "cross" else ids
    image = trace.model.get_submodule("encoder" if part == "cross" else side).config.image
    known = [] if image else list(getattr(trace.model.tokenizer, "special", {}).values())
    return Seen(allowed, ids, torch.isin(keys, torch.tensor(known, dtype=keys.dtype)), own=part == "attn")


def _ids(trace: Trace, side: str) -> Tensor:
    """The tokens that a stack reads; of an image numbers, none twice."""
    config = trace.model.get_submodule(side).config
    if config.image:
        return torch.arange(config.context)
    return (trace.target if side == "decoder" else trace.ids)[0].cpu()


# --- the same scores of a causal pattern by itself --------------------------------------------------------


def patterns(trace: Trace, row: int = 0) -> Tensor:
    """All heads of all blocks for one prompt [L, H, T, S]."""
    layers = range(trace.model.config.layers)
    return torch.stack([trace[f"blocks.{i}.attn.pattern"][row] for i in layers])


def previous_token(pattern: Tensor) -> Tensor:
    """The average weight on the previous token (the first token has none)."""
    return share(pattern, CELLS["previous"](_alone(pattern)))


def first_token(pattern: Tensor) -> Tensor:
    """The average weight that the other tokens give to the first."""
    return share(pattern, CELLS["first"](_alone(pattern)))


def duplicate_token(pattern: Tensor, ids: Tensor) -> Tensor:
    """The average weight on earlier copies of the same token, over the tokens [T] that have one."""
    return share(pattern, copies(ids).tril())


def induction(pattern: Tensor, ids: Tensor) -> Tensor:
    """The average weight on what came after earlier copies of the token."""
    return share(pattern, after(copies(ids).tril()))


def _alone(pattern: Tensor) -> Seen:
    T, S = pattern.shape[-2:]
    return Seen(torch.ones(T, S, dtype=torch.bool), torch.arange(T), torch.zeros(S, dtype=torch.bool))
