"""The second route: every tensor and every cell agrees with it, and a wrong number does not."""

import math
import random
import re
from functools import partial

import numpy as np
import pytest
import torch

from engine.model.attention import attend
from engine.points import points_of
from engine.points.point import Place, Point
from engine.trace import run
from engine.trace.tap import Edit, Recorder
from engine.worked import check, work
from engine.worked.recipes.step_inputs import float64
from engine.worked.recipes.terms import number, share_in_numbers
from engine.worked.rerun import check_run
from engine.worked.steps import by_recipe
from tests.engine.tiny import CHOICES, KINDS, VIT, assert_close, decoder, full, images, prompt, recurrent

IDS = prompt(11, seed=1)
BATCH = [prompt(11, seed=1), prompt(4, seed=2), prompt(1, seed=3)]
EDITS = {
    "zero a head": Edit("blocks.0.attn.z", "zero", {"H": 1}),
    "mean of the queries": Edit("blocks.1.attn.q", "mean"),
    "set a weight": Edit("blocks.1.attn.pattern", "set", {"T": 7, "S": 3}, 0.9),
    "negative weights": Edit("blocks.1.attn.pattern", "add", {}, -3.0),
    "enlarge the stream": Edit("blocks.1.resid_pre", "scale", {}, 1e6),
    "enlarge what attention writes": Edit("blocks.1.attn.out", "scale", {}, -1e4),
    "shift far away": Edit("blocks.0.mlp.pre", "add", {"F": 3}, -500.0),
    "unmask": Edit("blocks.0.attn.mask", "set", {}, 1.0),
    "forbid a token": Edit("logits", "set", {"V": 3}, -math.inf),
    "patch": Edit("blocks.1.resid_mid", "copy", {"T": 4}, tuple(prompt(9))),
    "no number at all": Edit("blocks.1.attn.masked", "set", {"T": 5}, -math.inf),
    "mean of the stream": Edit("blocks.2.mlp.out", "mean", {"T": 2}),
}


def failing(trace) -> list[str]:
    return [point for point in trace.points() if not check(trace, point).ok]


def cells(trace, count: int = 6):
    """Random cells of every point: (point, at)."""
    pick = random.Random(0)
    for point in trace.points():
        for _ in range(count):
            yield point, tuple(pick.randrange(n) for n in trace[point].shape)


@pytest.fixture(scope="module", params=CHOICES)
def single(request):
    """A trace in float32, as people see it, for each choice a model can make."""
    return run(decoder(torch.float32, **CHOICES[request.param]), IDS)


IMAGES = {"ViT": VIT, "ViT without classes": VIT | dict(ending="nothing", classes=0)}


@pytest.fixture(scope="module", params=IMAGES)
def seen(request):
    """A trace of two images."""
    return run(decoder(torch.float32, **IMAGES[request.param]), images())


@pytest.fixture(scope="module", params=KINDS)
def plain(request):
    return decoder(torch.float32, **KINDS[request.param])


def test_every_tensor_agrees(single):
    assert failing(single) == []


def test_every_tensor_and_cell_agrees_for_images(seen):
    assert failing(seen) == []
    for point, at in cells(seen):
        worked = work(seen, point, at)
        assert worked.shown == float(seen[point][at])
        assert abs(worked.value - worked.shown) <= _noise(worked), (point, at)


def test_every_tensor_agrees_for_prompts_of_different_lengths(plain):
    assert failing(run(plain, BATCH)) == []


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_every_tensor_agrees_with_its_edit(plain, edit):
    assert failing(run(plain, IDS, [edit])) == []


def test_every_tensor_agrees_with_edits_on_edits(plain):
    edits = [*EDITS.values()][:6] * 2
    assert failing(run(plain, IDS, edits)) == []


def test_every_cell_agrees(single):
    for point, at in cells(single):
        worked = work(single, point, at)
        assert (worked.point, worked.at) == (point, at)
        assert worked.shown == float(single[point][at])
        near = worked.value == worked.shown or abs(worked.value - worked.shown) <= _noise(worked)
        assert near, (point, at, worked.value, worked.shown)


def _noise(worked) -> float:
    return 1e-5 * (1 + sum(abs(term.value) for term in worked.terms))


def test_cells_in_float64_agree_to_the_last_digits():
    trace = run(decoder(), BATCH)
    for point, at in cells(trace):
        worked = work(trace, point, at)
        assert worked.value == worked.shown or worked.value == pytest.approx(worked.shown, rel=1e-9, abs=1e-11)


