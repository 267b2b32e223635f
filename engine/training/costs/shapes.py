"""Shapes of the lectures' language models. Sizes stand in assets/examples, where the lectures' counts are
worked out; what those do not need, heads and the longest text, stands here."""

from dataclasses import replace

from engine.config import Config
from engine.decode.cost import LLAMA
from engine.decode.cost import SHAPES as WRITING
from engine.examples import shipped

# name -> heads (Shoeybi et al. 2019, table 2; Brown et al. 2020, table 2.1)
LARGE = {"Megatron-LM": 24, "GPT-3": 96}
LLAMA_3 = {"Llama 3 8B": 32, "Llama 3 70B": 64}
LLAMA_3_CONTEXT = 8192


def _given(example: str) -> dict:
    return {given.name: given for given in shipped(example).given}


def _numbers(example: str, column: str) -> dict[str, int]:
    """The given numbers of one column of an example; what has a single number is the same for all."""
    found = {}
    for name, given in _given(example).items():
        numbers, names = given.value.numbers.reshape(-1), list(given.value.columns)
        found[name] = int(numbers[names.index(column)] if column in names else numbers[0])
    return found


def _gpt() -> Config:
    n = {name: int(given.value.numbers) for name, given in _given("parameters_gpt1").items()}
    return Config(n["V"], n["T"], n["d"], n["L"], 12, 4 * n["d"])


def _large(name: str) -> Config:
    n = _numbers("parameters_large", name)
    return Config(n["V"], n["T"], n["d"], n["L"], LARGE[name], 4 * n["d"])


def _llama_3(name: str) -> Config:
    n = _numbers("parameters_llama", name)
    heads = LLAMA_3[name]
    keys = n["shared"] * heads // n["d"]
    return Config(n["V"], LLAMA_3_CONTEXT, n["d"], n["L"], heads, n["f"], keys, **LLAMA)


def _all() -> dict[str, Config]:
    found = {"GPT-3": _large("GPT-3"), "GPT": _gpt()}
    found |= {name: replace(shape.config) for name, shape in WRITING.items()}
    found["Megatron-LM"] = _large("Megatron-LM")
    return found | {name: _llama_3(name) for name in LLAMA_3}


SHAPES = _all()
