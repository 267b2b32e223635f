"""The part Backpropagation: each step's numbers, lights that faults turn red, the descent, the three ways."""

import math
from urllib.parse import quote

import numpy as np
import pytest
import torch
from hypothesis import given as hypothesis
from hypothesis import settings as few
from hypothesis import strategies as st

from app.settings import parse
from app.text import say
from app.views.train.backprop import bugs, descent, layout, modules, runs, scalar
from app.views.train.backprop.settings import BUGS, EXPRESSIONS, WAYS, Backprop
from engine.autodiff import NETWORKS, by_torch, there_and_back
from engine.autodiff import scalars as engine_scalars
from engine.examples.value import Misfit
from tests.app.visit import MAIN, curves, fire, given, keys, notices, parts, texts, view, visit
from tests.engine.faults import Fault, put_in


def page(**settings):
    at = visit(backprop=",".join(f"{name}={quote(str(value))}" for name, value in settings.items()))
    at.switch_page(str(MAIN.parent / "views" / "train" / "page.py")).run()
    assert not at.exception, at.exception
    return at


def settings_of(at) -> Backprop:
    return parse(Backprop, view(at).backprop)[0]


def graph(at) -> dict:
    return given(at, "graph")


def type_in(at, key: str, rows):
    return fire(at, key, change=[list(range(1, len(rows) + 1)), "\n".join("\t".join(row) for row in rows)])


# --- single numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["sums", "increments"])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_step_has_a_formula_and_no_gradient_before_it_is_there(name, version):
    names = tuple(engine_scalars.names_of(EXPRESSIONS[name]))
    numbers = tuple(scalar.FIRST[each] for each in names)
    done = scalar.worked(EXPRESSIONS[name], names, numbers, version)
    story = scalar.told.story(done)
    reached = set()
    for step in story:
        assert set(step.gradients) >= reached and (step.way == "back") == bool(step.gradients)
        reached = set(step.gradients)
        for latex in step.formulas:
            assert scalar.compute.formula(latex).startswith("<math")
    assert reached == {node.name for node in done.nodes} and not any(p for _, p in step.gradients.values())
    for each, gradient in by_torch.scalar_gradients(done.nodes).items():
        assert step.gradients[each][0] == pytest.approx(gradient, rel=1e-9)


def test_a_gradient_that_is_not_there_says_not_yet_and_one_that_grows_says_so_far():
    at = page(version="increments", at=7)
    nodes = {node["name"]: node for node in graph(at)["nodes"]}
    assert nodes["x"]["grad"] is None and nodes["u₁"]["grad"] == [[1.0]] and nodes["u₁"]["partly"]
    table = given(at, "beside")
    assert [row[0] for row in table["cells"]] == ["not yet", "not yet"]
    assert not any(at.startswith(("0,0", "1,0")) for at in table["printed"])
    last = page(version="increments", at=99)
    assert all(node["grad"] and not node["partly"] for node in graph(last)["nodes"])
    assert graph(last)["light"]["ok"] and all(mark["ok"] for mark in given(last, "beside")["printed"].values())


def test_sums_add_up_over_all_that_use_a_node():
    at = page(at=99)
    told = " ".join(texts(at))
    assert "w is used by u₁" in told or "x is used by" in told
    x, w = 2.0, 0.5
    leaves = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, w)]
    (leaves[0] * leaves[1] + (leaves[0] * leaves[1]).sin() * leaves[0]).backward()
    nodes = {node["name"]: node for node in graph(at)["nodes"]}
    for name, leaf in zip("xw", leaves, strict=True):
        assert nodes[name]["grad"][0][0] == pytest.approx(leaf.grad.item())


def test_an_input_is_typed_over_and_stands_in_the_link():
    at = type_in(page(), "given-w", [["−1.5"]])
    assert settings_of(at).inputs == "w=-1.5"
    nodes = {node["name"]: node for node in graph(at)["nodes"]}
    assert nodes["u₁"]["value"] == [[-3.0]]


