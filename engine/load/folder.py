"""Files of a checkpoint folder: read safely, checked completely."""

import math
import os
from collections import Counter
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from engine.config import Config, PairConfig, RecurrentConfig
from engine.load.files import check_file, is_there, read_json
from engine.load.layout import equal
from engine.load.settings import shown
from engine.model.build import model_of

READ = (torch.float32, torch.float16, torch.bfloat16, torch.float64)  # types of weights; all become float32
MOST_TENSORS, MOST_LAYERS = 20_000, 1000  # ten times what the largest model of a layout here has
TABLES = 4  # matrices of one shape that may be copies: of tokens in two stacks, shared ones, of logits
HEADERS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
HEADERS |= {"BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16}
HEADERS |= {"I32": torch.int32, "I64": torch.int64}  # types as a header names them
WHOLE = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)  # of masks, of checkpoints


def read_weights(folder: Path, headers: bool = False) -> dict[str, Tensor]:
    """All tensors of model.safetensors, or of the shards that its index names; see read_tensors.

    headers: no numbers are read, all tensors are on torch's meta device
    """
    files = files_of(folder)
    if not headers:
        _check_room(folder, sum(check_file(folder / name) for name in files))
    weights: dict[str, Tensor] = {}
    for file in files:
        found = read_headers(folder / file) if headers else read_tensors(folder / file)
        for name in weights.keys() & found.keys():
            if not equal(weights[name], found[name]):
                raise ValueError(f"{folder}: {shown(name)} stands in two shards and differs; {file} is one")
        weights |= found
    return weights


def files_of(folder: Path) -> list[str]:
    """The names of the files that hold a folder's weights; a ValueError where there are none that are read."""
    index = folder / "model.safetensors.index.json"
    if is_there(folder / "model.safetensors"):
        return ["model.safetensors"]
    if is_there(index):
        return _shards(index)
    raise ValueError(
        f"{folder} has neither model.safetensors nor {index.name}; found: {_listing(folder)}. "
        "Only safetensors files are read (a .bin or .pt file can run code when it is opened)"
    )


def _check_room(folder: Path, size: int) -> None:
    """A ValueError where weights take more bytes than the machine has memory, if the system tells."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if size > room > 0:
            raise ValueError(f"{folder}: the weights are {size:,} bytes; this machine's memory is {room:,}")


def _shards(index: Path) -> list[str]:
    table = read_json(index).get("weight_map")
    if not isinstance(table, dict) or not all(isinstance(name, str) for name in table.values()):
        raise ValueError(f"{index} has no weight_map of tensor names to file names")
    names = sorted(set(table.values()))
    outside = [name for name in names if Path(name).name != name or not name.endswith(".safetensors")]
    if outside:
        raise ValueError(f"{index.name} names files that are not .safetensors of this folder: {_some(outside)}")
    missing = [name for name in names if not is_there(index.parent / name)]
    if missing:
        raise ValueError(f"{index.parent} lacks shards that {index.name} names: {_some(missing)}")
    return names


def _some(names: list[str]) -> str:
    return ", ".join(name[:80] for name in names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of one safetensors file by name, weights in float32, whole numbers as they are; a ValueError
    where it is damaged or none, or has numbers of another type."""
    tensors = _opened(path, lambda file: file.get_tensors())
    for name, w in tensors.items():
        if w.dtype not in READ + WHOLE:
            raise ValueError(f"{path}: {shown(name)} is {_type(w)}; weights are read in {_types()}")
    return {name: w.float() if w.dtype in READ else w for name, w in tensors.items()}


def read_headers(path: Path) -> dict[str, Tensor]:
    """The same tensors without their numbers, on torch's meta device: only the file's header is read, and the
    first numbers of matrices that may be copies of one another, which their `sign` holds."""
    tensors = _opened(path, lambda file: {name: _header(file.get_slice(name)) for name in file.keys()})  # noqa: SIM118 (no dict)
    for name, w in tensors.items():
        if isinstance(w, str):
            raise ValueError(f"{path}: {shown(name)} is {w}; weights are read in {_types()}")
    return tensors


def _header(part) -> Tensor | str:
    """A tensor of a file by its type and shape; the name of a type that is not read."""
    dtype = HEADERS.get(part.get_dtype())
    if dtype is None:
        return part.get_dtype()
    return torch.empty(part.get_shape(), dtype=torch.float32 if dtype in READ else dtype, device="meta")


