"""The whole model in one picture: every number is the run's own, and what is taken out is what was clicked."""

import pkgutil
from dataclasses import replace

import numpy as np
import pytest

import engine
from app import catalogue, compute
from app.architecture import STEPS
from app.state import View, fit
from app.ui.context import StepContext
from app.views.machine import inside
from app.views.machine.lanes import MOST, Lanes, lanes_of
from engine.config import Config
from engine.trace import Edit
from tests.app.conftest import NAMES
from tests.app.visit import (
    drawn,
    fire,
    full_prompt,
    given,
    keys,
    model,
    notices,
    report,
    reported,
    run_of,
    softmax,
    tensors,
    texts,
    trace,
    view,
    visit,
    what_if,
)

SHORT = "The cat sat on the mat"


def machine(**link):
    at = visit(**link)
    assert not at.exception
    return at


def header(at) -> dict:
    return given(at, "machine")


def column(at, point: str) -> tuple[int, dict]:
    return next((i, c) for i, c in enumerate(header(at)["columns"]) if c["point"] == point)


def light(at) -> dict:
    """The self-check, for which the visitor stays."""
    assert header(at)["light"] is None
    fire(at, "rest", rested=given(at, "rest")["name"])
    assert not at.exception and "rest" not in keys(at)
    return header(at)["light"]


def check_cells(column: dict, values: np.ndarray, cells: np.ndarray, places: np.ndarray, middle=0.0) -> None:
    """Every cell [C] is the entry [n, D] at the place told, and none that it stands for is further from the
    middle."""
    for i, cell in enumerate(cells):
        block = values[:, i * column["each"] : (i + 1) * column["each"]]
        row = int(places[0, i]) if len(places) == 2 else 0
        assert cell == values[row, int(places[-1, i])] and cell in block
        assert abs(cell - middle) == np.abs(block - np.float32(middle)).max()


def check_vector(at, run, column: dict, lanes: Lanes) -> None:
    values, kept = run[column["point"]][0].numpy().astype(np.float32), tensors(at)
    cells, places = kept[column["src"]][0], kept[column["at"]].copy()
    for lane in range(lanes.number):
        first = lanes.first(lane)
        if len(places) == 2:
            places[0, lane] -= first
        check_cells(column, values[first : lanes.last(lane) + 1], cells[lane], places[:, lane])


def check_step(at, run, column: dict, rows: list[dict]) -> None:
    """A step of a recurrent stack: a row of cells for each of its points."""
    kept, n = tensors(at), column["n"]
    cells, places = kept[column["src"]][n], kept[column["at"]][n]
    assert len(column["points"]) == len(cells) == len(rows)
    for point, row, shown, where in zip(column["points"], rows, cells, places, strict=True):
        values = run[point][0].numpy()
        values = values if values.ndim == 1 else values[n]
        check_cells(column, values[None], shown, where[None], row["middle"])


def check_heads(at, run, column: dict, asking: Lanes, seen: Lanes) -> None:
    """A head's cell is its weight; of those that share one the largest; −∞ where all are masked."""
    cells, weights = tensors(at)[column["src"]], drawn(run, column["point"])
    assert cells.shape == (len(weights), asking.number, seen.number)
    for lane in range(asking.number):
        rows = weights[:, asking.first(lane) : asking.last(lane) + 1]
        for key in range(seen.number):
            block = rows[:, :, seen.first(key) : seen.last(key) + 1]
            np.testing.assert_array_equal(cells[:, lane, key], block.max((1, 2)))


def sides(run) -> list[str]:
    return ["encoder", "decoder"] if len(run.model.reads) == 2 else [""]


def lanes_in(run, side: str) -> Lanes:
    """The lanes of a stack, of as many positions as it read."""
    config = run.model.get_submodule(side).config
    ids = run.target if side == "decoder" else run.ids
    return lanes_of(config, config.context if config.image else ids.shape[1])


