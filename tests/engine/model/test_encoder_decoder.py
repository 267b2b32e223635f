"""Two stacks: the decoder looks at the encoder's last vectors; every number of both is seen and edited."""

import random
from dataclasses import replace

import pytest
import torch

import engine
from engine.config import Config, PairConfig
from engine.decode import Decoding, generate, translate
from engine.model.build import fresh
from engine.model.cache import Cache
from engine.model.encoder_decoder import EncoderDecoder
from engine.trace import run
from engine.trace.tables import table_of
from engine.trace.tap import Edit
from engine.worked import check, work
from engine.worked.recipes import KINDS
from tests.engine.tiny import (
    PAIRS,
    SIZES,
    assert_close,
    assert_same_points,
    at_positions,
    full,
    images,
    pair,
    prompt,
)

SOURCES, TARGETS = [prompt(9, seed=1), prompt(4, seed=2)], [[3, *prompt(6, seed=3)], [3, 7, 8]]
EDITS = {
    "a head of cross-attention": [Edit("decoder.blocks.0.cross.z", "zero", {"H": 1})],
    "what the decoder looks at": [Edit("decoder.memory", "scale", {"S": 2}, 3.0)],
    "the encoder's stream": [Edit("encoder.blocks.0.resid_post", "add", {"D": 4}, 1.5)],
    "keys alike": [Edit("decoder.blocks.0.cross.k", "mean"), Edit("encoder.embed.token", "mean", {"T": 1})],
    "one place hidden": [Edit("decoder.blocks.0.cross.mask", "zero", {"S": 1})],
    "padding seen": [Edit("decoder.blocks.0.cross.mask", "mask", {}, ("none", 0))],
    "the future seen": [Edit("decoder.blocks.0.attn.mask", "mask", {}, ("none", 0))],
    "another prompt": [Edit("encoder.blocks.0.attn.out", "copy", {"T": 2}, tuple(prompt(9)))],
    "another pair": [Edit("decoder.blocks.0.cross.out", "copy", {"T": 2}, (tuple(prompt(5)), (3, 1, 4)))],
}


def read(name: str) -> tuple:
    """What the tiny model of that name reads in these tests."""
    return images() if name == "captions" else SOURCES


@pytest.fixture(scope="module", params=PAIRS)
def both(request):
    """Model, what it reads, and a trace of every point, in float64."""
    model, given = pair(**PAIRS[request.param]), read(request.param)
    return model, given, full(model, given, target=TARGETS)


@pytest.fixture(scope="module", params=PAIRS)
def shown(request):
    """A trace in float32, as people see it."""
    return run(pair(torch.float32, **PAIRS[request.param]), read(request.param), target=TARGETS)


def cells(trace, count: int = 4):
    pick = random.Random(0)
    for point in trace.points():
        for _ in range(count):
            yield point, tuple(pick.randrange(n) for n in trace[point].shape)


def failing(trace) -> list[str]:
    return [point for point in trace.points() if not check(trace, point).ok]


# --- the table -----------------------------------------------------------------------------------


def test_every_point_is_made_once_in_the_order_of_the_table(both):
    model, _, trace = both
    assert list(trace._kept) == trace.points() == list(table_of(model.config, trace.inputs))


def test_every_tensor_has_the_axes_of_its_point(both):
    model, _, trace = both
    read, write = model.config.stacks
    S = read.context if read.image else 9
    for name, point in trace.table.items():
        inside = write if name.startswith("decoder.") else read
        c = read if name == "decoder.memory" else inside
        lengths = dict(B=2, T=7, S=7, D=c.width, H=c.heads, G=c.key_heads, E=c.head_width, F=c.mlp_width)
        lengths |= dict(V=c.vocabulary, N=S - 1, P=c.channels * c.patch**2)
        if inside is read:
            lengths |= dict(T=S, S=S)
        if ".cross." in name or name == "decoder.memory":
            lengths["S"] = S
        assert list(trace[name].shape) == [lengths.get(axis, 1) for axis in point.axes], name


def test_every_source_is_made_before_its_point_by_a_known_step(both):
    made = set()
    for point in both[2].table.values():
        assert made.issuperset(point.sources), point.name
        assert point.kind in KINDS
        made.add(point.name)


def test_parts_carry_the_names_of_the_points_they_make(both):
    model, _, trace = both
    kinds = ("token_embedding", "position_embedding", "relative_bias", "affine")
    kinds += ("linear", "heads", "merge_heads")
    with_weights = {point.weights for point in trace.table.values() if point.kind in kinds}
    parts = {name.rpartition(".")[0] for name, _ in model.named_parameters(remove_duplicate=False)}
    assert with_weights == parts - ({"encoder.embed"} if model.config.encoder.image else set())


