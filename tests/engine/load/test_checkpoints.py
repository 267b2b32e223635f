"""Checkpoints of a training run: small files that come back as models of their own."""

import json
import sys
from dataclasses import asdict

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import engine
from engine.load import checkpoints, checkpoints_of, glassbox, home, shipped
from engine.load.checkpoints import packed, unpacked
from engine.model.build import fresh
from tests.engine.load.damage import configure
from tests.engine.tiny import BERT, KINDS, decoder, pair

STEPS = (2, 40, 1234)


def then(step: int, **choices):
    """What the tiny model was after so many steps: another random one each time."""
    return decoder(torch.float32, seed=step, vocabulary=300, **choices)


def choices_of(model) -> dict:
    """What `then` needs to make a model of the same shape."""
    return {name: value for name, value in asdict(model.config).items() if name != "vocabulary"}


def test_what_reads_one_text_and_writes_another_is_shipped_too(shelf, sentences):
    model = pair(torch.float32, vocabulary=len(sentences))
    model.tokenizer = sentences
    glassbox.write(model, shelf / "translator")
    assert "translator" in shipped()


@pytest.fixture(params=KINDS)
def shelf(request, rank_tokenizer, tmp_path, monkeypatch):
    """A shipped model with three checkpoints, and one without any."""
    monkeypatch.setattr(sys.modules["engine.load"], "SHIPPED", tmp_path)
    model = then(0, **KINDS[request.param])
    model.tokenizer = rank_tokenizer
    for name in ("tale", "bare"):
        glassbox.write(model, tmp_path / name)
    for step in STEPS:
        weights = dict(then(step, **KINDS[request.param]).named_parameters())
        checkpoints.write(weights, tmp_path / "tale", step)
    (tmp_path / "tale" / "learning.json").write_text(json.dumps({"seed": 7}))
    return tmp_path


def test_an_encoder_beside_them_is_shipped_too(shelf, wordpiece):
    model = decoder(torch.float32, vocabulary=len(wordpiece), **BERT)
    model.tokenizer = wordpiece
    glassbox.write(model, shelf / "finder")
    assert shipped() == ["bare", "finder", "tale"]


# --- a byte a number -----------------------------------------------------------------------------

sizes = st.floats(-30, 4).map(lambda power: 10.0**power)


@given(shape=st.tuples(st.integers(1, 5), st.integers(1, 9)), seed=st.integers(0, 99), size=sizes)
def test_what_is_read_back_is_within_half_a_step_of_its_row(shape, seed, size):
    w = size * torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    w *= torch.logspace(-2, 2, shape[0])[:, None]  # rows of different sizes
    small = packed({"w": w})
    assert small["w"].dtype == torch.int8
    step = (w.abs().amax(1, keepdim=True) / 127).clamp_min(1e-12)
    assert ((unpacked(small)["w"] - w).abs() <= step * 0.501).all()


def test_the_largest_number_of_a_row_comes_back_as_it_was():
    w = torch.tensor([[0.3, -1.7, 0.2], [1e-4, 2e-4, 3e-4]])
    back = unpacked(packed({"w": w}))["w"]
    torch.testing.assert_close(back.abs().amax(1), w.abs().amax(1), rtol=1e-6, atol=0)


def test_a_row_of_nothing_stays_nothing():
    assert torch.equal(unpacked(packed({"w": torch.zeros(2, 3)}))["w"], torch.zeros(2, 3))


def test_what_is_no_matrix_is_kept_in_float16():
    w = torch.randn(9)
    assert torch.equal(unpacked(packed({"norm.weight": w}))["norm.weight"], w.half().float())


def test_packing_what_was_unpacked_changes_it_no_more():
    once = unpacked(packed({"w": torch.randn(6, 8), "bias": torch.randn(5)}))
    twice = unpacked(packed(once))
    for name in once:
        torch.testing.assert_close(twice[name], once[name], rtol=1e-6, atol=0)


def test_no_weight_is_lost_and_none_is_added():
    weights = dict(then(1).named_parameters())
    assert unpacked(packed(weights)).keys() == weights.keys()


