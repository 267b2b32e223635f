"""What is computed of models that differ in their positions alone, once for all visitors."""

import numpy as np
import torch

import engine
from app import compute
from app.compute import PROMPTS
from app.edits import Edits
from app.shared import shared
from engine import places
from engine.analysis import ends
from engine.decode import Decoding
from engine.worked import Check, check, derived

MOST = 24  # characters that are written


@shared(PROMPTS)
def continued(name: str, text: str) -> tuple[str, float]:
    """What a model writes after a text, and the geometric mean of the probabilities."""
    compute.check_given(name, text)
    steps = list(engine.generate(compute.model(name), text, Decoding(max_tokens=MOST)))
    share = float(np.exp(np.mean(np.log([step.probability for step in steps])))) if steps else 1.0
    return "".join(step.text for step in steps), share


@shared(PROMPTS)
def by_distance(name: str, text: str, layer: int) -> tuple[np.ndarray, Check]:
    """The mean scores [H, T] of a block's heads by distance, what is added for it included; and their check."""
    scores = compute.trace(name, text)[f"blocks.{layer}.attn.masked"][0]
    shown = places.by_distance(scores)
    own = compute.checked(name, text, f"blocks.{layer}.attn.masked")
    return shown.cpu().numpy(), derived.worst([own, derived.check_by_distance(scores, shown)])


@shared(PROMPTS)
def read_off(
    name: str, text: str, after: int, weights: tuple[float, ...], offset: float
) -> tuple[np.ndarray, Check]:
    """The place [T] that a line reads off the vectors after so many blocks; and its check."""
    trace = compute.trace(name, text)
    end = ends(trace.model.config)[after]
    vectors, line = trace[end][0], torch.tensor(weights, device=trace.ids.device)
    shown = places.read_off(vectors, line, offset)
    own = compute.checked(name, text, end)
    return shown.cpu().numpy(), derived.worst([own, derived.check_read_off(vectors, weights, offset, shown)])


@shared(PROMPTS)
def apart(name: str, text: str, edits: Edits) -> tuple[float, Check]:
    """How far the last vectors of the same tokens, read backwards, are from these; and its check."""
    forwards = compute.trace(name, text, edits)
    order = [*range(forwards.ids.shape[1] - 1, -1, -1)]
    backwards = engine.run(forwards.model, forwards.ids[:, order], edits)
    end = ends(forwards.model.config)[-1]
    first, second = forwards[end][0], backwards[end][0]
    shown = places.apart(first, second, order)
    checks = [
        derived.check_apart(first, second, order, shown),
        *(check(run, end) for run in (forwards, backwards)),
    ]
    return shown, derived.worst(checks)