@pytest.mark.parametrize("typed", ["abc", "1e400", "NaN", "", "-inf", "1,5"])
def test_what_is_no_number_gets_a_sentence_and_stays(typed):
    for at, key in ((page(), "given-x"), (page(show="modules", graph="sigmoid"), "given-t")):
        size = len(given(at, key)["cells"][0])
        at = type_in(at, key, [[typed] + ["0"] * (size - 1)])
        assert given(at, key)["trouble"] and given(at, key)["cells"][0][0] == typed and not at.exception


@pytest.mark.parametrize(
    "typed", ["", "x +", "__import__('os')", "x ** 2", "log(0 * x)", "1 / (x - x)", "exp(9999)", "x" * 300]
)
def test_an_expression_that_is_none_gets_a_sentence_and_stays(typed):
    at = page()
    at = fire(at, "control-expression-typed", change=typed)
    assert len(notices(at)) == 1 and settings_of(at).expression == typed and not at.exception
    assert "graph" not in keys(at) and given(at, "control-expression-typed")["value"] == typed


def test_an_own_expression_keeps_the_numbers_of_names_that_it_has():
    at = fire(page(inputs="x=7!w=3"), "control-expression-typed", change="tanh(q) * x")
    assert settings_of(at).inputs == "x=7" and notices(at) == []
    assert given(at, "given-x")["cells"] == [["7"]] and "given-q" in keys(at)
    at = fire(at, "control-expression", change="network")
    assert settings_of(at).expression == EXPRESSIONS["network"] and notices(at) == []


def test_an_expression_without_names_has_a_graph():
    at = fire(page(), "control-expression-typed", change="exp(2) * 3")
    assert notices(at) == [] and graph(at)["nodes"][-1]["value"][0][0] == pytest.approx(3 * math.exp(2))


@hypothesis(st.text(max_size=40), st.text(max_size=40))
@few(max_examples=15, deadline=None)
def test_any_link_gives_a_page(expression, inputs):
    page(expression=expression, inputs=inputs)


def test_what_a_link_says_in_vain_is_told_at_once():
    at = page(show="nonsense", graph="fly", at=-7)
    said = " ".join(notices(at, "info"))
    assert "nonsense" in said and "fly" in said and "graph" in keys(at)


def test_a_wrong_slope_turns_the_light_red(monkeypatch):
    wrong = engine_scalars.Operation(math.sin, lambda v: (-math.cos(v),))
    monkeypatch.setitem(engine_scalars.OPERATIONS, "sin", wrong)
    at = page(at=99)
    assert graph(at)["light"]["ok"] is False and given(at, "light-beside")["ok"] is False
    assert not all(mark["ok"] for mark in given(at, "beside")["printed"].values())


# --- layout -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_boxes_stand_after_what_goes_into_them_and_never_on_each_other(name):
    network = NETWORKS[name]
    inputs = dict.fromkeys(network.given, ()) | {box.name: box.inputs for box in network.boxes}
    found = layout.laid_out(inputs)
    assert len(set(found.at.values())) == len(inputs)
    for each, ins in inputs.items():
        assert all(found.at[v][0] < found.at[each][0] for v in ins)
    bends = {bend for way in found.via.values() for bend in way}
    assert not bends & set(found.at.values())
    for column, row in [*found.at.values(), *bends]:
        assert 0 <= column < found.columns and 0 <= row <= found.rows - 1


