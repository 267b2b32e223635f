"""The whole run once more by the second route alone, and what pages work out of a trace."""

import pytest
import torch

import engine
from engine import analysis
from engine.images import Pixels, Preparation, from_signs
from engine.trace import run
from engine.trace.tap import Edit
from engine.worked import check, work
from engine.worked.derived import check_map, check_nearest, check_promoted
from engine.worked.rerun import check_lens, check_run, rerun, stops, work_lens
from tests.engine.tiny import VIT, decoder, full, images, prompt

READ = {
    "storybook": ("The animal didn't cross the street because it was too tired", None),
    "wordfinder": ("The [MASK] barked at the cat. [SEP] It was a small dog.", None),
    "fabulist": ("Once upon a time there was a", None),
    "interpreter": ("He was my best friend.", "C'était mon meilleur ami."),
    "lookback-lstm": ("I see you there.", "Je vous vois."),
}
EDITS = [
    Edit("blocks.0.attn.z", "zero", {"H": 1}),
    Edit("blocks.1.mlp.out", "mean", {"T": 2}),
    Edit("blocks.1.attn.mask", "mask", value=("window", 3)),
    Edit("blocks.1.resid_mid", "copy", {"T": 4}, tuple(prompt(9))),
    Edit("blocks.2.attn.scores", "scale", value=0.5),
]


@pytest.fixture(params=READ)
def shipped(request):
    text, target = READ[request.param]
    return run(engine.load(request.param), text, target=target)


def answer_of(trace) -> str:
    return list(trace.table)[-1]


def test_a_shipped_model_s_whole_run_agrees_and_the_drift_is_small(shipped):
    found = check_run(shipped, answer_of(shipped))
    assert found.ok
    assert found.allowed < 1e-3


def test_an_image_model_s_run_begins_at_the_pixels():
    model = engine.load("digits")
    shown = from_signs("0123456789abcdef" * 4, 8)
    trace = run(model, Pixels(shown))
    assert torch.equal(trace.ids, model.prepare(shown))
    assert check(trace, "embed.pixels").ok and check_run(trace, "classes").ok
    worked = work(trace, "embed.pixels", (0, 3, 2))
    assert worked.value == pytest.approx(worked.shown, abs=1e-6)
    assert "/ 255" in worked.numbers


@pytest.mark.parametrize("sides", [(6, 6), (9, 5), (13, 20)])
def test_pixels_of_any_size_are_checked(sides):
    model = decoder(torch.float32, **VIT)
    model.prepare = Preparation(6, (0.4, 0.5, 0.6), (0.2, 0.3, 0.1))
    shown = torch.randint(256, (3, *sides), generator=torch.Generator().manual_seed(1))
    assert check(run(model, Pixels(shown)), "embed.pixels").ok


def test_pixels_are_refused_by_a_model_that_reads_text(model):
    with pytest.raises(ValueError, match="reads no images"):
        run(model, Pixels(torch.zeros(1, 8, 8)))


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.op)
def test_a_run_with_an_edit_agrees(edit):
    assert check_run(run(decoder(torch.float32), prompt(11, seed=1), [edit]), "logits").ok


def test_a_run_without_the_edit_does_not_agree():
    trace = run(decoder(torch.float32), prompt(11, seed=1), EDITS[:1])
    trace.edits = ()
    assert not check_run(trace, "logits").ok


def test_a_rerun_gives_every_point_of_a_run_in_float64(model):
    trace = full(model, prompt(11, seed=1))
    noise = 1e-6 if model.config.rotary else 1e-10  # the pass rounds rotary angles to float32
    for point in ("embed.out", "blocks.1.attn.pattern", "blocks.2.resid_post", "logits"):
        torch.testing.assert_close(torch.from_numpy(rerun(trace, point)), trace[point], rtol=noise, atol=noise)


def test_rounding_at_random_is_the_same_for_the_same_seed():
    trace = run(decoder(torch.float32), prompt(5))
    assert (rerun(trace, "logits", 1) == rerun(trace, "logits", 1)).all()
    assert (rerun(trace, "logits", 1) != rerun(trace, "logits", 2)).any()


def test_the_whole_run_shows_a_number_that_is_wrong(shipped):
    point = answer_of(shipped)
    shipped._kept[point] = shipped[point] + 1e-3
    assert not check_run(shipped, point).ok


@pytest.mark.parametrize("name", ["storybook", "wordfinder", "fabulist", "interpreter"])
def test_the_lens_agrees_at_every_position_and_a_wrong_share_does_not(name):
    text, target = READ[name]
    trace = run(engine.load(name), text, target=target)
    side = "decoder" if target else ""
    ids, shares = analysis.lens(trace, side)
    for at in range(ids.shape[1]):
        assert check_lens(trace, at, shares[:, at], side).ok
    assert not check_lens(trace, 1, shares[:, 1] + 1e-3, side).ok
    stop = stops(trace, side)[2]
    worked = work_lens(trace, stop, 1, int(ids[2, 1]), float(shares[2, 1]), side)
    assert worked.value == pytest.approx(worked.shown, abs=1e-5)
    assert sum(term.value for term in worked.terms) == pytest.approx(worked.total)


def test_the_lens_of_classes_agrees():
    trace = run(decoder(torch.float32, **VIT), images(1))
    shares = analysis.class_lens(trace)
    assert check_lens(trace, 0, shares).ok
    assert not check_lens(trace, 0, shares.flip(-1)).ok


def test_neighbours_that_are_not_the_nearest_are_found(model):
    ids, cosines = analysis.nearest(model.embed.token.weight, 3, 4)
    assert check_nearest(model, "embed.token", 3, ids, cosines).ok
    assert not check_nearest(model, "embed.token", 3, ids[1:], cosines[1:]).ok
    assert not check_nearest(model, "embed.token", 3, [ids[1], ids[0], *ids[2:]], cosines).ok


def test_a_map_along_other_directions_is_found():
    vectors = torch.randn(9, 6, generator=torch.Generator().manual_seed(0))
    points = analysis.flat_map(vectors)
    assert check_map(vectors, points).ok
    assert check_map(vectors, -points).ok  # a direction has no sign
    assert not check_map(vectors, points.flip(-1)).ok
    assert not check_map(vectors, vectors[:, :2]).ok
    for rows in ([0], [0, 1], [0, 1, 0, 1], [0, 0]):  # spread one way, or not at all
        assert check_map(vectors[rows], analysis.flat_map(vectors[rows])).ok


def test_what_a_unit_raises_is_checked_for_scores_scaled_and_untied():
    for choices in ({}, dict(tied=False), dict(scale_logits=True)):
        model = decoder(torch.float32, **choices)
        assert check_promoted(model, "", 1, 3, *analysis.promotes(model, 1, 3, 5)).ok
