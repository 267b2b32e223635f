"""The table of a recurrent encoder-decoder and its second route: every tensor and every cell agrees."""

import math

import pytest
import torch

from engine.trace import run
from engine.trace.tap import Edit
from engine.worked import check, work
from engine.worked.recipes import KINDS
from tests.engine.tiny import ENCODER, RECURRENT, full, images, prompt, recurrent
from tests.engine.worked.test_worked import _noise, cells, failing

SOURCE, TARGET = prompt(5, seed=1), prompt(4, seed=2)
SOURCES = [SOURCE, prompt(2, seed=3), prompt(1, seed=4)]
TARGETS = [prompt(1, seed=5), TARGET, prompt(3, seed=6)]
EDITS = {
    "nothing to start from": Edit("decoder.start.h", "zero"),
    "another token": Edit("encoder.token", "mean", {"T": 2}),
    "set a number of a state": Edit("encoder.steps.2.h", "set", {"D": 3}, 0.9),
    "enlarge a state": Edit("decoder.steps.1.h", "scale", {}, 1e6),
    "enlarge what was carried": Edit("encoder.steps.3.h", "scale", {}, -1e4),
    "mean of the states": Edit("encoder.states", "mean", {"T": 1}),
    "patch": Edit("encoder.steps.4.h", "copy", {}, (tuple(prompt(5, seed=7)), tuple(TARGET))),
    "forbid a token": Edit("decoder.logits", "set", {"V": 3}, -math.inf),
}
CELL_EDITS = {
    "rnn": [Edit("encoder.steps.1.h_pre", "add", {"D": 3}, -500.0)],
    "gru": [Edit("encoder.steps.1.update", "set", {}, 1.5), Edit("decoder.steps.2.reset", "scale", {}, 1e3)],
    "lstm": [Edit("encoder.steps.1.forget", "zero"), Edit("decoder.steps.2.cell", "scale", {}, 1e3)],
}
LOOKING_EDITS = [
    Edit("decoder.cross.weights", "add", {}, -3.0),
    Edit("decoder.cross.align", "set", {"T": 1, "S": 2}, -math.inf),
    Edit("decoder.cross.mask", "set", {}, 1.0),
    Edit("decoder.cross.context", "copy", {"T": 2}, (tuple(prompt(6, seed=8)), tuple(TARGET))),
]


READ = {  # source, target, and of images what reads them
    "one pair": (SOURCE, TARGET, None),
    "pairs with padding": (SOURCES, TARGETS, None),
    "images": (images(3), TARGETS, ENCODER),
}


@pytest.fixture(scope="module", params=RECURRENT)
def model(request):
    """In float32, as people see it."""
    return recurrent(*RECURRENT[request.param], dtype=torch.float32)


@pytest.fixture(scope="module", params=READ)
def trace(model, request):
    source, target, encoder = READ[request.param]
    if encoder is not None:
        model = recurrent(model.config.cell, model.config.attention, torch.float32, encoder=encoder)
    return full(model, source, target=target)


def test_an_infinite_state_is_told_by_the_lights(model):
    trace = full(model, SOURCE, [Edit("decoder.states", "set", {"T": 2}, math.inf)], target=TARGET)
    assert "NaN or infinite" in check(trace, "decoder.states").note
    assert not check(trace, "decoder.logits").ok


# --- the table -----------------------------------------------------------------------------------


def test_every_point_is_made_once_in_the_order_of_the_table(trace):
    assert list(trace._kept) == trace.points() == list(trace.table)


def test_every_tensor_has_the_axes_of_its_point(trace):
    c, e = trace.model.config, trace.model.config.encoder
    S = e.context if e else trace.ids.shape[1]
    for name, point in trace.table.items():
        T = S if name.startswith("encoder.") else trace.target.shape[1]
        lengths = {"B": len(trace.ids), "T": T, "S": S, "D": c.width, "V": c.vocabulary, "1": 1}
        lengths |= dict(N=S - 1, P=12, H=e.heads, E=e.head_width, F=e.mlp_width) if e else {}
        assert list(trace[name].shape) == [lengths[axis] for axis in point.axes], name


def test_every_source_is_made_before_its_point_and_a_point_has_a_recipe_and_a_meaning(trace):
    made = set()
    for point in trace.table.values():
        assert made.issuperset(point.sources), point.name
        assert point.kind in KINDS
        assert point.meaning
        made.add(point.name)


def test_a_step_is_made_of_the_step_before_it(model):
    step = {"rnn": "h_pre", "gru": "candidate_h", "lstm": "input_pre"}[model.config.cell]
    table = run(model, SOURCE, target=TARGET).table
    for stack, steps in (("encoder", 5), ("decoder", 4)):
        befores = [f"{stack}.start.h", *(f"{stack}.steps.{t}.h" for t in range(steps - 1))]
        for t, before in enumerate(befores):
            assert before in table[f"{stack}.steps.{t}.{step}"].sources


