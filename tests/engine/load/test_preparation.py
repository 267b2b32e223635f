"""preprocessor_config.json beside the reference's processor: the same numbers, or an error names an entry."""

import json
import shutil

import pytest
import torch
from transformers import ViTImageProcessorPil

import engine
from engine.images import Pixels
from engine.worked.rerun import check_run
from tests.engine.load.damage import configure, load, refused
from tests.engine.tiny import assert_close

LAYOUT = "vit"
SIZE = {"height": 6, "width": 6}
PIXELS = torch.randint(256, (3, 6, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def prepare(folder, **entries) -> None:
    """Write preprocessor_config.json with these entries."""
    (folder / "preprocessor_config.json").write_text(json.dumps(entries))


@pytest.mark.parametrize(
    "entries",
    [
        dict(),
        dict(do_normalize=False),
        dict(do_rescale=False),
        dict(do_rescale=False, do_normalize=False),
        dict(rescale_factor=1 / 127.5, image_mean=[1.0, 0.9, 0.8]),
        dict(rescale_factor=1 / 127.5, do_rescale=False),
        dict(rescale_factor=0.01, do_normalize=False),
        dict(image_mean=[0.1, 0.2, 0.3], image_std=[0.4, 0.5, 0.6]),
        dict(do_resize=False),
        dict(do_resize=False, size={"height": 99, "width": 1}, resample=3),
        dict(do_center_crop=True, crop_size=SIZE),
        dict(do_center_crop=False, crop_size={"height": 3, "width": 3}),
        dict(do_convert_rgb=True),
        dict(do_convert_rgb=None, do_center_crop=None, crop_size=None),
    ],
    ids=str,
)
def test_pixels_are_prepared_as_the_reference_prepares_them(folder, entries):
    prepare(folder, **dict(size=SIZE, image_processor_type="ViTImageProcessor") | entries)
    processor = ViTImageProcessorPil.from_pretrained(folder)
    expected = processor(PIXELS, return_tensors="pt", input_data_format="channels_first")["pixel_values"]
    trace = engine.run(load(folder), Pixels(PIXELS))
    assert_close(trace.ids, expected.float(), noise=1e-5)
    assert check_run(trace, "classes").ok


@pytest.mark.parametrize("entries", [{}, dict(size=6), dict(size=[6, 6]), dict(size=SIZE, resample=2)])
def test_an_image_of_another_size_is_resized(folder, entries):
    prepare(folder, **entries)
    assert load(folder).prepare(torch.zeros(3, 12, 9)).shape == (1, 3, 6, 6)


def test_an_image_that_must_not_be_resized_is_refused(folder):
    prepare(folder, do_resize=False)
    with pytest.raises(ValueError, match="not resized: give one of 6 × 6 pixels, not 12 × 9"):
        load(folder).prepare(torch.zeros(3, 12, 9))


@pytest.mark.parametrize(
    ("entries", "name"),
    [
        (dict(size={"height": 8, "width": 8}), "size"),
        (dict(size={"height": 6, "width": 8}), "size"),
        (dict(size={"shortest_edge": 6}), "size"),
        (dict(size=7), "size"),
        (dict(resample=3), "resample"),
        (dict(resample=0), "resample"),
        (dict(do_center_crop=True), "do_center_crop"),
        (dict(do_center_crop=True, crop_size={"height": 4, "width": 4}), "do_center_crop"),
        (dict(do_center_crop=True, crop_size=SIZE, do_resize=False), "do_center_crop"),
        (dict(do_center_crop=1), "do_center_crop"),
        (dict(do_normalize="no"), "do_normalize"),
        (dict(do_normalize=None), "do_normalize"),
        (dict(do_rescale=None), "do_rescale"),
        (dict(rescale_factor=None), "rescale_factor"),
        (dict(do_rescale=0), "do_rescale"),
        (dict(do_resize="yes"), "do_resize"),
        (dict(rescale_factor=0), "rescale_factor"),
        (dict(rescale_factor="1/255"), "rescale_factor"),
        (dict(do_convert_rgb="RGB"), "do_convert_rgb"),
        (dict(do_pad=True), "do_pad"),
        (dict(do_flip_channel_order=True), "do_flip_channel_order"),
        (dict(crop_pct=0.9), "crop_pct"),
        (dict(image_processor_type="CLIPImageProcessor"), "image_processor_type"),
        (dict(feature_extractor_type="DeiTFeatureExtractor"), "image_processor_type"),
        (dict(image_mean=0.5), "image_mean"),
        (dict(image_std=[1, 1]), "image_std"),
    ],
    ids=str,
)
def test_what_would_give_other_numbers_is_refused_by_its_name(folder, entries, name):
    prepare(folder, **entries)
    refused(folder, f"preprocessor_config.json.* {name} ")


def test_grey_images_are_not_made_colourful(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint(layout="vit", num_channels=1).folder, tmp_path / "grey")
    prepare(folder, do_convert_rgb=False, image_mean=[0.4], image_std=[0.2])
    assert load(folder).prepare.mean == (0.4,)
    prepare(folder, do_convert_rgb=True, image_mean=[0.4], image_std=[0.2])
    refused(folder, "asks for do_convert_rgb True")


@pytest.mark.parametrize("entries", [dict(image_size=[6, 6]), dict(patch_size=[2, 2], image_size=[6, 6])])
def test_two_equal_numbers_are_a_square(folder, entries):
    expected = load(folder)(torch.ones(1, 3, 6, 6))
    configure(folder, **entries)
    assert torch.equal(load(folder)(torch.ones(1, 3, 6, 6)), expected)


@pytest.mark.parametrize("value", [[6, 8], [6], [6, 6, 6], [6.0, 6.0], ["6", "6"], SIZE, [0, 0]])
@pytest.mark.parametrize("name", ["image_size", "patch_size"])
def test_what_is_no_square_is_refused_by_its_name(folder, name, value):
    configure(folder, **{name: value})
    refused(folder, f"{name} is ")
