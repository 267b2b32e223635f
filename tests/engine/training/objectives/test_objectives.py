"""Objectives: what is read and wanted is as the papers say; losses are those of the same texts alone."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.masked import AS_ITSELF, AS_MASK, AS_OTHER, KEPT, mask_tokens
from engine.tokenize import SentenceTokenizer
from engine.training.objectives import batch, denoising, forcing, masking, permuted, prefixes, spans
from engine.training.objectives.batch import WAYS
from engine.training.objectives.losses import NONE, losses, mean
from engine.worked.losses import work_loss
from engine.worked.objectives import check_denoised, check_order, check_spans
from tests.engine.tiny import BERT, ROTARY, VASWANI, decoder, pair, prompt
from tests.engine.training.objectives.lights import BLOCK, PAD, PAGES, TEXTS, encoder


@pytest.mark.parametrize("page", PAGES)
def test_all_lights_are_green(page):
    assert all(light.ok for light in PAGES[page]().values())


# --- a batch ---------------------------------------------------------------------------------------


def test_texts_are_cut_and_padded():
    one = batch.batch([[5, 6, 7, 8], [9]], 3, pad=0)
    assert one.ids.tolist() == [[5, 6, 7], [9, 0, 0]] and one.cut == (1, 0)
    assert one.real.tolist() == [[True] * 3, [True, False, False]]
    left = batch.batch([[5, 6, 7, 8], [9]], 3, pad=0, left=True, last=8)
    assert left.ids.tolist() == [[5, 6, 8], [0, 0, 9]]


def losses_by(model, way: str) -> torch.Tensor:
    one = batch.batch(TEXTS, BLOCK, PAD, WAYS[way].left)
    return batch.losses_of(model, one, WAYS[way])[one.real]


def far(model, way: str) -> float:
    one = batch.batch(TEXTS, BLOCK, PAD)
    return float((losses_by(model, way) - torch.cat(batch.alone(model, one))).abs().max())


def test_padding_behind_changes_nothing_for_a_causal_model_padding_before_it_does():
    model = decoder()  # in float64, with learned positions
    assert far(model, "right") < 1e-9 and far(model, "right, masked") < 1e-9
    assert far(model, "left") > 0.01 and far(model, "left, masked") > 0.01
    assert far(model, "left, masked, counted") < 1e-9


def test_rotary_positions_need_the_mask_alone():
    model = decoder(**ROTARY)
    assert far(model, "left") > 0.01 and far(model, "left, masked") < 1e-6  # angles are float32


def test_an_encoder_needs_the_mask_wherever_padding_stands():
    model = encoder().double()
    assert far(model, "right") > 0.01 and far(model, "right, masked") < 1e-9


def test_a_text_has_the_same_losses_in_any_batch_as_torch_gives_it_alone():
    model = decoder()
    one = batch.batch(TEXTS, BLOCK, PAD)
    wanted = batch.wanted_of(model, one)
    each = batch.losses_of(model, one, WAYS["right"])
    alone = [F.cross_entropy(model(torch.tensor([t[:BLOCK]]))[0, :-1], torch.tensor(t[1:BLOCK])) for t in TEXTS]
    for row, want, own in zip(each, wanted, alone, strict=True):
        assert mean(row, want) == pytest.approx(own.item())
    assert mean(each, wanted) == pytest.approx(each.sum().item() / sum(min(len(t), BLOCK) - 1 for t in TEXTS))


def test_without_anything_wanted_the_mean_is_0():
    wanted = torch.tensor([NONE, NONE])
    assert mean(losses(torch.zeros(2, 5), wanted), wanted) == 0


@pytest.mark.parametrize("choices", [{}, ROTARY])
def test_one_pass_gives_what_a_pass_for_each_prefix_gives(choices):
    model, ids = decoder(**choices), prompt(9)
    found = prefixes.both(model, ids)
    own = [-engine.run(model, ids[:t])["logits"][0, -1].log_softmax(-1)[ids[t]] for t in range(1, 9)]
    assert torch.allclose(found.together, found.apart) and torch.allclose(found.apart, torch.stack(own))


def test_a_loss_by_hand():
    scores = torch.tensor([1.0, 2.0, 0.5])
    worked = work_loss(scores, 1, 0.5, "logits[0, :]")
    assert worked.value == pytest.approx(-scores.softmax(-1)[1].log().item())
    assert worked.total == pytest.approx(sum(np.exp(scores.numpy() - 2))) and len(worked.terms) == 3


# --- masked words ----------------------------------------------------------------------------------


def test_the_dice_are_those_of_the_training():
    text = " ".join(map(str, prompt(20)))
    model = encoder()
    one = masking.masked(model, text, None, seed=7)
    special = torch.isin(one.ids, torch.tensor([0, 2, 3]))[None]
    random = torch.Generator().manual_seed(7)
    read, done = mask_tokens(one.ids[None], special, 4, len(model.tokenizer), random)
    assert one.read.equal(read[0]) and one.done.equal(done[0])


def test_the_pieces_of_a_word_are_chosen_together_and_done_with_one_by_one():
    model, seen = encoder(), set()
    for seed in range(60):
        one = masking.masked(model, " ".join(map(str, prompt(20, seed=seed))), None, seed, whole=True)
        names = [model.tokenizer.names[id] for id in one.ids.tolist()]
        for t, name in enumerate(names[2:-1], 2):
            if name.startswith("##") and not one.special[t] and not one.special[t - 1]:
                assert (one.done[t] == KEPT) == (one.done[t - 1] == KEPT)
                seen.add((int(one.done[t - 1]), int(one.done[t])))
    assert {(AS_MASK, AS_OTHER), (AS_MASK, AS_ITSELF)} & seen


def test_the_loss_of_what_follows():
    scores = torch.tensor([1.0, -1.0])
    assert masking.follows_loss(scores, True) == pytest.approx(np.log(1 + np.exp(-2)), abs=1e-6)
    assert masking.follows_loss(scores, False) == pytest.approx(2 + np.log(1 + np.exp(-2)), abs=1e-6)


def test_an_encoder_without_the_second_head_has_no_such_loss():
    model = decoder(torch.float32, **BERT | dict(next_sentence=False))
    model.tokenizer = encoder().tokenizer
    assert masking.masked(model, "5 6 7", None, 0).follows is None


# --- spans, damage, orders -------------------------------------------------------------------------


def test_the_example_of_the_paper():
    """Raffel et al. 2020, figure 2: “for inviting” and “last” are hidden."""
    words = ["Thank", "you", "for", "inviting", "me", "to", "your", "party", "last", "week", "."]
    hidden = np.isin(np.arange(11), [2, 3, 8])
    read, wanted = spans.corrupt(list(range(11)), hidden)
    told = [[words[i] if i >= 0 else spans.name_of(i) for i in ids] for ids in (read, wanted)]
    assert " ".join(told[0]) == "Thank you <extra_id_0> me to your party <extra_id_1> week ."
    assert " ".join(told[1]) == "<extra_id_0> for inviting <extra_id_1> last <extra_id_2>"


@given(st.integers(1, 60), st.floats(0.01, 0.99), st.integers(1, 12), st.integers(0, 9))
def test_about_the_share_is_hidden_and_comes_back(count, share, length, seed):
    hidden = spans.spans(count, share, length, np.random.default_rng(seed))
    assert len(hidden) == count and not hidden[0]
    assert hidden.sum() == (min(max(round(count * share), 1), count - 1) if count > 1 else 0)
    assert check_spans(list(range(count)), *spans.corrupt(list(range(count)), hidden)).ok


def test_spans_are_as_long_as_asked_on_average():
    runs = [spans.spans(100, 0.15, 3, np.random.default_rng(seed)) for seed in range(20)]
    starts = sum(int((run[1:] & ~run[:-1]).sum()) for run in runs)
    assert sum(int(run.sum()) for run in runs) / starts == 3


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 99))
def test_every_damage_is_one_that_it_can_make(lengths, seed):
    ends = np.cumsum(lengths).tolist()
    sentences = [range(a, b) for a, b in zip([0, *ends], ends, strict=False)]
    for kind, damage in denoising.KINDS.items():
        assert check_denoised(kind, sentences, damage(sentences, np.random.default_rng(seed))).ok


def test_infilling_hides_three_of_ten():
    found = [denoising.infill([range(200)], np.random.default_rng(seed)) for seed in range(40)]
    kept = sum(t >= 0 for came in found for t in came)
    assert kept / 8000 == pytest.approx(0.7, abs=0.03)


@given(st.integers(1, 20), st.integers(0, 99), st.booleans())
def test_who_sees_whom_in_an_order(count, seed, content):
    order = permuted.order_of(count, seed)
    assert sorted(order) == list(range(count))
    assert check_order(order, content, permuted.mask_of(order, content)).ok
    causal = permuted.mask_of(list(range(count)), content=True)
    assert causal.equal(torch.ones(count, count, dtype=torch.bool).tril())


# --- teacher forcing -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def translator(rank_tokenizer):
    tokenizer = SentenceTokenizer(rank_tokenizer.ranks)
    sizes = dict(vocabulary=len(tokenizer), context=20, shared=True)
    model = pair(torch.float32, **VASWANI, **sizes, start=tokenizer.start, end=tokenizer.end)
    model.tokenizer = tokenizer
    return model


def test_losses_after_the_right_words_are_those_of_the_run(translator):
    one = forcing.forced(translator, "the cat", "the mat sat")
    logits = engine.run(translator, "the cat", target="the mat sat")["decoder.logits"][0]
    assert one.wanted == translator.tokenizer.encode("the mat sat")
    assert torch.allclose(one.right, F.cross_entropy(logits, torch.tensor(one.wanted), reduction="none"))


def test_its_own_words_are_the_right_ones_up_to_where_it_leaves_them(translator):
    one = forcing.forced(translator, "the cat", "the mat sat")
    ids = [step.id for step in engine.generate(translator, "the cat")]
    assert one.own[: len(ids)] == ids
    assert one.own[: one.off] == one.wanted[: one.off] and one.own[one.off] != one.wanted[one.off]
    assert torch.allclose(one.free[: one.off + 1], one.right[: one.off + 1], atol=1e-5)


def test_its_own_translation_is_right_everywhere(translator, monkeypatch):
    wanted = translator.tokenizer.encode("the mat")
    monkeypatch.setattr(forcing, "written", lambda model, ids: wanted)
    one = forcing.forced(translator, "the cat", "the mat")
    assert one.off is None and torch.allclose(one.free, one.right)