def _opened(path: Path, read) -> dict:
    """What `read` takes from a safetensors file; a ValueError where it is damaged or none."""
    check_file(path)
    try:
        with safe_open(path, "pt") as file:
            count = len(file.keys())
            tensors = read(file) if count <= MOST_TENSORS else {}
            _sign(file, tensors)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is damaged or not a safetensors file: {error}") from None
    if count > MOST_TENSORS:
        raise ValueError(f"{path} has {count:,} tensors; such a file has at most {MOST_TENSORS:,}")
    return tensors


def _sign(file, tensors: dict) -> None:
    """Give matrices without numbers, of whose shape there are few, their first numbers: tables may be one."""
    many = Counter(w.shape for w in tensors.values() if isinstance(w, Tensor) and w.is_meta and w.dim() == 2)
    for name, w in tensors.items():
        if isinstance(w, Tensor) and w.is_meta and 0 < many[w.shape] <= TABLES and w.numel():
            w.sign = tuple(file.get_slice(name)[:1, :8].flatten().tolist())


def _type(w: Tensor) -> str:
    return str(w.dtype).removeprefix("torch.")


def _types() -> str:
    return ", ".join(str(dtype).removeprefix("torch.") for dtype in READ)


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
    weights, troubles = _once(model, weights)
    troubles += [f"missing: {name}" for name in sorted(wanted.keys() - weights.keys())]
    troubles += [f"unexpected: {name[:200]}" for name in sorted(weights.keys() - wanted.keys())]
    for name in sorted(wanted.keys() & weights.keys()):
        has, needs = tuple(weights[name].shape), tuple(wanted[name].shape)
        if has != needs:
            troubles.append(f"misshapen: {name} is {has}, config.json asks for {needs}")
        elif weights[name].dtype not in READ:
            troubles.append(f"unread: {name} is {_type(weights[name])}; weights are read in {_types()}")
        elif not weights[name].is_meta and not weights[name].float().isfinite().all():
            troubles.append(f"broken: {name} holds numbers that are not finite in float32")
    if troubles:
        more = f"\n  … and {len(troubles) - 30} more" if len(troubles) > 30 else ""
        raise ValueError(f"{source} does not fit its config.json:\n  " + "\n  ".join(troubles[:30]) + more)
    model.load_state_dict({n: _laid_out(w.float()) for n, w in weights.items()}, strict=False, assign=True)
    model.tie()
    return model


def _once(model: nn.Module, weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Weights without second copies of what parts of the model share; copies that differ are troubles."""
    first = {id(p): name for name, p in model.named_parameters()}
    every = ((name, first[id(p)]) for name, p in model.named_parameters(remove_duplicate=False))
    once, troubles = dict(weights), []
    for second, name in every:
        if second == name or second not in once:
            continue
        copy = once.pop(second)
        if not equal(once.setdefault(name, copy), copy):
            troubles.append(f"unequal: {second} differs from {name}, which by config.json it is")
    return once, troubles


def _check_sizes(config: Config | RecurrentConfig, weights: dict[str, Tensor], source: str) -> None:
    """A ValueError if a size exceeds what the weights can hold, before torch allocates it."""
    numbers = sum(w.numel() for w in weights.values())
    counts = ["vocabulary", "width", "mlp_width", "segments", "channels"]
    counts += ["heads", "key_heads", "head_width", "memory"]
    positions = getattr(config, "positions", "")
    counts += {"learned": ["context"], "relative": ["buckets"]}.get(positions, [])
    limits = dict.fromkeys(counts, numbers)
    if isinstance(config, Config):  # a few more than there can be, so that an error lists what is missing
        block = 2 * config.width * (config.heads * config.head_width + config.mlp_width)
        limits["layers"] = min(numbers // block, MOST_LAYERS) + 30
        limits["experts"] = numbers // (max(config.layers, 1) * config.width * config.mlp_width) + 30
        limits |= {"kernel": numbers, "filters": numbers} if config.filters else {}
    for name, limit in limits.items():
        if _largest(getattr(config, name, 0)) > limit:  # a recurrent model has only some of them
            raise ValueError(
                f"{source}: config.json says {name} = {getattr(config, name)}; "
                f"its weights are {len(weights)} tensors of {numbers:,} numbers together"
            )


def _largest(size: int | tuple[int, ...]) -> float:
    """A size, or the largest of several; of more than there can be layers, more than any."""
    if not isinstance(size, tuple):
        return size
    return max(size) if len(size) <= MOST_LAYERS else math.inf


def _laid_out(w: Tensor) -> Tensor:
    """The same matrix, in memory input by input unless it has more inputs than outputs: the product with a
    single token's vector, which is what generation does, is up to twice as fast on a CPU."""
    return w.T.contiguous().T if w.dim() == 2 and w.shape[0] >= w.shape[1] else w