def test_terms_sum_to_the_total_and_the_largest_comes_first(single):
    for point, at in cells(single):
        worked = work(single, point, at)
        sizes = [abs(term.value) for term in worked.terms]
        assert sizes == sorted(sizes, reverse=True), point
        if worked.terms:
            assert math.fsum(term.value for term in worked.terms) == pytest.approx(worked.total, abs=1e-12)


def test_a_sum_has_a_term_for_each_number_and_the_bias(plain):
    trace, c = run(plain, IDS), plain.config
    D = c.width
    assert len(work(trace, "blocks.0.attn.dots", (0, 1, 5, 2)).terms) == c.head_width
    assert len(work(trace, "blocks.0.mlp.pre", (0, 5, 30)).terms) == D + c.mlp_bias
    assert len(work(trace, "blocks.0.attn.out", (0, 5, 14)).terms) == c.heads * c.head_width + c.attention_bias
    assert len(work(trace, "logits", (0, 5, 96)).terms) == D
    assert len(work(trace, "blocks.0.attn.pattern", (0, 1, 5, 2)).terms) == 6  # positions seen
    assert len(work(trace, "blocks.0.resid_mid", (0, 5, 2)).terms) == 2


def _value(latex: str) -> float:
    """What a side of an equation in numbers comes to: a fraction, a power of e, a root, or a number."""
    for old, new in (
        (r"\\cdot10\^\{(-?\d+)\}", r"e\1"),
        (r"\\infty", "math.inf"),
        (r"\\sqrt\{([^{}]*)\}", r"math.sqrt(\1)"),
        (r"e\^\{([^{}]*)\}", r"math.exp(\1)"),
        (r"\\frac\{(.*)\}\{(.*)\}$", r"(\1) / (\2)"),
    ):
        latex = re.sub(old, new, latex)
    return eval(latex, {"math": math})


@pytest.mark.parametrize("choices", [{}, dict(norm="rms")], ids=["LayerNorm", "RMSNorm"])
def test_a_quotient_is_written_with_the_digits_that_it_takes(choices):
    trace = full(decoder(torch.float32, **choices), IDS)
    seen = 0
    for point, at in cells(trace, 8):
        first, *sides = work(trace, point, at).numbers.split(" = ")
        if first.startswith(r"\frac{") and r"\sqrt{" + str(trace.model.config.head_width) not in first:
            values = [number(_value(side)) for side in (first, *sides)]
            assert len(set(values)) == 1, (point, at, first, sides)
            seen += 1
    assert seen > 20


def test_a_probability_near_1_is_no_quotient_of_ones():
    assert share_in_numbers(9.0, 9.0, 1.0001) == r"\frac{e^{9 - 9}}{1.0001} = \frac{1}{1.0001} = 0.9999"
    assert share_in_numbers(9.0, 9.0, 1.0) == r"\frac{e^{9 - 9}}{1} = \frac{1}{1} = 1"
    assert share_in_numbers(-math.inf, 9.0, 2.0).endswith(r"\frac{0}{2} = 0")


def test_formulas_are_whole(single):
    for point, at in cells(single):
        worked = work(single, point, at)
        for text in (worked.symbols, worked.numbers):
            assert text
            assert not any(word in text for word in ("nan", "inf ", "None", "array", "tensor")), text
            assert text.count("{") == text.count("}"), text
            assert text.count(r"\left") == text.count(r"\right"), text


def test_padding_is_named_as_what_hides_a_token(plain):
    trace = run(plain, BATCH)
    assert work(trace, "blocks.0.attn.mask", (0, 0, 5, 2)).numbers == r"2 \le 5 \Rightarrow 1"
    assert work(trace, "blocks.0.attn.mask", (0, 0, 2, 5)).numbers == r"5 > 2 \Rightarrow 0"
    assert work(trace, "blocks.0.attn.mask", (2, 0, 5, 2)).numbers == r"2 \le 5,\ \text{padding} \Rightarrow 0"


def test_a_cell_names_the_cells_it_was_made_from(single):
    table = points_of(single.model.config)
    for point, at in cells(single, count=1):
        for source in table[point].sources:
            assert any(text.startswith(source) for text in work(single, point, at).sources), point


