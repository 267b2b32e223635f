"""The model of a config, and a model at its random start."""

import torch
from torch import nn

from engine.config import Config, PairConfig, RecurrentConfig
from engine.model.encoder_decoder import EncoderDecoder
from engine.model.recurrent import Recurrent
from engine.model.recurrent_lm import RecurrentLM
from engine.model.transformer import Transformer

MODELS = {Config: Transformer, PairConfig: EncoderDecoder, RecurrentConfig: Recurrent}


def model_of(config) -> nn.Module:
    """A model of this shape, with whatever weights torch puts there."""
    if isinstance(config, RecurrentConfig) and config.alone:
        return RecurrentLM(config)
    return MODELS[type(config)](config)


def fresh(config, seed: int) -> nn.Module:
    """A model at its random start, which depends only on the seed."""
    torch.manual_seed(seed)
    model = model_of(config)
    model.initialise()
    return model
