"""The app with a random model of GPT-2 small's shape, "twelve", beside the shipped ones, to be measured.

python -m streamlit run tests/twelve.py
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

import engine  # noqa: E402
from app import catalogue, compute  # noqa: E402
from engine.config import Config  # noqa: E402
from engine.model.transformer import Transformer  # noqa: E402

NAME = "twelve"
SHAPE = dict(layers=12, heads=12, width=768, mlp_width=3072, context=1024)


def made() -> Transformer:
    """Twelve blocks of twelve heads, which read what the shipped model reads."""
    tokenizer = engine.load(device="cpu").tokenizer
    torch.manual_seed(0)
    model = Transformer(Config(vocabulary=len(tokenizer), **SHAPE)).requires_grad_(False).eval()
    for block in model.blocks:  # so that its heads do not all look alike
        block.attn.q.weight.mul_(4)
    model.name, model.tokenizer = NAME, tokenizer
    return model


model, load, listed = made(), compute.model, catalogue.models()
compute.model = lambda name: model if name == NAME else load(name)
catalogue.models = lambda: [*listed, NAME]

import streamlit as st  # noqa: E402

from app.server import lifespan  # noqa: E402

app = st.App(str(ROOT / "app" / "main.py"), lifespan=lifespan)
