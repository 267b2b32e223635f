"""What a model has learned, as numbers: held-out bits per byte, and samples that are not picked."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from engine.decode import Decoding, generate
from engine.models import Decoder


@torch.inference_mode()
def bits_per_byte(model: Decoder, row: np.ndarray) -> float:
    """Mean loss over the ids of `row` in bits per byte of text.

    Every token after the first is scored once, with at least half a context of tokens before it (fewer
    only at the row's start). The ends between texts are scored too; they have no bytes.
    """
    stride = max(1, model.config.context // 2)
    ids = torch.from_numpy(row.astype(np.int64))
    nats = 0.0
    for a in range(1, len(ids), stride):
        b = min(a + stride, len(ids))  # the tokens a … b − 1 are scored
        first = max(0, b - 1 - model.config.context)
        logits = model(ids[None, first : b - 1])[0, a - b :]
        nats += F.cross_entropy(logits, ids[a:b], reduction="sum").item()
    ends = set(model.tokenizer.special.values())
    count = sum(len(model.tokenizer.bytes_of(id)) for id in ids[1:].tolist() if id not in ends)
    return nats / math.log(2) / count


def samples(model: Decoder, prompts: list[str], seed: int = 0, length: int = 60) -> list[str]:
    """One continuation a prompt, sampled from the whole distribution at temperature 0.8."""
    texts = []
    for i, prompt in enumerate(prompts):
        decoding = Decoding("sample", temperature=0.8, seed=seed + i, max_tokens=length)
        texts.append(prompt + "".join(step.text for step in generate(model, prompt, decoding)))
    return texts
