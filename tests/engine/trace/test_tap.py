"""Edits: what each does to its point, and that everything after it follows."""

import pytest
import torch

from engine.config import Config
from engine.masks import CAUSAL, MASKS, mask_of
from engine.model.context import Context
from engine.points import points_of
from engine.trace import everything, nothing, run
from engine.trace.tap import Edit, Recorder
from engine.worked import check
from engine.worked.rerun import check_run
from tests.engine.tiny import ROTARY, SIZES, assert_close, assert_same_points, decoder, full, prompt

OTHER = tuple(prompt(11, seed=9))
PLACES = {
    "embed.out": {"T": 3, "D": 2},
    "blocks.0.attn.norm.scaled": {"T": 10},
    "blocks.1.attn.q": {"H": 2, "T": 5},
    "blocks.1.attn.scores": {"H": 1, "T": 7, "S": 2},
    "blocks.1.attn.pattern": {"H": 0},
    "blocks.1.resid_pre": {},
    "blocks.2.resid_mid": {"B": 0, "T": -1},
    "blocks.2.mlp.act": {"F": 30},
    "final_norm.scaled": {},
    "logits": {"T": 10, "V": 96},
}
OPS = {
    "zero": (None, lambda part, mean, theirs: 0 * part),
    "mean": (None, lambda part, mean, theirs: mean),
    "set": (0.7, lambda part, mean, theirs: 0 * part + 0.7),
    "add": (-1.5, lambda part, mean, theirs: part - 1.5),
    "scale": (3, lambda part, mean, theirs: 3 * part),
    "copy": (OTHER, lambda part, mean, theirs: theirs),
}


def edited_by_hand(x, axes, at, op, theirs):
    """What an edit should make of `x`, one axis after the other."""
    where = tuple(at.get(letter, slice(None)) for letter in axes)
    mean = x.mean(axes.index("T"), keepdim=True).expand_as(x)
    x = x.clone()
    x[where] = OPS[op][1](x[where], mean[where], theirs[where])
    return x


@pytest.fixture
def prompt_ids(ids):
    return ids[:1]


@pytest.mark.parametrize("point", PLACES)
@pytest.mark.parametrize("op", OPS)
def test_an_edit_changes_its_point_and_all_that_follows(model, prompt_ids, point, op):
    plain, other = full(model, prompt_ids), full(model, OTHER)
    trace = run(model, prompt_ids, [Edit(point, op, PLACES[point], OPS[op][0])])
    changed = edited_by_hand(plain[point], plain.table[point].axes, PLACES[point], op, other[point])
    assert_close(trace[point], changed)
    names = trace.points()
    assert_same_points(trace, plain, points=names[: names.index(point)])
    wrong = [name for name in names if not check(trace, name).ok]
    assert wrong == []
    assert not torch.equal(trace["logits"], plain["logits"])


def test_an_edit_of_the_stream_is_applied_once(model, prompt_ids):
    plain = full(model, prompt_ids)
    trace = run(model, prompt_ids, [Edit("blocks.1.resid_pre", "scale", {}, 2.0)])
    x, context = 2 * plain["blocks.1.resid_pre"], Context(CAUSAL, model.angles(0, 11))
    assert_close(trace["blocks.1.resid_pre"], x)
    assert_close(trace["blocks.1.resid_mid"], x + trace["blocks.1.attn.out"])
    for block in model.blocks[1:]:
        x = block(x, context)
    assert_close(trace["logits"], model.unembed(x))


def test_an_edit_of_a_result_is_applied_once(model, prompt_ids):
    plain = full(model, prompt_ids)
    trace = run(model, prompt_ids, [Edit("blocks.1.resid_post", "add", {"D": 3}, 5.0)])
    x = plain["blocks.1.resid_post"].clone()
    x[..., 3] += 5
    assert_close(trace["blocks.1.resid_post"], x)
    after = model.blocks[2](x, Context(CAUSAL, model.angles(0, 11)))
    assert_close(trace["logits"], model.unembed(after))


