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
    found = [_row(cutter, read) for cutter in all.values()]
    header = {"title": say("tokenizers", "beside/picture"), "foot": "", "heads": rows.heads(), "rows": found}
    counts = {name: len(cutter.cut(read)) for name, cutter in all.items()}
    few, many = min(counts, key=counts.get), max(counts, key=counts.get)
    told = dict(few=all[few].title, least=counts[few], many=all[many].title, most=counts[many])
    size = dict(characters=len(read), bytes=len(read.encode()))
    text(say("tokenizers", "beside/say", **told, **size))
    if read in LECTURE:
        text(
            say(
                "tokenizers",
                f"beside/{LECTURE[read]}",
                **{f"n_{name}".replace("-", "_"): n for name, n in counts.items()},
            )
        )
    components.cuts("beside", header)
    if lacking := cutters.missing():
        text(say("tokenizers", "missing", names=", ".join(lacking)))
    text(say("tokenizers", "special"))
    code(graphemes, Listed)


def _row(cutter: cutters.Cutter, read: str) -> dict:
    note = f"{say('tokenizers', 'entries', n=len(cutter.tokenizer))} · {cutter.about}"
    return rows.row(cutter, read, note=note)
