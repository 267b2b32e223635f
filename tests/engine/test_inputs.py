"""What is read: every way in which people have a text, ids or an image, or a sentence that says what to do."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import engine
from engine.images import Pixels, Preparation
from engine.masked import fill, follows
from engine.trace import run
from engine.trace.tap import Edit
from engine.worked import check
from tests.engine.tiny import BERT, CHOICES, PAIRS, VIT, assert_close, decoder, full, pair, prompt, recurrent

TEXTS = ["The cat sat", "on", "the mat, then"]


@pytest.fixture
def writer(rank_tokenizer):
    model = decoder(vocabulary=len(rank_tokenizer))
    model.tokenizer = rank_tokenizer
    return model


@pytest.fixture
def eye():
    model = decoder(torch.float32, **VIT)
    model.prepare = Preparation(6, (0.4, 0.5, 0.6), (0.2, 0.3, 0.1))
    return model


# --- texts and ids --------------------------------------------------------------------------------


def test_a_list_of_texts_is_a_batch_and_each_row_as_alone(writer):
    together = run(writer, TEXTS)
    for row, text in enumerate(TEXTS):
        alone = run(writer, text)["logits"][0]
        assert b"".join(together.tokens(row)).decode() == text
        assert_close(together["logits"][row, : len(alone)], alone)


def test_pairs_of_texts_are_a_batch_too(sentences):
    model = pair(vocabulary=len(sentences), start=sentences.start, end=sentences.end, shared=True)
    model.tokenizer = sentences
    targets = ["mat", "The cat", "on"]
    together = run(model, TEXTS, target=targets)
    for row, (text, target) in enumerate(zip(TEXTS, targets, strict=True)):
        alone = run(model, text, target=target)["decoder.logits"][0]
        assert_close(together["decoder.logits"][row, : len(alone)], alone)
    with pytest.raises(ValueError, match="there are 3 prompts and 2 targets"):
        run(model, TEXTS, target=targets[:2])


def test_a_batch_for_an_encoder_has_its_segments(wordpiece):
    model = decoder(vocabulary=len(wordpiece), **BERT)
    model.tokenizer = wordpiece
    texts = ["the cat [SEP] sat there", "on"]
    together = run(model, texts)
    for row, text in enumerate(texts):
        alone = run(model, text)
        for point in ("logits", "follows.scores"):
            theirs = alone[point][0]
            assert_close(together[point][row][: len(theirs)], theirs)


@pytest.mark.parametrize(
    "given",
    [
        np.array([3, 1, 4]),
        np.array([[3, 1, 4]], dtype=np.uint16),
        [np.int32(3), torch.tensor(1), 4],
        [torch.tensor([3, 1, 4])],
        torch.tensor([3, 1, 4], dtype=torch.int8),
        iter([3, 1, 4]),
    ],
)
def test_ids_come_as_arrays_and_tensors(given):
    assert run(decoder(), given).ids.tolist() == [[3, 1, 4]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "the prompt is None; model reads a text, token ids, or a list"),
        (b"the", "the prompt is bytes"),
        ({3: 1}, "the prompt is dict"),
        (3, "the prompt is int 3"),
        (object(), "the prompt is object"),
        ([1.5, 2.0], "token ids are whole numbers; number 1 of the prompt is 1.5"),
        ([1, True], "number 2 of the prompt is True"),
        ([[1], [None]], "number 1 of the prompt is None"),
        ([[1, 2], 3], "a list of rows and of single ids"),
        ([10**30], f"from 0 to 96; got {10**30}"),
        (np.array([1.0]), "whole numbers, not float64"),
        (torch.tensor([True]), "whole numbers, not bool"),
        (np.array(["a"]), "whole numbers in rows of one length, not ndarray"),
        (["a", [1]], "give token ids, not text"),
        (Path("a.png"), "the prompt is PosixPath"),
        (Pixels(torch.zeros(3, 6, 6)), "the prompt is Pixels"),
        (Image.new("RGB", (6, 6)), "the prompt is Image"),
        (torch.zeros(3, 6, 6), r"not \[3, 6, 6\]"),
        ("a" * 200_001, "200,001 characters; at most 200,000"),
    ],
)
def test_what_is_no_prompt_is_refused_in_a_sentence(given, message):
    with pytest.raises(ValueError, match=message):
        run(decoder(), given)


def test_one_edit_needs_no_list():
    model, edit = decoder(), Edit("logits", "zero")
    assert run(model, [1, 2], edit).edits == run(model, [1, 2], edits=[edit]).edits == (edit,)
    assert run(model, [1, 2], None).edits == ()
    for strange in ("logits", [1], 3):
        with pytest.raises(ValueError, match=r"edits are engine.Edit\(point, op, …\), not"):
            run(model, [1, 2], strange)


@pytest.mark.parametrize("at", [3, "T", {"T": 1.5}, [("T",)], {"T": None}])
def test_the_place_of_an_edit_is_letters_with_numbers(at):
    with pytest.raises(ValueError, match=re.escape("it has the letter of an axis and a whole number for each")):
        Edit("logits", "zero", at)


def test_what_an_encoder_fills_and_judges_is_text(wordpiece):
    model = decoder(vocabulary=len(wordpiece), **BERT)
    model.tokenizer = wordpiece
    for call in (lambda: fill(model, None), lambda: follows(model, "the cat", 3)):
        with pytest.raises(ValueError, match="a text is a str"):
            call()
    with pytest.raises(ValueError, match="count is 0; it is a whole number from 1"):
        fill(model, "the [MASK]", 0)
    model.tokenizer = None
    with pytest.raises(ValueError, match="without a tokenizer"):
        fill(model, "the [MASK]")


# --- padding --------------------------------------------------------------------------------------

SHAPES = {"before": range(4, 11), "inside": (0, 2, 3, 5, 8, 9, 10), "after": range(7)}
CAUSAL = ("plain", "rotary", "LLaMA", "Qwen3", "experts", "sinusoidal", "relative", "BLOOM", "scaled by layer")


@pytest.mark.parametrize("where", SHAPES)
@pytest.mark.parametrize("kind", CAUSAL)
def test_a_text_is_the_same_wherever_padding_stands(kind, where):
    if (kind, where) == ("relative", "inside"):
        pytest.skip("T5 tells distances by index, as the reference does")
    model, text, places = decoder(**CHOICES[kind]), prompt(7), list(SHAPES[where])
    ids, padding = torch.zeros(1, 11, dtype=torch.long), torch.zeros(1, 11, dtype=torch.bool)
    ids[0, places], padding[0, places] = torch.tensor(text), True
    padded, alone = full(model, ids, padding=padding), run(model, text)
    assert_close(padded["logits"][0, places], alone["logits"][0])
    silent = model(ids, model.context(ids, padding))
    assert_close(silent[0, places], alone["logits"][0])
    assert [point for point in padded if not check(padded, point).ok] == []


def test_padding_that_is_given_with_rows_is_not_ignored():
    model, rows = decoder(), [prompt(5), prompt(5, seed=2)]
    padding = [[1, 1, 1, 0, 0], [0, 0, 1, 1, 1]]
    trace = run(model, rows, padding=padding)
    assert trace.padding.int().tolist() == padding
    assert_close(trace["logits"][0, :3], run(model, rows[0][:3])["logits"][0])
    assert_close(trace["logits"][1, 2:], run(model, rows[1][2:])["logits"][0])


@pytest.mark.parametrize("padding", [[[1, 1, 1], [0, 1]], [[True, True, True], [False, True, False]]])
def test_padding_of_rows_of_two_lengths_hides_what_it_says(padding):
    model, rows = decoder(), [prompt(3), prompt(2)]
    trace = run(model, rows, padding=padding)
    assert trace.padding.int().tolist() == [[1, 1, 1], [0, 1, 0]]
    assert_close(trace["logits"][1, 1], run(model, rows[1][1:])["logits"][0, 0])


@pytest.mark.parametrize(
    ("padding", "message"),
    [
        ([[1, 1, 1], [1, 1, 1]], "row 1 has 2 tokens; its padding says that there are more"),
        ([[1, 1], [1, 1]], r"padding is \[2, 2\], the ids are \[2, 3\]"),
        ([[1, 1, 2], [1, 1, 0]], r"padding is true \(1\) for a real token and false"),
        ([[1, 1, 1], [0, 0, 0]], "row 1 of the batch is padding alone"),
        ("no", "entries of padding are whole numbers"),
    ],
)
def test_padding_that_cannot_be_says_why(padding, message):
    with pytest.raises(ValueError, match=message):
        run(decoder(), [prompt(3), prompt(2)], padding=padding)


def test_an_answer_read_off_the_first_token_needs_one():
    model = decoder(**BERT)
    with pytest.raises(
        ValueError, match="row 0 begins with padding; model reads an answer off the first token"
    ):
        run(model, [1, 2, 3], padding=[0, 1, 1])


def test_images_have_no_padding(eye):
    with pytest.raises(ValueError, match="images, which have no padding"):
        run(eye, torch.zeros(3, 6, 6, dtype=torch.uint8), padding=[1])


# --- images ---------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    """A picture [height, width, 3] of bytes."""
    random = torch.Generator().manual_seed(0)
    return torch.randint(256, (9, 7, 3), generator=random, dtype=torch.uint8).numpy()


def ways(picture, folder: Path):
    """The same picture in every way in which people have one."""
    image = Image.fromarray(picture)
    image.save(folder / "a.png")
    first = torch.tensor(picture).movedim(-1, 0)
    yield from (
        Pixels(first),
        Pixels(first.float()),
        first,
        first.float(),
        first.double().numpy(),
        first.long(),
    )
    yield from (picture, picture.astype(float), image, image.convert("RGBA"), folder / "a.png")
    yield from (str(folder / "a.png"), [image], first[None], [picture])


def test_an_image_is_the_same_in_every_way(eye, picture, tmp_path):
    first, *others = [run(eye, way) for way in ways(picture, tmp_path)]
    for other in others:
        assert torch.equal(other["classes"], first["classes"])
        assert check(other, "embed.pixels").ok
    assert torch.equal(run(eye, first.ids)["classes"], first["classes"])


def test_several_images_are_a_batch(eye, picture):
    other = picture[::-1].copy()
    together = run(eye, [picture, other])
    for row, one in enumerate((picture, other)):
        assert_close(together["classes"][row], run(eye, one)["classes"][0], noise=1e-4)
    assert all(check(together, point).ok for point in together)
    with pytest.raises(ValueError, match="images of one size can be read together"):
        run(eye, [picture, picture[:5]])


def test_a_transparent_picture_stands_on_black(eye):
    clear = Image.new("RGBA", (6, 6), (200, 100, 50, 0))
    assert torch.equal(run(eye, clear)["classes"], run(eye, Image.new("RGB", (6, 6)))["classes"])


def test_a_grey_model_reads_grey(picture):
    model = decoder(torch.float32, **VIT | dict(channels=1))
    model.prepare = Preparation(6, (0.3,), (0.4,))
    grey = picture[..., 0]
    read = [
        run(model, way)["classes"] for way in (grey, torch.tensor(grey), grey[..., None], Image.fromarray(grey))
    ]
    assert all(torch.equal(one, read[0]) for one in read)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a cat", "model reads images, not str 'a cat': give the path of a picture"),
        (None, "model reads images, not None"),
        ([1, 2, 3], "model reads images, not int 1"),
        ([], "there is no image in the list"),
        (b"png", "model reads images, not bytes"),
        (torch.rand(3, 6, 6), r"pixels from 0 to 255 of any size: engine.images.Pixels\(255 \* x\)"),
        (torch.rand(3, 9, 9), r"Pixels\(255 \* x\)"),
        (np.random.rand(9, 9, 3), r"Pixels\(255 \* x\)"),
        (Pixels(torch.rand(3, 6, 6)), r"Pixels\(255 \* x\), if 1 is bright"),
        (Pixels(torch.full((3, 6, 6), 300.0)), "these go from 300 to 300"),
        (Pixels("x"), "numbers from 0 to 255, not str 'x'"),
        (torch.randn(1, 3, 6, 7) - 9, r"reads images \[3, 6, 6\], not \[1, 3, 6, 7\] from"),
        (torch.full((3, 6, 6), torch.nan), "not finite"),
        (torch.zeros(3, 6, 6, dtype=torch.bool), "not bool"),
        (torch.zeros(3, 0, 6), "numbers from 0 to 255"),
        (np.zeros((6, 6), np.uint8), r"\[3, height, width\] or \[height, width, 3\], not \[6, 6\]"),
        (np.zeros((6, 6, 4), np.uint8), r"not \[6, 6, 4\]"),
        (np.zeros((3, 6, 3), np.uint8), "both: say which by"),
        (np.array([["a"]]), "numbers from 0 to 255, not ndarray"),
        (Image.new("I;16", (6, 6)), "beyond 255"),
        (Path("nowhere.png"), "there is no picture 'nowhere.png'"),
        (Path(__file__), "test_inputs.py is no picture that can be opened"),
    ],
    ids=range(22),
)
def test_what_is_no_image_is_refused_with_the_way(eye, given, message):
    with pytest.raises(ValueError, match=message):
        run(eye, given)


# --- as a library ---------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [decoder(), pair(**PAIRS["T5"]), decoder(**VIT)])
def test_the_points_of_a_model_are_those_of_its_runs(model):
    assert engine.points_of(model) == engine.points_of(model.config)
    read = torch.randn(1, 3, 6, 6) if model.reads[0].image else [1, 2]
    assert list(engine.points_of(model)) == run(model, read).points()


def test_what_has_no_points_says_so():
    with pytest.raises(ValueError, match="depend on what it reads"):
        engine.points_of(recurrent("gru"))
    for strange in (None, "storybook", 3):
        with pytest.raises(ValueError, match="points are those of a model or of its config"):
            engine.points_of(strange)


@pytest.mark.parametrize("name", ["nix", "", None, "storybook@360"])
def test_moments_of_no_model_name_those_that_there_are(name):
    with pytest.raises(ValueError, match=r"no model .* comes with the project; there are: storybook"):
        engine.moments_of(name)


def test_the_package_says_that_it_is_typed():
    assert (Path(engine.__file__).parent / "py.typed").is_file()
