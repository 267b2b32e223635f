"""From pictures that are drawn on the way to a model that says what they show, on the command line."""

import json
import re

import pytest
import torch

import engine
from engine.config import ATTENTIONS, CELLS
from engine.decode import generate
from engine.images import from_signs
from engine.model.build import fresh
from engine.training import __main__ as command
from engine.training import captions
from engine.training.captions import Scenes, part_of
from engine.training.data import scenes
from engine.training.data.pairs import NONE
from engine.training.run import Work
from tests.engine.training import conftest

SIZES = "--patch 8 --width 32 --layers 1 --decoder-layers 1 --heads 2 --context 9"
LENGTHS = "--batch 8 --pictures 2000 --held-out 40"
LANGUAGE = dict(SHAPES={"square": scenes.SHAPES["square"]}, ALONE=1.0)  # one square: where, its colour and size


def trained(place, *more: str):
    """The folder of a model that the command has finished."""
    words = ["--name", "captioner", "--work", place / "work", *SIZES.split(), *LENGTHS.split(), *more]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LANGUAGE.items():
            patch.setattr(scenes, name, value)
        assert conftest.trained(place / "models", "captions", *words, log_every=10) == 0
    return place / "models" / "captioner"


@pytest.fixture(scope="module")
def captioner(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("training"))


def options(*words: str):
    return command.parsed(captions.TASK, ["--name", "captioner", *words])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """All that there is to learn from."""
    return captions.read(options(), Work(tmp_path_factory.mktemp("work"))).train


def rows(folder) -> dict[str, dict]:
    return {row["name"]: row for row in json.loads((folder / "scores.json").read_text())["rows"]}


def test_training_leaves_a_model_that_says_what_it_never_saw(captioner):
    folder = captioner
    model = engine.load(folder, device="cpu")
    for example in json.loads((folder / "examples.json").read_text())["examples"]:
        caption, _, taken = example["note"].partition(", which it calls ")
        image = model.prepare(from_signs(example["text"], 32, model.prepare.palette))
        said = b"".join(model.tokenizer.bytes_of(step.id) for step in generate(model, image)).decode()
        assert said == (taken.strip("“”") or caption.replace("A", "a", 1))
        assert scenes.is_held(caption.replace("A", "a", 1))
    found = rows(folder)
    assert found["caption"]["values"][0] > 0.7


def test_a_recurrent_decoder_learns_to_say_the_same(tmp_path):
    folder = trained(tmp_path, "--kind", "gru", "--attention", "additive")
    model = engine.load(folder, device="cpu")
    assert (model.config.cell, model.config.attention) == ("gru", "additive")
    assert model.prepare == captions.PREPARE
    assert rows(folder)["caption"]["values"][0] > 0.5
    text = (folder / "card.md").read_text(encoding="utf-8")
    assert "Its decoder is recurrent (GRU, additive attention)" in text
    assert "cross-attention" not in text
    assert not re.search(r"\{\w*\}|None|nan", text)


def test_a_network_of_filters_learns_to_say_it_from_its_first_state(tmp_path):
    kind = "--encoder cnn --layers 0 --kind gru --attention none"
    folder = trained(tmp_path, *f"{kind} --width 96 --patch 4 --batch 16 --pictures 4000".split())
    model = engine.load(folder, device="cpu")
    reads = model.config.stacks[0]
    assert (reads.filters, reads.strides, reads.layers) == ((24, 48, 96), (2, 2, 1), 0)
    found = rows(folder)
    assert found["place"]["values"][0] > 0.8 and found["colours"]["values"][0] > 0.5
    text = (folder / "card.md").read_text(encoding="utf-8")
    assert "3 layers of 24, 48, 96 filters of\n3 × 3, the last of which make 8 × 8 cells." in text
    assert "made of all the cells at once" in text and "96 values per cell" in text
    assert not re.search(r"\{\w*\}|None|nan|patch|blocks? of", text)


@pytest.mark.parametrize(
    ("words", "looks"),
    [
        ("--layers 1 --kind gru", True),
        ("--layers 0 --kind gru --attention none", False),
        ("--layers 0 --kind lstm --attention dot", True),
        ("--layers 1 --kind transformer", True),
    ],
)
def test_cells_stand_for_patches_and_have_places_where_they_are_looked_at(words, looks):
    given = options("--encoder", "cnn", "--width", "96", *words.split())
    captions.check(given)
    config = captions.config(given, 355)
    reads = config.stacks[0]
    assert (reads.filters, reads.strides, reads.context) == ((24, 48, 96), (2, 2, 1), 64)
    assert reads.positions == ("learned" if looks else "none") and reads.embed_norm
    assert 2 * sum(p.numel() for p in fresh(config, 0).parameters()) < 3e6  # bytes on disk


def test_patches_need_a_block():
    with pytest.raises(ValueError, match="--layers 0 leaves nothing that reads patches"):
        captions.check(options("--layers", "0"))


