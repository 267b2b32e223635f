"""A trace keeps little and shows everything."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from engine.trace import run
from engine.trace import trace as trace_file
from engine.trace.tap import Edit
from tests.engine.tiny import assert_close, assert_same_points, decoder, full, prompt

EDITS = [
    (),
    (Edit("blocks.1.resid_pre", "scale", {"T": 2}, 3.0),),
    (Edit("blocks.0.attn.pattern", "zero", {"H": 1}), Edit("blocks.2.resid_post", "add", {"D": 4}, 1.5)),
    (Edit("embed.token", "mean"), Edit("final_norm.scaled", "scale", {}, 2.0)),
    (Edit("blocks.1.mlp.act", "set", {"F": 30}, -2.0), Edit("blocks.1.attn.q", "copy", {}, tuple(prompt(11)))),
]


@pytest.mark.parametrize(
    ("edits", "padded"),
    [
        (edits, padded)
        for edits in EDITS
        for padded in (False, True)
        if not padded or "mean" not in {e.op for e in edits}
    ],
)
def test_a_lean_trace_is_to_the_last_bit_one_that_keeps_everything(model, ids, edits, padded):
    padding = torch.arange(11) < torch.tensor([[6]]) if padded else None
    lean, rich = (keep(model, ids[:1], edits, padding=padding) for keep in (run, full))
    for point in lean.points():
        assert torch.equal(lean[point], rich[point]), point


def test_a_lean_trace_keeps_only_the_stream_between_blocks(model, ids):
    assert list(run(model, ids)._kept) == [
        f"blocks.{i}.resid_{place}" for i in range(3) for place in ("pre", "post")
    ]


@pytest.mark.parametrize("kept", ["logits", "blocks.1.attn.pattern", "nothing"])
def test_every_point_can_be_read_whatever_was_kept(model, trace, ids, kept):
    assert_same_points(run(model, ids, wanted=lambda name: name == kept), trace)


def test_points_can_be_read_in_any_order(model, trace, ids):
    assert_same_points(run(model, ids), trace, points=trace.points()[::-1])


def test_forgotten_segments_are_made_again(model, trace, ids, monkeypatch):
    monkeypatch.setattr(trace_file, "SEGMENT_BYTES", 0)
    lean = run(model, ids)
    for _ in range(2):
        assert_same_points(lean, trace)
    assert len(lean._recomputed) == 1


def test_looking_twice_gives_the_same_tensor(model, ids):
    lean = run(model, ids)
    assert lean["blocks.1.attn.z"] is lean["blocks.1.attn.z"]


def test_looking_changes_no_parameter(model, ids):
    before = {name: p.clone() for name, p in model.named_parameters()}
    trace = run(model, ids[:1], EDITS[-1])
    for point in trace.points():
        _ = trace[point]
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name]), name


@pytest.mark.parametrize(
    "given", [[3, 1, 4], (3, 1, 4), torch.tensor([3, 1, 4]), [[3, 1, 4]], torch.tensor([[3, 1, 4]])]
)
def test_a_prompt_comes_as_list_tuple_or_tensor(model, given):
    assert torch.equal(run(model, given).ids, torch.tensor([[3, 1, 4]]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "the prompt is empty"),
        ([[], []], "the prompt is empty"),
        ([[3, 1], []], "row 1 of the prompts is empty"),
        (prompt(24), r"24 tokens; model can read 23. Shorten it by 1 token"),
        ([0, 97], "from 0 to 96; got 0 to 97"),
        ([-1], "from 0 to 96; got -1 to -1"),
        (torch.zeros(1, 1, 1), r"not \[1, 1, 1\]"),
        ("text", "give token ids, not text"),
    ],
)
def test_a_prompt_that_cannot_be_read_says_why(model, given, message):
    with pytest.raises(ValueError, match=message):
        run(model, given)


def test_padding_has_the_shape_of_the_ids(model, ids):
    with pytest.raises(ValueError, match=r"padding is \[1, 11\], the ids are \[2, 11\]"):
        run(model, ids, padding=torch.ones(1, 11))


def test_an_unknown_point_lists_names_near_it(trace):
    with pytest.raises(KeyError, match=r"'blocks.0.attn.patern'.*blocks.0.attn.pattern"):
        trace["blocks.0.attn.patern"]


def test_tokens_leave_padding_out(rank_tokenizer):
    model = decoder(vocabulary=len(rank_tokenizer))
    model.tokenizer = rank_tokenizer
    texts = ["The cat sat", "on"]
    trace = run(model, [rank_tokenizer.encode(text) for text in texts])
    assert [b"".join(trace.tokens(row)).decode() for row in (0, 1)] == texts
    assert b"".join(run(model, "The mat").tokens()) == b"The mat"


def test_one_model_serves_two_visitors_at_once(model, ids):
    edit = Edit("blocks.0.attn.pattern", "zero", {"H": 1})

    def visit(edits):
        trace = run(model, ids, edits)
        return torch.cat([trace[point].flatten().double() for point in ("blocks.1.attn.z", "logits")])

    alone = {edits: visit(edits) for edits in ((), (edit,))}
    with ThreadPoolExecutor(2) as pool:
        visits = list(alone) * 40
        for edits, result in zip(visits, pool.map(visit, visits), strict=True):
            assert torch.equal(result, alone[edits])


def test_one_trace_serves_two_visitors_at_once(model, trace, ids, monkeypatch):
    monkeypatch.setattr(trace_file, "SEGMENT_BYTES", 0)
    lean, points = run(model, ids), trace.points()
    with ThreadPoolExecutor(2) as pool:
        for point, x in zip(points * 3, pool.map(lean.__getitem__, points * 3), strict=True):
            assert_close(x, trace[point], point)
