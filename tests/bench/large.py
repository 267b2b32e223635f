"""Streamlit's command, for the app with one more model: random, of GPT-2 small's shape.

python -m tests.bench.large run app/server.py
"""

from functools import cache

import torch
from streamlit.web import cli

from app import catalogue, compute
from engine.config import Config
from engine.model.transformer import Transformer

GPT2_SMALL = Config(vocabulary=50257, context=1024, width=768, layers=12, heads=12, mlp_width=3072)
NAME = "large"


@cache
def large() -> Transformer:
    """The same weights in every process."""
    torch.manual_seed(0)
    model = Transformer(GPT2_SMALL).requires_grad_(False).eval()
    model.name, model.tokenizer = NAME, compute.model(catalogue.shipped()[0]).tokenizer
    return model


if __name__ == "__main__":
    get, models = compute.model, catalogue.models()
    compute.model = lambda name: large() if name == NAME else get(name)
    catalogue.models = lambda: [*models, NAME]
    cli.main(prog_name="streamlit")