def test_each_part_makes_a_point(trace):
    """No weights but those that some point is made with."""
    parts = {point.weights for point in trace.table.values()} | {"encoder.embed"}  # its first vector
    for name, _ in trace.model.named_parameters():
        part = name.rpartition(".")[0]
        assert {part, part.rpartition(".")[0]} & parts, name


# --- the second route ----------------------------------------------------------------------------


def test_every_tensor_agrees(trace):
    assert failing(trace) == []


def test_a_lean_trace_is_to_the_last_bit_one_that_keeps_everything(trace):
    paddings = dict(padding=trace.padding, target_padding=trace.target_padding)
    lean = run(trace.model, trace.ids, target=trace.target, **paddings)
    assert all(torch.equal(lean[point], trace[point]) for point in trace.points())


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_every_tensor_agrees_with_its_edit(model, edit):
    assert failing(run(model, SOURCE, [edit], target=TARGET)) == []


def test_every_tensor_agrees_with_edits_on_edits(model):
    looking = LOOKING_EDITS if model.config.attention != "none" else []
    edits = [*EDITS.values()][:6] + CELL_EDITS[model.config.cell] + looking
    assert failing(run(model, SOURCE, edits * 2, target=TARGET)) == []
    plain = [edit for edit in edits if edit.op != "copy"]
    assert failing(run(model, SOURCES, plain, target=TARGETS)) == []


def test_every_cell_agrees(trace):
    for point, at in cells(trace, count=3):
        worked = work(trace, point, at)
        assert (worked.point, worked.at) == (point, at)
        assert worked.shown == float(trace[point][at])
        near = worked.value == worked.shown or abs(worked.value - worked.shown) <= _noise(worked)
        assert near, (point, at, worked.value, worked.shown)
        assert math.fsum(term.value for term in worked.terms) == pytest.approx(worked.total) or not worked.terms


def test_cells_in_float64_agree_to_the_last_digits(model):
    trace = run(recurrent(model.config.cell, model.config.attention), SOURCES, target=TARGETS)
    for point, at in cells(trace, count=2):
        worked = work(trace, point, at)
        assert worked.value == worked.shown or worked.value == pytest.approx(worked.shown, rel=1e-9, abs=1e-11)


def test_formulas_are_whole_and_a_cell_names_the_cells_it_was_made_from(trace):
    for point, at in cells(trace, count=1):
        worked = work(trace, point, at)
        for text in (worked.symbols, worked.numbers):
            assert text
            assert not any(word in text for word in ("nan", "inf ", "None", "array", "tensor", "np.")), text
            assert text.count("{") == text.count("}"), text
        for source in trace.table[point].sources:
            assert any(text.startswith(source) for text in worked.sources), point


def test_a_wrong_number_is_found(trace):
    for point in trace.points():
        right = trace._kept[point]
        at = tuple(n // 2 for n in right.shape)
        wrong = trace._kept[point] = right.clone()
        wrong[at] = ~wrong[at] if wrong.dtype == torch.bool else 0.01 if wrong[at].isinf() else wrong[at] + 0.01
        found = check(trace, point)
        trace._kept[point] = right
        assert not found.ok, point
        assert found.largest > found.allowed, point


def test_a_gate_is_a_term_for_each_number_of_token_and_state_and_the_bias():
    trace = full(recurrent("gru", "additive"), SOURCE, target=TARGET)
    D = trace.model.config.width
    assert len(work(trace, "encoder.steps.2.reset_pre", (0, 4)).terms) == 2 * D + 1
    assert len(work(trace, "encoder.steps.2.candidate_pre", (0, 4)).terms) == D + 2
    assert len(work(trace, "encoder.steps.2.h", (0, 4)).terms) == 2
    assert len(work(trace, "decoder.cross.align", (0, 2, 3)).terms) == D
    assert len(work(trace, "decoder.cross.weights", (0, 2, 3)).terms) == 5
    assert len(work(trace, "decoder.cross.mixed_pre", (0, 2, 3)).terms) == 2 * D


def test_padding_is_named_as_what_is_not_looked_at_and_carries_the_state():
    trace = full(recurrent("gru", "dot"), SOURCES, target=TARGETS)
    assert work(trace, "decoder.cross.mask", (1, 0, 1)).numbers == r"\text{a token} \Rightarrow 1"
    assert work(trace, "decoder.cross.mask", (1, 0, 2)).numbers == r"\text{padding} \Rightarrow 0"
    carried = work(trace, "encoder.steps.3.h_carried", (1, 4))
    assert r"(padding)" in carried.numbers
    assert carried.value == float(trace["encoder.steps.1.h"][1, 4])
