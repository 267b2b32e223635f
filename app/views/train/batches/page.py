"""Batches and objectives: what goes into a step of training, and what is asked of the model there."""

from app.settings import read
from app.text import say
from app.ui.controls import choice
from app.ui.labels import escape
from app.ui.page import group, notice, text
from app.views.train.batches import batch, corrupted, forced, masked, next_token
from app.views.train.batches.settings import TOPICS, Batches

DRAW = {
    "batch": batch.draw,
    "next": next_token.draw,
    "masked": masked.draw,
    "sentence": masked.draw_pair,
    "spans": corrupted.spans,
    "denoise": corrupted.denoise,
    "permuted": corrupted.permuted,
    "translate": forced.draw,
    "once": next_token.draw_once,
}


def draw() -> None:
    now = read(Batches)
    choice(
        say("batches", "topics"), "batches.about", {topic: say("batches", f"topic/{topic}") for topic in TOPICS}
    )
    with group(f"batches-{now.about}"):
        text(say("batches", f"{now.about}/lead"))
        try:
            DRAW[now.about](now)
        except ValueError as error:
            notice(escape(str(error)[0].upper() + str(error)[1:]).rstrip(".") + ".", "warning")
