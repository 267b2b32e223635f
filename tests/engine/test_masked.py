"""Filling a mask, judging a pair, and the corruption that BERT was trained on."""

import pytest
import torch

import engine
from engine.masked import AS_ITSELF, AS_MASK, AS_OTHER, KEPT, fill, follows, mask_tokens
from tests.engine.tiny import BERT, decoder

SIZE = 200_000


@pytest.fixture(scope="module")
def bert(wordpiece):
    model = decoder(torch.float32, vocabulary=len(wordpiece), **BERT)
    model.tokenizer = wordpiece
    return model


def test_the_guesses_for_a_mask_are_the_best_of_its_row(bert):
    text = "the cat [MASK] on [MASK] mat"
    rows = fill(bert, text, 7)
    ids = bert.tokenizer.encode(text)
    logits = engine.run(bert, ids)["logits"][0]
    places = [t for t, id in enumerate(ids) if id == bert.tokenizer.mask]
    assert len(rows) == len(places) == 2
    for row, place in zip(rows, places, strict=True):
        shares = logits[place].softmax(-1)
        assert [guess.probability for guess in row] == pytest.approx(shares.topk(7).values.tolist())
        assert [shares[guess.id].item() for guess in row] == pytest.approx([g.probability for g in row])
        assert all(guess.text == bert.tokenizer.names[guess.id] for guess in row)


def test_the_whole_text_tells_on_both_sides(bert):
    before, after = (fill(bert, text, 3) for text in ("the [MASK] sat there", "the [MASK] sat mat"))
    assert before != after


def test_a_text_without_a_mask_says_what_to_do(bert):
    with pytest.raises(ValueError, match=r"write \[MASK\] in the place"):
        fill(bert, "the cat sat")


def test_whether_a_text_follows_depends_on_the_order(bert):
    one, other = follows(bert, "the cat sat", "then that mat"), follows(bert, "then that mat", "the cat sat")
    assert 0 < one < 1
    assert one != other


def test_a_model_without_these_heads_says_so(bert):
    plain = decoder(**BERT | dict(ending="nothing", next_sentence=False))
    plain.tokenizer = bert.tokenizer
    with pytest.raises(ValueError, match="gives vectors, no words"):
        fill(plain, "the [MASK] sat")
    with pytest.raises(ValueError, match="no head that judges"):
        follows(plain, "the cat", "sat")


def test_an_encoder_does_not_write_on(bert):
    with pytest.raises(ValueError, match="it does not continue a text"):
        engine.generate(bert, "the cat")


@pytest.mark.parametrize("segments", [[0, 2, 0], [0, -1, 0]])
def test_a_segment_that_does_not_exist_is_an_error(bert, segments):
    with pytest.raises(ValueError, match="segments go from 0 to 1"):
        engine.run(bert, [1, 2, 3], segments=segments)


def test_segments_for_a_model_that_knows_none_are_an_error():
    with pytest.raises(ValueError, match="has no segments"):
        engine.run(decoder(), [1, 2, 3], segments=[0, 0, 0])
    with pytest.raises(ValueError, match="the ids are"):
        engine.run(decoder(), [1, 2, 3], segments=[0, 0])


# --- corruption ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corrupted():
    ids = torch.randint(5, 1000, (1, SIZE), generator=torch.Generator().manual_seed(1))
    special = torch.zeros_like(ids, dtype=torch.bool)
    special[:, ::4] = True
    return ids, special, *mask_tokens(ids, special, 3, 1000, torch.Generator().manual_seed(2))


def test_fifteen_of_a_hundred_are_chosen_and_of_these_eighty_ten_and_ten(corrupted):
    _, special, _, done = corrupted
    free = done[~special]
    chosen = free[free != KEPT]
    assert len(chosen) / len(free) == pytest.approx(0.15, abs=0.005)
    for what, share in ((AS_MASK, 0.8), (AS_OTHER, 0.1), (AS_ITSELF, 0.1)):
        assert (chosen == what).float().mean().item() == pytest.approx(share, abs=0.01)


def test_what_was_done_to_a_token_is_what_it_became(corrupted):
    ids, special, new, done = corrupted
    assert (done[special] == KEPT).all()
    assert (new[done == AS_MASK] == 3).all()
    same = (done == KEPT) | (done == AS_ITSELF)
    assert torch.equal(new[same], ids[same])
    assert (new[done == AS_OTHER] != ids[done == AS_OTHER]).float().mean() > 0.99


def test_the_same_seed_corrupts_the_same(corrupted):
    ids, special, new, _ = corrupted
    again, _ = mask_tokens(ids, special, 3, 1000, torch.Generator().manual_seed(2))
    assert torch.equal(again, new)
