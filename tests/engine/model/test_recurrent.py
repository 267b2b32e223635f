"""Recurrent encoder-decoders: equal to the reference's cells, blind to padding, made step by step."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from engine.config import RecurrentConfig
from engine.decode import Decoding, generate, translate
from engine.model.build import fresh
from engine.model.recurrent import Reader, Recurrent
from engine.trace import run
from engine.trace.inputs import _pad
from engine.trace.tap import Edit
from tests.engine.tiny import RECURRENT, assert_close, assert_same_points, full, prompt, randomise, recurrent

SOURCE = [prompt(7, seed=1), prompt(7, seed=2)]
TARGET = [prompt(5, seed=3), prompt(5, seed=4)]
LENGTHS = {"source": (7, 3, 1), "target": (5, 2, 4)}
CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


@pytest.fixture(scope="module", params=RECURRENT)
def model(request):
    return recurrent(*RECURRENT[request.param])


@pytest.fixture(scope="module", params=CELLS)
def pair(request):
    """A model without attention and the reference's encoder and decoder, every parameter random."""
    model = recurrent(request.param)
    theirs = {}
    for seed, stack in enumerate(("encoder", "decoder")):
        theirs[stack] = reference_of(model.get_submodule(stack), request.param, seed)
    return model, theirs


def reference_of(reader: Reader, kind: str, seed: int = 0) -> nn.Module:
    """The reference's cell with random parameters, which are the reader's from now on."""
    cell, D = reader.cell, reader.config.width
    reference = randomise(CELLS[kind](D, D, batch_first=True), seed).double()
    cell.x.weight.data, cell.h.weight.data = reference.weight_ih_l0.data, reference.weight_hh_l0.data
    if cell.h.bias is None:
        cell.x.bias.data = (reference.bias_ih_l0 + reference.bias_hh_l0).data
    else:
        cell.x.bias.data, cell.h.bias.data = reference.bias_ih_l0.data, reference.bias_hh_l0.data
    return reference


def batch(lengths: tuple[int, ...], seed: int = 0) -> list[list[int]]:
    return [prompt(length, seed=seed + row) for row, length in enumerate(lengths)]


def traced(model: Recurrent, edits=(), **options):
    return full(model, SOURCE[0], edits, target=TARGET[0], **options)


def later(point: str, stack: str, t: int) -> bool:
    """Whether a point of that stack is of step t or after it."""
    name = point.split(".")
    return name[:2] == [stack, "steps"] and int(name[2]) >= t


# --- the cells and the attention are the published ones ------------------------------------------


@torch.no_grad()
def reference_states(theirs, x, state) -> dict[str, torch.Tensor]:
    """What the reference carries on after each step, one token at a time."""
    found = {}
    for t in range(x.shape[1]):
        _, state = theirs(x[:, t : t + 1], state)
        parts = state if isinstance(state, tuple) else (state,)
        found |= {f"steps.{t}.{name}": part[0] for name, part in zip(("h", "cell"), parts, strict=False)}
    return found | {"last": state}


def test_every_state_equals_the_reference(pair):
    model, theirs = pair
    ids, target = torch.tensor(SOURCE), torch.tensor(TARGET)
    trace = full(model, ids, target=target)
    expected, state = {}, None
    for stack, given in (("encoder", ids), ("decoder", target)):
        x = model.get_submodule(stack).token.weight[given]
        assert_close(trace[f"{stack}.states"], theirs[stack](x, state)[0], f"{stack}.states")
        found = reference_states(theirs[stack], x, state)
        state = found.pop("last")
        expected |= {f"{stack}.{name}": x for name, x in found.items()}
    assert_same_points(trace, expected, [point for point in trace.points() if point in expected])
    assert_close(trace["decoder.logits"], trace["decoder.states"] @ model.decoder.logits.weight.T)


def test_the_last_state_of_padded_sources_equals_the_reference_of_packed_ones(pair):
    model, theirs = pair
    trace = full(model, batch(LENGTHS["source"]), target=batch(LENGTHS["target"]))
    x = model.encoder.token.weight[trace.ids]
    packed = nn.utils.rnn.pack_padded_sequence(x, LENGTHS["source"], batch_first=True)
    last = theirs["encoder"](packed)[1]
    for name, theirs_last in zip(("h", "cell"), last if isinstance(last, tuple) else (last,), strict=False):
        assert_close(trace[f"decoder.start.{name}"], theirs_last[0], name)


