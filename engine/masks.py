"""Masks: who may look at whom. True = may look."""

import torch
from torch import Tensor

CAUSAL = "causal"  # the causal mask of a whole text, or of its last token: fused kernels need only the name
Mask = Tensor | str  # bool [B or 1, 1, T, S], True = may look; or CAUSAL
MASKS = ("causal", "none", "window", "prefix", "padding", "filled")


def causal_mask(T: int, S: int, padding: Tensor | None = None, device=None) -> Tensor:
    """A token sees itself and what came before it, never padding.

    The T queries are the last of the S positions. `padding` is [B, S] with True = a real token.
    A token always sees itself, so that no row is empty. Returns bool [B or 1, 1, T, S].
    """
    query = torch.arange(S - T, S, device=device)[:, None]
    key = torch.arange(S, device=device)[None, :]
    mask = (key <= query)[None, None]
    if padding is not None:
        mask = (mask & padding[:, None, None, :]) | (key == query)
    return mask


def full_mask(T: int, S: int, padding: Tensor | None = None, device=None) -> Tensor:
    """Each of T tokens sees every real one of S: BERT's mask, and that of cross-attention.

    `padding` is [B, S] with True = a real token. Returns bool [B or 1, 1, T, S].
    """
    if padding is None:
        return torch.ones(1, 1, T, S, dtype=torch.bool, device=device)
    return padding[:, None, None, :].expand(-1, -1, T, -1)


def softmax(masked: Tensor) -> Tensor:
    """Scores [..., S], −∞ where nobody looks -> weights that sum to 1.

    A row of −∞ alone gives zeros, as torch's fused kernel does.
    """
    return masked.softmax(-1).masked_fill((masked == -torch.inf).all(-1, keepdim=True), 0)


def mask_of(kind: str, T: int, n: int, device=None) -> Tensor:
    """A mask [1, 1, T, T] as other models use it instead of the causal one.

    causal   itself and everything before (GPT)          none    everything (BERT)
    window   itself and the n − 1 before it (Mistral)    prefix  causal, but the first n see each other
    padding  causal, with the first n tokens hidden as padding
    filled   everything but the last n tokens, which are padding (an encoder's batch)
    """
    causal = causal_mask(T, T, device=device)
    place = torch.arange(T, device=device)
    if kind == "none":
        return torch.ones_like(causal)
    if kind == "window":
        return causal & (place[:, None] - place[None, :] < max(n, 1))
    if kind == "prefix":
        first = place < n
        return causal | (first[:, None] & first[None, :])
    if kind == "filled":
        return full_mask(T, T, (place < max(T - n, 1))[None], device)
    if kind == "padding":
        return causal_mask(T, T, (place >= n)[None], device)
    return causal
