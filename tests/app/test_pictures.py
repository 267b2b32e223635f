"""Every picture of the walk shows the engine's numbers, and says whose they are."""

import re

import numpy as np
import pytest

import engine
from app.architecture import STEPS
from app.state import DEFAULT, View
from app.ui.heatmaps import PICKS
from engine.points import points_of
from tests.app.visit import (
    bars,
    boxes,
    curves,
    drawn,
    figure,
    fire,
    full_prompt,
    given,
    keys,
    mark,
    markdown,
    model,
    numbers,
    picture,
    pictures,
    point_of,
    tensors,
    texts,
    trace,
    value_of,
    view,
    visit,
)

NORM = ("mean", "var", "scaled", "out")
POINTS = {
    "embeddings": {"embed.token"},
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
    "embeddings": {"embed.token"},
    "layernorm": {f"attn.norm.{part}" for part in NORM},
    "qkv": {"attn.q"},
    "scores": {"attn.dots", "attn.scores"},
    "mask": {"attn.masked", "attn.pattern"},
    "softmax": {"attn.pattern"},
    "heads": {"attn.z", "attn.pattern"},
    "residual": {"resid_mid", "attn.out"},
    "mlp": {"mlp.pre", "mlp.act"},
    "layers": {"lens"},
    "next": {"logits", "p"},
}
DECIDES = {  # of which point the strongest number is picked, where none was
    "embeddings": "embed.token",
    "layernorm": "attn.norm.out",
    "qkv": "attn.q",
    "heads": "attn.z",
    "residual": "attn.out",
    "mlp": "mlp.act",
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
    outside = {"embed", "logits", "lens", "p"}
    return {name if name.split(".")[0] in outside else f"blocks.{at.layer}.{name}" for name in names}


def test_every_matrix_has_the_numbers_of_its_point(page):
    now = view(page)
    shown = {point_of(header): (header, tensor) for header, tensor in pictures(page)}
    shown.pop("", None)
    assert set(shown) == full(POINTS.get(now.step, set()), now)
    for point, (header, tensor) in shown.items():
        np.testing.assert_array_equal(tensor, drawn(trace(now.prompt), point))
        assert header["index"] == (now.head if len(tensor) > 1 else 0)


def test_every_matrix_says_what_it_is_and_whose(page):
    for header, tensor in pictures(page):
        assert header["title"] and header["aria"] and header["foot"]
        assert header["model"] == model().name
        if point := point_of(header):
            sizes = [int(n) for n in re.findall(r"=(\d+)", header["foot"])]
            assert sizes == list(trace(view(page).prompt)[point].shape)
            assert header["light"]["ok"] and header["light"]["text"]
            pick = header["pick"] or (0, 0)
            assert all(0 <= i < n for i, n in zip(pick, tensor.shape[1:], strict=True))


def test_every_chart_says_what_it_is_and_its_light_is_green(page):
    for header in (given(page, key) for key in keys(page, "plot-")):
        assert header["title"] and header["aria"] and header["model"] == model().name
        assert not header.get("light") or header["light"]["ok"]


def test_every_step_says_a_sentence_with_nothing_left_to_fill_in(page):
    said = [text for text in texts(page) if not text.startswith("###")]
    assert any("**" in text for text in said)
    assert not any(re.search(r"\[\[\w+", text) for text in markdown(page))


def test_the_arithmetic_is_of_the_picked_cell_and_ends_in_the_engines_number(page):
    now, found = view(page), boxes(page)
    assert {box.point for box in found} == full(WORKED.get(now.step, set()), now)
    for box in found:
        value = value_of(page, box, trace(now.prompt))
        assert box.shown == pytest.approx(value, rel=1e-4, abs=1e-12)
        assert box.by_hand == pytest.approx(value, rel=1e-4, abs=1e-4)
        token = now.token if now.token >= 0 else trace(now.prompt).ids.shape[1] - 1
        where = {"lens": lambda token=token: (now.layer + 1, token), "p": lambda: cell("logits", now)}
        assert box.cell == where.get(box.point, lambda box=box: cell(box.point, now))()


def largest(row: np.ndarray) -> int:
    return int(np.abs(row).argmax())


def cell(point: str, now: View) -> tuple[int, ...]:
    """Where the view points in the axes of a point; where it does not, at the strongest."""
    run, at = trace(now.prompt), dict(H=now.head)
    at["T"] = now.token if now.token >= 0 else run.ids.shape[1] - 1
    at |= {"S": largest(numbers(f"blocks.{now.layer}.attn.pattern", now.prompt)[now.head, at["T"]])}
    if now.step in DECIDES:
        (strongest,) = full({DECIDES[now.step]}, now)
        row = numbers(strongest, now.prompt)
        at |= dict.fromkeys("EDF", largest((row[now.head] if row.ndim == 3 else row)[at["T"]]))
    at["V"] = int(run["logits"][0, at["T"]].argmax())
    chosen = {axis: getattr(now, field) for axis, field in PICKS.items() if getattr(now, field) >= 0}
    places = at | chosen | {"1": 0}
    axes, shape = points_of(model().config)[point].axes[1:], run[point].shape[1:]
    return tuple(min(places[axis], n - 1) for axis, n in zip(axes, shape, strict=True))


@pytest.mark.parametrize("letter", "qkv")
def test_the_weights_of_query_key_and_value_are_the_models_own(letter):
    at = visit(step="qkv", letter=letter, layer=3, head=2)
    header, tensor = next(p for p in pictures(at) if p[0]["foot"].endswith(".weight"))
    assert f"attn.{letter}" in header["foot"]
    np.testing.assert_array_equal(tensor[0], model().blocks[3].attn.get_submodule(letter).weight.T)
    width = model().config.head_width
    unit = largest(numbers(f"blocks.3.attn.{letter}")[2, -1])
    assert header["bands"] == [["col", 2 * width, 3 * width], ["col", 2 * width + unit, 2 * width + unit + 1]]
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
    ((_, sizes),) = curves(at, "plot-stream").values()
    assert sizes == pytest.approx([np.linalg.norm(numbers(end)[2]) for end in ends])


def test_the_strongest_units_are_those_of_the_engine():
    at = visit(step="mlp", layer=1, token=6)
    act = numbers("blocks.1.mlp.act")[6]
    values = bars(at, "plot-units")
    assert values == pytest.approx(sorted(act, key=abs, reverse=True)[: len(values)])


def test_the_thumbnails_are_all_heads_of_the_layer():
    at = visit(step="heads", layer=4, token=7)
    header = given(at, "head_grid")
    pattern = drawn(trace(), "blocks.4.attn.pattern")
    np.testing.assert_array_equal(tensors(at)[header["src"]], pattern)
    labels = given(at, "bar")["tokens"]
    best = [(row.max(), int(row.argmax())) for row in pattern[:, 7]]
    notes = [f"{labels[7]} (7) looks {share:.0%} at {labels[i]} ({i})" for share, i in best]
    assert header["notes"] == notes and len(header["names"]) == model().config.heads


def test_the_tokens_are_the_tokenizers():
    at = visit(step="tokens", token=2)
    data = given(at, "tokens")
    tokenizer = model().tokenizer
    assert data["ids"] == given(at, "bar")["ids"] == tokenizer.encode(DEFAULT.prompt)
    assert [i for _, parts in data["groups"] for i, _, _ in parts] == list(range(len(data["ids"])))
    assert [id for _, parts in data["groups"] for _, id, _ in parts] == data["ids"]
    hexed = " ".join(made.removeprefix("bytes ") for _, parts in data["groups"] for _, _, made in parts)
    assert bytes.fromhex(hexed).decode() == DEFAULT.prompt
    assert data["merges"][-1][0] == given(at, "bar")["tokens"][2]


@pytest.mark.parametrize("letter", "qk")
def test_the_arrows_are_a_pair_of_the_query_or_key_before_and_after_its_turn(letter):
    at = visit(step="qkv", letter=f"{letter}_rot", layer=2, head=4, token=6, unit=19)
    half = model().config.head_width // 2
    after = f"blocks.2.attn.{letter}_rot"
    assert [box.point for box in boxes(at)] == [after]
    np.testing.assert_array_equal(picture(at, f"attn.{letter}_rot")[1], numbers(after))
    for (x, y), point in zip(curves(at, "plot-turn").values(), (letter, f"{letter}_rot"), strict=True):
        vector = numbers(f"blocks.2.attn.{point}")[4, 6]
        assert (x, y) == ([0, vector[19 % half]], [0, vector[19 % half + half]])


def curve(at) -> dict[int, float]:
    """Of the picked query and key the dot product at each distance."""
    x, y = curves(at, "plot-distance")["query · key"]
    return dict(zip(map(int, x), y, strict=True))


@pytest.mark.parametrize("token, key", [(9, 4), (6, 6), (2, 10)])
def test_the_curve_over_distances_goes_through_the_models_own_dot_product(token, key):
    at = visit(step="scores", layer=3, head=5, token=token, key=key)
    own = numbers("blocks.3.attn.dots")[5, token, key]
    x, y = mark(at, "plot-distance")
    assert x == token - key
    assert [y, curve(at)[x]] == pytest.approx([own, own], rel=1e-5)
    said = next(text for text in markdown(at) if "difference of their positions" in text).replace("−", "-")
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
    assert mark(at, "plot-distance")[0] == context - 1


def test_where_no_position_is_a_turn_there_is_no_curve_over_distances(family):
    for name in ("bookworm", "bert", "vit"):
        assert "plot-distance" not in keys(visit(step="scores", model=name))


def test_learned_positions_are_shown_being_added():
    at = visit(step="embeddings", model="bookworm")
    arrays = [picture(at, f"embed.{part}")[1][0] for part in ("token", "position", "out")]
    np.testing.assert_allclose(arrays[0] + arrays[1], arrays[2], rtol=1e-6)
    asked = visit(step="qkv", model="bookworm", letter="k_rot")
    assert view(asked).letter == "k"
    assert any("no rotary positions" in text for text in markdown(asked))


def test_the_map_in_space_is_drawn_when_it_is_unfolded_and_keeps_what_it_says_of_the_spread():
    at = visit(step="embeddings", token=3)
    assert "plot-space" not in keys(at)
    at.session_state["open-space"] = True
    at.run()
    assert not at.exception
    grey, named = figure(at, "plot-space").data
    table = model().embed.token.weight.double().numpy()
    basis = table[: len(grey.x)]
    centred = basis - basis.mean(0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    for cloud, rows in ((grey, basis), (named, table[trace_ids()])):
        expected = (rows - basis.mean(0)) @ directions[:3].T
        np.testing.assert_allclose(np.abs([cloud.x, cloud.y, cloud.z]), np.abs(expected.T), atol=1e-5)
    share = (sizes[:3] ** 2).sum() / (sizes**2).sum()
    assert any(f"{share:.0%} of their variance" in text for text in markdown(at))
    assert view(fire(at, "plot-space", pick=5)).token == 5


def trace_ids() -> list[int]:
    return trace().ids[0].tolist()
