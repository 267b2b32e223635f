"""Texts to try a tokenizer with: anything at all, and the kinds that break tokenizers."""

from hypothesis import strategies as st

HARD = [
    "the cat's mat",
    "  two  spaces ",
    "\n\n\t\r\n",
    "1234567",
    "\x00",
    "\x1c\x85\u3000\u200b",
    "café",
    "e\u0301\u0302",
    "👩‍👩‍👧‍👦",
    "🇫🇷🇩🇪",
    "👍🏽",
    "שָׁלוֹם",
    "नमस्ते",
    "각",
    "<|endoftext|>",
    "\ufeff\ufffd\U0010ffff",
    "'LL 'll ’ll",
]

anything = st.one_of(st.text(), st.lists(st.sampled_from(HARD) | st.characters(codec="utf-8")).map("".join))