@pytest.mark.parametrize("kind", ["additive", "dot"])
def test_attention_is_the_papers(kind):
    model = recurrent("gru", kind)
    trace = full(model, batch(LENGTHS["source"]), target=batch(LENGTHS["target"]))
    s, h, parts = trace["decoder.states"], trace["encoder.states"], model.decoder.cross
    if kind == "dot":
        e = torch.einsum("btd,bsd->bts", s, h)
    else:
        q = torch.einsum("btd,ad->bta", s, parts.query.weight)
        k = torch.einsum("bsd,ad->bsa", h, parts.keys.weight)
        e = torch.einsum("a,btsa->bts", parts.align.weight[0], (q[:, :, None] + k[:, None]).tanh())
    exps = torch.einsum("bts,bs->bts", e.exp(), trace.padding.double())
    a = exps / exps.sum(-1, keepdim=True)
    c = torch.einsum("bts,bsd->btd", a, h)
    mixed = torch.einsum("btj,dj->btd", torch.cat([c, s], -1), parts.mixed_pre.weight).tanh()
    found = {"align": e, "weights": a, "context": c, "mixed": mixed}
    expected = {f"decoder.cross.{name}": x for name, x in found.items()}
    expected["decoder.logits"] = torch.einsum("btd,vd->btv", mixed, model.decoder.logits.weight)
    assert_same_points(trace, expected, expected)


def test_a_gate_lies_between_nothing_and_all(model):
    trace = traced(model)
    gates = [p for p in trace.points() if p.endswith((".reset", ".update", ".input", ".forget", ".output"))]
    assert bool(gates) == (model.config.cell != "rnn")
    assert all(((trace[gate] > 0) & (trace[gate] < 1)).all() for gate in gates)


@pytest.mark.parametrize(
    ("cell", "gates", "kept"),
    [("gru", {"update": 1.0}, "h"), ("lstm", {"forget": 1.0, "input": 0.0}, "cell")],
)
def test_a_shut_gate_keeps_what_was_there(cell, gates, kept):
    edits = [Edit(f"encoder.steps.3.{gate}", "set", {}, value) for gate, value in gates.items()]
    trace = traced(recurrent(cell), edits)
    assert_close(trace[f"encoder.steps.3.{kept}"], trace[f"encoder.steps.2.{kept}"])


# --- the pass ------------------------------------------------------------------------------------


def test_the_silent_pass_equals_the_traced_one(model):
    trace = full(model, batch(LENGTHS["source"]), target=batch(LENGTHS["target"]))
    silent = model(trace.ids, trace.target, trace.padding, trace.target_padding)
    assert_close(silent, trace["decoder.logits"])


@pytest.mark.parametrize("where", ["after", "before", "between"])
def test_padding_changes_nothing(model, where):
    source, target = SOURCE[0], TARGET[0]
    alone = traced(model)
    places = {"after": range(7), "before": range(4, 11), "between": (0, 2, 3, 5, 8, 9, 10)}[where]
    ids, padding = torch.tensor([prompt(11, seed=9)]), torch.zeros(1, 11, dtype=torch.bool)
    ids[0, list(places)], padding[0, list(places)] = torch.tensor(source), True
    trace = full(model, ids, padding=padding, target=[target])
    for t, place in enumerate(places):
        for point in alone.points():
            if point.startswith(f"encoder.steps.{t}."):
                there = point.replace(f".{t}.", f".{place}.")
                assert_close(trace[there], alone[point], f"first differing point: {there}")
    for point in alone.points():
        theirs = trace[point]
        if point.startswith("decoder."):
            if alone.table[point].axes == "BTS":
                theirs = theirs[..., list(places)]
            elif alone.table[point].axes == "BSD":
                theirs = theirs[:, list(places)]
            assert_close(theirs, alone[point], f"first differing point: {point}")


def test_a_pair_in_a_batch_equals_the_pair_alone(model):
    sources, targets = (batch(LENGTHS[side]) for side in ("source", "target"))
    together = run(model, sources, target=targets)["decoder.logits"]
    for row, (source, target) in enumerate(zip(sources, targets, strict=True)):
        alone = run(model, source, target=target)["decoder.logits"][0]
        assert_close(together[row, : len(target)], alone)


def test_a_changed_target_token_changes_nothing_before_it(model):
    one = traced(model)
    other = full(model, SOURCE[0], target=[*TARGET[0][:3], (TARGET[0][3] + 1) % 97, TARGET[0][4]])
    for point in one.points():
        axes = one.table[point].axes
        if point.startswith("encoder.") or axes == "BSD":
            assert torch.equal(one[point], other[point]), point
        elif "T" in axes:
            assert torch.equal(one[point][:, :3], other[point][:, :3]), point
        elif not later(point, "decoder", 3):
            assert torch.equal(one[point], other[point]), point
        elif point.endswith(".h"):
            assert not torch.equal(one[point], other[point]), point
    assert not torch.equal(one["decoder.logits"][:, 3:], other["decoder.logits"][:, 3:])


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
@pytest.mark.parametrize("changed", [0, 2])
def test_an_edit_at_one_step_changes_all_later_ones_and_nothing_before(model, stack, changed):
    one, other = traced(model), traced(model, [Edit(f"{stack}.steps.{changed}.h", "add", {"D": 3}, 0.5)])
    for t in range(5):
        same = torch.equal(one[f"{stack}.steps.{t}.h"], other[f"{stack}.steps.{t}.h"])
        assert same == (t < changed), t
    if stack == "encoder":
        assert all(not torch.equal(one[p], other[p]) for p in one.points() if later(p, "decoder", 0))