def check_picture(at) -> None:
    run, data = run_of(at), header(at)
    lanes = [lanes_in(run, side) for side in sides(run)]
    assert data["picked"] == (sides(run).index(view(at).stack) if len(lanes) == 2 else 0)
    for stack, its in zip(data["stacks"], lanes, strict=True):
        assert (len(stack["lanes"]), stack["size"], stack["before"]) == (its.number, its.size, its.before)
        assert -1 <= stack["token"] < its.count
    for column in data["columns"]:
        stack, side = data["stacks"][column["stack"]], sides(run)[column["stack"]]
        assert column["point"].startswith(side)
        if column["kind"] == "heads":
            check_heads(at, run, column, lanes[column["stack"]], lanes[column["seen"]])
        elif column["kind"] in ("step", "start"):
            rows = [row for row in stack["unrolled"] if row["carried"] or column["kind"] == "step"]
            check_step(at, run, column, rows)
        else:
            check_vector(at, run, column, lanes[column["stack"]])
    check_answers(run, data, sides(run)[-1], lanes[-1])
    check_image(at, run, data["stacks"][0])
    assert light(at)["ok"]


def check_answers(run, data: dict, side: str, lanes: Lanes) -> None:
    """The answers of a lane are the softmax of its last token's logits."""
    if "classes" in run.table:
        scores = run["classes"][0][None]
    else:
        logits = run[f"{side}.logits" if side else "logits"][0]
        scores = logits[[lanes.last(i) for i in range(lanes.number)]]
    assert len(data["answers"]) == len(scores)
    for told, row in zip(data["answers"], scores.numpy(), strict=True):
        shares = np.sort(softmax(row))[::-1]
        assert told["now"] == pytest.approx(shares[: len(told["now"])].tolist(), rel=1e-4)