# --- what it computes ----------------------------------------------------------------------------


def test_the_memory_is_what_the_encoder_made_last(both):
    _, _, trace = both
    last = [point for point in trace.points() if point.startswith("encoder.")][-1]
    assert torch.equal(trace["decoder.memory"], trace[last])


def test_each_row_of_cross_attention_sums_to_one_over_what_is_no_padding(both):
    _, _, trace = both
    pattern = trace["decoder.blocks.0.cross.pattern"]
    assert_close(pattern.sum(-1), torch.ones_like(pattern[..., 0]))
    if trace.padding is not None:
        assert (pattern[1, :, :, 4:] == 0).all()
        assert (pattern[1, :, :, :4] > 0).all()


def test_the_silent_pass_equals_the_traced_one(both):
    model, _, trace = both
    silent = model(trace.ids, trace.target, trace.padding, trace.target_padding)
    real = trace.target_padding
    assert_close(silent[real], trace["decoder.logits"][real])
    assert_close(model(trace.ids[:1], trace.target[:1]), trace["decoder.logits"][:1])


def test_a_pair_in_a_batch_equals_the_pair_alone(both):
    model, given, trace = both
    alone = full(model, given[1:], target=TARGETS[1])
    for name, point in trace.table.items():
        x = trace[name][1:]
        for axis, letter in enumerate(point.axes):
            if letter in "TS":
                x = x.narrow(axis, 0, alone[name].shape[axis])
        assert_close(x, alone[name], name)


@pytest.mark.parametrize("changed", [1, 4])
def test_a_changed_token_of_the_target_changes_nothing_before_it(both, changed):
    model, given, trace = both
    target = trace.target.clone()
    target[:, changed] = (target[:, changed] + 1) % SIZES["vocabulary"]
    other, earlier = full(model, given, target=target[:1].expand(2, -1)), torch.arange(7) < changed
    for name, point in trace.table.items():
        axes = point.axes if ".cross." not in name else point.axes.replace("S", "_")
        if name.startswith("decoder.") and name != "decoder.memory":
            assert_close(*(at_positions(x[name][:1], axes, earlier) for x in (trace, other)), name)
    assert not torch.equal(other["decoder.logits"][0, changed], trace["decoder.logits"][0, changed])


def test_a_changed_token_of_the_source_changes_every_position_of_the_target():
    model = pair(**PAIRS["2017"])
    one, other = (run(model, [*prompt(8), last], target=TARGETS[0])["decoder.logits"] for last in (7, 8))
    assert (one != other).any(-1).all()


def test_a_table_that_is_shared_is_one():
    model = pair(**PAIRS["2017"])
    table = model.encoder.embed.token.weight
    assert model.decoder.embed.token.weight is table
    assert model.decoder.logits.weight is table
    own = pair(**PAIRS["widths of their own"])
    assert own.decoder.embed.token.weight is not own.encoder.embed.token.weight


def test_a_table_of_distances_is_shared_by_the_blocks_of_a_stack_alone():
    model = pair(**PAIRS["T5"])
    tables = [block.attn.bias.weight for stack in (model.encoder, model.decoder) for block in stack.blocks]
    assert tables[0] is tables[1]
    assert tables[2] is tables[3]
    assert tables[1] is not tables[2]


@pytest.mark.parametrize("name", ["2017", "T5", "keys shared, turned"])
def test_reading_the_target_in_pieces_with_a_cache_equals_reading_it_at_once(name):
    model = pair(**PAIRS[name])
    source, target = torch.tensor([prompt(8)]), torch.tensor([[3, *prompt(9)]])
    memory = model.encoder(source)
    cache = Cache(model.config.decoder, like=memory)
    pieces = target.split((1, 4, 5), 1)
    parts = [model.decoder(x, model.decoder.context(x, cache=cache, memory=memory)) for x in pieces]
    assert_close(torch.cat(parts, 1), model(source, target))


