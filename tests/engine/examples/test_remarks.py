"""What the slides say and what is so instead: each remark that names a test is proved here, on a shipped model
where there is one for it."""

import datetime
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

import engine
from engine.decode.cost import SHAPES, parameters
from engine.examples import names, shipped, values_of
from tests.engine.examples.test_lectures import softmax

FILE = Path(engine.__file__).parents[1] / "assets" / "text" / "remarks.toml"
REMARKS = tomllib.loads(FILE.read_text("utf-8"))["remark"]
KINDS = {"pair", "formula", "unit", "name", "loose", "rounded"}
MODELS = ("bookworm", "storybook", "fabulist", "wordfinder", "interpreter")
TEXT = "The cat sat on the mat."


@pytest.fixture(scope="module")
def models():
    return {name: engine.load(name) for name in MODELS}


@pytest.fixture(scope="module")
def given():
    random = np.random.default_rng(0)
    return random.normal(size=(4, 3)), *(random.normal(size=(3, 3)) for _ in range(3))


def attention(x, wq, wk, wv, causal=False):
    scores = (x @ wq) @ (x @ wk).T / np.sqrt(3)
    hidden = np.triu(np.ones(scores.shape, bool), 1) & causal
    return softmax(np.where(hidden, -np.inf, scores)) @ (x @ wv)


# --- the file ----------------------------------------------------------------------------------------


def test_every_proof_that_is_named_is_there():
    for remark in REMARKS:
        assert set(remark) <= {"lecture", "place", "kind", "says", "holds", "example", "test"}
        assert remark["kind"] in KINDS and remark["lecture"] in ("000", "001", "002", "003", "004")
        if "test" in remark:
            assert callable(globals().get(remark["test"])), remark["test"]


def test_every_example_that_is_named_is_there():
    missing = {remark["example"] for remark in REMARKS if "example" in remark} - set(names())
    assert not missing


def test_every_proof_is_of_a_remark():
    about = [name for name in globals() if name.startswith("test_") and not name.startswith("test_every_")]
    counts = {"test_shapes_give_what_a_model_of_them_has"}
    assert set(about) - counts == {remark["test"] for remark in REMARKS if "test" in remark}


# --- attention ---------------------------------------------------------------------------------------


def test_scores_are_divided_by_the_root_of_a_heads_width(models):
    model = models["bookworm"]
    run, width = engine.run(model, TEXT), model.config.head_width
    assert width < model.config.width
    scaled = run["blocks.0.attn.dots"] / width**0.5
    assert torch.allclose(run["blocks.0.attn.scores"], scaled, rtol=1e-5)


def test_mixed_indices_add_up_over_queries(given):
    x, wq, wk, wv = given
    q, k, v = x @ wq, x @ wk, x @ wv
    e = q @ k.T  # e[i, j]: query i, key j, as the slide has it
    over_first = np.exp(e) / np.exp(e).sum(0)  # its softmax and sum are over i
    mixed = over_first.T @ v
    right = softmax(e) @ v
    assert not np.allclose(mixed, right)
    e = k @ q.T  # e[i, j]: key i, query j
    assert np.allclose((np.exp(e) / np.exp(e).sum(0)).T @ v, right)


def test_minus_infinity_gives_nothing_and_nan_spoils_the_row():
    scores = torch.tensor([[1.0, -torch.inf], [1.0, torch.nan]])
    weights = scores.softmax(-1)
    assert weights[0].tolist() == [1.0, 0.0]
    assert weights[1].isnan().all()


def test_a_causal_model_looks_at_the_current_word(models):
    pattern = engine.run(models["bookworm"], TEXT)["blocks.0.attn.pattern"][0]
    assert (pattern.diagonal(dim1=-2, dim2=-1) > 0).all()
    assert (pattern[:, 0, 0] == 1).all()


def test_an_encoders_attention_can_have_full_rank(models):
    pattern = engine.run(models["wordfinder"], TEXT)["blocks.0.attn.pattern"][0].double()
    assert (torch.linalg.matrix_rank(pattern) == pattern.shape[-1]).any()
    values = values_of(shipped("rank"))
    assert float(values["rank_S"].numbers) == 1 and float(values["rank_A"].numbers) == 3


