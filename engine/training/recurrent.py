"""What the commands that train recurrent models share: their options and configs."""

import argparse
from collections.abc import Iterable

from engine.config import ATTENTIONS, Config, RecurrentConfig
from engine.tokenize import SentenceTokenizer


def add_kinds(parser: argparse.ArgumentParser, kinds: Iterable[str]) -> None:
    """The options for the kind of model: a Transformer, or a recurrent one."""
    parser.add_argument("--kind", choices=kinds, default="transformer", help="what writes is made of")
    parser.add_argument("--attention", choices=ATTENTIONS, default="additive", help="of recurrent kinds")


def recurrent(tokenizer: SentenceTokenizer, options, encoder: Config | None = None) -> RecurrentConfig:
    """One state carried from token to token, with or without a look back; `encoder` is what reads images."""
    return RecurrentConfig(
        vocabulary=len(tokenizer),
        context=options.context,
        width=options.width,
        start=tokenizer.start,
        end=tokenizer.end,
        cell=options.kind,
        attention=options.attention,
        encoder=encoder,
    )


def name_of(config: RecurrentConfig) -> str:
    """A recurrent kind in words."""
    looks = "no attention" if config.attention == "none" else f"{config.attention} attention"
    return f"{config.cell.upper()}, {looks}"
