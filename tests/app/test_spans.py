"""The walk of a model that fills spans: its answer put together, and what training makes of the prompt."""

import numpy as np
import pytest
import torch

from app import catalogue, compute
from app.architecture import family_of
from app.state import PROMPT
from engine.position import buckets_of
from engine.training.objectives import spans
from tests.app.visit import bars, curves, figure, fire, given, keys, markdown, notices, view, visit

TEXT = "the cat <extra_id_0> the mat, the animal <extra_id_1> the street."
WROTE = "<extra_id_0> sat on<extra_id_1> did not cross<extra_id_2>"


def opened(**link):
    at = visit(model="spans", **dict(prompt=TEXT, step="next") | link)
    assert not at.exception
    return at


def parts(at, key: str) -> list[list]:
    return given(at, f"spans-{key}")["parts"]


@pytest.fixture
def writes(family, monkeypatch):
    """The random model as if it wrote what belongs there."""
    ids = family["spans"].tokenizer.encode(WROTE)[:-1]
    compute._trace.cache_clear()
    monkeypatch.setattr(compute, "written", lambda name, text, read: (*read, *ids))
    yield
    compute._trace.cache_clear()


def test_what_was_written_stands_in_its_gaps(writes):
    at = opened()
    assert [part[0] for part in parts(at, "filled")] == [
        "the·cat",
        "sat·on",
        "the·mat,·the·animal",
        "did·not·cross",
        "the·street.",
    ]
    assert [part[2] for part in parts(at, "filled")] == [None, 0, None, 1, None]
    whole = "the cat sat on the mat, the animal did not cross the street."
    assert any(whole in text.replace("\\", "") for text in markdown(at) if "⇒" in text)
    assert any(text.startswith("Checked: with each run") for text in markdown(at))


def test_a_text_without_a_gap_says_how_to_make_one(family):
    at = opened(prompt="the cat sat")
    assert "spans-filled" not in keys(at, "spans-")
    assert any("There is no gap" in text for text in markdown(at))
    assert "spans-input" in keys(at, "spans-")


def test_the_prompt_is_corrupted_as_in_training(family):
    prompt, model = "the cat sat on the mat, the animal did not cross the street.", family["spans"]
    at, tokenizer = opened(prompt=prompt, seed=5), model.tokenizer
    ids = tokenizer.encode(prompt)[:-1]
    random = np.random.default_rng(5)
    hidden = spans.rolled(spans.spans(len(ids), *spans.dice(random), random), random)
    read, wanted = ([*spans.encoded(x, tokenizer.sentinels), model.end] for x in spans.corrupt(ids, hidden))
    for key, tokens in (("input", read), ("target", wanted)):
        assert [part[0].replace("·", " ") for part in parts(at, key)] == [
            tokenizer.bytes_of(id).decode() for id in tokens
        ]
    logits = model(torch.tensor([read]), torch.tensor([[model.start, *wanted[:-1]]]))[0].double()
    expected = [-float(row.log_softmax(-1)[id]) for row, id in zip(logits, wanted, strict=True)]
    assert bars(at, "plot-spans") == pytest.approx(expected, rel=1e-4)
    assert given(at, "plot-spans")["light"]["ok"]
    marks = [id in (*tokenizer.sentinels, model.end) for id in wanted]
    hidden = np.mean([loss for loss, mark in zip(expected, marks, strict=True) if not mark])
    assert f"{hidden:.3f} for a hidden token" in given(at, "plot-spans")["say"]
    coloured = [part[2] for part in parts(at, "target")]
    assert coloured[0] == 0 and coloured[-2:] == [None, None]  # the closing sentinel and the end


def test_dice_are_thrown_again_and_their_text_can_be_read(family):
    at = opened(seed=5, prompt="the cat sat on the mat")
    before = parts(at, "input")
    fire(at, "button-lesson", change=True)
    assert view(at).seed == 6 and not at.exception
    assert any(
        parts(visit(model="spans", step="next", prompt="the cat sat on the mat", seed=n), "input") != before
        for n in range(6, 9)
    )
    fire(at, "button-read", change=True)
    assert "<extra_id_0>" in view(at).prompt and not at.exception


@pytest.mark.parametrize("prompt", ["a", "the cat " * 18])
def test_what_cannot_be_corrupted_says_why(family, prompt):
    at = opened(prompt=prompt)
    assert not at.exception
    assert notices(at) or parts(at, "input")


def test_a_sentinel_is_told_as_what_it_is(family):
    tokenizer = family["spans"].tokenizer
    place = tokenizer.encode(TEXT).index(tokenizer.sentinels[0])
    at = opened(step="tokens", stack="encoder", token=place)
    assert any("**sentinel**" in text for text in markdown(at))
    counts = next(text for text in markdown(at) if "sentinels, and every other" in text)
    assert "32 sentinels" in counts


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_what_a_head_adds_for_a_distance_is_what_its_table_has(family, stack):
    at, reads = opened(step="scores", stack=stack, head=1, token=3, key=1), family["spans"].get_submodule(stack)
    ((away, added),) = curves(at, "plot-bias").values()
    table, c = reads.blocks[0].attn.bias.weight[:, 1], reads.config
    buckets = buckets_of(torch.tensor(away).long(), c.buckets, c.max_distance, not c.causal)
    assert added == pytest.approx(table[buckets].tolist())
    count = len(given(at, "bar")["ids"])
    assert list(away) == list(range(1 - count, count if stack == "encoder" else 1))
    assert given(at, "plot-bias")["light"]["ok"]


def test_it_is_a_family_of_its_own_and_no_translator(family, shipping):
    shipping("storybook", "pair", "spans")
    assert catalogue.families() == {"decoder": "storybook", "pair": "pair", "spans": "spans"}
    assert "spans" not in catalogue.translators()
    assert family_of(family["t5"]) == family_of(family["unigram"]) == "pair"
    assert catalogue.opening("spans", PROMPT) == f"{PROMPT} <extra_id_0>."


@pytest.mark.parametrize(
    ("prompt", "read"),
    [
        ("the [MASK] sat on [MASK].", "the <extra_id_0> sat on <extra_id_1>."),
        ("the cat sat on", "the cat sat on <extra_id_0>."),
        ("the <extra_id_0> sat.", "the <extra_id_0> sat."),
    ],
)
def test_in_families_a_mask_is_a_sentinel_for_it_and_the_other_way_round(writes, shipping, prompt, read):
    shipping("storybook", "wordfinder", "pair", "spans")
    at = visit(prompt=prompt).switch_page("views/families/page.py").run()
    assert not at.exception
    assert catalogue.given("spans", view(at), gap=True) == (read, "")
    assert catalogue.given("wordfinder", view(at), gap=True).count("[MASK]") == read.count("<extra")
    assert "extra" not in catalogue.given("pair", view(at), gap=True)[0]
    shown = [text.replace("\\", "") for text in markdown(at)]
    assert any(text.startswith("Put together: **the ") and "sat on" in text for text in shown)
    assert "matrix-cross.mask-spans-cross" in keys(at, "matrix-cross.mask-spans")
    assert figure(at, "plot-parts-spans")


def test_the_page_on_training_leads_to_a_model_that_learned_so(monkeypatch):
    link = dict(train="batches", batches="about=spans")
    at = visit(**link).switch_page("views/train/page.py").run()
    assert not keys(at, "button-filler") or catalogue.fillers()
    monkeypatch.setattr(catalogue, "fillers", lambda: ["spans"])
    at = visit(**link).switch_page("views/train/page.py").run()
    assert any("spans** was trained this way" in text for text in markdown(at))
    assert keys(at, "button-filler")
