"""Every entry of every layout's config.json is obeyed, harmless or refused by its name; never other numbers."""

import dataclasses
import json
import shutil

import pytest

from engine.load import LAYOUTS
from tests.engine import reference
from tests.engine.load.damage import configure, load, numbers, reloaded
from tests.engine.tiny import assert_close

OLD = {  # entries that the reference reads beside the fields of its classes
    "gpt2": ("n_ctx",),
    "llama": ("rope_theta", "rope_scaling", "partial_rotary_factor", "sliding_window"),
    "bloom": ("n_embed", "seq_length", "n_inner"),
    "bert": ("position_embedding_type", "pruned_heads"),
    "t5": ("n_positions", "decoder_start_token_id"),
}
OLD |= {"mixtral": OLD["llama"], "qwen3": OLD["llama"]}
EVERY = ("torch_dtype", "quantization_config", "per_layer_config", "temperature", "max_length", "num_labels")
OTHER = {  # values unlike the usual that mean something
    "dtype": "float16",
    "torch_dtype": "bfloat16",
    "activation_function": "relu",
    "hidden_act": "relu",
    "dense_act_fn": "silu",
    "feed_forward_proj": "silu",
    "rope_parameters": {"rope_type": "default", "rope_theta": 50.0},
    "rope_scaling": {"rope_type": "linear", "factor": 2.0},
    "rope_theta": 77.0,
    "partial_rotary_factor": 0.5,
    "layer_types": ["sliding_attention"] * 3,
    "position_embedding_type": "relative_key",
    "pruned_heads": {"0": [1]},
    "quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True},
    "per_layer_config": {"0": {"num_attention_heads": 1}},
    "id2label": {"0": "a", "1": "b", "2": "c", "3": "d", "4": "e"},
    "architectures": ["SomethingElse"],
    "problem_type": "regression",
    "chunk_size_feed_forward": 3,
}


def entries_of(layout: str) -> list[str]:
    """Every entry that the reference's class of a layout has or knows under another name."""
    kind = reference.LAYOUTS[layout].make().config.__class__
    names = {field.name for field in dataclasses.fields(kind)} | kind.attribute_map.keys()
    return sorted(names.union(kind().to_dict(), OLD.get(layout, ()), EVERY) - {"model_type"})


def changed(name: str, value):
    """Another value than this."""
    if name in OTHER:
        return OTHER[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.5 + 0.01
    return {"x": 1} if isinstance(value, dict) else "x" if isinstance(value, str) else 2


def compare(folder, layout: str, reference, *names: str) -> None:
    """Loading gives the reference's numbers, or is refused with the name of an entry or of a tensor."""
    try:
        model = load(folder)
    except ValueError as error:
        named = any(name in str(error) for name in names)
        assert named or "does not fit its config.json" in str(error) or "weights are" in str(error), error
        return
    try:
        theirs, _ = reloaded(folder, reference)
    except Exception:  # a value that its class refuses: then it must not matter here
        theirs = reference
    assert_close(numbers(model.double(), layout), numbers(theirs, layout), noise=1e-4)


CASES = [(layout, name) for layout in LAYOUTS for name in entries_of(layout)]


@pytest.mark.parametrize(("layout", "name"), CASES)
def test_an_entry_is_obeyed_harmless_or_refused_by_its_name(checkpoint, tmp_path, layout, name):
    made = checkpoint(layout=layout)
    folder = shutil.copytree(made.folder, tmp_path / "other")
    before = json.loads((folder / "config.json").read_text()).get(name)
    same = LAYOUTS[layout].SAME.get(name, name)
    configure(folder, **{name: changed(name, before)})
    compare(folder, layout, made.reference, name, same)
    if before is not None:
        configure(folder, **{name: ...})
        compare(folder, layout, made.reference, name, same)