def check_image(at, run, stack: dict) -> None:
    """What the model reads stands there as it is."""
    if not stack["image"]:
        return
    shown, config = tensors(at)[stack["image"]["src"]], run.model.get_submodule(sides(run)[0]).config
    assert shown.shape[1:] == (config.image, config.image)
    assert stack["image"]["across"] == config.image // config.patch
    np.testing.assert_allclose(shown, run.model.prepare.pixels(run.ids)[0].numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_every_model_has_its_picture_with_both_its_stacks(family, name):
    read = {} if name in catalogue.shipped() else {"prompt": "the cat sat"}
    for side in ("encoder", "decoder") if len(compute.model(name).reads) == 2 else ("",):
        at = machine(model=name, **read, **({"stack": side} if side else {}))
        assert not [text for text in texts(at) if "[[" in text] and not notices(at)
        check_picture(at)


def points_told(at) -> list[str]:
    return [point for column in header(at)["columns"] for point in column.get("points", [column["point"]])]


def test_a_position_of_either_stack_is_picked_and_the_other_keeps_its_own():
    at = machine(model="interpreter", stack="decoder")
    open_at = int(run_of(at)["decoder.logits"][0].softmax(-1).max(-1).values.argmin())  # there most is open
    assert [stack["token"] for stack in header(at)["stacks"]] == [-1, open_at]
    fire(at, "machine", lane=[0, 3, 5])
    assert (view(at).stack, view(at).token, header(at)["picked"]) == ("encoder", 3, 0)
    fire(at, "machine", lane=[1, 5, 3])
    assert (view(at).stack, view(at).token, view(at).key) == ("decoder", 5, 3)
    assert [stack["token"] for stack in header(at)["stacks"]] == [3, 5]
    before = view(at)
    for forged in ([0, 99, -1], [2, 0, -1], [1, 0, 99], [1, 0], [0, -1, -1]):
        report(at, [reported(at, "machine", "lane", forged)])
        assert view(at) == before, forged


def test_a_block_that_the_other_stack_lacks_is_not_asked_for():
    at = machine(model="captioner", stack="encoder", layer=3)
    fire(at, "machine", lane=[1, 0, -1])
    assert view(at).stack == "decoder" and view(at).layer == 2 and not notices(at)


@pytest.mark.parametrize("name", ["interpreter", "courier-gru"])
def test_what_is_read_and_what_is_written_is_the_headline(name):
    at = machine(model=name, prompt="I see a cat.")
    ids = run_of(at).target[0, 1:].tolist()
    tokenizer = compute.model(name).tokenizer
    written = b"".join(tokenizer.shown(id) for id in ids).decode()
    assert header(at)["title"] == f"I see a cat. ⇒ {written}"
    assert header(machine(model="captioner"))["title"].startswith("Your image ⇒ a black ring")


def test_the_one_vector_that_is_handed_over_is_the_encoders_last_state():
    at = machine(model="courier-gru")
    columns, kept = header(at)["columns"], tensors(at)
    start = next(column for column in columns if column["kind"] == "start")
    last = [column for column in columns if column["stack"] == 0][-1]
    np.testing.assert_array_equal(kept[start["src"]][0, -1], kept[last["src"]][last["n"], -1])
    assert start["told"] == "all that is handed over: 192 numbers"
    lookback = next(c for c in header(machine(model="lookback-lstm"))["columns"] if c["kind"] == "start")
    assert lookback["points"] == ["decoder.start.cell", "decoder.start.h"]
    assert lookback["told"] == "handed over: 384 numbers"  # the state and the cell; and it can look back


def test_every_step_of_both_stacks_is_there_in_order_of_time():
    at = machine(model="lookback-gru")
    run, told = run_of(at), points_told(at)
    for side, count in (("encoder", run.ids.shape[1]), ("decoder", run.target.shape[1])):
        states = [point for point in told if point.startswith(f"{side}.steps") and point.endswith(".h")]
        assert states == [f"{side}.steps.{t}.h" for t in range(count)]
    assert told.index("decoder.start.h") < told.index("decoder.steps.0.h")


def test_a_step_opens_the_walk_there():
    at = machine(model="lookback-gru")
    columns = header(at)["columns"]
    stage = next(i for i, c in enumerate(columns) if c["point"].startswith("decoder") and c.get("n") == 2)
    rows = [point.rpartition(".")[2] for point in columns[stage]["points"]]
    for name, step in {"token": "embeddings", "update": "cell", "h": "cell", "context": "cross"}.items():
        at = machine(model="lookback-gru", stack="encoder")
        fire(at, "machine", open=[stage, -1, 2, rows.index(name), 7])
        assert not at.exception and (view(at).step, view(at).stack) == (step, "decoder")
        assert (view(at).token, view(at).unit) == (2, 7) and not notices(at)


def test_nothing_of_a_recurrent_model_is_taken_out():
    at = machine(model="lookback-gru")
    columns = header(at)["columns"]
    for stage, head in ((len(columns) - 1, 0), (len(columns) - 1, -1), (0, -1)):
        fire(at, "machine", take=[stage, head])
        assert view(at).edits == ()


def test_a_mixture_shows_which_experts_a_token_goes_to(family):
    at = machine(model="mixed", prompt=SHORT)
    shares = [c for c in header(at)["columns"] if c["kind"] == "shares"]
    assert len(shares) == compute.model("mixed").config.layers
    assert shares[0]["each"] == 1  # every expert has a cell of its own


def test_a_prompt_as_long_as_the_model_reads_has_lanes_that_tokens_share():
    at = machine(prompt=full_prompt())
    data, size = header(at), -(-model().config.context // MOST)
    assert data["stacks"][0]["size"] == size and len(data["stacks"][0]["lanes"]) <= MOST
    assert f"up to {size} of them share one" in data["say"]
    check_picture(at)


def test_lanes_that_are_shared_hold_every_position_once():
    config = compute.model("captioner").encoder.config  # 64 patches in rows of 8, and a vector before them
    for lanes in (lanes_of(config, 65), lanes_of(model().config, 256), lanes_of(model().config, 7)):
        held = [i for lane in range(lanes.number) for i in range(lanes.first(lane), lanes.last(lane) + 1)]
        assert held == list(range(lanes.count))
    lanes = lanes_of(config, 65)
    assert (lanes.first(0), lanes.last(0), lanes.first(1), lanes.last(1)) == (0, 0, 1, 8)


def test_what_cells_stand_for_is_said():
    assert "stands for 12 or 48 numbers" in header(machine(prompt=SHORT))["say"]


def test_the_light_is_red_where_one_tensor_is_wrong(monkeypatch):
    checked = compute.checked

    def wrong(name, read, point, edits=()):
        check = checked(name, read, point, edits)
        return replace(check, ok=False) if point == "blocks.3.mlp.out" else check

    monkeypatch.setattr(compute, "checked", wrong)
    assert not light(machine(prompt=SHORT))["ok"]


@pytest.mark.parametrize(
    "wrong, link",
    [
        ("engine.analysis.pooled", {"prompt": "a b c"}),  # entries that share a cell
        ("engine.analysis.largest", {"prompt": "a" + " b" * 60}),  # tokens that share a lane
        ("app.views.machine.inside.pooled", {"prompt": "a b d", "inside": 1}),
        ("app.views.machine.recurrent.pooled", {"prompt": "I see", "model": "courier-gru"}),
    ],
    ids=["a vector", "heads", "the inside", "steps"],
)
def test_the_light_is_red_where_a_cell_is_not_the_largest_that_it_stands_for(monkeypatch, wrong, link):
    assert light(visit(**link))["ok"]
    for cached in (compute.cells, compute.heads, compute.checked_cells, compute.checked_in_blocks):
        cached.cache_clear()
    monkeypatch.setattr(wrong, _later(pkgutil.resolve_name(wrong)))
    try:
        assert not light(visit(**link))["ok"]
    finally:
        for cached in (compute.cells, compute.heads, compute.checked_cells, compute.checked_in_blocks):
            cached.cache_clear()


def _later(pool):
    """The same, but of numbers that stand one column further on."""

    def pool_wrongly(values, *blocks):
        return pool(np.roll(values, 1, -1), *blocks)

    return pool_wrongly


def test_another_run_is_checked_anew():
    at = machine(prompt=SHORT)
    assert light(at)["ok"] and "the worst of 33 tensors" in header(at)["light"]["text"]
    fire(at, "machine", take=[column(at, "blocks.2.attn.pattern")[0], 3])
    assert light(at)["ok"]


# --- the inside of a block -------------------------------------------------------------------------


def check_stage(run, kept, stage: dict, head: int, group: int) -> None:
    """Every cell is the entry at the place told, and none that it stands for is larger in size."""
    values = drawn(run, stage["point"])
    values = (
        values[group if run.table[stage["point"]].axes[1] == "G" else head] if len(values) > 1 else values[0]
    )
    if stage["axes"][0] == "E":
        values = values.T
    cells = kept[stage["src"]][0]
    if not stage["at"]:
        np.testing.assert_array_equal(cells, values)
        return
    *rows, columns = kept[stage["at"]].astype(int)
    rows = rows[0] if rows else np.arange(len(values))[:, None]
    np.testing.assert_array_equal(cells, values[rows, columns])
    assert (
        np.abs(np.where(np.isneginf(values), 0, values)).max()
        == np.abs(np.where(np.isneginf(cells), 0, cells)).max()
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_model_opens_its_blocks(family, name):
    """Inside a block stands every step of the picked head and of the MLP, with the run's own numbers."""
    read = {} if name in catalogue.shipped() else {"prompt": "the cat sat"}
    one = compute.model(name)
    for side in ("encoder", "decoder") if len(one.reads) == 2 else ("",):
        config = one.get_submodule(side).config
        if not isinstance(config, Config) or not config.layers:
            continue
        layer = min(1, config.layers - 1)
        at = machine(model=name, layer=layer, head=1, inside=1, **read, **({"stack": side} if side else {}))
        run, data = run_of(at), header(at)["inside"]
        assert data["block"] == f"{side and side + '.'}blocks.{layer}" and data["head"] == 1
        for stage in data["stages"]:
            check_stage(run, tensors(at), stage, 1, 1 // config.group_size)
            assert "[[" not in stage["name"] + stage["does"] and stage["does"]
        named = [stage["point"].removeprefix(f"{data['block']}.") for stage in data["stages"]]
        parts = ["attn"] + ["cross"] * bool(config.memory)
        steps = [f"{part}.{step}" for part in parts for step in STEPS_OF_A_HEAD]
        assert [name for name in named if name in steps] == steps and named[-1] in (
            "resid_post",
            "mlp.norm.out",
            *["mlp.out"] * (not config.residual),
        )
        assert light(at)["ok"] and "[[" not in header(at)["say"]


STEPS_OF_A_HEAD = ("q", "k", "v", "dots", "scores", "masked", "pattern", "z", "out")


def test_the_inside_of_a_block_comes_only_where_it_is_open():
    at = machine(prompt=SHORT)
    assert header(at)["inside"] is None
    before = set(tensors(at))
    stage, _ = column(at, "blocks.3.mlp.out")
    fire(at, "machine", zoom=[stage, 2, 0.5, 0])
    assert (view(at).inside, view(at).layer, view(at).zoom) == (True, 3, 2)
    assert header(at)["inside"]["block"] == "blocks.3" and set(tensors(at)) > before
    fire(at, "machine", zoom=[-1, 1, 0, 0])
    assert not view(at).inside and header(at)["inside"] is None and set(tensors(at)) == before


def test_a_long_prompt_opens_with_cells_that_stand_for_several_numbers():
    at = machine(prompt=full_prompt(), layer=2, head=3, inside=1)
    data = header(at)["inside"]
    assert all(max(tensors(at)[stage["src"]].shape) <= 64 for stage in data["stages"])
    for stage in data["stages"]:
        check_stage(run_of(at), tensors(at), stage, 3, 3)
    assert "share one" in header(at)["say"]


def test_a_mixture_opens_the_expert_that_the_token_goes_to(family):
    at = machine(model="mixed", prompt=SHORT, layer=1, inside=1, token=2)
    run, points = run_of(at), [stage["point"] for stage in header(at)["inside"]["stages"]]
    best = run["blocks.1.mlp.shares"][0, 2].argmax().item()
    assert next(p for p in points if "experts" in p) == f"blocks.1.mlp.experts.{best}.pre"
    assert {p.split(".")[4] for p in points if "experts" in p} == {str(best)}


def test_an_edit_is_in_the_inside():
    edit = Edit("blocks.2.attn.scores", "set", {"H": 1, "T": 3, "S": 2}, 9.0)
    at = machine(prompt=SHORT, layer=2, head=1, inside=1, **what_if(edit))
    stages = {stage["point"]: stage for stage in header(at)["inside"]["stages"]}
    assert tensors(at)[stages["blocks.2.attn.scores"]["src"]][0, 3, 2] == 9
    for stage in stages.values():
        check_stage(run_of(at), tensors(at), stage, 1, 1)


@pytest.mark.parametrize("name", ["storybook", "interpreter", "digits", "wordfinder", "mixed", "qwen", "after"])
def test_every_stage_opens_a_step_that_the_walk_has(family, name):
    one, side = compute.model(name), "decoder" if name == "interpreter" else ""
    looks = View(layer=1, head=1, token=2)
    given = catalogue.given(name, replace(looks, prompt=SHORT))
    ctx = StepContext(looks, one, given, compute.trace(name, given), side)
    for point in inside.points(ctx):
        _, moved = fit(replace(looks, **inside.opens(ctx, point)), ctx.config, 9, side=side)
        assert not moved, (point, moved)


def test_a_stage_opens_the_walk_at_its_cell():
    at = machine(prompt=SHORT, layer=1, head=1, inside=1)
    stages = [stage["point"] for stage in header(at)["inside"]["stages"]]
    fire(at, "machine", enter=[stages.index("blocks.1.attn.k_rot"), 2, 1, 7])
    assert not at.exception and "machine" not in keys(at) and not notices(at)
    seen = view(at)
    assert (seen.step, seen.letter, seen.token, seen.key, seen.unit) == ("qkv", "k_rot", 2, 1, 7)


def test_ribbons_are_as_wide_as_weight_times_size():
    at = machine(prompt=SHORT)
    _, plain = column(at, "blocks.1.attn.pattern")
    assert plain["flow"] == plain["src"]
    fire(at, "machine", weighted=True)
    assert view(at).weighted
    _, sized = column(at, "blocks.1.attn.pattern")
    run = run_of(at)
    v = run["blocks.1.attn.v"][0].numpy()
    wanted = drawn(run, "blocks.1.attn.pattern") * np.linalg.norm(v, axis=-1)[:, None, :]
    np.testing.assert_allclose(tensors(at)[sized["flow"]], wanted, rtol=1e-5)
    assert light(at)["ok"] and "the worst of 39 tensors" in header(at)["light"]["text"]


def test_a_head_that_is_picked_is_picked_everywhere():
    at = machine(prompt=SHORT)
    fire(at, "machine", pick=[column(at, "blocks.4.attn.pattern")[0], 2])
    assert (view(at).layer, view(at).head, view(at).edits) == (4, 2, ())


def test_a_block_or_a_head_of_the_other_stack_brings_its_token_along():
    at = machine(model="interpreter", stack="decoder", token=5, key=3, head=2)
    stage, _ = column(at, "encoder.blocks.2.attn.pattern")
    fire(at, "machine", zoom=[stage, 1, 0, 0])
    seen = view(at)
    assert (seen.stack, seen.layer, seen.head, seen.token, seen.inside) == ("encoder", 2, 2, 3, True)
    assert header(at)["inside"]["block"] == "encoder.blocks.2" and not notices(at)
    fire(at, "machine", pick=[column(at, "decoder.blocks.1.cross.pattern")[0], 4])
    seen = view(at)
    assert (seen.stack, seen.layer, seen.head, seen.key) == ("decoder", 1, 4, 3)
    assert header(at)["inside"]["block"] == "decoder.blocks.1" and not notices(at)


def test_a_recurrent_stack_has_no_inside():
    at = machine(model="lookback-gru", inside=1)
    assert header(at)["inside"] is None and not notices(at)
    columns = header(at)["columns"]
    before = view(at)
    fire(at, "machine", pick=[len(columns) - 1, 0])
    assert view(at) == before
    fire(at, "machine", zoom=[3, 2, 0, 0])
    assert not view(at).inside and view(at).zoom == 2


# --- taking parts out ----------------------------------------------------------------------------


def test_a_head_is_taken_out_and_put_back():
    at = machine(prompt=SHORT)
    stage, _ = column(at, "blocks.2.attn.pattern")
    fire(at, "machine", take=[stage, 3])
    edit = Edit("blocks.2.attn.z", "zero", {"H": 3})
    assert view(at).edits == (edit,)
    assert column(at, "blocks.2.attn.pattern")[1]["off"] == [3]
    assert column(at, "blocks.1.attn.pattern")[1]["off"] == []
    now = engine.run(model(), SHORT, edits=[edit])["logits"][0].numpy()
    before = trace(SHORT)["logits"][0].numpy()
    for i, told in enumerate(header(at)["answers"]):
        best = np.argsort(-softmax(now[i]))[: len(told["now"])]
        assert told["now"] == pytest.approx(softmax(now[i])[best].tolist(), rel=1e-4)
        assert told["then"] == pytest.approx(softmax(before[i])[best].tolist(), rel=1e-4)
    fire(at, "machine", take=[stage, 3])
    assert view(at).edits == () and "then" not in header(at)["answers"][0]


@pytest.mark.parametrize(
    ("point", "edited"),
    [
        ("blocks.1.attn.pattern", "blocks.1.attn.out"),
        ("blocks.1.attn.out", "blocks.1.attn.out"),
        ("blocks.4.mlp.act", "blocks.4.mlp.out"),
        ("blocks.4.mlp.out", "blocks.4.mlp.out"),
    ],
)
def test_attention_and_mlp_are_taken_out_as_a_whole_and_put_back(point, edited):
    at = machine(prompt=SHORT)
    stage, _ = column(at, point)
    fire(at, "machine", take=[stage, -1])
    assert view(at).edits == (Edit(edited, "zero"),)
    assert [c["point"] for c in header(at)["columns"] if -1 in c["off"]] == [
        c["point"] for c in header(at)["columns"] if c["adds"] == edited
    ]
    fire(at, "machine", take=[stage, -1])
    assert view(at).edits == ()


@pytest.mark.parametrize("point", ["embed.out", "blocks.0.resid_post", "final_norm.out"])
def test_the_stream_cannot_be_taken_out(point):
    at = machine(prompt=SHORT)
    fire(at, "machine", take=[column(at, point)[0], -1])
    assert view(at).edits == ()


def test_cross_attention_is_taken_out_by_itself():
    at = machine(model="interpreter")
    fire(at, "machine", take=[column(at, "decoder.blocks.1.cross.pattern")[0], 2])
    assert view(at).edits == (Edit("decoder.blocks.1.cross.z", "zero", {"H": 2}),)
    assert column(at, "decoder.blocks.1.cross.pattern")[1]["off"] == [2]
    assert column(at, "decoder.blocks.1.attn.pattern")[1]["off"] == []


def test_other_what_ifs_strike_nothing_out():
    edits = (Edit("blocks.0.attn.z", "zero", {"T": 2}), Edit("blocks.0.attn.z", "zero", {"H": 1, "T": 2}))
    at = machine(prompt=SHORT, **what_if(*edits, Edit("blocks.1.attn.z", "mean", {"H": 1})))
    assert len(view(at).edits) == 3
    assert not [c for c in header(at)["columns"] if c["off"]]


# --- what the page reports -----------------------------------------------------------------------

FORGED = {
    "take": [[0], [-1, 0], [99, 0], [1, 6], [1, -2], [1.0, 0], "1,0", None, [1, True]],
    "zoom": [[-1, 0.5, 0, 0], [-1, 61, 0, 0], [-1, 2, -1, 0], [-1, 2, 0, 1.1], [2, 0, 0], [99, 2, 0, 0]],
    "pick": [[0], [1, -1], [1, 6], [99, 0], [-1, 0], "1,0"],
    "weighted": [1, "on", None],
    "cell": [[0, 0], [-1, 0], None],
    "enter": [[0, 0, 0, 0]],
    "token": [-1, 99, 1.0, "0", None],
    "lane": [[1, 0, -1], [0, 99, -1], [0, 0, 99], [0, 0], None],
    "sink": [1, "on", None],
    "open": [[0, 0, 0, 0], [0, 9, 0, 0, 0], [99, 0, 0, 0, 0], [0, 0, 99, 0, 0], [0, 0, 0, 99, 0]],
}


@pytest.mark.parametrize("event", FORGED)
def test_what_no_part_of_the_page_sends_does_nothing(event):
    at = machine(prompt=SHORT)
    before = view(at)
    for value in FORGED[event]:
        report(at, [reported(at, "machine", event, value)])
        assert not at.exception and view(at) == before, value


def test_a_report_of_another_picture_does_nothing():
    at = machine(prompt=SHORT)
    late = reported(at, "machine", "take", [1, 0])
    fire(at, "prompt", prompt="Another text")
    before = view(at)
    report(at, [[late[0] + 5, *late[1:]]])
    assert view(at) == before


def test_zoom_and_the_hidden_first_token_are_in_the_view():
    at = machine(prompt=SHORT)
    fire(at, "machine", zoom=[-1, 4.5, 0.25, 0.5])
    fire(at, "machine", sink=True)
    assert (view(at).zoom, view(at).zoom_x, view(at).zoom_y, view(at).sink) == (4.5, 0.25, 0.5, True)
    assert header(at)["zoom"] == [4.5, 0.25, 0.5] and header(at)["sink"]


def test_every_column_opens_a_step_that_the_walk_has():
    for name in ("storybook", "interpreter", "digits", "wordfinder"):
        columns = header(machine(model=name))["columns"]
        for stage in {c["point"].split(".")[-2] + c["kind"]: i for i, c in enumerate(columns)}.values():
            at = machine(model=name)
            head = 1 if columns[stage]["kind"] == "heads" else -1
            fire(at, "machine", open=[stage, head, 2, 1 if head > 0 else -1, -1 if head > 0 else 5])
            assert not at.exception and "machine" not in keys(at)
            seen = view(at)
            assert seen.step in (*STEPS, "cross") and seen.token == 2
            assert seen.layer == (columns[stage]["layer"] or 0)
            assert (seen.head, seen.key) == (1, 1) if head > 0 else seen.unit == 5
            assert not notices(at), (name, columns[stage]["point"])


def test_three_examples_are_in_sight():
    data = given(machine(), "prompt")
    assert data["few"] == 3 and len(data["examples"]) > 3


def test_an_example_keeps_the_whole_in_sight_and_picks_its_head():
    at = machine()
    at = fire(at, "prompt", example=0)
    example = catalogue.examples(catalogue.models()[0])[0]
    assert "machine" in keys(at) and view(at).prompt == example["text"]
    assert {name: getattr(view(at), name) for name in ("layer", "head")} == {
        n: example[n] for n in ("layer", "head")
    }


def test_no_prompt_breaks_the_page():
    for text in ("", "a", "naïve café 🙂 שלום"):
        at = machine(prompt=text)
        assert "machine" in keys(at) or notices(at)


@pytest.mark.parametrize(
    ("name", "stops"), [("storybook", 5), ("digits", 5), ("captioner", 5), ("lookback-gru", 0)]
)
def test_the_tour_is_of_what_is_there(name, stops):
    data = given(machine(model=name), "welcome")
    assert len(data["stops"]) == stops and data["lead"].count("number") == 1
    assert ("image" in str(data)) == (name in ("digits", "captioner"))
