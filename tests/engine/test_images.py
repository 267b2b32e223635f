"""Pixels become what a model reads, and back."""

import json
import re

import pytest
import torch

import engine
from engine.images import GREYS, SIGNS, Preparation, from_signs, to_signs
from engine.load import glassbox
from tests.engine.load.damage import refused
from tests.engine.tiny import VIT, assert_close, decoder

FLAG = ((0.0, 0.0, 0.0), (255.0, 0.0, 0.0), (255.0, 204.0, 0.0))
HALF = Preparation(6, (0.5, 0.4, 0.3), (0.5, 0.2, 0.1))


@pytest.fixture
def folder(tmp_path):
    model = decoder(torch.float32, **VIT)
    model.prepare, model.labels = HALF, tuple("abcde")
    glassbox.write(model, tmp_path / "eye")
    return tmp_path / "eye"


def change(folder, **entries):
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | entries))


def test_brightness_is_counted_from_the_mean_in_spreads():
    pixels = torch.full((3, 6, 6), 255.0)
    pixels[:, 0, 0] = 0
    image = HALF(pixels)
    assert image.shape == (1, 3, 6, 6)
    assert_close(image[0, :, 0, 0], torch.tensor([-1.0, -2.0, -3.0]), noise=1e-5)
    assert_close(image[0, :, 3, 3], torch.tensor([1.0, 3.0, 7.0]), noise=1e-5)


@pytest.mark.parametrize("size", [(6, 6), (3, 9), (40, 17), (1, 1)])
def test_an_image_of_any_size_is_brought_to_the_models(size):
    assert HALF(torch.full((3, *size), 128.0)).shape == (1, 3, 6, 6)


def test_what_was_prepared_can_be_drawn_again():
    pixels = torch.rand(3, 6, 6) * 255
    assert_close(HALF.pixels(HALF(pixels)[0]), pixels / 255, noise=1e-4)


@pytest.mark.parametrize("shape", [(6, 6), (1, 6, 6), (1, 3, 6, 6)])
def test_pixels_of_another_shape_are_an_error(shape):
    with pytest.raises(ValueError, match="an image is"):
        HALF(torch.zeros(shape))


# --- as a text -----------------------------------------------------------------------------------


def picture(palette, side: int = 6) -> torch.Tensor:
    """Every colour of a palette, in random places."""
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(side**2, generator=generator) % len(palette)
    return torch.tensor(palette)[chosen].T.reshape(-1, side, side)


@pytest.mark.parametrize("palette", [GREYS, FLAG, HALF.palette])
def test_an_image_of_a_palettes_colours_comes_back_from_its_signs(palette):
    pixels = picture(palette)
    text = to_signs(pixels, palette)
    assert set(text) == set(SIGNS[: len(palette)])
    assert torch.equal(from_signs(text, 6, palette), pixels)


def test_signs_go_row_by_row():
    pixels = from_signs("0120", 2, FLAG)
    assert pixels[:, 0, 1].tolist() == [255, 0, 0]
    assert pixels[:, 1, 0].tolist() == [255, 204, 0]


def test_another_colour_is_written_as_the_nearest():
    assert to_signs(torch.tensor([200, 30, 10]).view(3, 1, 1), FLAG) == "1"
    assert to_signs(torch.tensor([[[0.0, 255.0], [7.9, 8.1]]])) == "0g01"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("012", "4 signs from 0 to 2, one a pixel; these are 3: '012'"),
        ("", "these are 0: ''"),
        ("0123", "these are 4, '3' among them: '0123'"),
        ("012é", "these are 4, 'é' among them: '012é'"),
        ("01" * 4000, "these are 8000: '01010101010101010101'"),
    ],
)
def test_a_text_that_is_no_image_says_what_one_is(text, message):
    with pytest.raises(ValueError, match=re.escape(message) + "$"):
        from_signs(text, 2, FLAG)


# --- beside the weights --------------------------------------------------------------------------


def test_a_model_comes_back_with_its_preparation_and_its_labels(folder):
    model = engine.load(folder, device="cpu")
    assert model.prepare == HALF
    assert model.labels == tuple("abcde")
    assert model(model.prepare(torch.zeros(3, 20, 20))).shape == (1, 5)


def test_its_palette_comes_back_too(folder):
    assert "palette" not in json.loads((folder / "preprocessor_config.json").read_text())  # greys need none
    model = engine.load(folder, device="cpu")
    model.prepare = Preparation(6, HALF.mean, HALF.std, FLAG)
    glassbox.write(model, folder)
    assert engine.load(folder, device="cpu").prepare == model.prepare


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(palette="red"), "palette is 'red'; it must be 2 to 17 different colours, each 3 numbers"),
        (dict(palette=[]), "palette is"),
        (dict(palette=[[0, 0, 0]]), "palette is"),
        (dict(palette=[[0, 0, 0], [0, 0, 0.0]]), "palette is"),
        (dict(palette=[[i, 0, 0] for i in range(18)]), "palette is"),
        (dict(palette=[[0, 0, 0], [255, 0]]), "palette is"),
        (dict(palette=[[0, 0, 0], [256, 0, 0]]), "palette is"),
        (dict(palette=[[0, 0, 0], ["x", 0, 0]]), "palette is"),
        (dict(palette=[[0, 0, 0], None]), "palette is"),
        (dict(image_mean=[0.5]), "image_mean is .* must be 3 numbers"),
        (dict(image_mean="x"), "image_mean is 'x'"),
        (dict(image_std=[0.5, "x", 1]), "image_std is"),
        (dict(image_std=[0.5, 0, 1]), "image_std is .* numbers above 0"),
        (dict(image_std=[0.5, 1e400, 1]), "image_std is"),
        (dict(id2label=["a"]), "id2label is"),
    ],
)
def test_a_preparation_that_cannot_be_read_says_why(folder, entries, message):
    change(folder, **entries)
    refused(folder, message)


def test_without_labels_classes_are_numbered(folder):
    change(folder, id2label={"1": "one"})
    assert engine.load(folder, device="cpu").labels == ("class 0", "one", "class 2", "class 3", "class 4")
