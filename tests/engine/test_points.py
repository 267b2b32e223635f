"""The vocabulary names what the model makes, in its order, with its axes and its parts."""

from engine.points import points_of
from engine.recipes import KINDS


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
