"""Every picture of the walk shows the engine's numbers, and says whose they are."""

import re

import numpy as np
import pytest

import engine
from app.state import DEFAULT, STEPS, View
from app.widgets import PICKS
from engine.points import points_of
from tests.app.visit import (
    boxes,
    full_prompt,
    given,
    keys,
    markdown,
    model,
    numbers,
    picture,
    pictures,
    point_of,
    tensors,
    trace,
    view,
    visit,
)

NORM = ("mean", "var", "scaled", "out")
POINTS = {
    "embeddings": {"embed.token", "embed.out"},
    "layernorm": {"attn.norm.out"},
    "qkv": {"attn.norm.out", "attn.q"},
    "scores": {"attn.dots", "attn.scores"},
    "mask": {"attn.masked", "attn.pattern"},
    "softmax": {"attn.pattern"},
    "heads": {"attn.pattern", "attn.z"},
    "residual": {"resid_pre", "attn.out", "resid_mid"},
    "mlp": {"mlp.act"},
}
WORKED = {
    "embeddings": {"embed.out"},
    "layernorm": {f"attn.norm.{part}" for part in NORM},
    "qkv": {"attn.q"},
    "scores": {"attn.dots", "attn.scores"},
    "mask": {"attn.masked", "attn.pattern"},
    "softmax": {"attn.pattern"},
    "heads": {"attn.z", "attn.out"},
    "residual": {"resid_mid"},
    "mlp": {"mlp.pre", "mlp.act"},
    "layers": {"resid_post"},
    "next": {"logits"},
}
PLACES = [
    {},
    dict(layer=2, head=4, token=3, key=1, unit=7),
    dict(layer=5, head=1, token=0, prompt="naïve 🙂 שלום --> <b>"),
    dict(layer=1, head=5, token=9, key=9, unit=700, prompt="one two three four, one two three"),
]


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: f"layer {place.get('layer', 0)}")
def place(request):
    return request.param


@pytest.fixture(scope="module", params=STEPS)
def page(request, place):
    at = visit(step=request.param, **place)
    assert not at.exception
    return at


def full(names: set[str], at: View) -> set[str]:
    """Points of the picked block by full name."""
    outside = {"embed", "logits"}
    return {name if name.split(".")[0] in outside else f"blocks.{at.layer}.{name}" for name in names}


def test_every_matrix_has_the_numbers_of_its_point(page):
    now = view(page)
    shown = {point_of(header): (header, tensor) for header, tensor in pictures(page)}
    shown.pop("", None)
    assert set(shown) == full(POINTS.get(now.step, set()), now)
    for point, (header, tensor) in shown.items():
        expected = numbers(point, now.prompt)
        np.testing.assert_array_equal(tensor, expected if expected.ndim == 3 else expected[None])
        assert header["index"] == (now.head if expected.ndim == 3 else 0)


def test_every_matrix_says_what_it_is_and_whose(page):
    for header, tensor in pictures(page):
        assert header["title"] and header["aria"] and header["foot"]
        assert header["model"] == model().name
        if point := point_of(header):
            sizes = [int(n) for n in re.findall(r"=(\d+)", header["foot"])]
            assert sizes == list(trace(view(page).prompt)[point].shape)
            assert header["light"]["ok"] and header["light"]["text"]
            assert all(0 <= i < n for i, n in zip(header["pick"], tensor.shape[1:], strict=True))


def test_every_chart_says_what_it_is_and_its_light_is_green(page):
    for header in (given(page, key) for key in keys(page, "plot-")):
        assert header["title"] and header["aria"] and header["model"] == model().name
        assert not header.get("light") or header["light"]["ok"]


def test_every_step_says_a_sentence_with_nothing_left_to_fill_in(page):
    texts = [text for text in page.main.markdown if not text.value.startswith("###")]
    assert any("**" in text.value for text in texts)
    assert not any(re.search(r"\[\[\w+", text) for text in markdown(page))


