"""What seeing every number costs: python -m tests.bench.engine"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.utils import logging

import engine
from engine.decode import Decoding
from engine.model.transformer import Transformer
from engine.trace import everything
from tests.bench.report import machine, median, table

HEAD = ("what", "tokens", "ours ms", "beside ms", "ratio", "target", "× target")
NEW = 64  # tokens generated
THREADS = 1  # as the app runs it, for both sides; and the least disturbed by what else the machine does


def main() -> None:
    machine()
    torch.set_num_threads(THREADS)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {THREADS} thread")
    _against_silence(engine.load(device="cpu"))
    theirs = _gpt2_small()
    with tempfile.TemporaryDirectory() as folder:
        theirs.save_pretrained(folder)
        ours = engine.load(folder, device="cpu")
    _against_transformers(ours, theirs)
    _generation(ours, theirs)
    _memory()


def compare(a: Callable, b: Callable, seconds: float = 3.0, least: int = 5) -> tuple[float, float]:
    """Median milliseconds of `a` and of `b`, by turns; which goes first changes every round."""
    took = {a: [], b: []}
    a(), b()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(took[a]) < least:
        for call in (a, b) if len(took[a]) % 2 else (b, a):
            start = time.perf_counter()
            call()
            took[call].append((time.perf_counter() - start) * 1000)
    return median(took[a]), median(took[b])


def _row(what: str, tokens: int, a: Callable, b: Callable, target: float | None) -> list:
    ours, beside = compare(a, b)
    ratio = ours / beside
    return [what, tokens, ours, beside, ratio, target, ratio / target if target else None]


def _ids(model: Transformer, tokens: int) -> torch.Tensor:
    return torch.randint(model.config.vocabulary, (1, tokens), generator=torch.Generator().manual_seed(0))


def _read_all(model: Transformer, ids: torch.Tensor) -> None:
    """A lean run, then every point by its name."""
    trace = engine.run(model, ids)
    for point in trace.points():
        trace[point]


@torch.inference_mode()
def _silent(model: Transformer, ids: torch.Tensor) -> torch.Tensor:
    return model(ids)


def _against_silence(model: Transformer) -> None:
    rows = []
    for tokens in (16, 32, 64, 256):
        ids = _ids(model, tokens)
        beside = partial(_silent, model, ids)
        rows.append(_row("lean run", tokens, partial(engine.run, model, ids), beside, 1.3))
        rows.append(_row("everything recorded", tokens, partial(_record, model, ids), beside, 1.3))
        rows.append(
            _row("lean run, then every point read", tokens, partial(_read_all, model, ids), beside, None)
        )
    table(f"Recording, {model.name}, beside a silent run", HEAD, rows)


def _record(model: Transformer, ids: torch.Tensor) -> None:
    engine.run(model, ids, wanted=everything)


# --- beside transformers -------------------------------------------------------------------------


def _gpt2_small() -> GPT2LMHeadModel:
    """The shape of GPT-2 small, with random weights."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(attn_implementation="eager")).eval()


@torch.inference_mode()
def _theirs(model: GPT2LMHeadModel, ids: torch.Tensor) -> None:
    model(ids, output_attentions=True, output_hidden_states=True, use_cache=False)


def _against_transformers(ours: Transformer, theirs: GPT2LMHeadModel) -> None:
    rows = []
    for tokens in (16, 64, 256):
        ids = _ids(ours, tokens)
        beside = partial(_theirs, theirs, ids)
        rows.append(_row("lean run", tokens, partial(engine.run, ours, ids), beside, 1.0))
        rows.append(_row("everything recorded", tokens, partial(_record, ours, ids), beside, 1.0))
    table("Recording, GPT-2 small's shape, beside transformers with attentions and hidden states", HEAD, rows)


def _generation(ours: Transformer, theirs: GPT2LMHeadModel) -> None:
    """Greedy text with a cache; transformers with the attention that it takes by itself."""
    theirs.set_attn_implementation("sdpa")
    theirs.generation_config.eos_token_id = None
    ids = _ids(ours, 32)
    options = dict(attention_mask=torch.ones_like(ids), max_new_tokens=NEW, do_sample=False, use_cache=True)

    def mine() -> int:
        return len(list(engine.generate(ours, ids[0].tolist(), Decoding(max_tokens=NEW))))

    def beside() -> int:
        return theirs.generate(ids, pad_token_id=0, **options).shape[1] - ids.shape[1]

    if not mine() == beside() == NEW:
        raise RuntimeError("not the same number of tokens")
    a, b = (NEW / ms * 1000 for ms in compare(mine, beside, seconds=20, least=3))
    head = ("what", "ours tokens/s", "theirs", "ratio", "target (at least)")
    table("Generation with a cache, GPT-2 small's shape", head, [[f"{NEW} tokens after 32", a, b, a / b, 1.3]])


def _memory() -> None:
    """In a process of its own, whose peak can be read."""
    command = [sys.executable, "-m", "tests.bench.memory"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    added = float(told[-1])
    row = ["one block looked into at 1,024 tokens", added, 300, added / 300]
    table("Memory, GPT-2 small's shape", ("what", "MB added at the peak", "target", "× target"), [row])


if __name__ == "__main__":
    main()