def test_a_pattern_that_is_edited_mixes_other_values(model, prompt_ids):
    edit = Edit("blocks.0.attn.pattern", "set", {"H": 1, "T": 8, "S": 3}, 0.5)
    trace = run(model, prompt_ids, [edit])
    pattern = full(model, prompt_ids)["blocks.0.attn.pattern"].clone()
    pattern[0, 1, 8, 3] = 0.5
    values = trace["blocks.0.attn.v"].repeat_interleave(model.config.group_size, 1)
    assert_close(trace["blocks.0.attn.z"], pattern @ values)
    out = model.blocks[0].attn.out(trace["blocks.0.attn.z"].transpose(1, 2).flatten(2))
    assert_close(trace["blocks.0.attn.out"], out)


def test_a_mask_that_is_edited_hides_a_token(model, prompt_ids):
    trace = run(model, prompt_ids, [Edit("blocks.0.attn.mask", "zero", {"T": 6, "S": 2})])
    pattern = trace["blocks.0.attn.pattern"]
    assert (pattern[0, :, 6, 2] == 0).all()
    assert_close(pattern.sum(-1), torch.ones_like(pattern[..., 0]))


@pytest.mark.parametrize("kind", MASKS)
def test_another_mask_gives_another_pattern_whose_rows_sum_to_one(model, prompt_ids, kind):
    trace = run(model, prompt_ids, [Edit("blocks.1.attn.mask", "mask", value=(kind, 3))])
    allowed, pattern = mask_of(kind, 11, 3), trace["blocks.1.attn.pattern"]
    assert torch.equal(pattern > 0, allowed.expand_as(pattern))
    assert_close(pattern.sum(-1), torch.ones_like(pattern[..., 0]))
    assert all(check(trace, name).ok for name in trace.points())


def test_an_early_edit_leaves_earlier_positions_alone(model, prompt_ids):
    trace = run(model, prompt_ids, [Edit("blocks.0.resid_pre", "add", {"T": 6}, 2.0)])
    assert_close(trace["logits"][:, :6], full(model, prompt_ids)["logits"][:, :6])


def test_edits_of_one_point_follow_each_other(model, prompt_ids):
    edits = [Edit("logits", "set", {"V": 5}, 2.0), Edit("logits", "scale", {"V": 5}, 4.0)]
    assert (run(model, prompt_ids, edits)["logits"][..., 5] == 8).all()


def test_patching_the_last_stream_gives_the_other_prompts_logits(model, prompt_ids):
    edit = Edit("blocks.2.resid_post", "copy", {"T": 10}, OTHER)
    patched, other = run(model, prompt_ids, [edit])["logits"], run(model, OTHER)["logits"]
    assert_close(patched[:, 10], other[:, 10])
    assert_close(patched[:, :10], run(model, prompt_ids)["logits"][:, :10])


def test_the_other_prompt_can_be_a_text(rank_tokenizer):
    model = decoder(vocabulary=len(rank_tokenizer))
    model.tokenizer = rank_tokenizer
    trace = run(model, "The mat", [Edit("blocks.1.resid_pre", "copy", {"T": -1}, "The cat sat")])
    other = run(model, "The cat sat")
    assert_close(trace["blocks.1.resid_pre"][0, -1], other["blocks.1.resid_pre"][0, -1])


def test_one_position_can_be_copied_from_a_prompt_of_another_length(model, prompt_ids):
    longer = tuple(prompt(15, seed=4))
    trace = run(model, prompt_ids, [Edit("blocks.1.resid_pre", "copy", {"T": 2}, longer)])
    assert_close(trace["blocks.1.resid_pre"][0, 2], run(model, longer)["blocks.1.resid_pre"][0, 2])


def test_a_whole_copy_needs_a_prompt_of_the_same_length(model, prompt_ids):
    edit, width = Edit("blocks.1.resid_pre", "copy", {}, tuple(prompt(5))), model.config.width
    message = rf"gives \(1, 5, {width}\), this one needs \(1, 11, {width}\); name a position"
    with pytest.raises(ValueError, match=message):
        run(model, prompt_ids, [edit])


