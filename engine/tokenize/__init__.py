"""Text to token ids and back: byte-level BPE by tiktoken or the tokenizers library, BERT's WordPiece, T5's
Unigram."""

from engine.tokenize.bpe import BeginTokenizer, RankTokenizer, SentenceTokenizer
from engine.tokenize.hub import JsonTokenizer
from engine.tokenize.library import Stream
from engine.tokenize.merges import graphemes, merges, rank_of
from engine.tokenize.training import train
from engine.tokenize.unigram import UnigramTokenizer
from engine.tokenize.wordpiece import WordPieceTokenizer

__all__ = [
    "BeginTokenizer",
    "JsonTokenizer",
    "RankTokenizer",
    "SentenceTokenizer",
    "Stream",
    "UnigramTokenizer",
    "WordPieceTokenizer",
    "graphemes",
    "merges",
    "rank_of",
    "train",
]