def test_attention_is_equivariant_not_invariant(given):
    x, *weights = given
    order = [0, 2, 1, 3]
    before, after = attention(x, *weights), attention(x[order], *weights)
    assert np.allclose(after, before[order]) and not np.allclose(after, before)


def test_a_causal_mask_breaks_equivariance(given):
    x, *weights = given
    order = [0, 2, 1, 3]
    before, after = attention(x, *weights, causal=True), attention(x[order], *weights, causal=True)
    assert not np.allclose(after, before[order])
    assert np.allclose(after[3], before[3])  # the last word sees all, in whatever order


def test_heads_are_mixed_by_an_output_matrix(models):
    run = engine.run(models["bookworm"], TEXT)
    joined = run["blocks.0.attn.z"][0].transpose(0, 1).flatten(1)
    out = models["bookworm"].blocks[0].attn.out
    assert torch.allclose(run["blocks.0.attn.out"][0], out(joined), atol=1e-4)
    assert not torch.allclose(run["blocks.0.attn.out"][0], joined, atol=1e-2)


def test_a_row_of_weights_is_of_the_word_that_asks():
    values = values_of(shipped("reza_lives"))
    w, v, z = (values[name].numbers for name in "WVZ")
    assert np.allclose(w.sum(1), 1)
    more = v + np.array(
        [[0, 0, 0], [1, 1, 1]]
    )  # word 2 has other values: word 1's result moves by row 1, column 2
    assert np.allclose((w @ more - z)[0], w[0, 1])


def test_masked_weights_do_not_add_up():
    values = values_of(shipped("causal_mask"))
    afterwards = np.tril(softmax(values["S"].numbers))
    assert np.allclose(values["causal_A"].numbers.sum(1), 1)
    assert not np.allclose(afterwards.sum(1), 1) and not np.allclose(afterwards, values["causal_A"].numbers)


def test_attention_needs_no_square_of_memory(given):
    x, wq, wk, wv = given
    whole = attention(x, wq, wk, wv)
    for query, wanted in zip(x @ wq, whole, strict=True):
        most, total, mixed = -np.inf, 0.0, np.zeros(3)
        for key, v in zip(x @ wk, x @ wv, strict=True):  # one key at a time, nothing else is kept
            score = query @ key / np.sqrt(3)
            new = max(most, score)
            total = total * np.exp(most - new) + np.exp(score - new)
            mixed = mixed * np.exp(most - new) + np.exp(score - new) * v
            most = new
        assert np.allclose(mixed / total, wanted)


# --- the models' parts -------------------------------------------------------------------------------


def test_one_mlp_serves_all_positions_and_heads(models):
    for stack in (models["interpreter"].encoder, models["interpreter"].decoder):
        for block in stack.blocks:
            assert block.mlp.pre.weight.shape[1] == stack.config.width  # all heads together
            x = torch.randn(1, 3, stack.config.width)
            each = torch.cat([block.mlp.pre(x[:, i : i + 1]) for i in range(3)], 1)
            assert torch.allclose(block.mlp.pre(x), each, atol=1e-5)


def test_an_mlp_is_in_every_block(models):
    blocks = [*models["interpreter"].encoder.blocks, *models["interpreter"].decoder.blocks]
    assert len({id(block.mlp.pre.weight) for block in blocks}) == len(blocks)


def test_a_decoder_alone_has_no_cross_attention(models):
    assert not any(".cross." in name for name, _ in models["bookworm"].named_parameters())
    assert any(".cross." in name for name, _ in models["interpreter"].named_parameters())


def test_layernorm_has_a_scale_for_each_dimension(models):
    norm, width = models["bookworm"].blocks[0].attn.norm, models["bookworm"].config.width
    assert norm.weight.shape == norm.bias.shape == (width,)
    assert norm.weight.unique().numel() > 1


def test_norms_come_before_or_after(models):
    after = {name for name, model in models.items() if model.reads[-1].post_norm}
    assert after == {"wordfinder", "interpreter"}


