"""From scores to text: one choice in slow motion, writing, searching, and what it costs."""

from app import components, state
from app.text import say
from app.ui import reading, what_ifs
from app.ui.context import StepContext
from app.ui.controls import choice
from app.ui.page import Page, group, notice, text
from app.ui.source import ran
from app.views.decode.parts import DRAW
from app.views.decode.written import read_of


def main() -> None:
    with Page() as page:
        reading.of_a_run(_decode, steps=False)
    components.show(page)
    ran(*page.code)
    state.publish()


def _decode(ctx: StepContext) -> None:
    if not writes(ctx):
        return notice(say("decode", "writes nothing", ctx.facts, model=ctx.model.name))
    choice(say("decode", "parts"), "part", {part: say("decode", f"{part}/name") for part in DRAW})
    what_ifs.changes(ctx)
    part = ctx.view.part
    text(f"### {say('decode', f'{part}/title')}\n\n{say('decode', f'{part}/lead', ctx.facts)}")
    if part in ("choice", "tree", "cache") and full(ctx):
        notice(say("decode", "text/full", context=ctx.model.reads[-1].context))
    with group(f"part-{part}"):
        DRAW[part](ctx)


def full(ctx: StepContext) -> bool:
    """Is there no room for another token?"""
    return len(read_of(ctx.model.name, ctx.view)[1]) >= ctx.model.reads[-1].context


def writes(ctx: StepContext) -> bool:
    """Does this model write a text, token after token?"""
    config = ctx.model.reads[-1]
    return len(ctx.model.reads) == 2 or (config.causal and config.ending == "logits")


main()
