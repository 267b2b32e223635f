"""What is read: the box for a text or an image, and the view of its run."""

from dataclasses import replace

from app import catalogue, components, compute, edits, state
from app.architecture import CROSS, STEPS, whole
from app.text import say
from app.ui.context import StepContext
from app.ui.controls import button, text_field
from app.ui.labels import escape
from app.ui.page import notice
from app.views.walk.steps.tokens import LONGEST_TARGET
from engine.images import SIGNS

PLAIN = [  # prompts for every model; those of its own come from the file beside its weights
    {"text": state.PROMPT, "note": "A lecture's sentence"},
    {"text": "Once upon a time there was a little girl who lived in the", "note": "A story begins"},
    {"text": "Aragorn told Frodo to mind Lothlorien", "note": "Rare words in pieces"},
    {"text": "naïve café 🙂👩‍👩‍👧 שלום", "note": "Other letters"},
]
PLACES = ("step", "layer", "head", "token", "key", "other")  # what an example sets besides the prompt


def box(view: state.View, model) -> None:
    """Where a person says what the model is to read."""
    (_image if model.reads[0].image else _prompt)(view, model)


def fitted(view: state.View, model, given: compute.Given, trace) -> tuple[StepContext, list[str]]:
    """The view of the run, with places that exist, and a sentence for each one moved."""
    ctx = StepContext(view, model, given, trace, side=view.stack if len(model.reads) == 2 else "")
    keys = len(ctx.memory.ids) if view.step == CROSS and ctx.side == "decoder" else None
    fitted, moved = state.fit(view, ctx.config, len(ctx.ids), keys, ctx.side, ctx.gap)
    kept, refused = edits.fitting(trace, view.edits)
    ctx = replace(ctx, view=replace(fitted, edits=kept)).with_edits(kept)
    return ctx, moved + [f"A what-if was left out: {reason}." for reason in refused]


def _prompt(view: state.View, model) -> None:
    examples = catalogue.examples(model.name) + PLAIN
    header = {
        "text": view.prompt,
        "placeholder": say("walk", "prompt/placeholder", whole(model)),
        "examples": [(example["text"], example["note"]) for example in examples],
        "open": view.step == STEPS[0],
    }

    def show(number: int) -> None:
        """An example opens where there is something to see in it."""
        example = examples[int(number)]
        _submit(example["text"], **{place: example[place] for place in PLACES if place in example})

    components.prompt("prompt", header, _submit, show)


def _image(view: state.View, model) -> None:
    """The image: one of the model's examples, drawn by hand, or from a file."""
    given, palette = catalogue.given(model.name, view), model.prepare.palette
    header = {
        "text": given if isinstance(given, str) else given[0],
        "side": model.reads[0].image,
        "signs": SIGNS[: len(palette)],
        "palette": [[round(x) for x in (colour * 3)[:3]] for colour in palette],
        "examples": [(example["text"], example["note"]) for example in catalogue.examples(model.name)],
        "open": view.step == STEPS[0],
    }
    if all(len(set(colour)) == 1 for colour in palette):
        return components.drawing("drawing", header, _paint)
    beside = catalogue.beside(model.name, "examples.json")
    names = beside.get("colours") or [f"colour {sign}" for sign in header["signs"]]
    components.painting("painting", header | {"colours": names, "stamps": beside.get("stamps", [])}, _paint)


def _paint(signs: str) -> None:
    """Another image, and with it another caption where there is one."""
    state.anew(image=str(signs), target="")


def _submit(text: str, **places) -> None:
    state.tell("")
    state.anew(prompt=str(text), **places)


def trouble(error: ValueError, view: state.View) -> None:
    """The prompt cannot be run: say why; it stays in its box, and what was given to a decoder can go."""
    notice(escape(str(error)[0].upper() + str(error)[1:]) + ".", "warning")
    if view.target:
        text_field(say("walk", "target/field"), "target", LONGEST_TARGET)
        button("drop", say("walk", "target/drop"), lambda: state.change(target=""))