@pytest.mark.parametrize("where", ["kept", "recomputed"])
def test_a_wrong_number_is_found(plain, where):
    for point in points_of(plain.config):
        trace = full(plain, IDS) if where == "kept" else run(plain, IDS)
        _ = trace[point]
        holder = next(h for h in (trace._kept, *trace._recomputed.values()) if point in h)
        wrong = holder[point] = holder[point].clone()
        at = tuple(n // 2 for n in wrong.shape)
        wrong[at] = ~wrong[at] if wrong.dtype == torch.bool else wrong[at] + 0.01
        found = check(trace, point)
        assert not found.ok, point
        assert found.largest > found.allowed, point


def test_a_number_that_is_none_is_found(plain):
    trace = full(plain, IDS)
    for value in (torch.nan, torch.inf):
        trace._kept["logits"] = trace["logits"].clone()
        trace._kept["logits"][0, 3, 3] = value
        assert not check(trace, "logits").ok


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_no_light_is_green_on_a_number_that_the_pass_made_none(plain, value):
    for point in points_of(plain.config):
        trace = full(plain, IDS)
        if trace[point].dtype == torch.bool or point.endswith(".masked"):
            continue
        trace._kept[point] = trace[point].clone()
        trace._kept[point][tuple(n - 1 for n in trace[point].shape)] = value
        found = check(trace, point)
        assert not found.ok and "1 of" in found.note, point
        for name, made in trace.table.items():  # nor on what is made of it, where both routes say it is none
            if point in made.sources and not name.endswith(".masked"):
                again = by_recipe(trace, made, partial(numbers_of, trace))[0]
                trace._kept[name] = torch.tensor(again)
                assert check(trace, name).ok == bool(np.isfinite(again).all()), (point, name)


def numbers_of(trace, name):
    return float64(trace[name])


def test_minus_infinity_is_right_where_the_mask_hides_and_nowhere_else(plain):
    point = "blocks.1.attn.masked"
    assert trace_of(plain)[point].isneginf().any() and check(trace_of(plain), point).ok
    for value in (-torch.inf, torch.nan):
        trace = trace_of(plain)
        trace._kept["blocks.1.attn.scores"] = trace["blocks.1.attn.scores"].clone()
        trace._kept["blocks.1.attn.scores"][0, 0, 5, 2] = value
        trace._kept[point] = trace[point].clone()
        trace._kept[point][0, 0, 5, 2] = value
        assert not check(trace, point).ok


def trace_of(model):
    return full(model, IDS)


EMPTY = {
    "the mask of a row": Edit("blocks.1.attn.mask", "zero", {"T": 5}),
    "the scores of a row": Edit("blocks.1.attn.masked", "set", {"T": 5}, -math.inf),
    "the whole mask": Edit("blocks.1.attn.mask", "zero"),
    "one head's": Edit("blocks.1.attn.mask", "set", {"H": 0, "T": 0}, 0.0),
    "scores before the mask": Edit("blocks.1.attn.scores", "set", {"T": 5}, -math.inf),
    "added": Edit("blocks.1.attn.scores", "add", {"T": 5}, -math.inf),
}


@pytest.mark.parametrize("kind", ["plain", "LLaMA", "relative", "BLOOM", "BERT"])
@pytest.mark.parametrize("edit", EMPTY.values(), ids=EMPTY)
def test_a_row_that_sees_nothing_gets_nothing_and_harms_nobody(kind, edit):
    model = decoder(torch.float32, **CHOICES[kind])
    trace, unchanged = full(model, IDS, [edit]), full(model, IDS)
    place = dict(edit.at).get("T")
    rows = slice(None) if place is None else place
    heads = dict(edit.at).get("H", slice(None))
    assert (trace["blocks.1.attn.pattern"][0, heads, rows] == 0).all()
    assert (trace["blocks.1.attn.z"][0, heads, rows] == 0).all()
    assert [point for point in trace if not check(trace, point).ok] == []
    assert all(check_run(trace, point).ok for point in ("blocks.1.attn.masked", "blocks.1.attn.z", "logits"))
    assert trace["logits"].isfinite().all()
    if model.config.causal and place:
        assert torch.equal(trace["logits"][:, :place], unchanged["logits"][:, :place])
    worked = work(trace, "blocks.1.attn.pattern", (0, 0, place or 0, 0))
    assert worked.value == worked.shown == 0


@pytest.mark.parametrize("masked", [{"T": 5}, {"T": 0}])
def test_an_empty_row_is_what_the_fused_kernel_makes_of_it(plain, masked):
    q, k, v = torch.randn(3, 1, 2, 7, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(1, 1, 7, 7, dtype=torch.bool).tril()
    mask[..., masked["T"], :] = False
    named = attend(q, k, v, mask, 0.5, Recorder({}, edits=()).at("x"))
    assert_close(named, attend(q, k, v, mask, 0.5), noise=1e-5)


@pytest.mark.parametrize("attention", ["additive", "dot"])
def test_a_state_that_looks_back_at_nothing_gets_nothing(attention):
    model = recurrent("gru", attention, torch.float32)
    trace = full(model, prompt(6), [Edit("decoder.cross.mask", "zero", {"T": 1})], target=[3, 1, 4])
    assert (trace["decoder.cross.weights"][0, 1] == 0).all()
    assert [point for point in trace if not check(trace, point).ok] == []
    assert check_run(trace, "decoder.logits").ok


@pytest.mark.parametrize("op", ["set", "add", "scale"])
@pytest.mark.parametrize("value", [math.inf, -math.inf])
@pytest.mark.parametrize("point", ["logits", "blocks.1.attn.scores", "blocks.1.mlp.act"])
def test_an_infinite_edit_is_told_by_the_lights_but_for_a_score_that_is_hidden(plain, op, value, point):
    trace = full(plain, IDS, [Edit(point, op, {"T": 3}, value)])
    hides = value == -math.inf and op != "scale"
    assert check(trace, point).ok == check_run(trace, point).ok == hides
    if not hides:
        assert "are NaN or infinite" in check(trace, point).note
    for name in trace:
        assert trace[name].isfinite().all() or not check(trace, name).ok or trace[name].isneginf().any(), name


@pytest.mark.parametrize("op", ["set", "add", "scale"])
@pytest.mark.parametrize("value", [1e39, -1e300])
def test_an_edit_by_a_number_that_the_point_cannot_hold_is_refused(plain, op, value):
    with pytest.raises(ValueError, match=r"logits cannot hold .*: its numbers go to 3.4e\+38"):
        full(plain, IDS, [Edit("logits", op, {"V": 3}, value)])


def test_a_number_that_should_be_infinite_is_found(plain):
    trace = full(plain, IDS, [Edit("logits", "set", {"V": 3}, -math.inf)])
    trace._kept["logits"] = trace["logits"].clone()
    trace._kept["logits"][0, 3, 3] = 5.0
    assert not check(trace, "logits").ok


def test_a_scale_is_checked_against_the_head_width():
    trace = full(decoder(torch.float32, scale_scores=False), IDS)
    honest = run(decoder(torch.float32), IDS)
    honest._kept["blocks.0.attn.scores"] = trace["blocks.0.attn.scores"]
    assert not check(honest, "blocks.0.attn.scores").ok


def test_a_cell_that_does_not_exist_is_an_error(plain):
    trace = run(plain, IDS)
    for at in ((0, 11, 0), (0, 0), (0, -1, 0)):
        with pytest.raises(IndexError, match=r"logits has the shape \[1, 11, 97\]"):
            work(trace, "logits", at)


def test_a_norm_of_each_head_is_checked_by_the_recipes_of_any_norm():
    trace = run(decoder(torch.float32), IDS)
    at, q = Place(layer=0, part="attn.q_norm"), "blocks.0.attn.q"
    square = Point(*at, "square", "BHT1", "mean_square", (q,), "of each query")
    scaled = Point(*at, "scaled", "BHTE", "divide_by_rms", (q, square.name), "each query by itself")
    trace.table = trace.table | {point.name: point for point in (square, scaled)}
    trace._kept[square.name] = trace[q].square().mean(-1, keepdim=True)
    trace._kept[scaled.name] = trace[q] / (trace[square.name] + trace.model.config.norm_eps).sqrt()
    for point, cell in ((square.name, (0, 1, 5, 0)), (scaled.name, (0, 1, 5, 3))):
        assert check(trace, point).ok
        worked = work(trace, point, cell)
        assert worked.value == pytest.approx(worked.shown, rel=1e-5)
    trace._kept[scaled.name] = trace[q]
    assert not check(trace, scaled.name).ok


def test_an_unknown_point_is_an_error_with_near_names(plain):
    for route in (lambda trace: check(trace, "logit"), lambda trace: work(trace, "logit", (0, 0, 0))):
        with pytest.raises(KeyError, match="near names: logits"):
            route(run(plain, IDS))


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.23456, "-1.235"),
        (1.5e-7, r"1.5\cdot10^{-7}"),
        (-2e20, r"-2\cdot10^{20}"),
        (math.inf, r"\infty"),
        (-math.inf, r"-\infty"),
    ],
)
def test_a_number_has_four_digits_that_count(x, text):
    assert number(x) == text