def test_two_sentences_are_told_apart(models):
    tokenizer = models["wordfinder"].tokenizer
    ids, segments = tokenizer.encode_pair("Sam is here.", "Sam is away.")
    assert ids.count(tokenizer.end) == 2 and set(segments) == {0, 1}


def test_a_hidden_word_keeps_its_place(models):
    from engine.masked import lesson

    ids = models["wordfinder"].tokenizer.encode(TEXT)
    read = lesson(models["wordfinder"], ids, seed=0)
    assert len(read) == len(ids)


def test_a_character_never_seen_is_unknown_to_wordpiece(models):
    tokenizer = models["wordfinder"].tokenizer
    assert b"[UNK]" in [tokenizer.shown(id) for id in tokenizer.encode("漢")]
    bytewise = models["bookworm"].tokenizer
    assert bytewise.decode(bytewise.encode("漢")) in ("漢", "漢".encode())


def test_writing_costs_more_than_linear_time():
    values = values_of(shipped("rnn_against_transformer"))
    n, products = values["n"].numbers, values["score_products"].numbers
    assert np.allclose(products / products[0], (n / n[0]) ** 2)


# --- derivatives -------------------------------------------------------------------------------------


def test_softmax_backward_is_a_row_and_linear_wants_a_column():
    b, g = softmax([[0.5, -1.0, 2.0]]).T, np.array([[0.3], [-0.2], [0.1]])
    jacobian = np.diag(b[:, 0]) - b @ b.T
    as_printed = g.T @ jacobian
    assert as_printed.shape == (1, 3)
    a = np.array([[1.0], [2.0]])
    with pytest.raises(ValueError):
        as_printed @ a.T  # linear's backward: g aᵀ
    assert (as_printed.T @ a.T).shape == (3, 2)
    assert np.allclose(as_printed.T, jacobian @ g)


def test_the_chain_rule_adds_up_over_all_outputs():
    w = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])  # two inputs, B = 3 outputs
    a = torch.tensor([0.5, -1.0], requires_grad=True)
    ((w @ a) ** 2).sum().backward()
    each = 2 * (w @ a.detach())[:, None] * w
    assert torch.allclose(a.grad, each.sum(0)) and not torch.allclose(a.grad, each[:1].sum(0))


def test_linear_backward_needs_its_parameters():
    a, g = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([1.0, -1.0])
    found = []
    for w in (torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 1.0], [0.0, 3.0]])):
        found.append(torch.autograd.grad(w @ a, a, g)[0])
        assert torch.allclose(found[-1], w.T @ g)
    assert not torch.allclose(*found)  # the same a and g, another gradient


def test_linear_layers_of_pytorch_have_biases():
    layers = torch.nn.Linear(28 * 28, 512), torch.nn.Linear(512, 512)
    count = sum(p.numel() for layer in layers for p in layer.parameters())
    values = values_of(shipped("parameters_network"))
    assert count == values["total"].numbers != values["without_biases"].numbers


def test_a_call_without_its_argument_fails():
    class AsPrinted(torch.nn.Linear):
        def __call__(self):
            self.forward()

    with pytest.raises(TypeError):
        AsPrinted(2, 2)(torch.zeros(2))
    with pytest.raises(TypeError):
        AsPrinted(2, 2)()


# --- dates and counts --------------------------------------------------------------------------------


def test_dates_of_the_reminders():
    days = [datetime.date(2024, *day).strftime("%a") for day in ((11, 7), (11, 17))]
    assert days == ["Thu", "Sun"]
    assert (datetime.date(2024, 11, 7) - datetime.date(2024, 3, 27)).days > 200


def test_shapes_give_what_a_model_of_them_has():
    sizes = [SHAPES[f"GPT-2 {name}"].config for name in ("small", "XL")]
    totals = values_of(shipped("parameters_gpt2"))["total"].numbers
    assert [parameters(size) for size in sizes] == [totals[0], totals[3]]
    llama = values_of(shipped("parameters_llama"))["total"].numbers
    assert parameters(SHAPES["LLaMA-2-70B"].config) == llama[0]