def test_a_point_that_does_not_exist_is_an_error_with_near_names(model, prompt_ids):
    with pytest.raises(KeyError, match=r"'blocks.7.attn.z'.*similar names: .*blocks.\d.attn.z"):
        run(model, prompt_ids, [Edit("blocks.7.attn.z", "zero")])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit("logits", "zero", {"H": 0}), "logits has the axes B T V, not 'H'"),
        (Edit("logits", "zero", {"V": 97}), "V = 97 is outside its 97 entries"),
        (Edit("logits", "zero", {"T": -12}), "T = -12 is outside its 11 entries"),
        (Edit("blocks.0.attn.mask", "mean"), "is boolean"),
        (Edit("blocks.0.attn.pattern", "mask", value=("none", 0)), "replaces a whole attention mask"),
        (Edit("blocks.0.attn.mask", "mask", {"T": 1}, ("none", 0)), "replaces a whole attention mask"),
    ],
)
def test_an_edit_that_does_not_fit_its_point_says_why(model, prompt_ids, edit, message):
    with pytest.raises(ValueError, match=message):
        run(model, prompt_ids, [edit])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("logits", "double"), "no edit 'double'; choose one of zero, mean, set, add, scale, copy, take, mask"),
        (("logits", "set"), "'set' needs a number as value, not None"),
        (("logits", "add", {}, "1"), "'add' needs a number as value, not '1'"),
        (("logits", "scale", {}, float("nan")), "'scale' needs a number as value, not nan"),
        (("logits", "set", {}, True), "'set' needs a number as value, not True"),
        (("logits", "copy", {}, 1.0), "needs the other prompt"),
        *(
            (("x.mask", "mask", {}, value), "needs a kind and n")
            for value in (None, "none", ("all", 1), ("none", "1"))
        ),
        (("logits", "zero", {"BT": 0}), "'BT' is not an axis"),
        (("logits", "zero", {"": 0}), "'' is not an axis"),
        (("logits", "zero", (("T", 1), ("T", 2))), "names the axis T twice"),
    ],
)
def test_an_edit_that_means_nothing_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Edit(*arguments)


def test_edits_are_data():
    one = Edit("logits", "zero", {"V": 3, "T": 1})
    same = Edit("logits", "zero", [("T", 1), ("V", 3)])
    assert one == same
    assert hash(one) == hash(same)
    assert one != Edit("logits", "zero", {"V": 3})
    assert len({one, same}) == 1


def test_a_name_tapped_twice_in_one_pass_is_a_bug():
    tap = Recorder(points_of(Config(**SIZES)))
    tap("logits", torch.zeros(1, 1, 1))
    with pytest.raises(RuntimeError, match="logits was tapped twice"):
        tap("logits", torch.zeros(1, 1, 1))


TAKES = [
    ("blocks.1.attn.q_rot", "blocks.1.attn.q"),
    ("blocks.0.attn.norm.out", "blocks.0.resid_pre"),
    ("blocks.2.resid_mid", "blocks.2.attn.out"),
    ("blocks.2.resid_post", "blocks.2.mlp.out"),
]


@pytest.mark.parametrize(("point", "taken"), TAKES)
def test_a_point_takes_what_an_earlier_one_of_the_same_run_holds(point, taken):
    model = decoder(torch.float32, **ROTARY)
    lean, whole = (
        run(model, prompt(9), [Edit(point, "take", value=taken)], wanted=w) for w in (nothing, everything)
    )
    assert torch.equal(lean[point], lean[taken])
    assert not torch.equal(lean["logits"], run(model, prompt(9))["logits"])
    for name in lean.points():
        assert torch.equal(lean[name], whole[name])
        assert check(lean, name).ok
    assert check_run(lean, "logits").ok


@pytest.mark.parametrize("taken", ["blocks.1.attn.out", "logits"])
def test_what_is_not_made_yet_cannot_be_taken(taken):
    with pytest.raises(ValueError, match="not computed before it"):
        run(decoder(torch.float32), prompt(9), [Edit("blocks.1.attn.q", "take", value=taken)])


def test_a_take_needs_the_name_of_a_point():
    with pytest.raises(ValueError, match="name of another point"):
        Edit("logits", "take", value=3)
    with pytest.raises(KeyError, match="no point 'nothing'"):
        run(decoder(torch.float32), prompt(9), [Edit("logits", "take", value="nothing")])
