"""From logits to text: named steps from scores to probabilities, the loop that grows a text, and the searches.

Read it in this order: decoding (the settings), steps (scores to probabilities), choosing (the draw), growing
(the loop); then node, beam, tree (searches).
"""

from engine.decode.beam import Beam, Search, beam_search, search
from engine.decode.choosing import choose, draw, draw_many
from engine.decode.decoding import METHODS, Decoding
from engine.decode.frequencies import Frequencies, frequencies
from engine.decode.growing import Choice, Step, choices, ends_of, generate, grow, next_logits, translate
from engine.decode.node import Node, path
from engine.decode.repeats import repeats
from engine.decode.steps import (
    apply_temperature,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    penalise_repetition,
    steps_of,
)
from engine.decode.surprisal import Surprise, joined, surprise, surprise_of

__all__ = [
    "METHODS",
    "Beam",
    "Choice",
    "Decoding",
    "Frequencies",
    "Node",
    "Search",
    "Step",
    "Surprise",
    "apply_temperature",
    "beam_search",
    "choices",
    "choose",
    "draw",
    "draw_many",
    "ends_of",
    "frequencies",
    "generate",
    "grow",
    "joined",
    "keep_min_p",
    "keep_top_k",
    "keep_top_p",
    "next_logits",
    "path",
    "penalise_repetition",
    "repeats",
    "search",
    "steps_of",
    "surprise",
    "surprise_of",
    "translate",
]
