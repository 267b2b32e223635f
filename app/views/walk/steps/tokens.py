"""Text to bytes to merges to ids."""

from itertools import accumulate, pairwise

from app import components, compute, state
from app.text import say
from app.ui.context import StepContext
from app.ui.controls import button, text_field
from app.ui.labels import hex_bytes, token_labels, visible
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from app.views.walk.steps.target import sure
from engine.tokenize import graphemes, merges, rank_of

LONGEST_TARGET = 4000  # characters
SEEN = 48  # bytes of a long piece whose merges are drawn
ENTRY = "one entry of the list, no bytes"  # what a special token is made of


def draw(ctx: StepContext) -> None:
    tokenizer, tokens, text = ctx.model.tokenizer, ctx.tokens, ctx.text if ctx.side else ctx.view.prompt
    pieces = tokenizer.pieces(text)
    steps = _steps_of(ctx, pieces)
    word = b"".join(steps[0])
    left, right = columns(7, 4)
    with left:
        if ctx.side == "decoder":
            sure(ctx)
            text_field(say("walk", "target/field"), "target", LONGEST_TARGET)
        cut(
            ctx,
            _groups(ctx, tokens),
            title=f"How the piece “{visible(word.decode('utf-8', 'replace'))}” is put together",
            slider="Merges so far",
            merges=[token_labels(parts) for parts in steps],
            notes=_notes(steps, tokenizer.ranks),
            light=_light(ctx, text, steps[-1]),
        )
        words(
            ctx,
            "tokens/counts",
            characters=len(text),
            bytes=len(text.encode()),
            pieces=len(pieces),
            tokens=sum(id not in tokenizer.special.values() for id in ctx.ids),
            context=ctx.config.context,
        )
    with right:
        picked(ctx)
        code(merges)


def cut(ctx: StepContext, groups: list, **header) -> None:
    """The text in its tokens, and step by step how the picked word came to its own."""
    view, last = ctx.view, len(header["merges"]) - 1
    components.tokens(
        "tokens",
        {
            "groups": groups,
            "ids": ctx.ids,
            "token": view.token,
            "aria": "The tokens, each with its id",
            "merge": view.merge,
            "foot": f"ids  [T={len(ctx.ids)}]",
            "model": ctx.model.name,
            **header,
        },
        token=lambda i: state.change(token=i, merge=-1),
        merge=lambda n: state.change(merge=-1 if n == last else n),
    )


def picked(ctx: StepContext) -> None:
    """What the picked token is, and why there are such pieces."""
    token, id = ctx.tokens[ctx.view.token], ctx.ids[ctx.view.token]
    special, label = ctx.model.tokenizer.special.values(), ctx.labels[ctx.view.token]
    if id in ctx.model.tokenizer.sentinels:
        words(ctx, "tokens/sentinel", token=label, id=id)
    elif id in special:
        begins = id in getattr(ctx.model.tokenizer, "prefix", ())
        words(ctx, "tokens/special", token=label, id=id, begins=begins)
    else:
        words(ctx, "tokens/picked", token=label, id=id, bytes=hex_bytes(token), n=len(token))
    sizes = dict(vocabulary=len(ctx.model.tokenizer), special=len(special))
    words(ctx, "tokens/why", **sizes, sentinels=len(ctx.model.tokenizer.sentinels))
    button("tokenizers", say("tokenizers", "from walk"), lambda: state.leave("tokenizers"))


def _bytes(token: bytes) -> str:
    return f"{'byte' if len(token) == 1 else 'bytes'} {hex_bytes(token)}"


def _notes(steps: list[list[bytes]], ranks: dict[bytes, int]) -> list[str]:
    """What happened at each stop of the slider: which two neighbours were joined."""
    notes = ["one entry, no merge" if len(steps[0]) == 1 else f"{len(steps[0])} bytes, no merge yet"]
    if len(steps) == 2 and len(steps[0]) > len(steps[1]) + 1:  # too long a piece for a step a merge
        return [*notes, f"after all {len(steps[0]) - len(steps[1]):,} merges: {len(steps[1]):,} tokens"]
    for n, (before, after) in enumerate(pairwise(steps), 1):
        i = next(i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
        a, b, joined = token_labels([before[i], before[i + 1], after[i]])
        number = rank_of(ranks)(before[i], before[i + 1])
        notes.append(f"merge {n} of {len(steps) - 1}: {a} + {b} → {joined} (entry {number:,} of the list)")
    return notes


def _light(ctx: StepContext, text: str, merged: list[bytes]) -> dict:
    """Do the ids decode to exactly the text, and do the merges shown end in the tokens used?"""
    tokens = ctx.tokens
    same = any(tokens[i : i + len(merged)] == merged for i in range(len(tokens)))
    if ctx.text != text:
        return {"ok": False, "text": f"the ids decode to another text: “{visible(ctx.text)}”"}
    if not same:
        return {"ok": False, "text": f"the merges end in other tokens: {' '.join(token_labels(merged))}"}
    return {"ok": True, "text": "the ids decode to exactly this text, and the merges end in them"}


def _groups(ctx: StepContext, tokens: list[bytes]) -> list:
    """Whole characters with their tokens: (text, [(position, id, what it is made of)])."""
    special = ctx.model.tokenizer.special.values()
    pairs = zip(ctx.ids, tokens, strict=True)
    made = [ENTRY if id in special else _bytes(token) for id, token in pairs]
    return [(visible(text), [(i, ctx.ids[i], made[i]) for i in members]) for text, members in graphemes(tokens)]


def _steps_of(ctx: StepContext, pieces: list[bytes]) -> list[list[bytes]]:
    """How the piece that the picked token belongs to was merged, of a long one what is seen of it. Merges never
    cross a piece's ends, nor those of a token in the end: a run of tokens by itself is merged in the same way.
    The tokens that begin or end a text are made of nothing."""
    tokens, picked = ctx.tokens, ctx.view.token
    special = set(ctx.model.tokenizer.special.values())
    if ctx.ids[picked] in special:
        return [[tokens[picked]]]
    around = special - {ctx.model.tokenizer.unknown}  # they stand in no piece
    sizes = (0 if id in around else len(token) for token, id in zip(tokens, ctx.ids, strict=True))
    starts = list(accumulate(sizes, initial=0))  # of each token in the text
    ends = accumulate(map(len, pieces), initial=0)
    low, high = next((a, b) for a, b in pairwise(ends) if starts[picked] < b)
    inside = [i for i, start in enumerate(starts[:-1]) if low <= start < high and ctx.ids[i] not in special]
    return compute.merged(ctx.model.name, _around(tokens, picked, inside[0], inside[-1] + 1))


def _around(tokens: list[bytes], picked: int, low: int, high: int) -> bytes:
    """Of tokens[low:high] the picked one and those beside it, as long as all of them can be seen."""
    first, end = picked, picked + 1
    if _size(tokens[low:high]) <= SEEN:
        first, end = low, high
    while first > low and _size(tokens[first - 1 : end]) <= SEEN // 2:
        first -= 1
    while end < high and _size(tokens[first : end + 1]) <= SEEN:
        end += 1
    return b"".join(tokens[first:end])


def _size(tokens: list[bytes]) -> int:
    return sum(map(len, tokens))
