"""Words aligned by hand, and how far attention's links are from them."""

import json
from types import SimpleNamespace

import pytest
import torch

import engine
from engine.config import RecurrentConfig
from engine.load import SHIPPED
from engine.training.data.lexicon import ENGLISH, FRENCH, Lexicon
from engine.training.evaluate import alignment
from engine.training.evaluate.alignment import Aligned, Way, aligned, chosen, diagonal, error, linked, of_words
from engine.training.translation import _alignment
from tests.engine.tiny import pair, recurrent

CAT = Aligned.of({"en": "The black cat.", "fr": "Le chat noir.", "links": "0 2 ?0,1 3"})


def test_an_entry_is_read_with_its_sure_and_possible_links():
    assert CAT.sure == {(0, 0), (1, 2), (2, 1), (3, 3)}
    assert CAT.possible == CAT.sure | {(2, 0)}


def test_every_entry_has_a_cell_for_each_word_and_links_to_words_that_are_there():
    assert len(aligned()) == 50
    for one in aligned():
        source, target = one.words
        assert one.sure and all(j < len(target) and i < len(source) for j, i in one.possible)
        assert "".join(source) == one.source.replace(" ", "") and "".join(target) == one.target.replace(" ", "")
    told = alignment.FILE.read_text("utf-8").split("[[pair]]")[1:]
    cells = [text.split('links = "')[1].split('"')[0].split() for text in told]
    assert [len(row) for row in cells] == [len(one.words[1]) for one in aligned()]
    assert len({one.source for one in aligned()} | {one.target for one in aligned()}) == 100


def test_the_error_by_hand():
    # four links, of which two are sure (and so possible), and one possible alone: 1 - (2 + 3) / (4 + 4)
    assert error([CAT], [frozenset({(0, 0), (1, 2), (2, 0), (3, 0)})]).value == pytest.approx(3 / 8)
    assert error([CAT], [CAT.sure]).value == 0
    assert error([CAT], [frozenset({(0, 3), (1, 3), (2, 3), (3, 0)})]).value == 1


def test_the_diagonal_and_chance_by_hand():
    assert diagonal(2, 4) == {(0, 0), (1, 0), (2, 1), (3, 1)}
    assert diagonal(3, 3) == {(0, 0), (1, 1), (2, 2)}
    # each of the four words hits each of its links once in four draws
    assert alignment.even([CAT]).value == pytest.approx(1 - (4 / 4 + 5 / 4) / 8)


def test_a_lexicon_links_what_it_learned():
    lexicon = Lexicon.of([("black", "noir"), ("cat", "chat"), ("the", "le"), ("the cat", "le chat")])
    assert {(0, 0), (1, 2), (2, 1)} <= alignment.by_lexicon(lexicon, CAT)


