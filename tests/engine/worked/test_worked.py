"""The second route: every tensor and every cell agrees with it, and a wrong number does not."""

import math
import random

import pytest
import torch

from engine.points import points_of
from engine.points.point import Place, Point
from engine.trace import run
from engine.trace.tap import Edit
from engine.worked import check, work
from engine.worked.recipes.terms import number
from tests.engine.tiny import CHOICES, KINDS, VIT, decoder, full, images, prompt

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
        with pytest.raises(KeyError, match="similar names: logits"):
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
