"""The steps of an image that goes through convolutions: filters, maps, cells, and how far is seen."""

from dataclasses import replace

import numpy as np
import pytest

from app import catalogue, compute
from app.state import DEFAULT, fit
from engine.receptive import attention_distance, receptive_fields
from engine.trace import Edit
from tests.app.test_texts import check_pages, unchecked, walked  # noqa: F401
from tests.app.visit import (
    boxes,
    curves,
    drawn,
    fire,
    given,
    keys,
    markdown,
    notices,
    tensors,
    texts,
    view,
    visit,
    what_if,
)
from tests.engine.tiny import BARE

IMAGE = "0012" * 16
PRE, ACT = "encoder.embed.conv.{}.pre", "encoder.embed.conv.{}.act"


def open(name: str, step: str, **link):
    at = visit(model=name, image=IMAGE, stack="encoder", step=step, target="sat on", **link)
    assert not at.exception
    return at


def run(name: str, *edits: Edit):
    return compute.trace(name, (IMAGE, "sat on"), edits)


@pytest.mark.parametrize("name", ["cells", "glance"])
def test_all_that_is_said_is_so(family, unchecked, name):  # noqa: F811
    check_pages([*walked(name), open(name, "filters", maps="layer=0"), open(name, "maps", maps="layer=0")])


def test_the_first_layers_filters_are_shown_in_colour(family):
    at, weight = open("cells", "filters", maps="layer=0"), family["cells"].encoder.embed.conv[0].pre.weight
    header = given(at, "filters")
    shown = tensors(at)[header["src"]].reshape(weight.shape)
    np.testing.assert_allclose(shown, 0.5 + weight.numpy() / (2 * float(weight.abs().max())), atol=1e-6)
    assert (header["scale"], header["by"], len(header["names"])) == ("colour", "filter", 3)
    fire(at, "filters", filter=2)
    assert view(at).maps == "layer=0,filter=2"
    assert given(at, "filters")["head"] == 2 and boxes(at)[0].cell[0] == 2


def test_other_filters_are_shown_channel_by_channel_beside_what_they_look_at(family):
    at, trace = open("cells", "filters", token=6, maps="filter=5"), run("cells")
    weight = family["cells"].encoder.embed.conv[2].pre.weight[5].numpy()
    header = given(at, "filters")
    np.testing.assert_array_equal(tensors(at)[header["src"]], weight)
    fire(at, "filters", channel=1)
    square, own = (tensors(at)[given(at, f"matrix-{name}")["src"]][0] for name in ("square", "weights"))
    below = np.pad(trace[ACT.format(1)][0].numpy(), ((0, 0), (1, 1), (1, 1)))[:, 1:4, 2:5]  # cell 1·2
    np.testing.assert_array_equal(square, below[1])
    np.testing.assert_array_equal(own, weight[1])
    total = float((below * weight).sum() + family["cells"].encoder.embed.conv[2].pre.bias[5])
    assert boxes(at)[0].by_hand == pytest.approx(total, rel=1e-4)
    assert boxes(at)[0].point == PRE.format(2) and boxes(at)[0].cell == (5, 1, 2)