def test_a_random_start_depends_on_its_seed_alone():
    config = pair(**PAIRS["2017"]).config
    one, again, other = (dict(fresh(config, seed).named_parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["encoder.embed.token.weight"], other["encoder.embed.token.weight"])


# --- looking, checking, editing ------------------------------------------------------------------


TRIED = [(name, edit) for name in PAIRS for edit in EDITS if name != "captions" or "another" not in edit]


@pytest.mark.parametrize(("name", "edit"), TRIED)
def test_a_lean_trace_is_to_the_last_bit_one_that_keeps_everything(name, edit):
    model, given = pair(**PAIRS[name]), read(name)
    lean, rich = (ctx(model, given[:1], EDITS[edit], target=TARGETS[:1]) for ctx in (run, full))
    for point in lean.points():
        assert torch.equal(lean[point], rich[point]), point


def test_a_lean_trace_keeps_the_streams_and_the_memory_alone(both):
    model, given, _ = both
    kept = list(run(model, given, target=TARGETS)._kept)
    assert all(name.endswith((".resid_pre", ".resid_post", ".memory")) for name in kept)
    assert "decoder.memory" in kept


def test_points_can_be_read_in_any_order(both):
    model, given, trace = both
    assert_same_points(run(model, given, target=TARGETS), trace, points=trace.points()[::-1])


def test_every_tensor_agrees(shown):
    assert failing(shown) == []


def test_every_cell_agrees(shown):
    for point, at in cells(shown):
        worked = work(shown, point, at)
        assert worked.shown == float(shown[point][at])
        noise = 1e-5 * (1 + sum(abs(term.value) for term in worked.terms))
        near = worked.value == worked.shown or abs(worked.value - worked.shown) <= noise
        assert near, (point, at, worked.value, worked.shown)


def test_formulas_are_whole_and_name_their_sources(shown):
    for point, at in cells(shown, count=1):
        worked = work(shown, point, at)
        for text in (worked.symbols, worked.numbers):
            assert text
            assert not any(word in text for word in ("nan", "inf ", "None", "array", "tensor", "np.")), text
            assert text.count("{") == text.count("}"), text
            assert text.count(r"\left") == text.count(r"\right"), text
        for source in shown.table[point].sources:
            assert any(text.startswith(source) for text in worked.sources), point


@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS)
def test_every_tensor_agrees_with_its_edit(edits):
    alone = edits[0].op in ("copy", "mean")  # neither goes with padding
    source, target = (SOURCES[0], TARGETS[0]) if alone else (SOURCES, TARGETS)
    assert failing(run(pair(torch.float32, **PAIRS["T5"]), source, edits, target=target)) == []


@pytest.mark.parametrize("name", ["2017", "T5"])
def test_every_point_can_be_edited(name):
    model = pair(**PAIRS[name])
    plain = full(model, SOURCES[0], target=TARGETS[0])
    for point in plain.points():
        at = dict(zip(plain.table[point].axes.replace("1", ""), [0] * 9, strict=False))
        x = run(model, SOURCES[0], [Edit(point, "set", at, 0.5)], target=TARGETS[0])[point]
        assert x.flatten()[0] == (0.5 if x.is_floating_point() else True), point
        assert torch.equal(x.flatten()[1:], plain[point].flatten()[1:]), point


