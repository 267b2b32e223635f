"""What the trainings of models that write a text of a text or a picture share: their kinds."""

import argparse

from engine.config import ATTENTIONS, CELLS, Config, RecurrentConfig
from engine.training.options import Option


def kinds() -> dict[str, Option]:
    """Which kind of model, a Transformer or what came before it."""
    return {
        "kind": Option("transformer", ("transformer", *CELLS), "what writes is made of"),
        "attention": Option("additive", ATTENTIONS, "how recurrent kinds look back, if they do"),
    }


def ends(vocabulary: int) -> dict[str, int]:
    """The tokens that a text begins and ends with, as SentenceTokenizer numbers them."""
    return {"start": vocabulary - 1, "end": vocabulary - 2}


def recurrent(options: argparse.Namespace, vocabulary: int, encoder: Config | None = None) -> RecurrentConfig:
    """One state carried from token to token, with or without a look back; `encoder` is what reads images."""
    return RecurrentConfig(
        vocabulary=vocabulary,
        context=options.context,
        width=options.width,
        **ends(vocabulary),
        cell=options.kind,
        attention=options.attention,
        encoder=encoder,
    )


def name_of(config: RecurrentConfig) -> str:
    """A recurrent kind in words."""
    looks = "no attention" if config.attention == "none" else f"{config.attention} attention"
    return f"{config.cell.upper()}, {looks}"
