"""Text to token ids and back: byte-level BPE by tiktoken or the tokenizers library, and BERT's WordPiece."""

from engine.tokenize.bpe import RankTokenizer
from engine.tokenize.hub import JsonTokenizer
from engine.tokenize.merges import graphemes, merges
from engine.tokenize.wordpiece import WordPieceTokenizer

__all__ = ["JsonTokenizer", "RankTokenizer", "WordPieceTokenizer", "graphemes", "merges"]