def test_tokens_are_joined_to_words_by_their_bytes():
    found = of_words([b"L", b"'e", "té".encode(), b" !", b""], "L'été !".replace("été", "eté"), FRENCH)
    expected = [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    torch.testing.assert_close(found, torch.tensor(expected))
    assert of_words([b"do", b"n't"], "don't", ENGLISH).tolist() == [[1], [1]]


@pytest.fixture(scope="module", params=["pair", "recurrent"])
def model(request, sentences):
    sizes = dict(vocabulary=len(sentences), context=60, start=sentences.start, end=sentences.end)
    if request.param == "pair":
        made = pair(torch.float32, **sizes, decoder=dict(context=60))
    else:
        made = recurrent("gru", "additive", torch.float32, **sizes)
    made.tokenizer, made.name = sentences, "tiny"
    return made


def is_recurrent(model) -> bool:
    return isinstance(model.config, RecurrentConfig)


def heads_of(model) -> list[tuple[int, int]]:
    config = None if is_recurrent(model) else model.config.decoder
    return [(i, h) for i in range(config.layers) for h in range(config.heads)] if config else [(0, 0)]


def test_weights_are_those_of_the_row_before_and_of_the_words_own_row(model):
    """Token by token, without matrices."""
    read = model.tokenizer
    table = alignment.weights(model, CAT)
    ids, written = read.encode(CAT.source), read.encode(CAT.target)[:-1]
    trace = engine.run(model, CAT.source, target=[model.start, *written])
    if is_recurrent(model):
        layer, head, pattern = 0, 0, trace["decoder.cross.weights"][0]
    else:
        layer, head, pattern = 1, 2, trace["decoder.blocks.1.cross.pattern"][0, 2]
    there = of_words([*map(read.bytes_of, ids[:-1]), b""], CAT.source, ENGLISH)
    own = of_words([*map(read.bytes_of, written)], CAT.target, FRENCH)
    for row in (0, 1):
        for word in range(own.shape[1]):
            mine = [(float(own[k, word]), k + row) for k in range(len(written)) if own[k, word]]
            whole = sum(share for share, _ in mine)
            expected = sum(share / whole * (pattern[t] @ there) for share, t in mine)
            torch.testing.assert_close(table[row, layer, head, word], expected, atol=1e-5, rtol=1e-4)


@pytest.fixture(scope="module")
def told(model):
    return alignment.measured(model)


def test_what_is_told_of_a_model_has_all_its_heads_and_what_they_are_measured_against(model, told):
    count = len(heads_of(model))
    assert len(told["heads"]) == count and told["pairs"] == 50
    errors = [one["error"] for one in told["heads"]]
    assert errors == sorted(errors)
    lines = alignment.table(told)
    assert ("all heads, averaged" in lines) == (count > 1) and "| diagonal | 50 |" in lines
    assert alignment.verdict(told)
    assert all(
        one["aligns"] == (one["interval"][1] < told["baselines"]["diagonal"]["error"]) for one in told["heads"]
    )


def test_the_card_tells_the_errors_and_whether_the_pairs_were_read(told):
    read = [(aligned()[0].source.upper(), "?"), ("?", aligned()[1].target)]
    assert "none of them stands in" in _alignment(False, told, [])
    assert "2 of them stand in" in _alignment(False, told, read)
    assert alignment.table(told) in _alignment(False, told, [])
    assert "no attention" in _alignment(True, {}, []) and "too long" in _alignment(False, {}, [])


def test_what_a_model_cannot_read_is_left_out(model):
    class Short:
        config, tokenizer = SimpleNamespace(context=40), model.tokenizer

    assert alignment.readable(model) == list(aligned())
    assert 2 <= len(alignment.readable(Short)) < 50
    Short.config.context = 5
    assert alignment.measured(Short) == {}


def test_a_way_is_chosen_on_one_half_and_measured_on_the_other():
    right, wrong = CAT.sure, frozenset({(0, 3), (1, 3), (2, 3), (3, 0)})
    pairs = [CAT] * 4
    even, odd = Way(0, 0, "read", (right, wrong) * 2), Way(0, 1, "read", (wrong, right) * 2)
    assert error(pairs, even.links).value == error(pairs, odd.links).value == 0.5
    assert error(pairs, chosen(pairs, [even, odd]).links).value == 1  # each is chosen where it is not asked
    always = Way(0, 2, "read", (right,) * 4)
    assert chosen(pairs, [always, even, odd]).links == always.links


def test_without_its_heads_cross_attention_is_nothing(model):
    trace = engine.run(model, CAT.source, alignment.gone(model, heads_of(model)), target=CAT.target)
    point = "decoder.cross.context" if is_recurrent(model) else "decoder.blocks.1.cross.z"
    assert not trace[point].any()
    assert alignment.forced(model, [CAT]).value > 0


def test_the_largest_weight_is_the_link():
    assert linked(torch.tensor([[0.1, 0.9], [0.6, 0.4]])) == {(0, 1), (1, 0)}


SCORES = {name: json.loads((SHIPPED / name / "scores.json").read_text("utf-8")) for name in engine.shipped()}
MEASURED = [(name, scores["alignment"]) for name, scores in SCORES.items() if "alignment" in scores]


@pytest.mark.parametrize("name, claimed", MEASURED, ids=[name for name, _ in MEASURED])
def test_the_heads_of_a_shipped_translator_align_as_its_card_says(name, claimed):
    model, card = engine.load(name, device="cpu"), (SHIPPED / name / "card.md").read_text("utf-8")
    found = alignment.measured(model)
    for head in ("heads", "best", "average"):
        for one, again in zip(_listed(claimed[head]), _listed(found[head]), strict=True):
            assert again["error"] == pytest.approx(one["error"], abs=1e-6)
            assert (again["layer"], again["head"], again["row"]) == (one["layer"], one["head"], one["row"])
    assert found["without"]["after"] == pytest.approx(claimed["without"]["after"], abs=1e-3)
    assert alignment.table(claimed) in card and alignment.verdict(claimed) in card


def _listed(told) -> list[dict]:
    return told if isinstance(told, list) else [told]
