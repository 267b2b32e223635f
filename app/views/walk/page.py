"""The main page: one prompt, or one image, step by step."""

from dataclasses import replace

from app import catalogue, components, compute, edits, state
from app.architecture import BEGIN, CROSS, END, HEADED, STEPS, steps_of, whole
from app.text import say
from app.ui import what_ifs
from app.ui.context import Look
from app.ui.controls import button, text_field
from app.ui.labels import escape
from app.ui.page import Page, columns, group, notice, text
from app.ui.source import ran
from app.ui.words import told
from app.views.walk.steps import drawing
from app.views.walk.steps.tokens import LONGEST_TARGET
from engine.config import Config
from engine.images import SIGNS

PLAIN = [  # prompts for every model; those of its own come from the file beside its weights
    {"text": state.PROMPT, "note": "A lecture's sentence"},
    {"text": "Once upon a time there was a little girl who lived in the", "note": "A story begins"},
    {"text": "Aragorn told Frodo to mind Lothlorien", "note": "Rare words in pieces"},
    {"text": "naïve café 🙂👩‍👩‍👧 שלום", "note": "Other letters"},
]
PLACES = ("step", "layer", "head", "token", "key", "other")  # what an example sets besides the prompt


def main() -> None:
    asked = state.view(catalogue.models())
    name = asked.model or catalogue.models()[0]
    view = replace(asked, prompt=catalogue.opening(name, asked.prompt))
    model = compute.model(name)
    given = catalogue.given(name, view)
    with Page() as page:
        (_image if model.reads[0].image else _prompt)(view, model)
        try:
            trace = compute.trace(name, given)
        except ValueError as error:
            _trouble(error, view)
        else:
            look, moved = _look(view, model, given, trace)
            state.settle(replace(look.view, prompt=asked.prompt), moved)
            _step(look)
    components.show(page)
    ran(*page.code)
    state.publish()


def _step(look: Look) -> None:
    _notes(state.ignored())
    _map(look)
    _bar(look)
    what_ifs.strip(look)
    with group("head"):
        _head(look)
    with group(f"step-{look.view.step}"):
        drawing(look)(look)
    what_ifs.mechanisms(look)


def _look(view: state.View, model, given: compute.Given, trace) -> tuple[Look, list[str]]:
    """The view of the run, with places that exist, and a sentence for each one moved."""
    look = Look(view, model, given, trace, side=view.stack if len(model.reads) == 2 else "")
    keys = len(look.memory.ids) if view.step == CROSS and look.side == "decoder" else None
    fitted, moved = state.fit(view, look.config, len(look.ids), keys, look.side, look.gap)
    kept, refused = edits.fitting(trace, view.edits)
    look = replace(look, view=replace(fitted, edits=kept)).with_edits(kept)
    return look, moved + [f"A what-if was left out: {reason}." for reason in refused]


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


def _trouble(error: ValueError, view: state.View) -> None:
    """The prompt cannot be run: say why; it stays in its box, and what was given to a decoder can go."""
    notice(escape(str(error)[0].upper() + str(error)[1:]) + ".", "warning")
    if view.target:
        text_field(say("walk", "target/field"), "target", LONGEST_TARGET)
        button("drop", say("walk", "target/drop"), lambda: state.change(target=""))


def _notes(notes: list[str]) -> None:
    """What the link asked for and did not get."""
    if notes:
        notice("The link was opened as far as it fits here. " + " ".join(escape(n) for n in notes[:6]))


def _map(look: Look) -> None:
    steps = steps_of(look.config, look.side)
    titles = {step: say("walk", f"{step}/name", look.facts) for step in steps}
    parts = {"begin": BEGIN, "block": [step for step in steps if step not in (*BEGIN, *END)], "end": END}
    layers = dict(layer=look.view.layer, last=getattr(look.config, "layers", 1) - 1)
    groups = [
        [say("walk", f"map/{part}", look.facts, **layers), [titles[step] for step in within if step in titles]]
        for part, within in parts.items()
    ]
    groups = [group for group in groups if group[1]]
    header = {"groups": groups, "steps": list(titles.values()), "at": steps.index(look.view.step)}
    components.pipeline("map", header, step=lambda i: state.change(step=steps[int(i)]))


def _bar(look: Look) -> None:
    view, config = look.view, look.config
    blocks = isinstance(config, Config)
    uses = {"layer": blocks and view.step not in (*BEGIN, *END), "head": blocks and view.step in HEADED}
    uses["stack"] = bool(look.side)
    header = {
        "tokens": look.labels,
        "ids": look.ids,
        "token": view.token,
        "layers": config.layers if blocks else 1,
        "layer": view.layer,
        "heads": config.heads if blocks else 1,
        "head": view.head,
        "stack": view.stack,
        "what": say("walk", "bar/what", look.facts),
        "use": [name for name, used in uses.items() if used],
    }
    components.bar(
        "bar",
        header,
        token=lambda i: state.change(token=int(i), merge=-1),
        layer=lambda i: state.change(layer=int(i)),
        head=lambda i: state.change(head=int(i)),
        stack=lambda name: state.anew(stack=str(name)),
    )


def _head(look: Look) -> None:
    """The step's title and formula, and what happens in it in plain words."""
    step = look.view.step
    number = steps_of(look.config, look.side).index(step) + 1
    which = f"/{look.mask}" if step == "mask" else ""
    heated = ["heated"] * (step == "softmax" and bool(look.edit_of("attn.masked", "scale")))
    title, lead, formula = (
        told(look, f"{step}/{part}", *heated) for part in ("title", "lead", f"formula{which}")
    )
    left, right = columns(7, 4, align="center")
    with left:
        text(f"### {number}. {title}\n\n{lead}")
    with right:
        components.formula("formula", compute.formula(formula))


main()
