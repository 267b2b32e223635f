"""Pixels become what a model reads, and back."""

import json

import pytest
import torch

import engine
from engine.load import glassbox
from engine.pictures import Preparation
from tests.engine.load.damage import refused
from tests.engine.tiny import VIT, assert_close, decoder

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


def test_a_model_comes_back_with_its_preparation_and_its_labels(folder):
    model = engine.load(folder, device="cpu")
    assert model.prepare == HALF
    assert model.labels == tuple("abcde")
    assert model(model.prepare(torch.zeros(3, 20, 20))).shape == (1, 5)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(image_mean=[0.5]), "image_mean is .* must be 3 numbers"),
        (dict(image_mean="x"), "image_mean is 'x'"),
        (dict(image_std=[0.5, "x", 1]), "image_std is"),
        (dict(image_std=[0.5, 0, 1]), "image_std must be above 0"),
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
