"""Train: how the numbers came to be, gradient by gradient and step by step."""

from app import catalogue, components, settings, state
from app.text import say
from app.ui.controls import choice
from app.ui.notes import notes
from app.ui.page import Page, group, text
from app.ui.source import ran
from app.views.train.parts import DRAW


def main() -> None:
    view = state.view(catalogue.models())
    if view.train in settings.KINDS:
        settings.read(settings.KINDS[view.train])  # what a link says of them in vain is told above them
    with Page() as page:
        notes()
        choice(say("train", "parts"), "train", {part: say("train", part) for part in DRAW})
        text(f"### {say(view.train, 'title')}")
        with group(f"train-{view.train}"):
            text(say(view.train, "lead"))
            DRAW[view.train]()
    components.show(page)
    ran(*page.code)
    state.publish()


main()