# --- modules ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_every_module_goes_out_and_back_with_formulas_numbers_and_shapes(name):
    network = NETWORKS[name]
    done = there_and_back(network, network.values())
    count = len(network.boxes)
    for step in {0, 1, count, *range(count + 1, 2 * count + 1, 3), 2 * count}:
        at = page(show="modules", graph=name, module=step)
        shown = graph(at)
        there = {node["name"] for node in shown["nodes"] if node["value"]}
        back = {node["name"]: node for node in shown["nodes"] if node["grad"]}
        assert len(there) == len(network.given) + min(step, count)
        known = done.steps[step - count - 1].known if step > count else {}
        assert set(back) == {modules.plain(each) for each in known}
        assert (shown["light"] is None) == (not known) and (not known or shown["light"]["ok"])
        grids = [given(at, key) for key in keys(at) if key.startswith(("out-", "back-"))]
        assert bool(grids) == (step > 0)
        for one in grids:
            assert one["formula"].startswith("<math") and (one["shape"])
            assert all(mark["ok"] for mark in one["printed"].values())
        assert notices(at) == []


def test_softmax_goes_back_through_its_matrix():
    at = page(show="modules", graph="softmax", module=4)
    done = there_and_back(NETWORKS["softmax"], NETWORKS["softmax"].values())
    b, g = done.values["b"], done.gradients["b"]
    shown = np.array([[float(x.replace("−", "-")) for x in row] for row in given(at, "jacobian")["full"]])
    np.testing.assert_allclose(shown, np.diag(b) - np.outer(b, b), rtol=1e-9)
    back = np.array([float(x.replace("−", "-")) for x in given(at, "back-a-0")["full"][0]])
    np.testing.assert_allclose(back, g @ shown, rtol=1e-9)


