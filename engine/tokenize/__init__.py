"""Text to token ids and back: byte-level BPE by tiktoken or the tokenizers library, BERT's WordPiece, T5's
Unigram."""

from engine.tokenize.bpe import RankTokenizer, SentenceTokenizer
from engine.tokenize.hub import JsonTokenizer
from engine.tokenize.merges import graphemes, merges
from engine.tokenize.unigram import UnigramTokenizer
from engine.tokenize.wordpiece import WordPieceTokenizer

__all__ = [
    "JsonTokenizer",
    "RankTokenizer",
    "SentenceTokenizer",
    "UnigramTokenizer",
    "WordPieceTokenizer",
    "graphemes",
    "merges",
]
