"""The tokenizer that is looked at: a choice among all that there are."""

from app import state
from app.state import View
from app.text import say
from app.ui.controls import choice_of
from app.views.tokenizers.cutters import Cutter, cutters

FIRST = "byte-bpe"


def chosen(view: View) -> Cutter:
    """The control, and the tokenizer that it shows."""
    all = cutters()
    name = view.tokenizer if view.tokenizer in all else FIRST
    titles = {name: cutter.title for name, cutter in all.items()}
    choice_of("tokenizer", say("tokenizers", "which"), name, titles, _pick)
    return all[name]


def _pick(name: str) -> None:
    state.change(tokenizer="" if name == FIRST else name)
