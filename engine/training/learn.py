"""Learning from batches of any kind: seeded, resumable, logged, done when the time is."""

import json
import math
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.config import Config, PairConfig
from engine.load import glassbox
from engine.load.folder import read_json
from engine.load.glassbox import write_weights
from engine.model.build import fresh
from engine.model.recurrent_lm import RecurrentLM
from engine.training.dropout import drop
from engine.training.progress import say, show

LOG_EVERY = 50  # steps between lines of the loss log; of short runs fewer
LINES = 25  # of the log, at least
SAVE_EVERY = 10.0  # seconds of work that a power cut may cost
CHECKED = 3  # batches of the held-out part that the validation loss is the mean of
PROBE = 2  # steps before a step's time is measured: the first ones take longer
KEPT = 24  # models kept on the way, each some forty percent later than the one before
AROUND = {"embed", "token", "head", "logits", "classes", "follows", "bias"}  # no inner maps
COMPILED_FROM, COMPILED_MINUTES = 1000, 10  # compiling takes half a minute and makes each step a fifth faster


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to learn. Rates rise over `warm_up` steps (a fifth of all at most), hold, and fall
    to 0 over the last `cool_down` share of the steps."""

    tokens: int = 28_000_000
    batch: int = 16  # windows a step
    rate: float = 0.02  # of the matrices inside the blocks (Muon, Jordan et al. 2024)
    rate_rest: float = 0.004  # of tables, norms and biases (AdamW)
    decay: float = 0.05
    warm_up: int = 100
    cool_down: float = 0.5
    seed: int = 0
    dropout: float = 0.0

    def steps(self, context: int) -> int:
        """How many steps the tokens to be read make, with texts of `context` tokens."""
        return max(1, self.tokens // (self.batch * context))

    def rate_at(self, step: int, steps: int) -> float:
        """The share of the full rate at `step`, between 0 and 1."""
        left = (steps - step) / max(1.0, self.cool_down * steps)
        return min(1.0, (step + 1) / max(1, min(self.warm_up, steps // 5)), left)


class Data(Protocol):
    """What there is to learn from (Mix, Pairs, Bitext, Scenes, Digits)."""

    def batch(self, seed: int, step: int, count: int, context: int) -> tuple[Tensor, ...]:
        """What `step` reads: the same for the same seed, whatever came before."""

    def loss(self, model: nn.Module, *batch: Tensor) -> Tensor:
        """The mean loss of a batch in nats."""


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


def begun(config, seed: int, start: Path | None) -> nn.Module:
    """A model at its random start, or with the weights of the finished one in a folder, which has its shape."""
    model = fresh(config, seed)
    if start is not None:
        known = glassbox.read(start, read_json(start / "config.json"))
        if known.config != config:
            raise ValueError(
                f"{start.name} has another shape than what is asked for: begin with one of the same"
            )
        model.load_state_dict(known.state_dict())
    return model


def kept_steps(steps: int) -> set[int]:
    """After which steps a model is kept: close together early, where most is learned."""
    return {round(steps ** (i / KEPT)) for i in range(KEPT)}


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Signals to stop (Ctrl+C, SIGTERM) since the beginning: a first one is only noted, so that the step
    being taken ends; a second one stops at once."""
    asked: list[int] = []

    def ask(number: int, _frame) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # no others may listen to signals
        yield asked
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, listener in before.items():
            signal.signal(number, listener)


def learn(
    config: Config | PairConfig,
    data: Data,
    held: Data | None,
    recipe: Recipe,
    folder: Path,
    minutes: float | None = None,
    start: Path | None = None,
) -> tuple[nn.Module, bool]:
    """Train on the batches of `data`; returns the model and whether all steps are done (not after Ctrl+C).

    held     what training never sees: the validation loss is of its batches
    folder   holds state.safetensors, log.jsonl and the models kept on the way; a later call goes on from them
    minutes  all of the recipe's steps where they fit into so many, else as many as do: the rates fall in time
    start    the folder of a model of the same shape, with whose weights to begin; none: at random
    """
    show("the first steps, to see how long they take")
    run = Run(config, data, held, recipe, folder, minutes, start)
    with stop_signals() as asked:
        while run.step < run.steps and not asked:
            run.take_step()
    run.save()
    for hook in run.hooks:
        hook.remove()
    return run.model.cpu().eval(), run.step >= run.steps


