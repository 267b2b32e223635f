"""A recurrent decoder beside a vision transformer: it starts from the first vector and looks at all of them."""

import re
from dataclasses import replace

import pytest
import torch

import engine
from engine.analysis import parameters_of, path_to_target, sequential_steps
from engine.config import RecurrentConfig
from engine.decode import Decoding, generate, translate
from engine.model.build import fresh
from engine.model.transformer import Transformer
from engine.points import points_of
from engine.trace import run
from engine.trace.tap import Edit
from engine.worked import work
from tests.engine import reference
from tests.engine.model.test_recurrent import CELLS, reference_of, reference_states
from tests.engine.tiny import (
    ENCODER,
    RECURRENT,
    SIZES,
    assert_close,
    assert_same_points,
    full,
    images,
    prompt,
    recurrent,
)
from tests.engine.worked.test_worked import failing

LAST = "encoder.final_norm.out"
TARGETS = torch.tensor([prompt(5, seed=3), prompt(5, seed=4)])
EDITS = {
    "another start": Edit("decoder.start.h", "add", {"D": 3}, 0.5),
    "a patch is not seen": Edit(LAST, "zero", {"T": 4}),
    "another picture": Edit("encoder.embed.pixels", "scale", {"N": 2}, -3.0),
    "a head that says nothing": Edit("encoder.blocks.1.attn.z", "zero", {"H": 1}),
    "the first vector alone looks": Edit("encoder.blocks.0.attn.mask", "set", {"S": 0}, 0.0),
}


@pytest.fixture(scope="module", params=RECURRENT)
def model(request):
    return recurrent(*RECURRENT[request.param], encoder=ENCODER)


@pytest.fixture(scope="module")
def trace(model):
    return full(model, images(), target=TARGETS)


# --- both parts are the published ones -----------------------------------------------------------


def test_every_point_of_the_encoder_equals_the_reference(checkpoint):
    saved = checkpoint(layout="vit", classes=False)
    encoder = engine.load(saved.folder, device="cpu").double()
    model = recurrent("gru", "additive", width=encoder.config.width, encoder=encoder.config)
    model.encoder.load_state_dict(encoder.state_dict())
    expected = reference.points(saved.reference, images().double())
    trace = full(model, images(), target=TARGETS)
    theirs = {f"encoder.{name}": x for name, x in expected.items()}
    assert set(theirs) == {point for point in trace.points() if point.startswith("encoder.")}
    assert_same_points(trace, theirs, theirs, noise=1e-5)  # the reference's softmax is in float32 always


def test_the_encoder_is_what_it_is_alone(model, trace):
    alone = full(model.encoder, images())
    assert list(points_of(ENCODER)) == alone.points()
    assert all(torch.equal(trace[f"encoder.{point}"], alone[point]) for point in alone.points())


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("attention", ["none", "dot"])
def test_every_state_equals_the_reference_started_from_the_first_vector(cell, attention):
    model = recurrent(cell, attention, encoder=ENCODER)
    theirs = reference_of(model.decoder, cell)
    trace = full(model, images(), target=TARGETS)
    first, x = trace[LAST][None, :, 0], model.decoder.token.weight[TARGETS]
    found = reference_states(theirs, x, (first, first) if cell == "lstm" else first)
    expected = {f"decoder.{name}": x for name, x in found.items() if name != "last"}
    assert len(expected) == 5 * len(model.decoder.cell.carried)
    assert_same_points(trace, expected, expected)


@pytest.mark.parametrize("attention", ["additive", "dot"])
def test_what_is_looked_at_is_the_first_vector_and_all_patches(attention):
    trace = full(recurrent("gru", attention, encoder=ENCODER), images(), target=TARGETS)
    weights, vectors = trace["decoder.cross.weights"], trace[LAST]
    assert weights.shape == (2, 5, ENCODER.context)
    assert (weights > 0).all()
    assert_close(weights.sum(-1), torch.ones(2, 5, dtype=torch.float64))
    assert_close(trace["decoder.cross.context"], torch.einsum("bts,bsd->btd", weights, vectors))


# --- the pass ------------------------------------------------------------------------------------


def test_the_silent_pass_equals_the_traced_one(model, trace):
    assert_close(model(trace.ids, trace.target), trace["decoder.logits"])


def test_an_image_in_a_batch_equals_the_image_alone(model, trace):
    alone = full(model, images()[1], target=TARGETS[1])
    assert alone.points() == trace.points()
    for point in trace.points():
        assert_close(trace[point][1:], alone[point], f"first differing point: {point}")


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_with_an_edit_a_lean_trace_is_a_full_one_and_every_tensor_agrees(model, edit):
    small = recurrent(model.config.cell, model.config.attention, torch.float32, encoder=ENCODER)
    lean, rich = (ctx(small, images(), [edit], target=TARGETS) for ctx in (run, full))
    assert all(torch.equal(lean[point], rich[point]) for point in rich.points())
    assert failing(lean) == []