def test_without_attention_the_last_state_is_all_that_the_decoder_is_told(model):
    looks = model.config.attention != "none"
    edits = [Edit(point, "zero") for point in traced(model).points() if point.startswith("decoder.start.")]
    one, other = (run(model, source, edits, target=TARGET[0]) for source in SOURCE)
    assert torch.equal(one["decoder.logits"], other["decoder.logits"]) != looks
    hidden = traced(model, [Edit("encoder.states", "zero")])
    assert torch.equal(hidden["decoder.logits"], traced(model)["decoder.logits"]) != looks


def test_a_state_is_copied_from_another_source(model):
    other = (tuple(SOURCE[1]), tuple(TARGET[0]))
    edits = [Edit(f"encoder.steps.6.{name}", "copy", {}, other) for name in model.encoder.cell.carried]
    trace, expected = traced(model, edits), run(model, SOURCE[1], target=TARGET[0])
    assert_close(trace["decoder.states"], expected["decoder.states"])


def test_a_target_that_is_not_given_is_the_start_token_alone():
    assert run(recurrent("gru"), SOURCE[0]).target.tolist() == [[3]]


def test_it_writes_what_is_most_probable_and_a_batch_as_each_alone(model):
    lengths = (7, 3, 5)
    ids, padding = _pad(batch(lengths))
    together = translate(model, ids, padding, longest=6)
    for row, source in enumerate(batch(lengths)):
        alone = [step.id for step in generate(model, source, Decoding(max_tokens=6))]
        read = model(torch.tensor([source]), torch.tensor([[model.start, *alone]]))[0].argmax(-1).tolist()
        assert alone == read[: len(alone)]
        assert together[row].tolist() == [*alone, *[model.end] * (together.shape[1] - len(alone))]


@pytest.mark.parametrize("kind", ["window", "causal"])
def test_a_mask_says_nothing_of_before_and_after_in_another_text(kind):
    with pytest.raises(ValueError, match="one text for another"):
        Edit("decoder.cross.mask", "mask", (), (kind, 2))


def test_without_a_mask_padding_is_looked_at_too():
    edit = Edit("decoder.cross.mask", "mask", (), ("none", 0))
    trace = full(recurrent("gru", "dot"), batch(LENGTHS["source"]), [edit], target=batch(LENGTHS["target"]))
    assert (trace["decoder.cross.weights"] > 0).all()


# --- learning ------------------------------------------------------------------------------------


def test_every_parameter_has_a_gradient(model):
    model = recurrent(model.config.cell, model.config.attention).requires_grad_(True)
    model(torch.tensor(SOURCE), torch.tensor(TARGET)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_a_random_start_depends_on_its_seed_alone(model):
    torch.manual_seed(5)
    one, again, other = (dict(fresh(model.config, seed).named_parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(one[name], again[name]) and not torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("cell", "attention"), [("rnn", "additive"), ("gru", "none"), ("lstm", "dot")])
def test_a_copy_task_is_learned(cell, attention):
    torch.manual_seed(0)
    model = Recurrent(RecurrentConfig(8, context=3, width=32, start=0, end=0, cell=cell, attention=attention))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(120):
        ids = torch.randint(1, 8, (64, 3))
        logits = model(ids, F.pad(ids[:, :-1], (1, 0)))  # the start token, 0, first
        loss = F.cross_entropy(logits.flatten(0, 1), ids.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.1  # guessing: log 7 = 1.95


# --- the config ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vocabulary", "context", "width"])
@pytest.mark.parametrize("size", [0, -1, 1.0, "12", None, True])
def test_a_size_is_a_whole_number_of_one_or_more(name, size):
    with pytest.raises(ValueError, match=f"{name} is {size!r}"):
        RecurrentConfig(**dict(vocabulary=97, context=23, width=9, start=3, end=5) | {name: size})


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (dict(cell="mamba"), "cell is 'mamba'; known are rnn, gru, lstm"),
        (dict(cell=[]), r"cell is \[\]; known are"),
        (dict(attention="full"), "attention is 'full'; known are none, additive, dot"),
        (dict(start=97), "start is 97; it must be a token from 0 to 96"),
        (dict(end=True), "end is True"),
    ],
)
def test_an_unknown_choice_is_refused_with_the_known_ones(choices, message):
    with pytest.raises(ValueError, match=message):
        RecurrentConfig(**dict(vocabulary=97, context=23, width=9, start=3, end=5) | choices)
