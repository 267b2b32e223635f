"""The reference library: tiny checkpoints of it, and its intermediates under our names."""

from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tests.engine.reference import bert, bloom, gpt2, llama, mixtral, qwen3, t5, vit
from tests.engine.tiny import randomise

LAYOUTS = {"gpt2": gpt2, "llama": llama, "mixtral": mixtral, "bert": bert, "vit": vit, "t5": t5}
LAYOUTS |= {"bloom": bloom, "qwen3": qwen3}


def save(
    folder: Path,
    layout: str = "gpt2",
    headless: bool = False,
    dtype: torch.dtype = torch.float32,
    max_shard_size: str = "1GB",
    **choices,
) -> PreTrainedModel:
    """Write a random checkpoint into `folder`; returns the reference's model, in float64.

    headless  saved without its head: the names of its weights have no "transformer." or "model." in front
    choices   entries of their config
    """
    model = randomise(LAYOUTS[layout].make(**choices)).requires_grad_(False).eval()
    for parameter in model.parameters():  # not its buffers: the reference keeps those in float32
        parameter.data = parameter.data.to(dtype)
    (model.base_model if headless else model).save_pretrained(folder, max_shard_size=max_shard_size)
    return model.double()


@contextmanager
def placed(model: PreTrainedModel, padding: Tensor):
    """The reference is told the place of each token, counted over real ones; BLOOM counts so by itself."""
    places = (padding.long().cumsum(-1) - 1).clamp_min(0)

    def tell(part, given, options):
        return given, options if "bloom" in model.config.model_type else options | {"position_ids": places}

    hook = model.register_forward_pre_hook(tell, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


def points(model: PreTrainedModel, ids: Tensor, padding: Tensor | None = None, *more) -> dict[str, Tensor]:
    """Every point of the vocabulary, from hooks on the reference and, between them, from the definition."""
    return LAYOUTS[model.config.model_type].points(model, ids, padding, *more)