def test_a_patch_is_one_look_away_or_reaches_the_first_vector_alone(model, trace):
    looks = model.config.attention != "none"
    for place in range(ENCODER.context):
        changed = run(model, images(), [Edit(LAST, "add", {"T": place}, 0.5)], target=TARGETS)
        said = (changed["decoder.logits"] != trace["decoder.logits"]).flatten(2).any(-1)
        assert said.all() == said.any() == (looks or place == 0)
        for t in range(3):
            steps = path_to_target(model.config, ENCODER.context, place, t)
            assert steps == (1 if looks else (place > 0) + 1 + t)
    assert sequential_steps(model.encoder.config, ENCODER.context) == 2
    assert sequential_steps(model.decoder.config, 5) == 5


def test_it_says_what_is_most_probable_and_a_batch_as_each_alone(model):
    together = translate(model, images().double(), longest=6)
    for row, image in enumerate(images()):
        steps = list(generate(model, image, Decoding(max_tokens=6)))
        alone = [step.id for step in steps]
        shares = run(model, image, target=[model.start, *alone])["decoder.logits"][0].softmax(-1)
        for step, share in zip(steps, shares, strict=False):
            assert (step.id, step.probability) == (int(share.argmax()), pytest.approx(float(share.max())))
        assert together[row].tolist() == [*alone, *[model.end] * (together.shape[1] - len(alone))]
        after = [step.id for step in generate(model, image, Decoding(max_tokens=4), target=[3, *alone[:2]])]
        assert after == alone[2:]


def test_a_captioner_reads_no_text_and_no_image_of_another_size(model):
    with pytest.raises(ValueError, match=re.escape("reads images [3, 6, 6], not [1, 3, 6, 7]")):
        run(model, torch.zeros(3, 6, 7))
    with pytest.raises(ValueError, match="the target has 24 tokens; model can read 23"):
        run(model, images(1), target=prompt(24))


def test_a_start_is_told_as_the_first_of_the_vectors(trace):
    for name in trace.model.decoder.cell.carried:
        point, first = f"decoder.start.{name}", trace[LAST][:, 0]
        assert trace.table[point].sources == (LAST,)
        assert torch.equal(trace[point], first)
        assert work(trace, point, (1, 4)).value == float(first[1, 4])


# --- its parts -----------------------------------------------------------------------------------


def test_what_reads_images_is_a_transformer_of_its_own(model):
    assert isinstance(model.encoder, Transformer)
    assert model.encoder.length(images()) == ENCODER.context == 10
    assert model.reads == model.config.stacks == (ENCODER, model.config)


def test_every_parameter_is_counted_where_it_belongs(model):
    counts, D, V = parameters_of(model), 9, SIZES["vocabulary"]
    assert sum(counts.values()) == sum(p.numel() for p in model.parameters())
    assert counts["ending"] == D * V
    assert counts["tables"] == D * V + 12 * D + D + D + 10 * D  # of words; of patches, the first, places
    assert counts["cells"] == sum(p.numel() for p in model.decoder.cell.parameters())
    looks = {"none": 0, "dot": 2 * D**2, "additive": 4 * D**2 + D}[model.config.attention]
    assert counts["attention"] == ENCODER.layers * 4 * (D**2 + D) + looks


def test_every_parameter_has_a_gradient(model):
    model = recurrent(model.config.cell, model.config.attention, encoder=ENCODER).requires_grad_(True)
    model(images().double(), TARGETS).square().sum().backward()
    for name, p in model.named_parameters():
        small = name.endswith("attn.k.bias")  # the same for all keys: softmax does not see it
        assert p.grad is not None and (small or p.grad.abs().sum() > 0), name


def test_a_random_start_is_that_of_each_part_and_depends_on_its_seed_alone(model):
    torch.manual_seed(5)
    one, again, other = (dict(fresh(model.config, seed).named_parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["decoder.token.weight"], other["decoder.token.weight"])
    assert one["encoder.blocks.0.attn.q.weight"].std() < 0.03 < one["decoder.cell.h.weight"].std()
    assert (one["encoder.final_norm.weight"] == 1).all()


def test_blocks_that_share_a_table_of_distances_have_one():
    choices = dict(positions="relative", buckets=6, max_distance=7)
    model = recurrent("gru", encoder=replace(ENCODER, **choices))
    model.encoder.blocks[1].attn.bias.weight = torch.nn.Parameter(torch.zeros(6, 3))
    model.tie()
    assert model.encoder.blocks[1].attn.bias.weight is model.encoder.blocks[0].attn.bias.weight


# --- the config ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ("vit", "encoder is 'vit'; it must be the Config of a stack that reads images, or None"),
        (
            replace(ENCODER, vocabulary=97, image=0, patch=0),
            "the encoder has image 0, causal False, segments 0",
        ),
        (replace(ENCODER, causal=True), "the encoder has image 6, causal True, segments 0"),
        (replace(ENCODER, segments=2), "the encoder has image 6, causal False, segments 2"),
        (replace(ENCODER, ending="classes", classes=5), "its ending must be 'nothing'"),
        (replace(ENCODER, next_sentence=True), "its ending must be 'nothing'"),
        (replace(ENCODER, memory=9), "its ending must be 'nothing'"),
        (replace(ENCODER, width=12, head_width=None), "attends to vectors of width 9; the encoder's have 12"),
    ],
)
def test_an_encoder_that_does_not_fit_says_why(encoder, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RecurrentConfig(vocabulary=97, context=23, width=9, start=3, end=5, encoder=encoder)
