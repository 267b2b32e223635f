"""The main page: one prompt, step by step."""

import streamlit as st

from app import components, compute, state
from app.labels import escape
from app.look import Look
from app.state import STEPS
from app.steps import DRAW
from app.text import say

PLAIN = [  # prompts for every model; those of its own come from the file beside its weights
    {"text": "The animal didn't cross the street because it was too tired", "note": "A lecture's sentence"},
    {"text": "Once upon a time there was a little girl who lived in the", "note": "A story begins"},
    {"text": "Aragorn told Frodo to mind Lothlorien", "note": "Rare words in pieces"},
    {"text": "naïve café 🙂👩‍👩‍👧 שלום", "note": "Other letters"},
]
GROUPS = [(2, "From text to vectors"), (8, "Block {layer} of 0 to {last}"), (2, "To the answer")]
PLACES = ("step", "layer", "head", "token", "key")  # what an example sets besides the prompt
USES = {"layer": STEPS[2:10], "head": STEPS[3:8]}  # the steps in which each choice matters


def main() -> None:
    view = state.view(compute.models())
    name = view.model or compute.models()[0]
    model = compute.model(name)
    top = st.container(key="top")
    with top:
        _prompt(view, name)
    try:
        trace = compute.trace(name, view.prompt)
    except ValueError as error:
        state.publish()
        return _trouble(error)
    config = model.config
    view, moved = state.fit(view, config.layers, config.heads, trace.ids.shape[1], config.rotary)
    state.settle(view, moved)
    look = Look(view, model, trace)
    with top:
        _notes(state.ignored())
        _map(look)
        _bar(look)
    with st.container(key="head"):
        _head(look)
    with st.container(key="step"):
        DRAW[view.step](look)
    components.store("store", look.tensors)  # all in one: every element on the page costs time
    state.publish()


def _prompt(view: state.View, name: str) -> None:
    examples = compute.beside(name, "examples.json").get("examples", []) + PLAIN
    header = {
        "text": view.prompt,
        "placeholder": "Type a text and press Enter",
        "examples": [(example["text"], example["note"]) for example in examples],
        "open": view.step == STEPS[0],
    }

    def show(number: int) -> None:
        """An example opens where there is something to see in it."""
        example = examples[int(number)]
        _submit(example["text"], **{place: example[place] for place in PLACES if place in example})

    components.prompt("prompt", header, _submit, show)


def _submit(text: str, **places) -> None:
    st.session_state.drawn = ""
    state.change(**{"prompt": str(text), "token": -1, "key": 0, "merge": -1} | places)


def _trouble(error: ValueError) -> None:
    """The prompt cannot be run: say why; it stays in its box."""
    st.warning(escape(str(error)[0].upper() + str(error)[1:]) + ".", icon=":material/edit:")


def _notes(notes: list[str]) -> None:
    """What the link asked for and did not get."""
    if notes:
        st.info("The link was opened as far as it fits here. " + " ".join(escape(n) for n in notes[:6]))


def _map(look: Look) -> None:
    titles = [say("walk", f"{step}/name", look.kinds) for step in STEPS]
    groups, start = [], 0
    for count, name in GROUPS:
        name = name.format(layer=look.view.layer, last=look.model.config.layers - 1)
        groups.append([name, titles[start : start + count]])
        start += count
    header = {"groups": groups, "steps": titles, "at": STEPS.index(look.view.step)}
    components.pipeline("map", header, step=lambda i: state.change(step=STEPS[int(i)]))


def _bar(look: Look) -> None:
    view, config = look.view, look.model.config
    header = {
        "tokens": look.labels,
        "ids": look.ids,
        "token": view.token,
        "layers": config.layers,
        "layer": view.layer,
        "heads": config.heads,
        "head": view.head,
        "use": [name for name, steps in USES.items() if view.step in steps],
    }
    components.bar(
        "bar",
        header,
        token=lambda i: state.change(token=int(i), merge=-1),
        layer=lambda i: state.change(layer=int(i)),
        head=lambda i: state.change(head=int(i)),
    )


def _head(look: Look) -> None:
    """The step's title and formula, and what happens in it in plain words."""
    step = look.view.step
    a, b = st.columns([7, 4], gap="medium", vertical_alignment="center")
    number = STEPS.index(step) + 1
    title, lead = (say("walk", f"{step}/{part}", look.kinds) for part in ("title", "lead"))
    formula = say("walk", f"{step}/formula", look.kinds, activation=look.activation)
    a.markdown(f"### {number}. {title}\n{lead}")
    b.latex(formula)


main()
