"""What is read: the box for a text or an image, and the view of its run."""

from collections.abc import Callable
from dataclasses import replace

from app import catalogue, components, compute, state
from app.architecture import BEGIN, CROSS, GLANCE, whole
from app.text import say
from app.ui import picker
from app.ui.context import StepContext
from app.ui.controls import button, text_field
from app.ui.labels import escape
from app.ui.notes import notes
from app.ui.page import group, notice
from app.views.walk.steps.tokens import LONGEST_TARGET
from engine.images import SIGNS

PLAIN = [  # prompts for every model; those of its own come from the file beside its weights
    {"text": state.PROMPT, "note": "A classic example"},
    {"text": "Once upon a time there was a little girl who lived in the", "note": "A story begins"},
    {"text": "Aragorn told Frodo to mind Lothlorien", "note": "Rare words in pieces"},
    {"text": "naïve café 🙂👩‍👩‍👧 שלום", "note": "Other scripts and emoji"},
]
STOPS = ("prompt", "machine", "head", "arithmetic", "what-if")  # of the tour
FEW = 3  # examples in sight where all of the model is shown; the others are a click away
PLACES = ("step", "layer", "head", "token", "key", "other")  # what an example sets besides the prompt


def of_a_run(draw: Callable[[StepContext], None], steps: bool = True) -> None:
    """Where a person says what the model is to read, and what `draw` draws of its run: a step, or no step."""
    asked = _readable(state.view(catalogue.models()))
    name = catalogue.walked(asked)
    view = replace(asked, prompt=catalogue.opening(name, asked.prompt))
    model = compute.model(name)
    given = catalogue.given(name, view)
    if glance := steps and view.step == GLANCE[0]:
        _welcome(model)
    with picker.beside(name):
        (_image if model.reads[0].image else _prompt)(view, model, FEW if glance else 0)
    above = group("notes")
    try:
        _something(model, given)
        trace = compute.trace(name, given)
    except ValueError as error:
        _trouble(error, view)
    else:
        ctx, moved = _look(view if steps else _written(view), model, given, trace)
        kept = {} if steps else dict(step=view.step, stack=view.stack)
        state.settle(replace(ctx.view, prompt=asked.prompt, **kept), moved)
        draw(ctx)
    with above:
        notes()


def _something(model, given: compute.Given) -> None:
    """A ValueError of an empty prompt, also where special tokens around it would make an input of it."""
    text = given if isinstance(given, str) else given[0]
    if not (text or model.reads[0].image):
        raise ValueError("the prompt is empty: type at least one character")


def _written(view: state.View) -> state.View:
    """The view where no step is shown: of two stacks the one that writes, and a step that all models have."""
    return replace(view, step=GLANCE[0], stack="decoder")


def _welcome(model) -> None:
    """What this is, and a tour of it."""
    facts = whole(model)
    stops = STOPS if facts["architecture"] == "transformer" else ()
    told = [(stop, compute.marked(say("tour", stop, facts))) for stop in stops]
    words = {name: say("tour", name) for name in ("title", "start", "next", "back", "skip", "done")}
    components.welcome("welcome", words | {"lead": say("walk", "lead", facts), "stops": told})


def _readable(view: state.View) -> state.View:
    """The view, of the default model where the one asked for cannot be read."""
    if view.model and (why := catalogue.fault(view.model)):
        state.complain(say("trouble", "models", name=view.model, reason=why))
        state.change(model="")
    return state.current()


def _look(view: state.View, model, given: compute.Given, trace) -> tuple[StepContext, list[str]]:
    """The view of the run, with positions that exist, and a sentence for each one moved."""
    side = state.side_of(view) if len(model.reads) == 2 else ""
    view = replace(view, stack=side or view.stack)
    ctx = StepContext(view, model, given, trace, side=side)
    across = view.step == CROSS or (view.step == "all_heads" and view.attention == "cross")
    keys = len(ctx.memory.ids) if across and ctx.side == "decoder" else None
    fitted, moved = state.fit(view, ctx.config, len(ctx.ids), keys, ctx.side, ctx.usual)
    kept, refused = compute.fitting(model.name, given, view.edits)
    ctx = replace(ctx, view=replace(fitted, edits=kept)).with_edits(kept)
    return ctx, moved + [f"A what-if was left out: {reason}." for reason in refused]


def _prompt(view: state.View, model, few: int) -> None:
    examples = catalogue.examples(model.name) + PLAIN
    header = {
        "text": view.prompt,
        "placeholder": say("walk", "prompt/placeholder", whole(model)),
        "examples": [(example["text"], example["note"]) for example in examples],
        "few": few,
    }

    def show(text: str) -> None:
        """An example opens where there is something to see in it; all of the model stays in sight."""
        example = next(example for example in examples if example["text"] == text)
        picked = {place: example[place] for place in PLACES if place in example}
        picked |= {"stack": ""} if "step" in picked else {}
        _submit(text, **picked | ({"step": view.step} if view.step in GLANCE else {}))

    components.prompt("prompt", header, _submit, show)


def _image(view: state.View, model, few: int) -> None:
    """The image: one of the model's examples, drawn by hand, or from a file."""
    given, palette = catalogue.given(model.name, view), model.prepare.palette
    header = {
        "text": given if isinstance(given, str) else given[0],
        "side": model.reads[0].image,
        "signs": SIGNS[: len(palette)],
        "palette": [[round(x) for x in (colour * 3)[:3]] for colour in palette],
        "examples": [(example["text"], example["note"]) for example in catalogue.examples(model.name)],
        "few": few,
        "open": view.step in BEGIN[:2],
    }
    if all(len(set(colour)) == 1 for colour in palette):
        return components.drawing("drawing", header, _paint)
    beside = catalogue.beside(model.name, "examples.json")
    names = beside.get("colours") or [f"colour {sign}" for sign in header["signs"]]
    components.painting("painting", header | {"colours": names, "stamps": beside.get("stamps", [])}, _paint)


def _paint(signs: str) -> None:
    """Another image, and with it another caption where there is one."""
    state.anew(image=signs, target="")


def _submit(text: str, **places) -> None:
    state.tell("")
    state.anew(prompt=text, **places)


def _trouble(error: ValueError, view: state.View) -> None:
    """The prompt cannot be run: say why; it stays in its box, and what was given to a decoder can go."""
    notice(escape(str(error)[0].upper() + str(error)[1:]) + ".", "warning")
    if view.target:
        text_field(say("walk", "target/field"), "target", LONGEST_TARGET)
        button("drop", say("walk", "target/drop"), lambda: state.change(target=""))