def test_a_run_learns(captioner):
    log = [json.loads(line) for line in (captioner / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == list(range(10, 260, 10))
    assert log[-1]["loss"] < 0.2 < 2 < log[0]["loss"]
    assert log[-1]["validation"] < 1 < log[0]["validation"]


def test_the_card_says_what_it_is_and_how_well_it_does(captioner):
    text = (captioner / "card.md").read_text(encoding="utf-8")
    for words in (
        "# captioner",
        "16 patches of 8 × 8\npixels",
        "Its decoder, 1 blocks, writes the caption",
        "2,000 images of 32 × 32 pixels",
        "250 steps of 8 images",
        "| caption, one shape | 40 |",
        "| caption, known combinations | 40 |",
        "≥ 90.0%",
    ):
        assert words in text
    assert text.count(" → *") == captions.SAMPLES
    assert "two shapes |" not in text  # none was drawn
    assert not re.search(r"\{\w*\}|None|nan", text)


def test_the_baselines_stand_beside_it(captioner):
    found = rows(captioner)
    model, start, nearest, commonest = found["caption"]["values"]
    assert model > nearest == commonest == start == 0  # no new caption is that of a picture learned from
    assert found["place"]["values"][2] > 0.9
    assert found["caption, known combinations"]["values"][2] > 0.5
    assert set(found) == set(captions.ROWS) - {"caption, two shapes"} | {"caption, known combinations"}


# --- what it learns from -------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(3))
def test_a_batch_is_pictures_with_their_captions_each_written_from_its_start(data, step):
    images, target, labels = data.batch(0, step, 20, 16)
    assert images.shape == (20, 3, 32, 32)
    assert target.shape == labels.shape == (20, 16)
    pixels = captions.PREPARE.pixels(images) * 255
    for row, scene in enumerate(scenes.drawn(20, 0, step)):
        wanted = labels[row][labels[row] != NONE].tolist()
        assert data.tokenizer.decode(wanted[:-1]) == scene.caption
        assert wanted[-1] == data.tokenizer.end
        assert target[row][: len(wanted)].tolist() == [data.tokenizer.start, *wanted[:-1]]
        torch.testing.assert_close(pixels[row], scene.pixels(), atol=0.01, rtol=0)


def test_no_batch_has_a_caption_that_is_held_out(data):
    held = {caption for caption in scenes.captions() if scenes.is_held(caption)}
    for step in range(30):
        _, _, labels = data.batch(0, step, 20, 16)
        said = {data.tokenizer.decode(row[row >= 0].tolist()[:-1]) for row in labels}
        assert said <= set(scenes.captions()) - held


def test_the_same_step_gives_the_same_batch_and_another_gives_another(data):
    one, again, other = data.batch(0, 3, 4, 16), data.batch(0, 3, 4, 16), data.batch(0, 4, 4, 16)
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one[0], other[0])


@pytest.mark.parametrize("kind", ("transformer", *CELLS))
def test_the_loss_is_that_of_the_labels_alone(data, kind):
    words = ("--width", "16", "--layers", "1", "--kind", kind)
    model = fresh(captions.config(options(*words), len(data.tokenizer)), 1)
    images, target, labels = data.batch(0, 1, 4, 16)
    shares = model(images, target).log_softmax(-1)
    nats = [-shares[b, t, labels[b, t]].item() for b, t in (labels != NONE).nonzero().tolist()]
    assert Scenes.loss(model, images, target, labels).item() == pytest.approx(sum(nats) / len(nats))


@pytest.mark.parametrize(
    ("words", "room"),
    [("--patch 4 --context 8", 8), ("--patch 16 --context 16", 5), ("--kind gru --patch 16 --context 8", 8)],
)
def test_captions_that_do_not_fit_are_an_error(data, words, room):
    with pytest.raises(ValueError, match=f"captions have up to .* tokens; .* there is room for {room}"):
        captions.check_room(data.tokenizer, captions.config(options(*words.split()), len(data.tokenizer)))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_each_decoder_has_the_same_encoder(data, cell, attention):
    recurrent = captions.config(options("--kind", cell, "--attention", attention), len(data.tokenizer))
    assert (recurrent.cell, recurrent.attention) == (cell, attention)
    assert recurrent.encoder == captions.config(options(), len(data.tokenizer)).encoder


def test_parts_of_a_caption_are_told_by_their_words():
    caption = "a red cross left of a black ring"
    assert part_of(caption, captions.ROWS["colours"][1]) == ["red", "black"]
    assert part_of(caption, captions.ROWS["shapes"][1]) == ["cross", "ring"]
    assert part_of(caption, captions.ROWS["place"][1]) == ["left"]
    assert part_of(caption, captions.ROWS["size, one shape"][1]) == []
    assert part_of(caption, None) == [caption]
