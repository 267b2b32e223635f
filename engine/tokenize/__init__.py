"""Text to token ids and back: byte-level BPE, by tiktoken or by the tokenizers library."""

from engine.tokenize.bpe import RankTokenizer
from engine.tokenize.hub import JsonTokenizer
from engine.tokenize.merges import graphemes, merges

__all__ = ["JsonTokenizer", "RankTokenizer", "graphemes", "merges"]