def test_the_arithmetic_is_of_the_picked_cell_and_ends_in_the_engines_number(page):
    now, found = view(page), boxes(page)
    assert {box.point for box in found} == full(WORKED.get(now.step, set()), now)
    for box in found:
        value = float(numbers(box.point, now.prompt)[box.cell])
        assert box.shown == pytest.approx(value, rel=1e-4, abs=1e-12)
        assert box.by_hand == pytest.approx(value, rel=1e-4, abs=1e-4)
        assert box.cell == cell(box.point, now)


def cell(point: str, now: View) -> tuple[int, ...]:
    """Where the view points in the axes of a point."""
    places = {"H": now.head, "1": 0}
    places |= {axis: getattr(now, field) for axis, field in PICKS.items()}
    run = trace(now.prompt)
    if places["T"] < 0:
        places["T"] = run.ids.shape[1] - 1
    if places["V"] < 0:
        places["V"] = int(run["logits"][0, places["T"]].argmax())
    axes, shape = points_of(model().config)[point].axes[1:], run[point].shape[1:]
    return tuple(min(places[axis], n - 1) for axis, n in zip(axes, shape, strict=True))


@pytest.mark.parametrize("letter", "qkv")
def test_the_weights_of_query_key_and_value_are_the_models_own(letter):
    at = visit(step="qkv", letter=letter, layer=3, head=2)
    header, tensor = next(p for p in pictures(at) if p[0]["foot"].endswith(".weight"))
    assert f"attn.{letter}" in header["foot"]
    np.testing.assert_array_equal(tensor[0], model().blocks[3].attn.get_submodule(letter).weight.T)
    width = model().config.head_width
    assert header["bands"] == [["col", 2 * width, 3 * width]]
    assert picture(at, f"attn.{letter}")[0]["foot"].startswith(f"blocks.3.attn.{letter}  ")


@pytest.mark.parametrize("prefix", ["blocks.2.attn.norm", "blocks.2.mlp.norm", "final_norm"])
def test_every_norm_can_be_picked(prefix):
    norm = next(name for name in ("attn", "mlp", "final") if name in prefix)
    at = visit(step="layernorm", norm=norm, layer=2, token=4)
    assert {box.point for box in boxes(at)} == {f"{prefix}.{part}" for part in NORM}
    ((_, tensor),) = pictures(at)
    np.testing.assert_array_equal(tensor[0], numbers(f"{prefix}.out"))


def test_the_lens_shows_what_the_model_would_say_after_each_block():
    at = visit(step="layers", token=5)
    ((header, tensor),) = pictures(at)
    ends = [f"blocks.{i}.resid_post" for i in range(model().config.layers)]
    for row, end in enumerate(["embed.out", *ends]):
        logits = model().unembed(trace()[end])[0]
        np.testing.assert_allclose(tensor[0, row], logits.softmax(-1).amax(-1), rtol=1e-5)
        best = model().tokenizer.decode([int(logits[5].argmax())])
        assert header["texts"][row][5].replace("·", " ") == best.replace("\n", "↵")


def test_the_stream_grows_as_the_chart_says():
    at = visit(step="layers", token=2)
    ends = [f"blocks.{i}.resid_pre" for i in range(model().config.layers)]
    ends.append(ends[-1].replace("pre", "post"))
    points = given(at, "plot-stream")["series"][0]["points"]
    assert [y for _, y in points] == pytest.approx([np.linalg.norm(numbers(end)[2]) for end in ends])


def test_the_strongest_units_are_those_of_the_engine():
    at = visit(step="mlp", layer=1, token=6)
    act = numbers("blocks.1.mlp.act")[6]
    values = [row["value"] for row in given(at, "plot-units")["rows"]]
    assert values == pytest.approx(sorted(act, key=abs, reverse=True)[: len(values)])


def test_the_thumbnails_are_all_heads_of_the_layer():
    at = visit(step="heads", layer=4, token=7)
    header = given(at, "thumbs")
    pattern = numbers("blocks.4.attn.pattern")
    np.testing.assert_array_equal(tensors(at)[header["src"]], pattern)
    assert len(header["names"]) == len(header["notes"]) == model().config.heads


