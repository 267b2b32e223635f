"""Merges inside a word, step by step, and the tokens that share a character."""

import itertools

import regex


def merges(piece: bytes, ranks: dict[bytes, int]) -> list[list[bytes]]:
    """Byte-pair encoding of one piece, step by step: the first entry is its bytes, the last its tokens.

    In each step the neighbours whose joined bytes have the lowest rank (were learned first) become
    one part (Sennrich et al. 2016).
    """
    parts = [bytes([b]) for b in piece]
    steps = [parts]
    while len(parts) > 1:
        pairs = [a + b for a, b in itertools.pairwise(parts)]
        i = min(range(len(pairs)), key=lambda i: ranks.get(pairs[i], len(ranks)))
        if pairs[i] not in ranks:
            break
        parts = [*parts[:i], pairs[i], *parts[i + 2 :]]
        steps.append(parts)
    return steps


def graphemes(tokens: list[bytes]) -> list[tuple[str, list[int]]]:
    """Group tokens so that no character a person sees is cut: (text, indices of its tokens).

    A group is one token where tokens end at character ends, several where a character spans them.
    Invalid UTF-8 is shown as U+FFFD.
    """
    text = b"".join(tokens).decode("utf-8", errors="replace")
    if text.encode() != b"".join(tokens):  # broken bytes: no characters to group by
        return [(t.decode("utf-8", errors="replace"), [i]) for i, t in enumerate(tokens)]
    ends = set()
    at = 0
    for character in regex.findall(r"\X", text):
        at += len(character.encode())
        ends.add(at)
    groups, start, at = [], 0, 0
    for i, token in enumerate(tokens):
        at += len(token)
        if at in ends or i == len(tokens) - 1:
            groups.append((b"".join(tokens[start : i + 1]).decode(), list(range(start, i + 1))))
            start = i + 1
    return groups


def check_text(text: str) -> str:
    """`text` itself, or a ValueError if it holds half of a surrogate pair, which is not a character."""
    for i, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            raise ValueError(
                f"character {i + 1} of the text (U+{ord(character):04X}) is half of a surrogate "
                "pair and encodes nothing; delete it"
            )
    return text
