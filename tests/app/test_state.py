"""The link and the view say the same, and no link is too strange to open."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.architecture import steps_of
from app.edits import write
from app.state import CALLED, CHOICES, DEFAULT, LONGEST_LINK, RANGES, TYPES, View, fit, read_link, write_link
from engine.config import Config, RecurrentConfig
from tests.app.strategies import EDITS

MODELS = ["storybook", "another"]
WILD = ["", "nan", "inf", "-inf", "1e400", "-1", "2.5", "9" * 20, "yes", "01", "\x00", "q" * 10_000]


def allowed(name: str) -> st.SearchStrategy:
    """Values of a field that a link can say."""
    if name in CHOICES:
        return st.sampled_from(CHOICES[name])
    if name in RANGES:
        return (st.floats if TYPES[name] is float else st.integers)(*RANGES[name])
    if name == "edits":
        return st.lists(EDITS, max_size=5).map(tuple)
    if name == "model":
        return st.sampled_from(["", *MODELS])
    return st.text(max_size=60) if TYPES[name] is str else st.booleans()


VIEWS = st.builds(View, **{name: allowed(name) for name in TYPES})
LINKS = st.dictionaries(st.sampled_from(list(TYPES)) | st.text(), st.sampled_from(WILD) | st.text())


@given(VIEWS)
@settings(deadline=None)
def test_a_link_opens_the_view_it_was_made_from(view):
    assert read_link(write_link(view), MODELS) == (view, [])


def test_the_default_view_needs_no_parameters():
    assert write_link(DEFAULT) == {}


def test_a_prompt_too_long_for_a_link_is_left_out():
    assert "prompt" in write_link(replace(DEFAULT, prompt="a" * LONGEST_LINK))
    assert "prompt" not in write_link(replace(DEFAULT, prompt="a" * (LONGEST_LINK + 1)))


def sensible(view: View) -> bool:
    values = {name: getattr(view, name) for name in TYPES}
    return (
        all(type(value) is TYPES[name] for name, value in values.items())
        and all(low <= values[name] <= high for name, (low, high) in RANGES.items())
        and all(values[name] in choices for name, choices in CHOICES.items())
        and view.model in ("", *MODELS)
    )


def says(view: View, name: str, text: str) -> bool:
    """Is the field exactly what the text asks for?"""
    value = getattr(view, name, None)
    if name == "edits":
        return write(value) == text
    if isinstance(value, str):
        return value == text and (value != "" or name != "model")
    if isinstance(value, bool):
        return text == str(int(value))
    try:
        return value == float(text)
    except (TypeError, ValueError):
        return False


@given(LINKS)
@settings(deadline=None, max_examples=300)
def test_any_link_gives_a_sensible_view_and_a_sentence_for_each_thing_ignored(link):
    view, ignored = read_link(link, MODELS)
    assert sensible(view)
    assert len(ignored) == sum(not says(view, name, text) for name, text in link.items())
    assert all(len(sentence) < 250 and sentence.endswith(".") for sentence in ignored)


@pytest.mark.parametrize(
    "name, text, nearest",
    [
        ("layer", "-7", 0),
        ("temperature", "1e9", 5.0),
        ("top_p", "0", 0.01),
        ("token", "2.9", 2),
        ("seed", "1e300", 2**31 - 1),
    ],
)
def test_a_number_out_of_reach_gives_the_nearest(name, text, nearest):
    view, ignored = read_link({name: text}, MODELS)
    assert getattr(view, name) == nearest
    assert len(ignored) == 1 and name in ignored[0] and str(nearest) in ignored[0]


SIZES = st.tuples(*[st.integers(1, 40)] * 3)


def config(layers: int = 1, heads: int = 1, **choices) -> Config:
    sizes = dict(vocabulary=9, context=9, width=2 * heads, mlp_width=4, layers=layers, heads=heads)
    return Config(**sizes | dict(positions="rotary", qk_norm=True) | choices)


@given(VIEWS, SIZES)
@settings(deadline=None)
def test_fit_moves_only_what_does_not_exist_and_says_so(view, sizes):
    view = replace(view, norm="attn", step="tokens")
    fitted, moved = fit(view, config(*sizes[:2]), sizes[2])
    counts = dict(layer=sizes[0], head=sizes[1], token=sizes[2], key=sizes[2])
    for name, count in counts.items():
        asked = getattr(view, name)
        nearest = count - 1 if asked >= count or (name, asked) == ("token", -1) else asked
        assert getattr(fitted, name) == nearest
        assert any(f"{CALLED.get(name, name)} {asked} " in sentence for sentence in moved) == (asked >= count)
    assert replace(fitted, **{name: getattr(view, name) for name in counts}) == view


@pytest.mark.parametrize("letter", CHOICES["letter"])
def test_a_turned_or_normed_vector_is_shown_plain_where_the_model_has_none(letter):
    fitted, moved = fit(replace(DEFAULT, letter=letter), config(positions="learned", qk_norm=False), 1)
    assert fitted.letter == letter[0]
    assert len(moved) == (letter != letter[0])


BESIDE = dict(memory=2, post_norm=True)
RECURRENT = RecurrentConfig(vocabulary=9, context=9, width=4, start=1, end=2, attention="none")
SIDES = [(config(), ""), (config(ending="nothing"), "encoder"), (config(**BESIDE), "decoder")]
SIDES += [(RECURRENT, "encoder"), (RECURRENT, "decoder"), (replace(RECURRENT, attention="dot"), "decoder")]


@pytest.mark.parametrize("shape, side", SIDES)
@pytest.mark.parametrize("step", CHOICES["step"])
def test_a_step_that_a_stack_does_not_take_gives_one_that_it_does(shape, side, step):
    fitted, moved = fit(replace(DEFAULT, step=step), shape, 3, side=side)
    taken = steps_of(shape, side)
    assert len(set(taken)) == len(taken)
    assert fitted.step == step if step in taken else fitted.step in taken
    assert len(moved) == (step not in taken)


@pytest.mark.parametrize(
    "choices, there",
    [
        ({}, {"attn", "mlp", "final"}),
        (dict(post_norm=True), {"attn", "mlp"}),
        (dict(post_norm=True, embed_norm=True), {"attn", "mlp", "embed"}),
    ],
)
def test_a_norm_that_a_model_lacks_gives_the_one_at_its_attention(choices, there):
    for norm in CHOICES["norm"]:
        fitted, moved = fit(replace(DEFAULT, norm=norm), config(**choices), 3)
        assert fitted.norm == (norm if norm in there else "attn")
        assert len(moved) == (norm not in there)


@pytest.mark.parametrize("across", [1, 2, 3, 4, 14])
def test_of_an_image_a_patch_near_the_middle_is_picked(across):
    image = dict(vocabulary=0, image=2 * across, patch=2, context=across**2 + 1, positions="learned")
    image |= dict(tied=False, ending="classes", classes=3, causal=False)
    fitted, _ = fit(DEFAULT, config(**image), across**2 + 1)
    row, column = divmod(fitted.token - 1, across)
    assert row == column == (across - 1) // 2


def test_ranges_hold_the_defaults():
    assert sensible(DEFAULT)
    assert all(math.isfinite(x) for pair in RANGES.values() for x in pair)