def test_the_tokens_are_the_tokenizers():
    at = visit(step="tokens", token=2)
    data = given(at, "tokens")
    tokenizer = model().tokenizer
    assert data["ids"] == given(at, "bar")["ids"] == tokenizer.encode(DEFAULT.prompt)
    assert [i for _, parts in data["groups"] for i, _, _ in parts] == list(range(len(data["ids"])))
    assert [id for _, parts in data["groups"] for _, id, _ in parts] == data["ids"]
    hexed = " ".join(b for _, parts in data["groups"] for _, _, b in parts)
    assert bytes.fromhex(hexed).decode() == DEFAULT.prompt
    assert data["merges"][-1][0] == given(at, "bar")["tokens"][2]


@pytest.mark.parametrize("letter", "qk")
def test_the_arrows_are_a_pair_of_the_query_or_key_before_and_after_its_turn(letter):
    at = visit(step="qkv", letter=f"{letter}_rot", layer=2, head=4, token=6, unit=19)
    half = model().config.head_width // 2
    after = f"blocks.2.attn.{letter}_rot"
    assert [box.point for box in boxes(at)] == [after]
    np.testing.assert_array_equal(picture(at, f"attn.{letter}_rot")[1], numbers(after))
    for line, point in zip(given(at, "plot-turn")["series"], (letter, f"{letter}_rot"), strict=True):
        vector = numbers(f"blocks.2.attn.{point}")[4, 6]
        assert line["points"] == [[0, 0], [vector[19 % half], vector[19 % half + half]]]


def curve(at) -> dict[int, float]:
    """Of the picked query and key the dot product at each distance."""
    return {int(x): y for x, y in given(at, "plot-distance")["series"][0]["points"]}


@pytest.mark.parametrize("token, key", [(9, 4), (6, 6), (2, 11)])
def test_the_curve_over_distances_goes_through_the_models_own_dot_product(token, key):
    at = visit(step="scores", layer=3, head=5, token=token, key=key)
    own = numbers("blocks.3.attn.dots")[5, token, key]
    ((x, y, _),) = given(at, "plot-distance")["marks"]
    assert x == token - key
    assert [y, curve(at)[x]] == pytest.approx([own, own], rel=1e-5)
    said = next(text for text in markdown(at) if "difference counts" in text).replace("−", "-")
    distance, step, moved, alone = map(float, re.findall(r"-?\d+\.?\d*", said))
    assert (distance, step) == (x, 3)
    assert moved == pytest.approx(own, abs=0.0051)
    assert alone == pytest.approx(curve(at)[x + 3], abs=0.0051) != moved


def test_at_other_distances_the_curve_is_what_the_model_computes_there():
    """In block 0 a query and a key hang on their tokens alone, wherever these stand."""
    at = visit(step="scores", layer=0, head=2, token=8, key=1)
    ids = given(at, "bar")["ids"]
    dots = engine.run(model(), [ids[1]] + [ids[8]] * 28)["blocks.0.attn.dots"][0, 2]
    found = curve(at)
    assert list(found) == list(range(29))
    assert [found[d] for d in range(1, 29)] == pytest.approx(dots[1:, 0].tolist(), rel=1e-4, abs=1e-3)


def test_the_curve_reaches_as_far_as_the_longest_prompt():
    at = visit(step="scores", prompt=full_prompt(), key=0)
    assert not at.exception
    context = model().config.context
    assert list(curve(at)) == list(range(context))
    assert given(at, "plot-distance")["marks"][0][0] == context - 1


def test_where_no_position_is_a_turn_there_is_no_curve_over_distances(family):
    for name in ("bookworm", "bert", "vit"):
        assert "plot-distance" not in keys(visit(step="scores", model=name))


def test_learned_positions_are_shown_being_added():
    at = visit(step="embeddings", model="bookworm")
    arrays = [picture(at, f"embed.{part}")[1][0] for part in ("token", "position", "out")]
    np.testing.assert_allclose(arrays[0] + arrays[1], arrays[2], rtol=1e-6)
    asked = visit(step="qkv", model="bookworm", letter="k_rot")
    assert view(asked).letter == "k"
    assert any("turns no queries" in text for text in markdown(asked))
