"""Files of a checkpoint folder: read safely, checked completely."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from engine.config import Config, PairConfig, RecurrentConfig
from engine.model.build import model_of


def read_json(path: Path) -> dict:
    """A JSON object from a file; a ValueError if it is missing, damaged or not an object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path.parent} has no {path.name}; a checkpoint folder needs one") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, not an object {{…}}")
    return content


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of model.safetensors, or of the shards that its index names."""
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").exists():
        files = ["model.safetensors"]
    elif index.exists():
        files = _shards(index)
    else:
        raise ValueError(
            f"{folder} has neither model.safetensors nor {index.name}; found: {_listing(folder)}. "
            "Only safetensors files are read (a .bin or .pt file can run code when it is opened)"
        )
    weights: dict[str, Tensor] = {}
    for name in files:
        weights |= read_tensors(folder / name)
    return weights


def _shards(index: Path) -> list[str]:
    table = read_json(index).get("weight_map")
    if not isinstance(table, dict) or not all(isinstance(name, str) for name in table.values()):
        raise ValueError(f"{index} has no weight_map of tensor names to file names")
    names = sorted(set(table.values()))
    outside = [name for name in names if Path(name).name != name or not name.endswith(".safetensors")]
    if outside:
        raise ValueError(f"{index.name} names files that are not .safetensors of this folder: {outside}")
    missing = [name for name in names if not (index.parent / name).exists()]
    if missing:
        raise ValueError(f"{index.parent} lacks shards that {index.name} names: {', '.join(missing)}")
    return names


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of one safetensors file by name; a ValueError if it is damaged or not one."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged or not a safetensors file: {error}") from None


def _listing(folder: Path) -> str:
    return ", ".join(sorted(f.name for f in folder.iterdir())[:12]) or "nothing"


class _Unset(TorchFunctionMode):
    """Skip initialisation: the weights are loaded anyway. Torch's meta device would import its compiler, which
    takes more than a second."""

    def __torch_function__(self, call, types, arguments=(), options=None):
        first = getattr(call, "__module__", "") == "torch.nn.init"
        return options["tensor"] if first else call(*arguments, **(options or {}))


def build(config: Config | PairConfig | RecurrentConfig, weights: dict[str, Tensor], source: str) -> nn.Module:
    """A model holding `weights` (by this project's names) in float32; all misfits in one error."""
    for stack in config.stacks:
        _check_sizes(stack, weights, source)
    with torch.device("meta"), _Unset():
        model = model_of(config)
    wanted = dict(model.named_parameters())
    troubles = [f"missing: {name}" for name in sorted(wanted.keys() - weights.keys())]
    troubles += [f"unexpected: {name}" for name in sorted(weights.keys() - wanted.keys())]
    for name in sorted(wanted.keys() & weights.keys()):
        has, needs = tuple(weights[name].shape), tuple(wanted[name].shape)
        if has != needs:
            troubles.append(f"misshapen: {name} is {has}, config.json asks for {needs}")
        elif not weights[name].isfinite().all():
            troubles.append(f"broken: {name} holds numbers that are not finite")
    if troubles:
        more = f"\n  … and {len(troubles) - 30} more" if len(troubles) > 30 else ""
        raise ValueError(f"{source} does not fit its config.json:\n  " + "\n  ".join(troubles[:30]) + more)
    model.load_state_dict({n: _laid_out(w.float()) for n, w in weights.items()}, strict=False, assign=True)
    model.tie()
    return model


def _check_sizes(config: Config | RecurrentConfig, weights: dict[str, Tensor], source: str) -> None:
    """A ValueError if a size exceeds what the weights can hold, before torch allocates it."""
    numbers = sum(w.numel() for w in weights.values())
    counts = ("vocabulary", "context", "width", "mlp_width", "segments", "channels")
    counts += ("heads", "key_heads", "head_width", "memory")
    limits = dict.fromkeys(counts, numbers) | {"layers": len(weights)}
    limits["experts"] = len(weights) // getattr(config, "layers", 1)  # of each block
    if getattr(config, "positions", "") == "relative":
        limits["buckets"] = numbers
    for name, limit in limits.items():
        if getattr(config, name, 0) > limit:  # a recurrent model has only some of them
            raise ValueError(
                f"{source}: config.json says {name} = {getattr(config, name)}; "
                f"its weights are {len(weights)} tensors of {numbers:,} numbers together"
            )


def _laid_out(w: Tensor) -> Tensor:
    """The same matrix, in memory input by input where it has more outputs than inputs: the product with a
    single token's vector, which is what generation does, is up to twice as fast on a CPU."""
    return w.T.contiguous().T if w.dim() == 2 and w.shape[0] > w.shape[1] else w