FAULTS = {  # what is wrong, in which graph it shows
    "linear: gradient of the weights": ("modules.Linear", "np.atleast_2d(a)", "np.atleast_2d(2 * a)", "linear"),
    "linear: weights": ("modules.Linear", "gradient @ weights,", "gradient @ weights * 1.01,", "network"),
    "sigmoid": ("modules.Sigmoid", "* (1 - self.output)", "* (1 + self.output)", "sigmoid"),
    "softmax": ("modules.Softmax", "gradient - (gradient", "gradient + (gradient", "softmax"),
    "softmax by rows": ("modules.Softmax", ".sum(-1, keepdims=True)", ".sum()", "attention"),
    "cross-entropy": ("modules.CrossEntropy", "-gradient * slope", "gradient * slope", "cross_entropy"),
    "squared error": ("small.SquaredError", "gradient * (a - target)", "gradient * a", "linear"),
    "matmul": ("block.MatMul", "c.T, a.T @ gradient", "c.T, -a.T @ gradient", "attention"),
    "matmul, transposed": ("block.MatMul", "c, gradient.T @ a", "c, gradient.T @ a * 0.9", "attention"),
    "scale": ("block.Scale", "self.factor * gradient", "gradient", "attention"),
    "mask": ("block.Mask", "np.tril(gradient)", "np.tril(gradient, -1)", "attention"),
    "mean": ("small.Mean", "gradient / a.shape[-1]", "gradient", "layernorm"),
    "subtract": ("small.Subtract", "-summed_to(c, gradient)", "summed_to(c, gradient)", "layernorm"),
    "multiply": ("small.Multiply", "summed_to(a, gradient * c)", "summed_to(a, gradient)", "layernorm"),
    "divide": ("small.Divide", "/ c**2", "/ c", "layernorm"),
    "root": ("small.Root", "(2 * self.output)", "self.output", "layernorm"),
    "add": ("block.Add", "summed_to(c, gradient)", "summed_to(c, gradient) / 2", "layernorm"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_any_module_turns_the_light_red(name):
    place, right, wrong, shows = FAULTS[name]
    fault = Fault(name, f"engine.autodiff.{place}._backward", "", (), "", ((right, wrong),))
    network = NETWORKS[shows]
    with put_in(fault):
        run = modules.Run(network, network.values())
        assert run.light(run.done.gradients)["ok"] is False
    run = modules.Run(network, network.values())
    assert run.light(run.done.gradients)["ok"] is True


def test_a_fault_marks_the_gradient_that_it_spoils_cell_by_cell():
    fault = Fault("", "engine.autodiff.modules.Sigmoid._backward", "", (), "", (("(1 - ", "(1 + "),))
    modules.run.cache_clear()
    with put_in(fault):
        at = page(show="modules", graph="sigmoid", module=4)
    modules.run.cache_clear()
    assert graph(at)["light"]["ok"] is False
    marks = given(at, "back-a-0")["printed"]
    assert marks and not any(mark["ok"] for mark in marks.values())


# --- gradient descent ---------------------------------------------------------------------------------------


def test_by_a_click_the_loss_falls():
    at = fire(page(show="modules"), "button-descend-1", change=True)
    assert settings_of(at).taken == "0.1x1" and len(curves(at, "losses")["loss J"][1]) == 2
    at = fire(at, "button-descend-10", change=True)
    losses = curves(at, "losses")["loss J"][1]
    assert settings_of(at).taken == "0.1x11" and notices(at) == []
    assert len(losses) == 12 and losses == sorted(losses, reverse=True) and losses[-1] < losses[0]
    again = fire(at, "button-again", change=True)
    assert settings_of(again).taken == ""


@pytest.mark.parametrize("name", NETWORKS)
def test_with_the_usual_rate_the_loss_falls_in_every_graph(name):
    losses = modules.run(name, "", f"{Backprop.rate}x20")[0].losses
    assert len(losses) == 21 and losses == sorted(losses, reverse=True) and losses[-1] < losses[0]


def test_a_step_is_pytorchs_sgd():
    network = NETWORKS["network"]
    there, _ = modules.run("network", "", "0.5x1;0.1x2")
    leaves = {name: torch.tensor(v, requires_grad=True) for name, v in network.values().items()}
    learned = [leaves[name] for name in network.learned]
    for rate in (0.5, 0.1, 0.1):
        z = (leaves["alpha"] @ leaves["x"]).sigmoid()
        loss = -(leaves["y"] * (leaves["beta"] @ z).log_softmax(-1)).sum()
        optimizer = torch.optim.SGD(learned, lr=rate)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name in network.learned:
        np.testing.assert_allclose(there.values[name], leaves[name].detach().numpy(), rtol=1e-12)


def test_a_number_typed_after_steps_begins_from_where_they_led():
    at = page(show="modules", graph="linear", taken="0.1x3")
    moved = modules.run("linear", "", "0.1x3")[0].values["W"]
    at = type_in(at, "given-x", [["1", "1", "1"]])
    now = settings_of(at)
    assert now.taken == "" and "x=1,1,1" in now.numbers
    np.testing.assert_allclose(modules.run("linear", now.numbers, "")[0].values["W"], moved, rtol=1e-9)
    first = fire(at, "button-first", change=True)
    assert settings_of(first).numbers == ""


@pytest.mark.parametrize("rate", ["1000000000", "1e9", "abc", "NaN", "1e400", "", "0", "-1", "∞"])
def test_a_rate_that_is_none_gets_a_sentence_and_stays(rate):
    at = fire(page(show="modules"), "control-backprop.rate", change=rate)
    assert len(notices(at)) == 1 and given(at, "control-backprop.rate")["value"] == rate
    assert given(at, "button-descend-1")["disabled"] and settings_of(at).rate == rate
    with pytest.raises(Misfit):
        descent.read_rate(rate)


def test_too_long_steps_are_told_and_what_is_not_finite_is_not_taken():
    at = page(show="modules", graph="linear", rate=5, taken="5x3")
    assert any("risen" in one for one in notices(at))
    at = page(show="modules", graph="linear", rate=100, taken="100x200")
    assert any("not finite" in one for one in notices(at)) and given(at, "button-descend-1")["disabled"]


@pytest.mark.parametrize("taken", ["abc", "1e9x3", "0.1x", "x3", "0.1x99999", "nanx2"])
def test_steps_of_a_link_that_are_none_are_told(taken):
    assert notices(page(show="modules", taken=taken))


def test_numbers_that_lead_nowhere_are_told_and_stay():
    at = type_in(page(show="modules", graph="linear"), "given-x", [["1e18"] * 3])
    at = type_in(at, "given-W", [["1e18"] * 3] * 2)
    assert not at.exception and given(at, "given-W")["cells"][0][0] == "1e+18"


# --- three ways ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_every_line_of_every_way_can_be_shown(way):
    at = page(show="ways", way=way)
    count = len(given(at, "control-line")["names"])
    for line in range(0, count, 13):
        at = page(show="ways", way=way, line=line)
        now = [one for _, group in given(at, "listing")["groups"] for one in group if one["state"] == "at-it"]
        assert len(now) == 1 and notices(at) == []
        assert all(mark["ok"] for mark in given(at, "beside")["printed"].values())


def test_all_three_have_the_same_gradients_as_finite_differences():
    table = given(page(show="ways"), "beside")
    assert len(table["cells"]) == 10 and len(table["printed"]) == 30
    assert all(mark["ok"] for mark in table["printed"].values())
    assert all(row[0] == row[1] == row[2] for row in table["cells"])


def test_before_the_way_back_no_way_has_a_gradient():
    for column, way in enumerate(WAYS):
        table = given(page(show="ways", way=way, line=1), "beside")
        assert {row[column] for row in table["cells"]} == {"not yet"}


def test_pytorchs_gradient_lies_in_grad_until_zero_grad():
    run = runs.torched("", 0.1)
    sources = {listing.function.__qualname__: listing.lines for listing in run.listings}
    shown = {}
    for i, one in enumerate(run.lines):
        text = sources[one.function][one.line].strip()
        if text.startswith(("optimizer.", "loss.", "pred")):
            cells = given(page(show="ways", way="torch", line=i), "weights")["cells"]
            shown.setdefault(text, []).append(cells[2][0])
    assert shown["pred = model(x)"][0] == "not yet" != shown["pred = model(x)"][1]
    assert shown["optimizer.zero_grad()"] == ["not yet", "not yet"]
    assert "not yet" not in shown["loss.backward()"] + shown["optimizer.step()"]
    assert "0" not in shown["optimizer.zero_grad()"]


def test_how_parameters_are_registered_and_why_a_layer_is_called():
    at = page(show="ways", way="torch", topic="register")
    assert given(at, "registered")["rows"] == ["linear1.weight", "linear2.weight"]
    assert "registered" not in keys(page(show="ways", way="torch", topic="register", line=0))
    lines = given(page(show="ways", way="torch", topic="call"), "listing")["groups"][0][1]
    notes = {one["text"].strip(): one["note"] for one in lines}
    assert "the hook was called" in notes["by_call = linear(x)"]
    assert "the hook was called" not in notes["by_forward = linear.forward(x)"]


@pytest.mark.parametrize("bug", range(1, len(BUGS) + 1))
def test_a_planted_bug_turns_lights_red_and_can_be_found(bug):
    at = page(show="ways", bug=bug)
    assert given(at, "light-beside")["ok"] is False
    marks = given(at, "quantities")["printed"]
    assert not all(mark["ok"] for mark in marks.values())
    lines = [one for _, group in given(at, "listing")["groups"] for one in group]
    wrong = bugs.spoiled(runs.procedure("", bug))
    picks = [one["pick"] for one in lines if one["pick"] is not None]
    assert wrong in picks
    at = fire(at, "listing", pick=next(pick for pick in picks if pick != wrong))
    assert notices(at) == [say("backprop", "bug/not")]
    at = fire(at, "listing", pick=wrong)
    assert notices(at) == [] and any("Found." in one for one in notices(at, "info"))


def test_numbers_of_the_ways_are_typed_over():
    at = type_in(page(show="ways"), "given-y", [["1", "0"]])
    assert settings_of(at).given == "y=1,0"
    assert all(mark["ok"] for mark in given(at, "beside")["printed"].values())


def test_numbers_that_round_a_probability_to_0_are_told():
    at = page(show="ways", given="beta=2000,2000;-2000,-2000!y=1,0")
    assert any("not finite" in one for one in notices(at)) and not at.exception


# --- words --------------------------------------------------------------------------------------------------


def test_every_text_of_the_part_is_used():
    from app.text import sections

    source = "".join(path.read_text("utf-8") for path in (MAIN.parent / "views" / "train").rglob("*.py"))
    for name in sections("backprop"):
        first, last = name.split("/")[0], name.split("/")[-1]
        assert f'"{name}"' in source or f"{first}/" in source or last in ("title", "lead"), name


def test_pictures_have_a_sentence_and_a_table():
    for one in (page(), page(show="modules", graph="attention")):
        head = graph(one)
        assert head["say"] and head["aria"] and len(head["words"]["heads"]) == 5
        assert len([part for part in parts(one) if part["kind"] == "graph"]) == 1


def test_learned_numbers_are_short_after_steps_and_one_that_is_typed_leaves_the_others_as_exact_as_they_were():
    at = page(show="modules", taken="0.1x3")
    cells = given(at, "given-alpha")["cells"]
    assert max(len(text) for row in cells for text in row) <= 8
    before = modules.run("network", "", "0.1x3")[0].values["alpha"]
    assert not np.array_equal(before, [[float(x.replace("−", "-")) for x in row] for row in cells])
    at = type_in(at, "given-alpha", [["7", *cells[0][1:]], cells[1]])
    now = modules.run("network", settings_of(at).numbers, "")[0].values["alpha"]
    assert now[0, 0] == 7 and np.abs(now - before).ravel()[1:] == pytest.approx(0, abs=1e-11)


@pytest.mark.parametrize("name", ["__import__", "x_1", "_", "_1__2", "sin_", "a_very_long_name", "_" * 40])
def test_a_name_of_any_letters_is_shown(name):
    at = page(expression=f"{name} * x + {name}", at=4)
    assert graph(at)["nodes"][0]["name"].startswith(name[:11]) and not notices(at)


def test_a_probability_rounded_to_0_is_told_and_shows_how_nan_spreads():
    large = dict(show="modules", graph="network", numbers="beta=4000,-4000;-4000,4000")
    at = page(**large, module=7)  # back through the softmax
    nodes = {node["name"]: node for node in graph(at)["nodes"]}
    assert nodes["J"]["value"] == [["∞"]] and nodes["ŷ"]["value"] == [[1.0, 0.0]]
    assert (
        nodes["ŷ"]["grad"][0][1] == "−∞" and nodes["b"]["grad"] == [["NaN", "NaN"]] and not nodes["a"]["grad"]
    )
    assert given(at, "back-b-0")["cells"] == [["NaN", "NaN"]] and "NaN" in notices(at)[0]
    assert graph(at)["light"] is None and "button-descend-1" not in keys(at)
    assert "button-descend-1" in keys(type_in(at, "given-beta", [["1", "0"], ["0", "1"]]))
    assert "By modules" in notices(page(show="ways", given=large["numbers"]))[0]


def test_the_longest_expression_is_laid_out_too():
    chain = "x+" * 99 + "x"
    inputs = {node.name: tuple(v.name for v in node.inputs) for node in engine_scalars.graph(chain, x=2.0)}
    found = layout.laid_out(inputs)
    assert found.columns == 100 and len(found.via["x", chain.replace("+", " + ")]) == 98


def test_two_steps_in_pytorch_say_their_learning_rate():
    assert "learning rate 0.25" in " ".join(texts(page(show="ways", way="torch", rate="0.25")))
    assert "learning rate 0.1" in " ".join(texts(page(show="ways", way="torch", rate="1e9")))
