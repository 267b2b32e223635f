"""By hand: the lectures' worked examples with numbers that can be changed, and exercises."""

from app import catalogue, components, state
from app.text import say
from app.ui.controls import choice
from app.ui.notes import notes
from app.ui.page import Page, group, text
from app.ui.source import ran
from app.views.by_hand.parts import DRAW


def main() -> None:
    view = state.view(catalogue.models())
    with Page() as page:
        notes()
        choice(say("by_hand", "parts"), "hand", {part: say("by_hand", f"{part}/name") for part in DRAW})
        if view.hand != "examples":  # whose title is the example's
            text(f"### {say('by_hand', f'{view.hand}/title')}")
        with group("lead"):
            text(say("by_hand", f"{view.hand}/lead"))
        with group(f"hand-{view.hand}"):
            DRAW[view.hand]()
    components.show(page)
    ran(*page.code)
    state.publish()


main()
