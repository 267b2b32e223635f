"""The stages of a tokenizer: the text as it is typed, normalised, split into pieces, in tokens, as ids."""

from app import components
from app.state import View
from app.text import say
from app.ui.labels import visible
from app.ui.page import text
from app.views.tokenizers import rows
from app.views.tokenizers.chosen import chosen
from engine.tokenize.pieces import Split, split_of

KNOWN = ("lower", "NFKC", "BertNormalizer")  # normalizers that are told in words


def draw(view: View) -> None:
    cutter, read = chosen(view), rows.checked(view.prompt)
    split = split_of(cutter.tokenizer, read)
    found = [_text_row("typed", [read]), _text_row("normal", [split.normal], _normalised(split, read))]
    found.append(_text_row("pieces", split.pieces, "", split.pattern))
    found.append(rows.row(cutter, read, say("tokenizers", "stage/tokens"), note=cutter.about))
    header = {"title": say("tokenizers", "stages/picture", name=cutter.title), "foot": ""}
    components.cuts("stages", header | {"heads": rows.heads(), "rows": found})
    values = dict(name=cutter.title, pieces=len(split.pieces), tokens=len(cutter.cut(read)))
    text(say("tokenizers", "stages/say", **values))
    if split.pattern:
        text(say("tokenizers", "stages/pattern", {"punctuation": r"\p{P}" in split.pattern}))


def _normalised(split: Split, read: str) -> str:
    if not split.normalizer:
        return say("tokenizers", "stage/none")
    same = "same" if split.normal == read else "changed"
    known = split.normalizer in KNOWN
    how = say("tokenizers", f"stage/how/{split.normalizer}") if known else split.normalizer
    return say("tokenizers", f"stage/{same}", how=how)


def _text_row(stage: str, parts: list[str], note: str = "", code: str = "") -> dict:
    """A stage that has no ids yet: its parts as they are."""
    groups = [(visible(part), []) for part in parts[: rows.MOST]]
    name, more = say("tokenizers", f"stage/{stage}"), len(parts) - rows.MOST
    told = {"title": name, "aria": name, "note": note, "code": code, "back": "", "groups": groups}
    count = say("tokenizers", "stage/count", n=len(parts)) if stage == "pieces" else None
    return told | {"count": count, "more": say("tokenizers", "more", n=more) if more > 0 else ""}
