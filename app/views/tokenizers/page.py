"""Tokenizers: a text cut in every way, one learned from a text, twelve languages, and the stages."""

from app import catalogue, components, state
from app.text import say
from app.ui.controls import button, choice
from app.ui.labels import escape
from app.ui.notes import notes
from app.ui.page import Page, group, notice, text
from app.ui.source import ran
from app.views.tokenizers.parts import DRAW
from engine.tokenize.plain import texts

TYPED = ("beside", "train", "stages")  # the parts that show the typed text


def main() -> None:
    view = state.view(catalogue.models())
    with Page() as page:
        _page(view)
    components.show(page)
    ran(*page.code)
    state.publish()


def _page(view: state.View) -> None:
    names = {part: say("tokenizers", f"{part}/name") for part in DRAW}
    choice(say("tokenizers", "parts"), "cutting", names)
    text(f"### {say('tokenizers', f'{view.cutting}/title')}\n\n{say('tokenizers', f'{view.cutting}/lead')}")
    if view.cutting in TYPED:
        _prompt(view)
    notes()
    with group(f"part-{view.cutting}"):
        try:
            DRAW[view.cutting](view)
        except ValueError as error:
            notice(escape(str(error)[0].upper() + str(error)[1:]) + ".", "warning")
    button("walk", say("tokenizers", "walk"), _walk)


def _prompt(view: state.View) -> None:
    ready = texts()["ready"]
    header = {name: say("tokenizers", name) for name in ("label", "run", "placeholder")}
    header |= {
        "text": view.prompt,
        "few": len(ready),
        "examples": [(shown, name) for name, shown in ready.items()],
    }
    components.prompt("prompt", header, _submit, _submit)


def _submit(text: str) -> None:
    """Another text; the merges that are shown stay."""
    state.anew(prompt=text, merge=state.current().merge)


def _walk() -> None:
    """The same step in the walk, with the model's own tokenizer."""
    state.change(step="tokens", merge=-1)
    state.leave()


main()