def test_a_checkpoint_takes_about_a_byte_a_number(shelf):
    numbers = sum(p.numel() for p in engine.load("tale", device="cpu").parameters())
    for file in (shelf / "tale" / "checkpoints").iterdir():
        assert numbers <= sum(w.nbytes for w in load_file(file).values()) < 1.5 * numbers


# --- by name -------------------------------------------------------------------------------------


def test_the_checkpoints_of_a_model_begin_with_its_random_start(shelf):
    assert checkpoints_of("tale") == ["tale@0", "tale@2", "tale@40", "tale@1234"]
    assert checkpoints_of("bare") == []
    with pytest.raises(ValueError, match="no model 'no-such-model'"):
        checkpoints_of("no-such-model")


@pytest.mark.parametrize("step", STEPS)
def test_a_checkpoint_is_the_model_after_so_many_steps(shelf, step):
    model = engine.load(f"tale@{step}", device="cpu")
    expected = unpacked(packed(dict(then(step, **choices_of(model)).named_parameters())))
    assert model.name == f"tale@{step}"
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, expected[name]), name


def test_the_first_checkpoint_is_the_random_start_of_its_seed(shelf):
    model = engine.load("tale@0", device="cpu")
    for name, parameter in fresh(model.config, seed=7).named_parameters():
        assert torch.equal(parameter, model.get_parameter(name)), name


@pytest.mark.parametrize("name", ["tale", "tale@40"])
def test_what_stands_beside_a_model_stands_beside_its_checkpoints(shelf, name):
    assert home(name) == shelf / "tale"


@pytest.mark.parametrize("step", [0, 40])
def test_a_checkpoint_is_ready_to_run(shelf, step):
    model = engine.load(f"tale@{step}", device="cpu")
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert model.logits.weight is model.embed.token.weight
    assert engine.run(model, "The cat")["logits"].isfinite().all()


def test_a_model_without_a_checkpoint_in_its_name_is_the_finished_one(shelf):
    model = engine.load("tale", device="cpu")
    finished = then(0, **choices_of(model))
    assert torch.equal(model.blocks[0].mlp.pre.weight, finished.blocks[0].mlp.pre.weight.half().float())
    assert model.name == "tale"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tale@3", "tale has no checkpoint 3; there are: 0, 2, 40, 1234"),
        ("bare@2", "bare has no checkpoint 2; there are: none"),
        ("bare@0", "bare has no checkpoint 0; there are: none"),
        ("tale@", "no model 'tale@' on this machine"),
        ("tale@last", "no model 'tale@last' on this machine"),
        ("tale@-1", "no model 'tale@-1' on this machine"),
        ("tale@²", "no model 'tale@²' on this machine"),
        ("other@2", "no model 'other@2' on this machine"),
    ],
)
def test_a_checkpoint_that_there_is_not_is_an_error_that_says_what_there_is(shelf, name, message):
    with pytest.raises(ValueError) as error:
        engine.load(name, device="cpu")
    assert message in str(error.value)


def test_a_checkpoint_that_does_not_fit_its_config_is_an_error(shelf):
    file = shelf / "tale" / "checkpoints" / "000040.safetensors"
    weights = load_file(file)
    del weights["blocks.1.attn.q.weight"], weights["blocks.1.attn.q.weight.scale"]
    save_file(weights, file)
    with pytest.raises(
        ValueError, match=r"000040.safetensors does not fit .*\n.*missing: blocks.1.attn.q.weight"
    ):
        engine.load("tale@40", device="cpu")


def test_a_damaged_checkpoint_is_an_error(shelf):
    file = shelf / "tale" / "checkpoints" / "000040.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"000040.safetensors is damaged or not a safetensors file"):
        engine.load("tale@40", device="cpu")


def test_a_random_start_needs_its_seed(shelf):
    (shelf / "tale" / "learning.json").unlink()
    with pytest.raises(ValueError, match=r"has no learning.json"):
        engine.load("tale@0", device="cpu")


def test_a_checkpoint_checks_the_vocabulary_like_the_model(shelf):
    configure(shelf / "tale", vocabulary=299)
    with pytest.raises(ValueError, match=r"misshapen: embed.token.weight"):
        engine.load("tale@40", device="cpu")
