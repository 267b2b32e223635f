"""Training on batches of any kind: seeded, resumable, logged."""

import json
import math
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from engine.config import Config, PairConfig
from engine.load.glassbox import write_weights
from engine.model.build import fresh

LOG_EVERY = 50  # steps between lines of the loss log
SAVE_EVERY = 250  # steps between states on disk
KEPT = 24  # checkpoints kept on the way, each some forty percent later than the one before
AROUND = {"embed", "token", "head", "logits", "classes", "follows", "bias"}  # not inside the blocks
COMPILED_FROM = 1000  # steps: compiling takes half a minute and makes each a fifth faster


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to learn. Rates rise over `warm_up` steps, hold, and fall to 0 over the
    last `cool_down` share of the steps."""

    tokens: int = 28_000_000
    batch: int = 16  # windows per step
    rate: float = 0.02  # of the matrices inside the blocks (Muon, Jordan et al. 2024)
    rate_rest: float = 0.004  # of tables, norms and biases (AdamW)
    decay: float = 0.05
    warm_up: int = 100
    cool_down: float = 0.5
    seed: int = 0

    def steps(self, context: int) -> int:
        """How many steps the tokens to be read make, with texts of `context` tokens."""
        return max(1, self.tokens // (self.batch * context))

    def rate_at(self, step: int, steps: int) -> float:
        """The share of the full rate at `step`, between 0 and 1."""
        left = (steps - step) / max(1.0, self.cool_down * steps)
        return min(1.0, (step + 1) / self.warm_up, left)


def optimizers(model: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for all else (Jordan et al. 2024)."""
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and not AROUND & set(name.split("."))]
    inside = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in inside]
    muon = torch.optim.Muon(matrices, lr=recipe.rate, weight_decay=recipe.decay, adjust_lr_fn="original")
    adam = torch.optim.AdamW(rest, lr=recipe.rate_rest, betas=(0.9, 0.95), weight_decay=0.0)
    for optimizer in (muon, adam):
        for group in optimizer.param_groups:
            group["full_rate"] = group["lr"]
    return [muon, adam]


def learn(
    config: Config | PairConfig, data, recipe: Recipe, folder: Path, minutes: float = math.inf
) -> tuple[nn.Module, bool]:
    """Train on the batches of `data` up to `minutes` more; returns the model and whether all steps are done.

    `data` gives `batch(seed, step, count, context)`, tensors, and `loss(model, *batch)` (Mix, Pairs, Bitext).
    `folder` holds state.safetensors, progress.json, log.jsonl and the models kept on the way; a later
    call goes on from them.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = fresh(config, recipe.seed).to(device)
    both = optimizers(model, recipe)
    step, seconds = _resume(model, both, folder, recipe)
    steps, started = recipe.steps(config.context), time.time()
    keep, loss_now = kept_steps(steps), _loss_function(data, steps)
    while step < steps and time.time() - started < 60 * minutes:
        for optimizer in both:
            for group in optimizer.param_groups:
                group["lr"] = group["full_rate"] * recipe.rate_at(step, steps)
        with torch.autocast(device, torch.bfloat16):
            batch = data.batch(recipe.seed, step, recipe.batch, config.context)
            loss = loss_now(model, *(part.to(device) for part in batch))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in both:
            optimizer.step()
            optimizer.zero_grad()
        step += 1
        spent = seconds + time.time() - started
        if step % LOG_EVERY == 0 or step == steps:
            tokens = step * recipe.batch * config.context
            _report(folder, step, steps, loss.item(), spent, tokens, device)
        if step in keep:
            write_weights(model, folder / "kept" / f"{step:06}.safetensors")
        if step % SAVE_EVERY == 0 or step == steps:
            _save(model, both, folder, recipe, step, spent)
    _save(model, both, folder, recipe, step, seconds + time.time() - started)
    return model.cpu().eval(), step >= steps


def kept_steps(steps: int) -> set[int]:
    """After which steps a model is kept: close together early, where most is learned."""
    return {round(steps ** (i / KEPT)) for i in range(KEPT)}


def _loss_function(data, steps: int):
    """The loss of the data, compiled if that pays and a C++ compiler is available."""
    pays = steps >= COMPILED_FROM and (torch.cuda.is_available() or shutil.which("g++"))
    return torch.compile(data.loss) if pays else data.loss


def _report(folder, step: int, steps: int, loss: float, spent: float, tokens: int, device: str) -> None:
    line = {"step": step, "tokens": tokens, "loss": round(loss, 4), "seconds": round(spent)}
    cores = torch.get_num_threads()
    line["device"] = "GPU" if device == "cuda" else f"{cores} processor core{'s' * (cores > 1)}"
    with (folder / "log.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")
    done = round(30 * step / steps)
    left = spent / step * (steps - step) / 60
    bar = f"[{'#' * done}{'.' * (30 - done)}] {step}/{steps}"
    print(f"\r{bar}  loss {loss:.3f} nats a token  {left:.0f} min left ", end="", flush=True)


def _save(model, both, folder: Path, recipe: Recipe, step: int, seconds: float) -> None:
    """Weights and the optimizers' memory in one safetensors file, never pickled."""
    state = {f"model.{n}": p.detach() for n, p in model.named_parameters()}
    for k, optimizer in enumerate(both):
        for i, memory in optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{k}.{i}.{name}": torch.as_tensor(x) for name, x in memory.items()}
    part = folder / "state.part"
    save_file({name: x.contiguous() for name, x in state.items()}, part)
    part.replace(folder / "state.safetensors")
    progress = {"step": step, "seconds": round(seconds, 1), "recipe": asdict(recipe)}
    (folder / "progress.json").write_text(json.dumps(progress, indent=1))


def _resume(model, both, folder: Path, recipe: Recipe) -> tuple[int, float]:
    """Load what an earlier run left; returns (step, seconds) to resume from."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "progress.json").exists():
        return 0, 0.0
    progress = json.loads((folder / "progress.json").read_text())
    if progress["recipe"] != asdict(recipe):
        raise ValueError(
            f"{folder} was started with another recipe, {progress['recipe']}; "
            "give the same one or an empty folder"
        )
    state = load_file(folder / "state.safetensors", device=str(model.device))
    model.load_state_dict(
        {n.removeprefix("model."): x for n, x in state.items() if n.startswith("model.")}, strict=False
    )
    for k, optimizer in enumerate(both):
        memory: dict[int, dict] = {}
        for name, x in state.items():
            if name.startswith(f"optimizer.{k}."):
                _, _, i, key = name.split(".")
                memory.setdefault(int(i), {})[key] = x
        optimizer.load_state_dict(optimizer.state_dict() | {"state": memory})
    return progress["step"], progress["seconds"]
