"""The main page: one prompt, or one image, step by step."""

from dataclasses import replace

from app import catalogue, components, compute, state
from app.architecture import BEGIN, CROSS, END, HEADED, STEPS, steps_of, whole
from app.text import say
from app.ui import what_ifs
from app.ui.context import StepContext
from app.ui.controls import button, text_field
from app.ui.labels import escape
from app.ui.notes import notes
from app.ui.page import Page, columns, group, notice, text
from app.ui.source import ran
from app.ui.words import told
from app.views.walk.steps import drawing
from app.views.walk.steps.tokens import LONGEST_TARGET
from engine.config import Config
from engine.images import SIGNS

PLAIN = [  # prompts for every model; those of its own come from the file beside its weights
    {"text": state.PROMPT, "note": "A classic example"},
    {"text": "Once upon a time there was a little girl who lived in the", "note": "A story begins"},
    {"text": "Aragorn told Frodo to mind Lothlorien", "note": "Rare words in pieces"},
    {"text": "naïve café 🙂👩‍👩‍👧 שלום", "note": "Other scripts and emoji"},
]
PLACES = ("step", "layer", "head", "token", "key", "other")  # what an example sets besides the prompt


def main() -> None:
    asked = _readable(state.view(catalogue.models()))
    name = catalogue.walked(asked)
    view = replace(asked, prompt=catalogue.opening(name, asked.prompt))
    model = compute.model(name)
    given = catalogue.given(name, view)
    with Page() as page:
        (_image if model.reads[0].image else _prompt)(view, model)
        above = group("notes")
        try:
            trace = compute.trace(name, given)
        except ValueError as error:
            _trouble(error, view)
        else:
            ctx, moved = _look(view, model, given, trace)
            state.settle(replace(ctx.view, prompt=asked.prompt), moved)
            _step(ctx)
        with above:
            notes()
    components.show(page)
    ran(*page.code)
    state.publish()


def _readable(view: state.View) -> state.View:
    """The view, of the default model where the one asked for cannot be read."""
    if view.model and (why := catalogue.fault(view.model)):
        state.complain(say("trouble", "models", name=view.model, reason=why))
        state.change(model="")
    return state.current()


def _step(ctx: StepContext) -> None:
    _map(ctx)
    _bar(ctx)
    what_ifs.strip(ctx.edits, ctx.config)
    what_ifs.outcome(ctx)
    with group("head"):
        _head(ctx)
    with group(f"step-{ctx.view.step}"):
        drawing(ctx)(ctx)
    what_ifs.mechanisms(ctx)


def _look(view: state.View, model, given: compute.Given, trace) -> tuple[StepContext, list[str]]:
    """The view of the run, with positions that exist, and a sentence for each one moved."""
    ctx = StepContext(view, model, given, trace, side=view.stack if len(model.reads) == 2 else "")
    keys = len(ctx.memory.ids) if view.step == CROSS and ctx.side == "decoder" else None
    fitted, moved = state.fit(view, ctx.config, len(ctx.ids), keys, ctx.side, ctx.gap)
    kept, refused = compute.fitting(model.name, given, view.edits)
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

    def show(text: str) -> None:
        """An example opens where there is something to see in it."""
        example = next(example for example in examples if example["text"] == text)
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
    state.anew(image=signs, target="")


def _submit(text: str, **places) -> None:
    state.tell("")
    state.anew(prompt=text, **places)


def _trouble(error: ValueError, view: state.View) -> None:
    """The prompt cannot be run: say why; it stays in its box, and a decoder's text can be dropped."""
    notice(escape(str(error)[0].upper() + str(error)[1:]) + ".", "warning")
    if view.target:
        text_field(say("walk", "target/field"), "target", LONGEST_TARGET)
        button("drop", say("walk", "target/drop"), lambda: state.change(target=""))


def _map(ctx: StepContext) -> None:
    steps = steps_of(ctx.config, ctx.side)
    titles = {step: say("walk", f"{step}/name", ctx.facts) for step in steps}
    parts = {"begin": BEGIN, "block": [step for step in steps if step not in (*BEGIN, *END)], "end": END}
    layers = dict(layer=ctx.view.layer, last=getattr(ctx.config, "layers", 1) - 1)
    groups = [
        [say("walk", f"map/{part}", ctx.facts, **layers), [titles[step] for step in within if step in titles]]
        for part, within in parts.items()
    ]
    groups = [group for group in groups if group[1]]
    header = {
        "at": steps.index(ctx.view.step),
        "groups": groups,
        "names": list(steps),
        "steps": list(titles.values()),
    }
    components.pipeline("map", header, step=lambda name: state.change(step=name))


def _bar(ctx: StepContext) -> None:
    view, config = ctx.view, ctx.config
    blocks = isinstance(config, Config)
    uses = {"layer": blocks and view.step not in (*BEGIN, *END), "head": blocks and view.step in HEADED}
    uses["stack"] = bool(ctx.side)
    header = {
        "tokens": ctx.labels,
        "ids": ctx.ids,
        "token": view.token,
        "layers": config.layers if blocks else 1,
        "layer": view.layer,
        "heads": config.heads if blocks else 1,
        "head": view.head,
        "stack": view.stack,
        "what": say("walk", "bar/what", ctx.facts),
        "use": [name for name, used in uses.items() if used],
    }
    components.bar(
        "bar",
        header,
        token=lambda i: state.change(token=i, merge=-1),
        layer=lambda i: state.change(layer=i),
        head=lambda i: state.change(head=i),
        stack=lambda name: state.anew(stack=name),
    )


def _head(ctx: StepContext) -> None:
    """The step's title and formula, and what happens in it in plain words."""
    step = ctx.view.step
    number = steps_of(ctx.config, ctx.side).index(step) + 1
    which = f"/{ctx.mask}" if step == "mask" else ""
    tempered = ["tempered"] * (step == "softmax" and bool(ctx.edit_of("attn.masked", "scale")))
    title, lead, formula = (
        told(ctx, f"{step}/{part}", *tempered) for part in ("title", "lead", f"formula{which}")
    )
    left, right = columns(7, 4, align="center")
    with left:
        text(f"### {number}. {title}\n\n{lead}")
    with right:
        components.formula("formula", compute.formula(formula))


main()
