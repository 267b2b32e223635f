"""What is set on this part of the page."""

from dataclasses import dataclass

from app.settings import settings
from app.state import one_of, ranged
from engine.training.objectives import denoising

TOPICS = ("batch", "next", "masked", "sentence", "spans", "denoise", "permuted", "translate", "once")
STAGES = ("cut", "pad", "ids", "vectors", "mask")
READERS = ("storybook", "bookworm", "wordfinder")  # rotary positions, learned ones, an encoder
TEXT = "The old man opened the door. A little dog ran into the garden. It was very happy to see him."


@settings("batches")
@dataclass(frozen=True)
class Batches:
    about: str = one_of("batch", *TOPICS)
    # a batch
    sentences: str = ""  # one a line; empty: the eight to begin with
    block: int = ranged(10, 2, 20)
    left: bool = False  # padding stands before the texts
    reader: str = one_of("storybook", *READERS)
    stage: str = one_of("pad", *STAGES)
    row: int = ranged(0, 0, 15)  # the text that is looked at
    # the objectives
    text: str = TEXT
    second: str = "It was looking for something to eat."
    follows: bool = True  # whether the second passage is said to follow
    seed: int = ranged(86, 0, 9_999)
    whole: bool = False  # words are masked as a whole
    share: int = ranged(25, 5, 60)  # percent of the tokens that are in hidden spans
    length: int = ranged(3, 1, 10)  # tokens of a span, on average
    damage: str = one_of("infill", *denoising.KINDS)
    content: bool = False  # of permuted order: the stream that sees its own token
    source: str = "He was too tired to walk home."
    right: str = "Il était trop fatigué pour rentrer chez lui à pied."
    # the token whose loss is worked out: -1 is the one with the largest
    token: int = ranged(-1, -1, 999)
    fed: str = one_of("right", "right", "own")  # of a translation: after which words