class Run:
    """A training that has come as far as `step` of `steps`, after `seconds` of learning."""

    def __init__(
        self, config, data: Data, held: Data | None, recipe: Recipe, folder: Path, minutes, start=None
    ):
        self.data, self.held, self.recipe, self.folder, self.minutes = data, held, recipe, folder, minutes
        self.context, self.device = config.context, "cuda" if torch.cuda.is_available() else "cpu"
        self.model = begun(config, recipe.seed, start).to(self.device)
        self.hooks = drop(self.model, recipe.dropout)
        self.optimizers = optimizers(self.model, recipe)
        self.step, self.seconds, self.fixed = 0, 0.0, False  # fixed: the rates have begun to fall
        self.full = self.steps = recipe.steps(config.context)
        self.validation = float("nan")
        self._resume()
        if not self.fixed and minutes is None:
            self.steps = self.full
        drawn = range(0 if held is None else CHECKED)
        self.checks = [held.batch(recipe.seed, i, recipe.batch, self.context) for i in drawn]
        self.loss = self._compiled()
        self.first, self.started, self.before = self.step, time.monotonic(), self.seconds
        self.saved = self.probed = self.started

    def _compiled(self):
        """The loss of the data, compiled where that pays and a C++ compiler is at hand."""
        pays = self.full >= COMPILED_FROM and (self.minutes is None or self.minutes >= COMPILED_MINUTES)
        pays &= not isinstance(self.model, RecurrentLM)  # compiled, its kernel becomes a graph of every step
        if not (pays and (torch.cuda.is_available() or shutil.which("g++"))):
            return self.data.loss
        show("compiling the model: half a minute")
        return torch.compile(self.data.loss)

    def take_step(self) -> None:
        """Learn from the next batch, and write down what is due."""
        share = self.recipe.rate_at(self.step, self.steps)
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            group["lr"] = group["full_rate"] * share
        batch = self.data.batch(self.recipe.seed, self.step, self.recipe.batch, self.context)
        if self.hooks:  # what is dropped depends on the step alone
            torch.manual_seed(int(np.random.default_rng([self.recipe.seed, self.step]).integers(2**62)))
        loss = self._loss(self.loss, batch)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        now = time.monotonic()
        self.seconds = self.before + now - self.started
        self._plan(now)
        self._write_down(loss)

    def _loss(self, function, batch: tuple[Tensor, ...]) -> Tensor:
        with torch.autocast(self.device, torch.bfloat16):
            return function(self.model, *(part.to(self.device) for part in batch))

    def _plan(self, now: float) -> None:
        """Fit the steps to the time. What was learned so far depends on their number only once the rates fall:
        until then it may change."""
        taken = self.step - self.first
        if taken == PROBE:
            self.probed = now
        self.fixed = self.fixed or (self.minutes is None and self._cooling(self.step, self.steps))
        if taken > PROBE and not self.fixed and self.minutes is not None:
            pace = (now - self.probed) / (taken - PROBE)
            fits = int((60 * self.minutes - self.seconds) / max(pace, 1e-9))
            self.steps = min(self.full, self.step + max(0, fits))
            self.fixed = self._cooling(self.seconds, 60 * self.minutes) or self._cooling(self.step, self.full)
        if taken == PROBE + 1:
            each = (now - self.probed) / (taken - PROBE)
            self._announce(each * (self.steps - self.step))

    def _cooling(self, done: float, whole: float) -> bool:
        return done >= (1 - self.recipe.cool_down) * whole

    def _announce(self, seconds: float) -> None:
        if self.step < self.steps:
            until = time.strftime("%H:%M", time.localtime(time.time() + seconds))
            say(
                f"{self.steps - self.step:,} steps to go, {spoken(seconds)} or so, until {until}; "
                "then it is measured. Ctrl+C stops, and the same command goes on."
            )

    def _write_down(self, loss: Tensor) -> None:
        last = self.step >= self.steps
        if last or self.step % max(1, min(LOG_EVERY, self.steps // LINES)) == 0:
            self._log(loss.item())
        if self.step in kept_steps(self.steps):
            write_weights(self.model, self.folder / "kept" / f"{self.step:06}.safetensors")
        if time.monotonic() - self.saved > SAVE_EVERY:
            self.save()
        self._show(loss)

    def _show(self, loss: Tensor) -> None:
        if self.minutes is not None and self.step - self.first <= PROBE:  # not planned yet
            show(f"step {self.step:,}: loss {loss.item():.2f} nats")
            return
        done = round(30 * self.step / self.steps)
        left = self.seconds / self.step * (self.steps - self.step)
        held = "" if math.isnan(self.validation) else f", held out {self.validation:.2f}"
        bar = f"[{'#' * done}{'.' * (30 - done)}] {self.step:,}/{self.steps:,}"
        show(f"{bar}  loss {loss.item():.2f}{held} nats  {spoken(left)} left")

    def _log(self, loss: float) -> None:
        """A line of log.jsonl: how far it is, and the loss of the last batch and of what is held out."""
        if not math.isfinite(loss):
            raise ValueError(f"after {self.step} steps the loss is no number any more: choose a lower --rate")
        line = {
            "step": self.step,
            "tokens": self.step * self.recipe.batch * self.context,
            "loss": round(loss, 4),
        }
        if self.checks:
            self.validation = self._validation()
            line["validation"] = round(self.validation, 4)
        cores = torch.get_num_threads()
        device = "GPU" if self.device == "cuda" else f"{cores} processor core{'s' * (cores > 1)}"
        line |= {"seconds": round(self.seconds), "device": device}
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")

    @torch.no_grad()
    def _validation(self) -> float:
        return sum(self._loss(self.held.loss, batch).item() for batch in self.checks) / len(self.checks)

    def save(self) -> None:
        """Weights, the optimizers' memory and how far it is in one safetensors file, never pickled."""
        state = {f"model.{n}": p.detach() for n, p in self.model.named_parameters()}
        for k, optimizer in enumerate(self.optimizers):
            for i, memory in optimizer.state_dict()["state"].items():
                state |= {f"optimizer.{k}.{i}.{name}": torch.as_tensor(x) for name, x in memory.items()}
        progress = {name: getattr(self, name) for name in ("step", "steps", "seconds", "fixed")}
        progress["recipe"] = asdict(self.recipe)
        part = self.folder / "state.part"
        save_file({name: x.contiguous() for name, x in state.items()}, part, {"progress": json.dumps(progress)})
        part.replace(self.folder / "state.safetensors")
        self.saved = time.monotonic()

    def _resume(self) -> None:
        """Go on from what an earlier call left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "state.safetensors").exists():
            self._cut_log()
            return
        with safe_open(self.folder / "state.safetensors", "pt") as file:
            progress = json.loads(file.metadata()["progress"])
        if Recipe(**progress.pop("recipe")) != self.recipe:
            raise ValueError(
                f"{self.folder} was begun with another recipe; give the same one or an empty folder"
            )
        state = load_file(self.folder / "state.safetensors", device=self.device)
        weights = {n.removeprefix("model."): x for n, x in state.items() if n.startswith("model.")}
        self.model.load_state_dict(weights, strict=False)
        for k, optimizer in enumerate(self.optimizers):
            memory: dict[int, dict] = {}
            for name, x in state.items():
                if name.startswith(f"optimizer.{k}."):
                    _, _, i, key = name.split(".")
                    memory.setdefault(int(i), {})[key] = x
            optimizer.load_state_dict(optimizer.state_dict() | {"state": memory})
        for name, value in progress.items():
            setattr(self, name, value)
        self._cut_log()

    def _cut_log(self) -> None:
        """Without the lines of steps that will be taken again, after a stop that left no time to save."""
        log = self.folder / "log.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        good = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= self.step]
        if good != lines:
            log.write_text("".join(line + "\n" for line in good))


def spoken(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
