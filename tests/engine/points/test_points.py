"""The vocabulary names what the model makes, in its order, with its axes and its parts."""

import pytest

from engine.config import Config
from engine.points import points_of
from engine.points.recurrent import recurrent_points
from engine.points.transformer import within
from engine.trace.tables import table_of
from engine.worked.recipes import KINDS
from engine.worked.recipes.kinds import recipe
from tests.engine.tiny import BARE, CHOICES, CONVOLVED, ENCODER, PAIRS, RECURRENT, SIZES, VIT, pair, recurrent


def test_every_point_is_made_once_in_the_order_of_the_table(trace):
    assert list(trace._kept) == list(points_of(trace.model.config)) == trace.points()


def test_every_tensor_has_the_axes_of_its_point(trace):
    c = trace.model.config
    lengths = dict(B=2, T=11, S=11, D=c.width, H=c.heads, G=c.key_heads, F=c.mlp_width, V=c.vocabulary)
    lengths["E"] = c.head_width
    for name, point in points_of(c).items():
        assert list(trace[name].shape) == [lengths.get(axis, 1) for axis in point.axes], name


def test_every_source_is_made_before_its_point(model):
    made = set()
    for point in points_of(model.config).values():
        assert made.issuperset(point.sources), point.name
        made.add(point.name)


def test_a_point_has_a_recipe_and_a_meaning(model):
    for point in points_of(model.config).values():
        assert point.kind in KINDS
        assert point.meaning


def test_parts_carry_the_names_of_the_points_they_make(model):
    kinds = ("token_embedding", "position_embedding", "affine", "linear", "heads", "merge_heads")
    with_weights = [point.weights for point in points_of(model.config).values() if point.kind in kinds]
    parts = {name.rpartition(".")[0] for name, _ in model.named_parameters(remove_duplicate=False)}
    assert set(with_weights) == parts


# --- where a point belongs ------------------------------------------------------------------------


def test_a_name_is_composed_of_where_the_point_belongs():
    table = points_of(Config(**SIZES | dict(memory=15)))
    for name, fields in {
        "memory": (None, "", "memory"),
        "embed.token": (None, "embed", "token"),
        "blocks.1.resid_mid": (1, "", "resid_mid"),
        "blocks.2.attn.q": (2, "attn", "q"),
        "blocks.2.cross.norm.mean": (2, "cross.norm", "mean"),
        "final_norm.out": (None, "final_norm", "out"),
        "logits": (None, "", "logits"),
    }.items():
        point = table[name]
        assert (point.stack, point.layer, point.part, point.short) == ("", *fields)
        assert point.name == name


def test_a_name_is_the_same_in_all_stacks_but_for_the_stack():
    config = Config(**SIZES)
    for own, point in zip(points_of(config).values(), within("encoder", config), strict=True):
        assert (point.stack, point.name, point.local) == ("encoder", f"encoder.{own.name}", own.local)
        assert point.weights == f"encoder.{own.weights}"


def test_a_local_name_is_the_same_in_all_blocks():
    table = points_of(Config(**SIZES))
    assert {table[f"blocks.{i}.attn.norm.mean"].local for i in range(3)} == {"attn.norm.mean"}
    assert recurrent_points(recurrent("gru").config, 3, 2)["decoder.steps.1.reset"].local == "steps.1.reset"


# --- kinds ----------------------------------------------------------------------------------------


def test_every_kind_is_that_of_some_point():
    tables = [points_of(Config(**SIZES | choices)) for choices in (*CHOICES.values(), VIT)]
    tables += [table_of(pair(**choices).config, None) for choices in PAIRS.values()]
    for cell, attention in RECURRENT.values():
        tables.append(recurrent_points(recurrent(cell, attention).config, 2, 2, True, True))
        for encoder in (ENCODER, CONVOLVED, BARE):
            config = recurrent(cell, attention, encoder=encoder).config
            tables.append(recurrent_points(config, encoder.context, 2))
    assert {point.kind for table in tables for point in table.values()} == set(KINDS)


def test_a_kind_has_one_recipe():
    with pytest.raises(ValueError, match="two recipes for the kind 'softmax'"):
        recipe("softmax", whole=len, cell=len)
