"""Decoders that differ in their positions alone: one recipe for all, and what is measured of each."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

import engine
from engine.load import home
from engine.position import POSITIONS
from engine.training import __main__ as command
from engine.training import positions
from engine.training.data import orders
from engine.training.data.orders import BEYOND, GIVEN, LEARNED, Orders
from engine.training.data.pairs import NONE
from engine.training.evaluate import orders as measured
from engine.training.tasks.task import held_out
from tests.engine.training.conftest import trained

SIZES = [
    "--width",
    "16",
    "--layers",
    "2",
    "--heads",
    "2",
    "--context",
    "32",
    "--reach",
    "48",
    "--batch",
    "8",
    "--tokens",
    "10240",
]


def beside(folder, file: str) -> dict:
    return json.loads((folder / file).read_text("utf-8"))


# What the shipped ones must have, where they are there
SHIPPED = [name for name in engine.shipped() if beside(home(name), "options.json")["task"] == "positions"]


def options(*words: str):
    return command.parsed(positions.TASK, ["books", "--name", "mine", *SIZES, *words])


def finished(kind: str, wordy, place):
    words = (wordy, "--name", kind, "--positions", kind, "--work", place / kind, "--held-out", 2, *SIZES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measured, "ASKED", 12)
        patch.setattr(measured, "STRETCHES", 12)
        assert trained(place / "models", "positions", *words, log_every=20) == 0
    return place / "models" / kind


@pytest.fixture(scope="module")
def pair(wordy, tmp_path_factory):
    """The folders of two finished models."""
    place = tmp_path_factory.mktemp("positions")
    return {kind: finished(kind, wordy, place) for kind in ("learned", "rotary")}


# --- one recipe ----------------------------------------------------------------------------------


def test_all_begin_with_the_same_values_of_what_they_have_in_common():
    starts = [positions.beginning(positions.config(options("--positions", kind)), 3) for kind in POSITIONS]
    common = dict(starts[POSITIONS.index("none")].named_parameters())
    for model in starts:
        own = dict(model.named_parameters())
        assert all(torch.equal(own[name], p) for name, p in common.items())
        assert own.keys() - common.keys() <= {"embed.position.weight", "blocks.0.attn.bias.weight"}


def test_all_have_one_shape_but_for_their_positions():
    configs = [positions.config(options("--positions", kind)) for kind in POSITIONS]
    assert [one.positions for one in configs] == list(POSITIONS)
    assert len({replace(one, positions="none") for one in configs}) == 1


def test_the_first_step_begins_where_all_do(pair):
    first = {kind: (folder / "log.jsonl").read_text().splitlines()[-1] for kind, folder in pair.items()}
    assert len({json.loads(line)["step"] for line in first.values()}) == 1
    asked = [beside(folder, "options.json") for folder in pair.values()]
    assert asked[0] | {"positions": ""} == asked[1] | {"positions": ""} | {"about": asked[0]["about"]}


def test_learned_positions_end_with_training_and_the_others_go_on(pair):
    contexts = {kind: engine.load(folder, device="cpu").config.context for kind, folder in pair.items()}
    assert contexts == {"learned": 32, "rotary": 48}
    found = engine.load(pair["rotary"], device="cpu")
    assert engine.run(found, "a" * 48)["logits"].shape == (1, 48, len(orders.LETTERS))
    with pytest.raises(ValueError, match="can read 32"):
        engine.run(engine.load(pair["learned"], device="cpu"), "a" * 33)


@pytest.mark.parametrize(
    ("words", "said"), [(["--context", "20"], "longest line"), (["--reach", "31"], "less than --context 32")]
)
def test_what_does_not_fit_is_refused(words, said):
    with pytest.raises(ValueError, match=said):
        positions.check(options(*words))


# --- what is learned from ------------------------------------------------------------------------


WORDS = {n: ["abcdefgh"[:n], "hgfedcba"[:n]] for n in LEARNED}
DATA = Orders(orders.ids_of("It was so. " * 40), WORDS, 0.5)


def test_a_text_is_read_in_its_letters_alone():
    text = orders.plain("“Né\nil — to”\n\n\n  she   said…\n日本")
    assert text == '"Ne il - to"\nshe said...'
    assert orders.ids_of(text).tolist() == orders.tokenizer().encode(text)


def test_words_are_split_by_a_rule_that_no_seed_changes(wordy):
    texts = [orders.plain(file.read_text("utf-8")) for file in sorted(wordy.iterdir())]
    learned, asked = orders.words_of(texts)
    assert set(learned) == set(LEARNED) and set(asked) == {*LEARNED, *BEYOND}
    assert not any(held_out(word) for some in learned.values() for word in some)
    assert all(held_out(word) for some in asked.values() for word in some)
    assert orders.words_of(["once Upon didn't self-made zu zu zu abc abc"])[not held_out("abc")] == {}


def test_half_of_a_batch_are_lines_and_the_word_itself_is_not_asked():
    ids, labels = DATA.batch(0, 1, 8, 40)
    tell = orders.tokenizer().decode
    for row, wanted in zip(ids[:4].tolist(), labels[:4].tolist(), strict=True):
        text = tell(row)
        for word, answer in re.findall(r"(\w+) > (\w+)\n", text):
            assert answer == word[::-1] and word in WORDS[len(word)]
        asked = "".join("_" if id == NONE else tell([id]) for id in wanted)
        for place, letter in enumerate(asked[:-1]):
            assert letter in ("_", text[place + 1])
        assert re.match(r"_+ \w+\n_", asked)
    for row, wanted in zip(ids[4:].tolist(), labels[4:].tolist(), strict=True):
        assert row[1:] == wanted[:-1] and tell(row) in "It was so. " * 40


def test_the_same_step_gives_the_same_batch_and_another_gives_another():
    one, again, other = (DATA.batch(0, step, 4, 32)[0] for step in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)


# --- what is measured ----------------------------------------------------------------------------


class Reverser:
    """Knows how to reverse a word, whatever was before."""

    tokenizer = orders.tokenizer()
    config = None

    def __call__(self, ids):
        logits = torch.zeros(*ids.shape, len(orders.LETTERS))
        for row, each in zip(logits, ids.tolist(), strict=True):
            word, _, wrote = self.tokenizer.decode(each).partition(GIVEN)
            row[-1, self.tokenizer.encode((word[::-1] + "\n" * 3)[len(wrote)])] = 9.0
        return logits


def test_who_reverses_words_is_right_and_who_copies_is_right_for_palindromes():
    words = {3: ["dog", "eye", "ten"], 4: ["rain", "noon", "pest"], 9: ["elephants"]}
    rows = measured.reversing(Reverser(), lambda ids: torch.zeros(*ids.shape, 96), words, {3: ["bbc"]})
    found = {row["name"]: row for row in rows}
    assert list(found) == [f"reversed, {n} letters" for n in ("3 to 4", 3, 4, 9)]
    assert found["reversed, 3 to 4 letters"]["values"][:4] == [1.0, 0.0, 2 / 6, 0.0]
    assert found["reversed, 9 letters"]["values"][:3] == [1.0, 0.0, 0.0]
    assert found["reversed, 3 letters"]["chance"] == pytest.approx((1 / 6 + 2 / 6 + 1 / 6) / 3)


def test_a_word_in_any_order_is_right_as_often_as_its_letters_can_be_exchanged():
    assert measured.unordered("abc") == pytest.approx(1 / 6)
    assert measured.unordered("noon") == pytest.approx(4 / 24)


def test_bits_are_those_of_each_character_after_the_first():
    letters, trigram = measured.shortcuts(orders.ids_of("abab" * 50), 96)
    windows = torch.from_numpy(np.stack([orders.ids_of("ababab")] * 3)).long()
    share = 101 / (200 + 96)
    np.testing.assert_allclose(measured.bits(letters, windows), np.full((3, 5), -math.log2(share)), rtol=1e-6)
    assert measured.bits(trigram, windows)[:, 2:].max() < 0.1


def test_a_place_is_read_off_vectors_that_hold_it_and_not_off_others():
    draw = np.random.default_rng(0)
    noise = draw.normal(size=(40, 16, 5))
    there = noise.copy()
    there[..., 2] += 3 * np.arange(16)
    weights, offset = measured.line(there)
    assert measured.off(there, weights, offset).value < 0.5
    assert measured.off(noise, *measured.line(noise)).value == pytest.approx(4.0, abs=0.2)  # the middle


def test_what_stands_on_the_card_is_what_was_measured(pair):
    for kind, folder in pair.items():
        card, scores = (folder / "card.md").read_text("utf-8"), beside(folder, "scores.json")
        assert not re.search(r"\{\w*\}|None|nan", card)
        reach = 32 if kind == "learned" else 48
        assert positions.ADDS[kind] in card and f"{reach} characters" in card
        assert len(scores["by position"]["bits"]) == reach // measured.BIN
        assert [one["after"] for one in scores["places"]] == [0, 1, 2]
        first, last = scores["places"][0], scores["places"][-1]
        assert first["middle"] == last["middle"] == 8.0
        assert all(len(one["weights"]) == 16 for one in scores["places"])
        names = [row["name"] for row in scores["rows"]]
        assert names[0] == "reversed, 3 to 8 letters" and "reversed, 9 to 12 letters" in names
        assert "bits per character, first 32" in names
    assert (
        beside(pair["learned"], "scores.json")["places"][0]["error"] < 8
    )  # a vector for each position is added


def test_measuring_again_writes_the_same(pair, wordy, monkeypatch):
    folder = pair["learned"]
    before = {name: (folder / name).read_text("utf-8") for name in ("scores.json", "examples.json", "card.md")}
    monkeypatch.setattr(positions.measured, "ASKED", 12)
    monkeypatch.setattr(positions.measured, "STRETCHES", 12)
    monkeypatch.setattr("engine.training.run.MODELS", folder.parent)
    assert command.main(["measure", "learned", str(wordy)]) == 0
    assert {name: (folder / name).read_text("utf-8") for name in before} == before


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_example_is_what_the_model_writes(name):
    model = engine.load(name, device="cpu")
    for example in beside(home(name), "examples.json")["examples"]:
        (wrote,) = measured.written(model, [example["word"]])
        assert wrote == example["writes"] and example["text"] == example["word"] + GIVEN
        assert (wrote == example["word"][::-1]) == ("not reversed" not in example["note"])
