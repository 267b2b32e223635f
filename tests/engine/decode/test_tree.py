"""Greedy, samples, beams and the exact search on one tree."""

import itertools

import pytest
import torch

import engine
from engine.decode import Decoding, generate, path
from engine.decode.tree import exact, sample, tree
from tests.engine.decode.test_cached import WRITERS, reads
from tests.engine.tiny import decoder, prompt


def unsure(seed: int, vocabulary: int = 6):
    """A model whose probabilities are not far from even: greedy search is often wrong."""
    model = decoder(vocabulary=vocabulary, seed=seed, tied=False)
    model.logits.weight.mul_(0.2)
    return model


def best_by_force(model, ids: list[int], length: int, ends=()) -> tuple[list[int], float]:
    """The most probable text, by reading all of them."""
    V, found = model.config.vocabulary, []
    for n in range(1, length + 1):
        texts = [
            text
            for text in itertools.product(range(V), repeat=n)
            if not set(text[:-1]) & set(ends) and (n == length or text[-1] in ends)
        ]
        if texts:
            new = torch.tensor(texts)
            rows = torch.cat([torch.tensor([ids]).expand(len(new), -1), new], 1)
            logits = model(rows)[:, len(ids) - 1 : -1].log_softmax(-1)
            sums = logits.gather(-1, new[..., None])[..., 0].sum(-1)
            found.append((-sums.max().item(), new[sums.argmax()].tolist()))
    return min(found)[::-1]


@pytest.mark.parametrize("ends", [(), (2,), (0, 4)])
@pytest.mark.parametrize("length", [1, 2, 4])
def test_the_exact_search_finds_what_reading_every_text_finds(ends, length):
    missed = 0
    for seed in range(8):
        model = unsure(seed)
        model.ends = ends
        found = exact(model, [1, 3], length)
        ids, total = best_by_force(model, [1, 3], length, ends)
        assert path(found.nodes, found.leaf) == ids
        assert found.nodes[found.leaf].total == pytest.approx(total)
        missed += tree(model, [1, 3], length, seeds=()).ids("greedy") != ids
    assert missed or length < 4


def test_with_few_branches_it_is_exact_among_those():
    model = decoder(vocabulary=30, seed=1)
    few, all_ = exact(model, [1], 3, branches=2), exact(model, [1], 3)
    assert few.steps <= all_.steps
    assert few.nodes[few.leaf].total >= all_.nodes[all_.leaf].total - 1e-9
    assert exact(model, [1], 3, branches=1).steps == 2 * 3  # greedy twice: to find it, and to prove it


def test_it_says_where_it_would_read_too_much():
    with pytest.raises(ValueError, match="at most 3 are read: ask for fewer `max_new_tokens`, or for a few"):
        exact(decoder(**dict(vocabulary=90)), [1], 9, most=3)


@pytest.mark.parametrize("name", WRITERS)
def test_ways_of_every_model_stand_on_one_tree(name):
    model = WRITERS[name]()
    found = tree(model, reads(model), max_new_tokens=4, seeds=(0, 1), width=3)
    assert list(found.ends) == ["greedy", "sample 0", "sample 1", "beam"]
    places = [(node.parent, node.id) for node in found.nodes]
    assert len(set(places)) == len(places)
    assert all(node.parent is None or node.parent < i for i, node in enumerate(found.nodes))
    for way, leaves in found.ends.items():
        for leaf in leaves:
            node = leaf
            while node is not None:
                assert way in found.by[node]
                node = found.nodes[node].parent
    written = [step.id for step in generate(model, reads(model), Decoding(max_tokens=4))]
    assert found.ids("greedy")[: len(written)] == written


@pytest.mark.parametrize("seed", range(4))
def test_a_sample_is_what_generate_draws(seed):
    model = decoder()
    nodes, (leaf,), steps = sample(model, prompt(5), seed, 8)
    drawn = list(generate(model, prompt(5), Decoding("sample", seed=seed, max_tokens=8)))
    assert path(nodes, leaf) == [step.id for step in drawn] and steps == 8
    assert [node.cost for node in nodes] == pytest.approx(
        [-torch.tensor(step.probability).double().log().item() for step in drawn], rel=1e-5
    )


def test_what_each_way_costs():
    found = tree(decoder(vocabulary=9), prompt(5, vocabulary=9), 6, seeds=(0,), width=4, exactly=True)
    assert found.steps["greedy"] == found.steps["sample 0"] == 6
    assert found.steps["beam"] == 1 + 4 * 5
    assert found.steps["exact"] > found.steps["greedy"]
    assert found.total("exact") <= found.total("beam") + 1e-9
    assert found.total("exact") <= found.total("greedy") + 1e-9


def test_the_shipped_model_has_a_prompt_where_greedy_misses_the_best_path():
    model = engine.load("storybook")
    found = tree(model, "Once upon a time", 4, seeds=(), width=2, exactly=True)
    assert found.total("exact") < found.total("beam") - 1 < found.total("greedy") - 1
    assert model.tokenizer.decode(found.ids("exact")) == " means long ago."
    assert found.steps == {"greedy": 4, "beam": 7, "exact": 14}


@pytest.mark.parametrize("prompt", ["The animal didn't cross the street because it was too", "The cat sat"])
def test_the_exact_search_does_not_lose_greedy_searchs_text_by_rounding(prompt):
    found = tree(engine.load(), prompt, 4, seeds=(), exactly=True)
    assert found.ends["exact"] != [None]
    assert found.total("exact") <= found.total("greedy") + 1e-4