def test_a_wrong_number_is_found():
    model = pair(torch.float32, **PAIRS["T5"])
    for point in full(model, SOURCES, target=TARGETS).points():
        trace = full(model, SOURCES, target=TARGETS)
        wrong = trace._kept[point] = trace[point].clone()
        at = tuple(n // 2 for n in wrong.shape)
        wrong[at] = ~wrong[at] if wrong.dtype == torch.bool else 0.0 if wrong[at].isinf() else wrong[at] + 0.05
        assert not check(trace, point).ok, point


@pytest.mark.parametrize("kind", ["causal", "window", "prefix", "padding"])
def test_masks_of_one_text_are_refused_between_two(kind):
    with pytest.raises(ValueError, match=f"one text for another, where '{kind}' has no meaning"):
        Edit("decoder.blocks.0.cross.mask", "mask", {}, (kind, 2))


def test_padding_is_named_as_what_hides_a_place_of_the_source():
    trace = run(pair(torch.float32, **PAIRS["2017"]), SOURCES, target=TARGETS)
    worked = work(trace, "decoder.blocks.0.cross.mask", (1, 0, 2, 6))
    assert worked.numbers == r"\text{padding} \Rightarrow 0"
    assert "of the source" in worked.symbols


def test_a_distance_is_worked_out_to_its_row():
    model = pair(torch.float32, **PAIRS["T5"])
    trace = run(model, prompt(12), target=[3, *prompt(9)])
    after = work(trace, "encoder.blocks.1.attn.bias", (0, 2, 3, 5))
    assert after.symbols.endswith("(5 - 3) = 4")  # of six buckets the three upper ones are for what comes later
    assert after.value == float(model.encoder.blocks[0].attn.bias.weight[4, 2])
    before = work(trace, "decoder.blocks.1.attn.bias", (0, 2, 8, 6))
    assert before.symbols.endswith("(6 - 8) = 2")


# --- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAIRS)
def test_a_batch_is_translated_as_each_alone(name):
    model, given = pair(**PAIRS[name]), read(name)
    trace = run(model, given)
    batch = translate(model, trace.ids, trace.padding)
    for row in range(2):
        alone = [step.id for step in generate(model, given[row])]
        assert batch[row, : len(alone)].tolist() == alone
        assert (batch[row, len(alone) :] == model.end).all()


def test_a_text_ends_before_its_end_token():
    model = pair(**PAIRS["T5"])
    ids = [step.id for step in generate(model, SOURCES[0])]
    assert len(ids) == 12
    stopped = EncoderDecoder(replace(model.config, end=ids[2]))
    stopped.load_state_dict(model.state_dict())
    stopped = stopped.requires_grad_(False).double()
    assert [step.id for step in generate(stopped, SOURCES[0])] == ids[: ids.index(ids[2])]
    padded = run(stopped, SOURCES)
    batch = translate(stopped, padded.ids, padded.padding)
    for row, whole in zip(batch.tolist(), translate(model, padded.ids, padded.padding).tolist(), strict=True):
        written = whole[: whole.index(ids[2])]
        assert row == written + [ids[2]] * (len(row) - len(written))
    assert batch.shape[1] < 12


def test_each_step_is_the_most_probable_after_what_was_written():
    model, target = pair(**PAIRS["keys shared, turned"]), [3]
    for step in generate(model, SOURCES[0], Decoding(max_tokens=5)):
        shares = run(model, SOURCES[0], target=target)["decoder.logits"][0, -1].softmax(-1)
        assert step.id == int(shares.argmax())
        assert step.probability == pytest.approx(float(shares.max()))
        target = [*target, step.id]
    assert len(target) == 6


def test_a_text_is_read_with_its_end_and_written_from_its_start(sentences):
    model = pair(vocabulary=len(sentences), start=sentences.start, end=sentences.end)
    model.tokenizer = sentences
    trace = run(model, "The cat", target="the mat")
    assert b"".join(trace.tokens()) == b"The cat" + sentences.bytes_of(sentences.end)
    assert b"".join(trace.target_tokens()) == sentences.bytes_of(sentences.start) + b"the mat"


# --- what cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([[3], [3], [3]], "there are 2 prompts and 3 targets"),
        ([[], []], "the target is empty"),
        (prompt(14), "the target has 14 tokens; model can read 13"),
        ([[3, 97], [3, 1]], "token ids go from 0 to 96; got 3 to 97"),
        ("text", "give token ids, not text"),
    ],
)
def test_a_target_that_cannot_be_read_says_why(target, message):
    with pytest.raises(ValueError, match=message):
        run(pair(), SOURCES, target=target)


def test_a_batch_is_not_written_token_by_token():
    with pytest.raises(ValueError, match="one text is written at a time, not 2"):
        generate(pair(), SOURCES)


def test_a_model_of_one_stack_reads_no_target(model):
    with pytest.raises(ValueError, match="reads no target"):
        engine.run(model, [1, 2], target=[3])


@pytest.mark.parametrize(
    ("encoder", "decoder", "choices", "message"),
    [
        (dict(ending="logits"), {}, {}, "its ending must be 'nothing'"),
        ({}, dict(causal=False), {}, "causal must be True"),
        (dict(segments=2), {}, {}, "segments must be 0"),
        ({}, dict(ending="nothing"), {}, "ending 'logits'"),
        ({}, dict(memory=14), {}, "vectors of width 14; the encoder's have 15"),
        ({}, dict(memory=0), {}, "vectors of width 0"),
        ({}, {}, dict(start=97), "start is 97; it must be a token from 0 to 96"),
        ({}, {}, dict(end=True), "end is True"),
        ({}, {}, dict(shared=1), "shared is 1; it must be true or false"),
        (dict(vocabulary=50), {}, dict(shared=True), "share a token table only if"),
    ],
)
def test_stacks_that_do_not_fit_each_other_say_why(encoder, decoder, choices, message):
    reads = SIZES | dict(causal=False, ending="nothing") | encoder
    writes = SIZES | dict(memory=15) | decoder
    with pytest.raises(ValueError, match=message):
        PairConfig(Config(**reads), Config(**writes), **dict(start=3, end=5) | choices)
