"""Checkpoints by hub name: found on this machine, or fetched when a person asks for it."""

import re
from pathlib import Path

FILES = ["config.json", "model.safetensors", "model.safetensors.index.json", "tokenizer.json"]
FILES += ["model-*.safetensors", "preprocessor_config.json", "generation_config.json"]


def find(name: str, download: bool, shipped: list[str]) -> Path:
    """The folder of the checkpoint `name` ("owner/name", or "name" as the hub's first ones), with a progress
    bar while it is fetched."""
    if not re.fullmatch(r"([\w.-]+/)?[\w.-]+", name):
        raise ValueError(_unknown(name, shipped))
    import huggingface_hub  # here: importing it takes half a second

    try:
        found = huggingface_hub.snapshot_download(name, allow_patterns=FILES, local_files_only=not download)
    except Exception as error:  # the library's, the connection's, the system's
        if not download:
            raise ValueError(_unknown(name, shipped)) from None
        raise ValueError(f"{name} could not be fetched: {_sentence(error)} {_shipped(shipped)}") from None
    return Path(found)


def _unknown(name: str, shipped: list[str]) -> str:
    return (
        f"there is no model {name!r} on this machine. {_shipped(shipped)} A folder's path works too. "
        "To fetch one from the Hugging Face hub: python run.py load OWNER/NAME"
    )


def _sentence(error: Exception) -> str:
    """What an error says, on one line and with one full stop."""
    return " ".join(str(error).split()).rstrip(".") + "."


def _shipped(names: list[str]) -> str:
    return f"These come with the project: {', '.join(names)}."
