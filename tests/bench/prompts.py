"""Texts of an exact number of tokens."""

from itertools import islice

import engine

STORY = """
The small grey cat sat by the window and looked at the garden, where two birds were eating bread in the
snow. She wanted to go out and play with them, but the door was closed and her friend was still asleep.
So she walked to the kitchen, jumped on the table and found a bowl of warm milk that somebody had left
there. When the sun came up, a boy opened the door and laughed, because the cat had milk on her nose. They
went out together, and the birds flew up into the old apple tree. The boy made a ball of snow and threw it
over the fence, and the cat ran after it as fast as she could. In the evening they came home, tired and
happy, and sat down near the fire.
"""


def prompts(count: int, tokens: int = 32) -> list[str]:
    """`count` different texts that are `tokens` tokens long for the shipped model."""
    tokenizer = engine.load(device="cpu").tokenizer
    words = STORY.split()
    cut = (_cut(tokenizer, " ".join(words[i:] + words[:i]), tokens) for i in range(len(words)))
    found = list(islice((text for text in cut if text), count))
    if len(found) < count:
        raise ValueError(f"the story gives only {len(found)} texts of {tokens} tokens")
    return found


def _cut(tokenizer, text: str, tokens: int) -> str | None:
    """The start of `text` that is so many tokens long, or None where a cut there is cut differently."""
    ids = tokenizer.encode(text)[:tokens]
    start = b"".join(tokenizer.bytes_of(id) for id in ids).decode()
    return start if tokenizer.encode(start) == ids else None
