"""Side by side: one text cut in every way that there is on this machine."""

from app import components
from app.state import View
from app.text import say
from app.ui.page import text
from app.ui.source import code
from app.views.tokenizers import cutters, rows
from engine.tokenize import graphemes
from engine.tokenize.plain import Listed

LECTURE = {  # a sentence of the lectures -> what is said about it
    "Henry is giving a lecture on transformers": "henry",
    "Henry is givin' a lectrue on transformers": "typos",
    "Aragorn told Frodo to mind Lothlorien": "aragorn",
}


def draw(view: View) -> None:
    read, all = rows.checked(view.prompt), cutters.cutters()
    cuts = {name: cutter.cut(read) for name, cutter in all.items()}
    counts = {name: len(tokens) for name, tokens in cuts.items()}
    _say(read, counts, [name for name, tokens in cuts.items() if not any(token.unknown for token in tokens)])
    found = [_row(cutter, read) for cutter in all.values()]
    header = {"title": say("tokenizers", "beside/picture"), "foot": ""}
    components.cuts("beside", header | {"heads": rows.heads(), "rows": found})
    if lacking := cutters.missing():
        text(say("tokenizers", "missing", names=", ".join(lacking)))
    text(say("tokenizers", "special"))
    code(graphemes, Listed)


def _say(read: str, counts: dict[str, int], knowing: list[str]) -> None:
    """How many tokens there are, and what is to be seen in a sentence of the lectures; knowing: the tokenizers
    to which nothing is unknown."""
    titles = {name: cutter.title for name, cutter in cutters.cutters().items()}
    few, many = min(knowing, key=counts.get), max(knowing, key=counts.get)
    told = dict(few=titles[few], least=counts[few], many=titles[many], most=counts[many])
    text(say("tokenizers", "beside/say", characters=len(read), bytes=len(read.encode()), **told))
    if read in LECTURE:
        numbers = {f"n_{name.replace('-', '_')}": n for name, n in counts.items()}
        text(say("tokenizers", f"beside/{LECTURE[read]}", **numbers))


def _row(cutter: cutters.Cutter, read: str) -> dict:
    note = f"{say('tokenizers', 'entries', n=len(cutter.tokenizer))} · {cutter.about}"
    return rows.row(cutter, read, note=note)
