import pytest
import torch

from app import compute
from tests.app.visit import model
from tests.engine.tiny import LLAMA, decoder


@pytest.fixture
def llama(monkeypatch):
    """A random model of the LLaMA kind, to be opened by its name; two heads share each key and value."""
    tokenizer, models, get = model().tokenizer, compute.models(), compute.model
    one = decoder(torch.float32, **LLAMA | dict(vocabulary=len(tokenizer), context=64, activation="silu"))
    one.tokenizer, one.name = tokenizer, "llama"
    monkeypatch.setattr(compute, "models", lambda: [*models, one.name])
    monkeypatch.setattr(compute, "model", lambda name: one if name == one.name else get(name))
    return one
