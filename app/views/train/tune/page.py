"""Before and after: pre-training, fine-tuning, prompting; a part each."""

from app.settings import read
from app.text import say
from app.ui.controls import choice
from app.ui.page import group, text
from app.views.train.tune import digits, entailment, images, lora, options, three, ways
from app.views.train.tune.settings import PARTS, Tune

DRAW = {
    "ways": ways.draw,
    "options": options.draw,
    "lora": lora.draw,
    "digits": digits.draw,
    "images": images.draw,
    "entailment": entailment.draw,
    "three": three.draw,
}


def draw() -> None:
    part = read(Tune).part
    choice(say("tune", "parts"), "tune.part", {name: say("tune", f"part/{name}") for name in PARTS})
    with group(f"tune-{part}"):
        text(say("tune", f"{part}/lead"))
        DRAW[part]()
