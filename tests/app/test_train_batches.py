"""Batches and objectives on the page: the models' own numbers, links that hold every state, bad input told."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck
from hypothesis import given as drawn
from hypothesis import settings as tries
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

import engine
from app import compute, settings
from app.settings import write
from app.state import LONGEST_LINK, View
from app.text import sections
from app.views.train.batches.batch import EIGHT, MOST, ONE_LONG
from app.views.train.batches.settings import READERS, STAGES, TEXT, TOPICS, Batches
from engine.training.objectives import denoising
from tests.app.visit import MAIN, bars, enter, fire, given, notices, parts, press, tensors, texts, view
from tests.hostile import HOSTILE

PAGE = str(MAIN.parent / "views" / "train" / "page.py")


def page(**what) -> AppTest:
    """A new visitor who opens a link to this part with these settings."""
    at = AppTest.from_file(MAIN, default_timeout=120)
    at.query_params["train"], at.query_params["batches"] = "batches", write(Batches(**what))
    at.run().switch_page(PAGE).run()
    assert not at.exception
    return at


def now(at) -> Batches:
    return settings.parse(Batches, view(at).batches)[0]


def said(at) -> str:
    return " ".join(texts(at)).replace("*", "").replace("\\", "")


def drawn_in(at, key: str) -> np.ndarray:
    return tensors(at)[given(at, f"matrix-{key}")["src"]][0]


def lights(at) -> list[dict]:
    return [p["data"]["light"] for p in parts(at) if isinstance(p["data"], dict) and p["data"].get("light")]


def box(at, key: str = "worked_arithmetic") -> dict:
    return given(at, key)["boxes"][0]


def read(number: str) -> float:
    return float(number.replace("−", "-").replace(",", ""))


# --- every part ------------------------------------------------------------------------------------


@pytest.mark.parametrize("about", TOPICS)
def test_every_part_shows_green_lights_and_no_complaint(about):
    at = page(about=about)
    assert not notices(at) and lights(at) and all(light["ok"] for light in lights(at))
    assert not re.search(r"\[\[|\]\]", said(at))


def test_every_text_is_one_that_is_shown():
    """By the names of the parts, stages and kinds."""
    known = {name.split("/")[0] for name in sections("batches")}
    assert {*TOPICS} <= known
    assert {f"stage/{stage}" for stage in STAGES} <= set(sections("batches"))


# --- a batch ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("name", ["storybook", "bookworm"])
def test_the_losses_are_those_of_each_text_by_itself(name, left):
    at, model, found = page(reader=name, left=left), engine.load(name), []
    shown = drawn_in(at, "losses")
    for row, line in zip(shown, EIGHT.splitlines(), strict=True):
        ids = torch.tensor([model.tokenizer.encode(line)[:10]])
        alone = F.cross_entropy(engine.run(model, ids)["logits"][0, :-1], ids[0, 1:], reduction="none")
        start = 10 - ids.shape[1] if left else 0
        there = np.isfinite(row)
        assert there.nonzero()[0].tolist() == list(range(start + 1, start + ids.shape[1]))
        np.testing.assert_allclose(row[there], alone, atol=2e-4)
        found += alone.tolist()
    assert f"{np.mean(found):.3f} nats" in said(at)


def test_padding_before_the_text_changes_losses_unless_it_is_masked_and_positions_are_counted():
    behind, behind_masked, before, masked, counted = bars(page(reader="bookworm"), "plot-ways")
    assert max(behind, behind_masked, counted) < 1e-3 and min(before, masked) > 0.1
    encoder = bars(page(reader="wordfinder", sentences=ONE_LONG), "plot-ways")
    assert encoder[0] > 0.1 and encoder[1] < 1e-3


def test_the_stages_show_tokens_ids_vectors_and_the_mask():
    model = engine.load()
    lines = [model.tokenizer.encode(line) for line in EIGHT.splitlines()]
    rows = given(page(stage="cut"), "matrix-cut")["texts"]
    assert [len(row) - row.count("") for row in rows] == [*map(len, lines)]
    assert given(page(stage="pad"), "matrix-pad")["texts"][3][-3:] == ["pad"] * 3
    ids = given(page(stage="ids"), "matrix-ids")["texts"]
    assert [int(id) for id in ids[0]] == lines[0][:10] and set(ids[3][7:]) == {"8191"}
    vectors = drawn_in(page(stage="vectors", row=1), "vectors")
    np.testing.assert_array_equal(vectors, model.embed.token.weight[lines[1][:10]])
    mask = np.isfinite(drawn_in(page(stage="mask", row=3, left=True), "mask"))
    assert not mask[5, :3].any() and mask[1, 1] and mask[5, 3:6].all() and not mask[5, 6]


def test_a_cell_is_worked_out_by_hand():
    at = fire(page(), "matrix-losses", pick=[2, 5])
    assert (now(at).row, now(at).token) == (2, 5)
    told = box(at)
    assert read(told["value"]) == pytest.approx(float(drawn_in(at, "losses")[2, 5]), rel=1e-4)
    assert told["shown"] == told["value"] and told["cell"] == "loss[2, 5]"


def test_other_sentences_a_block_a_side_and_a_reader_are_set_and_kept_in_the_link():
    at = fire(page(), "sentences", prompt="One two three\n\nFour")
    assert now(at).sentences == "One two three\n\nFour" and drawn_in(at, "losses").shape == (2, 10)
    at = enter(at, "batches.block", 4)
    at = fire(at, "control-side", change="left")
    at = fire(at, "control-reader", change="bookworm")
    at = enter(at, "batches.stage", "ids")
    assert not at.exception and drawn_in(at, "losses").shape == (2, 4)
    again = AppTest.from_file(MAIN, default_timeout=120)
    again.query_params["train"], again.query_params["batches"] = "batches", view(at).batches
    again.run().switch_page(PAGE).run()
    assert (
        now(again)
        == now(at)
        == Batches(sentences="One two three\n\nFour", block=4, left=True, reader="bookworm", stage="ids")
    )
    assert now(fire(at, "sentences", example=0)).sentences == ""


# --- objectives ------------------------------------------------------------------------------------


def test_the_next_tokens_losses_are_the_models():
    at, model = page(about="next"), engine.load()
    ids = torch.tensor([model.tokenizer.encode(TEXT)])
    own = F.cross_entropy(engine.run(model, ids)["logits"][0, :-1], ids[0, 1:], reduction="none")
    np.testing.assert_allclose(bars(at, "plot-losses"), own, atol=1e-4)
    assert f"{own.mean():.3f} nats" in said(at)
    at = fire(at, "plot-losses", pick=3)
    assert now(at).token == 3 and read(box(at)["shown"]) == pytest.approx(float(own[3]), rel=1e-3)


def test_one_pass_and_many_give_the_same():
    both = drawn_in(page(about="once"), "once")
    np.testing.assert_allclose(both[0], both[1], atol=1e-4)
    assert both.shape[1] == len(engine.load().tokenizer.encode(TEXT)) - 1


def test_the_dice_are_thrown_again_and_whole_words_go_together():
    at = page(about="masked", text="Extraordinarily unforgettable happenings transformed Lothlorien.")
    before = drawn_in(at, "dice")
    at = press(at, "roll")
    assert now(at).seed == Batches().seed + 1 and not np.array_equal(before, drawn_in(at, "dice"))
    at = enter(at, "batches.whole", True)
    assert all(light["ok"] for light in lights(at))


def test_masked_losses_are_the_encoders_at_what_was_read():
    at, model = page(about="masked"), engine.load("wordfinder")
    read_ = [text for text, _ in given(at, "read")["parts"]]
    ids = [model.tokenizer.inner.token_to_id(text) for text in read_]
    was = model.tokenizer.encode(TEXT)
    chosen = [t for t, (_, done) in enumerate(given(at, "read")["parts"]) if done]
    own = -engine.run(model, ids)["logits"][0].log_softmax(-1)[chosen, [was[t] for t in chosen]]
    np.testing.assert_allclose(bars(at, "plot-losses"), own, atol=1e-4)
    assert f"{own.mean():.3f} nats" in said(at)


def test_where_no_token_is_chosen_it_is_said():
    at = page(about="masked", text="a", seed=1)
    assert "No token was chosen" in said(at) and not notices(at)


def test_berts_loss_is_the_sum_of_two():
    numbers = {}
    for follows in (True, False):
        told = said(page(about="sentence", follows=follows))
        numbers[follows] = [float(x) for x in re.findall(r"\| (\d+\.\d{3}) ", told)]
        words, second, sum_ = numbers[follows]
        assert sum_ == pytest.approx(words + second, abs=2e-3)
    assert np.exp(-numbers[True][1]) + np.exp(-numbers[False][1]) == pytest.approx(1, abs=2e-3)


def test_spans_are_hidden_behind_sentinels():
    at = page(about="spans")
    parts_ = {name: [text for text, _ in given(at, name)["parts"]] for name in ("read", "wanted")}
    assert "<extra_id_0>" in parts_["read"] and parts_["wanted"][0] == "<extra_id_0>"
    assert parts_["wanted"][-1] == "<extra_id_2>"
    more = enter(at, "batches.share", 50)
    assert len(given(more, "wanted")["parts"]) > len(parts_["wanted"])


@pytest.mark.parametrize("kind", denoising.KINDS)
def test_each_damage_is_shown_beside_the_whole_text(kind):
    at = page(about="denoise", damage=kind)
    whole = "".join(text for text, _ in given(at, "wanted")["parts"]).replace("·", " ")
    assert whole == TEXT and all(light["ok"] for light in lights(at))


def test_an_order_is_drawn_and_its_mask_shown():
    at = page(about="permuted")
    turns = [int(note.split()[-1]) for _, note in given(at, "order")["parts"]]
    seen = np.isfinite(drawn_in(at, "order"))
    assert all(seen[i, j] == (turns[j] < turns[i]) for i in range(len(turns)) for j in range(len(turns)))
    assert np.isfinite(drawn_in(enter(at, "batches.content", True), "order")).trace() == len(turns)


def test_a_translation_with_the_right_words_and_with_its_own():
    at, model = page(about="translate"), engine.load("interpreter")
    source, right = Batches().source, Batches().right
    logits = engine.run(model, source, target=right)["decoder.logits"][0]
    own = F.cross_entropy(logits, torch.tensor(model.tokenizer.encode(right)), reduction="none")
    rows = drawn_in(at, "forced")
    np.testing.assert_allclose(rows[0], own, atol=1e-4)
    np.testing.assert_allclose(rows[1, :7], own[:7], atol=1e-4)
    assert rows[1, 7] > own[7] + 1 and "off track" in said(at)
    at = fire(at, "matrix-forced", pick=[1, 8])
    assert now(at).fed == "own" and read(box(at)["shown"]) == pytest.approx(float(rows[1, 8]), rel=1e-3)
    written = "".join(step.text for step in engine.generate(model, source))
    assert "Both rows are the same" in said(page(about="translate", right=written))


# --- whatever is typed -----------------------------------------------------------------------------


STRANGE = {**HOSTILE, "one letter": "a", "special": "[CLS] [MASK] [SEP] [PAD] <|endoftext|> <extra_id_0>"}


@pytest.mark.parametrize("number", range(len(STRANGE)), ids=STRANGE)
def test_a_strange_text_is_used_or_refused_in_a_sentence(number):
    """Each in three parts of the page, by turns."""
    text = list(STRANGE.values())[number]
    for i in range(3):
        about = TOPICS[(3 * number + i + number // 3) % len(TOPICS)]
        what = dict(sentences=text, text=text, second=text, source=text, right=text)
        at = page(about=about, reader=READERS[number % len(READERS)], **what)
        assert all(light["ok"] for light in lights(at)) and len(notices(at)) <= 1
        assert lights(at) or notices(at)


def test_what_is_too_much_is_said():
    field = given(page(), "sentences")
    assert field["most"] == compute.LONGEST and "10,000" in field["large"]
    assert "is empty" in notices(page(about="next", text=" "))[0]
    assert f"the most is {MOST}" in notices(page(sentences="a\n" * (MOST + 1)))[0]
    assert "can read 64" in notices(page(about="masked", text="cat " * 100))[0]
    assert "can read 24" in notices(page(about="translate", source="cat " * 100))[0]
    assert "first 40 are used" in said(page(about="next", text="cat " * 100))
    assert "single token" in notices(page(about="next", text="a"))[0]


@pytest.mark.parametrize("about", TOPICS)
def test_ten_thousand_characters_and_more(about):
    text = "word " * 2200
    at = page()
    assert len(text) > compute.LONGEST and len(text) > LONGEST_LINK
    fields = dict(sentences=text) if about == "batch" else dict(text=text, second=text, source=text, right=text)
    at.session_state["view"] = View(train="batches", batches=write(Batches(about=about, **fields)))
    at.run()
    assert not at.exception and "the most is 10,000" in notices(at)[0]


@tries(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@drawn(st.text(min_size=1, max_size=30), st.sampled_from(TOPICS), st.integers(2, 20), st.booleans())
def test_anything_can_be_typed(text, about, block, left):
    page(about=about, sentences=text, text=text, second=text, source=text, right=text, block=block, left=left)


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_said_of_the_mask_is_true_of_the_mask_that_is_shown(reader, left):
    at = page(
        stage="mask", reader=reader, left=left, sentences="Yes\n" + "It was the best of times. " * 3, row=0
    )
    said, hidden = given(at, "matrix-mask")["say"], drawn_in(at, "mask") == -np.inf
    assert "No token looks at padding" in said and "fills the block" not in said and hidden.any()
    assert ("to the right" in said) == (reader != "wordfinder")
    assert ("sees itself" in said) == bool(left and reader != "wordfinder")
    full = page(
        stage="mask", reader=reader, left=left, sentences="Yes\n" + "It was the best of times. " * 3, row=1
    )
    assert "fills the block" in given(full, "matrix-mask")["say"]