@pytest.mark.parametrize(
    ("layer", "cell", "frame", "token"), [(0, 27, (2, 4, 2, 4), 5), (1, 6, (0, 4, 2, 6), 6)]
)
def test_a_cell_is_picked_on_the_image_and_framed_with_what_it_sees(family, layer, cell, frame, token):
    at = open("cells", "maps", maps=f"layer={layer}")
    fire(at, "image-frame", place=cell)
    header = given(at, "image-frame")
    assert (view(at).token, header["cell"], tuple(header["frame"])) == (token, cell, frame)
    place = divmod(cell, 8 // 2**layer)
    assert tuple(given(at, "matrix-map")["pick"]) == place == boxes(at)[0].cell[1:]
    fire(at, "matrix-map", pick=[1, 0])
    assert given(at, "image-frame")["cell"] == 8 // 2**layer
    fire(at, "bar", token=15)  # in the last corner: a place elsewhere is none any more
    assert given(at, "matrix-map")["pick"] == [6 // 2**layer] * 2


def test_the_maps_are_the_models_and_the_strongest_is_picked_first(family):
    at, trace = open("cells", "maps", token=9), run("cells")
    header = given(at, "maps")
    np.testing.assert_array_equal(tensors(at)[header["src"]], drawn(trace, ACT.format(2)))
    assert header["head"] == int(trace[PRE.format(2)][0, :, 2, 1].argmax())
    assert given(at, "matrix-map")["light"]["ok"] and given(at, "matrix-map")["src"] == header["src"]
    fire(at, "maps", filter=3)
    assert given(at, "matrix-map")["index"] == 3 == boxes(at)[0].cell[0]
    fire(at, "control-convolution", change="0")
    assert view(at).maps == "layer=0" and len(given(at, "maps")["names"]) == 3


def test_a_cell_is_given_another_number_and_a_filter_taken_out(family):
    at = open("cells", "maps", token=9, maps="filter=3")
    fire(at, "worked_arithmetic", set=[0, 7.5])
    edit = Edit(ACT.format(2), "set", {"K": 3, "I": 2, "J": 1}, 7.5)
    assert view(at).edits == (edit,)
    assert tensors(at)[given(at, "maps")["src"]][3, 2, 1] == 7.5
    assert any("bits apart" in text for text in markdown(at))
    off = Edit(ACT.format(0), "zero", {"K": 1})
    at = open("cells", "maps", **what_if(off))
    np.testing.assert_array_equal(
        tensors(at)[given(at, "maps")["src"]], drawn(run("cells", off), ACT.format(2))
    )


def test_what_cells_see_stands_beside_where_heads_look(shipping, family):
    shipping("storybook", "cells", "seer", "teller")
    at, own = open("cells", "maps"), run("cells")
    lines = curves(at, "plot-reach")
    fields = [side // 2 for side, _ in receptive_fields(family["cells"].reads[0])]
    assert lines["a cell: the most it can see"] == ([0, 1, 2], fields)
    theirs = compute.trace("seer", (IMAGE, ""))
    for name, trace, start in (("this model", own, 3), ("seer", theirs, 0)):
        patterns = [trace[f"encoder.blocks.{i}.attn.pattern"][0] for i in range(2)]
        away = np.stack([attention_distance(p, trace.model.reads[0]) for p in patterns])
        for head in range(3):
            at_block, shown = lines[f"{name}, head {head}"]
            assert at_block == [start, start + 1] and shown == pytest.approx(away[:, head].tolist())
    assert given(at, "plot-reach")["light"]["ok"]
    assert any("those of **seer**" in text and f"{away.min():.1f} to" in text for text in markdown(at))


def test_without_others_only_its_own_is_shown(shipping):
    shipping("storybook", "glance")
    at = open("glance", "maps")
    assert list(curves(at, "plot-reach")) == ["a cell: the most it can see"]
    assert not any("reads patches" in text for text in markdown(at))


@pytest.mark.parametrize("name", ["cells", "glance", "teller"])
def test_it_stands_among_the_families_with_its_own_masks(shipping, name):
    shipping("storybook", "seer", "teller", "cells", "glance")
    at = visit(model=name, image=IMAGE).switch_page("views/families/page.py").run()
    assert not at.exception and not notices(at)
    assert catalogue.captioners() == ["seer", "teller", "cells", "glance"]
    said = {
        one: next(t for t in markdown(at) if t.startswith(f"**{one}**, ")) for one in catalogue.captioners()
    }
    assert "a CNN and a recurrent decoder that looks at its cells" in said["cells"]
    assert "that gets its first state alone" in said["glance"] and "recurrent" in said["teller"]
    masks = [key for key in keys(at, "matrix-") if key.endswith((f"{name}-encoder", f"{name}-cross"))]
    assert len(masks) == (0 if name == "glance" else 2)
    assert any("there is no mask" in text for text in texts(at)) == (name == "glance")


def test_the_picture_of_the_whole_has_a_lane_for_each_cell(family):
    for name, columns in (("cells", "cells"), ("glance", "cells")):
        header = given(visit(model=name, image=IMAGE), "machine")
        stack = header["stacks"][0]
        assert (stack["image"]["leading"], stack["image"]["what"], stack["lanes"][0]) == (0, "cell", "0·0")
        assert len(stack["lanes"]) == 16 and header["columns"][0]["part"] == columns
        assert "cell" in header["say"] and "patch" not in header["say"] and header["hide"] == ""
    at = visit(model="glance", image=IMAGE)
    fire(at, "machine", open=[0, -1, 3, -1, 2])  # the only column of its encoder
    assert (view(at).step, view(at).token) == ("embeddings", 3) and not notices(at, "info")


@pytest.mark.parametrize("step", ["tokens", "qkv", "all_heads", "next", "layers", "cross"])
def test_a_step_that_it_does_not_take_gives_one_that_it_does(step):
    fitted, moved = fit(replace(DEFAULT, step=step, layer=3, head=2), BARE, 9, side="encoder")
    assert fitted.step in ("filters", "maps", "machine") and len(moved) == 1
