"""Many visitors at once, each with a prompt of their own: python -m tests.bench.visitors --help"""

import argparse
import asyncio
import contextlib
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import engine
from app.architecture import STEPS
from tests.bench.client import Answer, Client
from tests.bench.prompts import prompts
from tests.bench.report import machine, median, percentile, table
from tests.serving import APP, Server, server

CROWDS = (1, 10, 30, 60, 100)
THINK = 2.0  # seconds between two actions, on average
SETTLE, ARRIVE = 5, 0.1  # seconds before it is counted, and for each visitor, whose first page costs most
TARGET = 300  # ms, of the 95th percentile
TARGETED = (10, 30, 60, 100)  # visitors
TOKENS, LONG = 32, 250
WRITTEN = {"part": "text", "temperature": 1.5, "prompt": "Once upon a time there was a little"}
LONGEST = 200  # tokens that a page writes
STAY = 40  # actions of a visit, where visitors come and go
JOB = b"engine.training.jobs"
BUSY = 8  # visitors who do not think, where a server is to be used
HEAD = (
    "visitors",
    "actions",
    "runs/s",
    "p50 ms",
    "p95 ms",
    "target",
    "× target",
    "CPU ms an action",
    "messages",
    "KB",
    "RSS MB",
)


@dataclass(frozen=True)
class Crowd:
    """How many visitors there are, what they look at, and who makes it hard for them."""

    texts: list[str]
    choices: dict[str, int]  # what they choose among, and of how many each
    steps: Sequence[str] = STEPS
    abuse: Sequence[str] = ()  # a long text for each of those who send new ones without a pause
    streams: int = 0  # who let the page write on, token after token
    trainings: int = 0  # who watch a model learn
    seconds: float = 20

    @property
    def settle(self) -> float:
        return SETTLE + ARRIVE * len(self.texts)


def main(words: Sequence[str] = ()) -> None:
    options = _options(words)
    machine()
    texts, config = prompts(max(*options.crowds, 30), TOKENS), engine.load(device="cpu").config
    choices = {"head": config.heads, "layer": config.layers, "token": TOKENS - 1}
    anything = choices | {"step": len(STEPS)}
    crowds = {"1, at softmax": Crowd(texts[:1], choices, ["softmax"], seconds=options.seconds)}
    crowds |= {str(n): Crowd(texts[:n], anything, seconds=options.seconds) for n in options.crowds}
    if options.abusers:
        abuse = prompts(options.abusers, LONG)
        crowds[f"10 beside {options.abusers}"] = Crowd(texts[:10], anything, STEPS, abuse, options.seconds)
    if options.streams:
        crowds[f"30 beside {options.streams} who writes on"] = Crowd(
            texts[:30], anything, streams=options.streams, seconds=options.seconds
        )
    if options.trainings:
        crowds[f"30 beside {options.trainings} who train"] = Crowd(
            texts[:30], anything, trainings=options.trainings, seconds=options.seconds
        )
    with _servers(options) as apps:
        rows = [_row(app, name + note, crowd) for name, crowd in crowds.items() for note, app in apps.items()]
        title = f"Visitors who act every {THINK:g} s on average, {TOKENS} tokens, {options.seconds:g} s each"
        table(title, HEAD, rows)
        if options.used:
            for app in apps.values():
                asyncio.run(_use(app, options.used, texts[:BUSY], anything))
            rows = [
                _row(app, name + note, crowd) for name, crowd in crowds.items() for note, app in apps.items()
            ]
            table(f"The same after {options.used:,} interactions", HEAD, rows)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.visitors", description=__doc__)
    parser.add_argument(
        "--crowds", type=int, nargs="+", default=CROWDS, metavar="N", help="numbers of visitors"
    )
    parser.add_argument("--seconds", type=float, default=20, help="for which each crowd is measured")
    parser.add_argument("--abusers", type=int, default=5, help="who send long texts beside ten visitors")
    parser.add_argument(
        "--streams", type=int, default=1, help="who let the page write on beside thirty visitors"
    )
    parser.add_argument(
        "--trainings", type=int, default=2, help="who watch a model learn beside thirty visitors"
    )
    parser.add_argument("--used", type=int, default=0, help="interactions, after which all is measured again")
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N", help="a server of so many, in turn with one"
    )
    parser.add_argument("--against", type=Path, help="another checkout, measured in turn with this one")
    return parser.parse_args(words)


@contextlib.contextmanager
def _servers(options: argparse.Namespace) -> Iterator[dict[str, Server]]:
    """The servers to be measured in turn, by what is put behind the name of a row."""
    with contextlib.ExitStack() as stack:
        apps = {}
        if options.against:
            other = options.against.resolve() / APP.relative_to(APP.parents[1])
            apps[f", {options.against.name}"] = stack.enter_context(server(other))
        apps[""] = stack.enter_context(server())
        if options.processes > 1:
            crowd = server(processes=options.processes)
            apps[f", {options.processes} processes"] = stack.enter_context(crowd)
        yield apps


def _rows(apps: dict[str, Server], crowds: dict[str, Crowd]) -> list[list]:
    """Each crowd at each server in turn, so that the rows of one crowd have the same load beside them."""
    return [_row(app, name + note, crowd) for name, crowd in crowds.items() for note, app in apps.items()]


def _row(app: Server, name: str, crowd: Crowd) -> list:
    answers, spent = asyncio.run(_crowd(app, crowd))
    ms = [answer.ms for answer in answers]
    p95, target = percentile(ms, 0.95), TARGET if len(crowd.texts) in TARGETED else None
    size = median(answer.bytes for answer in answers) / 1024
    rate, ratio = len(ms) / crowd.seconds, p95 / target if target else None
    costs = [1000 * spent / len(ms), median(answer.messages for answer in answers)]
    return [name, len(ms), rate, median(ms), p95, target, ratio, *costs, size, _resident(app.pid)]


async def _crowd(app: Server, crowd: Crowd) -> tuple[list[Answer], float]:
    """The answers that all visitors got while it counted, and the server's processor time in that while."""
    start = time.perf_counter() + crowd.settle
    end = start + crowd.seconds
    visits = [_visit(app.url, text, crowd, (start, end), seed) for seed, text in enumerate(crowd.texts)]
    abuse = [_abuse(app.url, text, end) for text in crowd.abuse]
    abuse += [_train(app.url, seed, end) for seed in range(crowd.trainings)]
    streams = [_stream(app.url, seed, (start, end)) for seed in range(crowd.streams)]
    spent, *found = await asyncio.gather(_spent(app.pid, crowd), *visits, *abuse, *streams)
    if streams:
        print(f"{sum(found[-len(streams) :]) / crowd.seconds:.1f} tokens/s were written on", flush=True)
    return [answer for answers in found[: len(visits)] for answer in answers], spent


async def _spent(pid: int, crowd: Crowd) -> float:
    await asyncio.sleep(crowd.settle)
    before = _cpu_seconds(pid)
    await asyncio.sleep(crowd.seconds)
    return _cpu_seconds(pid) - before


async def _visit(url: str, text: str, crowd: Crowd, counted: tuple[float, float], seed: int) -> list[Answer]:
    """One visitor: opens a link, then thinks and acts until the time is over."""
    dice, client, answers = random.Random(seed), Client(url), []
    await asyncio.sleep(dice.uniform(0, crowd.settle / 2))
    await client.open(urlencode({"prompt": text, "step": dice.choice(crowd.steps)}))
    while True:
        await asyncio.sleep(dice.expovariate(1 / THINK))
        now = time.perf_counter()
        if now > counted[1]:
            break
        answer = await _act(client, crowd.choices, dice)
        if now > counted[0]:
            answers.append(answer)
    await client.close()
    return answers


async def _abuse(url: str, text: str, end: float) -> None:
    """One who sends a new long text as soon as the last is answered, and looks at the whole run of each."""
    client, number = Client(url), 0
    await client.open(urlencode({"prompt": text, "step": "scores"}))
    while time.perf_counter() < end:
        number += 1
        cut = " ".join(text.split()[number % 60 :])
        await client.trigger("glassbox_page", "act", [["prompt", "prompt", f"{number} {cut}"]])
    await client.close()


async def _train(url: str, seed: int, end: float) -> None:
    """One who has a model learn, and sees it as often as the page asks."""
    client = Client(url, "train")
    await client.open(urlencode({"train": "learn", "seed": seed}))
    await client.report("button-job-start", "change", True)
    while time.perf_counter() < end:
        await asyncio.sleep(client.every / 1000 or THINK)
        if client.every:  # it learns
            await client.report("ticker", "tick", True)
    await client.close()


async def _stream(url: str, seed: int, counted: tuple[float, float]) -> int:
    """One who lets the page write on: asks for a token more as soon as one is there; how many came while it
    counted."""
    came = 0
    while time.perf_counter() < counted[1]:
        client, seed = Client(url, "decode"), seed + 1
        await client.open(urlencode(WRITTEN | {"seed": seed, "length": 1}))
        for length in range(2, LONGEST):
            await client.report("writing", "length", [length])
            now = time.perf_counter()
            came += counted[0] < now < counted[1]
            if now > counted[1] or client.link.get("length") != str(length):
                break
        await client.close()
    return came


async def _use(app: Server, count: int, texts: list[str], choices: dict[str, int]) -> None:
    """Interactions without a pause, by visitors who come, stay for a while and go."""
    left = iter(range(count))

    async def use(text: str, seed: int) -> None:
        dice = random.Random(seed)
        while True:
            client = Client(app.url)
            words = text.split()
            await client.open(urlencode({"prompt": " ".join(dice.sample(words, len(words)))}))
            for _ in range(STAY):
                if next(left, None) is None:
                    return await client.close()
                await _act(client, choices, dice)
            await client.close()

    await asyncio.gather(*(use(text, seed) for seed, text in enumerate(texts)))


async def _act(client: Client, choices: dict[str, int], dice: random.Random) -> Answer:
    """Choose another head, layer, token or step; the link must say so afterwards."""
    name = dice.choice(list(choices))
    told = [STEPS[i] if name == "step" else str(i) for i in range(choices[name])]
    others = [i for i in range(1, choices[name]) if told[i] != client.link.get(name)]
    value = dice.choice(others)
    part, sent = ("map", told[value]) if name == "step" else ("bar", value)
    answer = await client.report(part, name, sent)
    if client.link.get(name) != told[value] and name != "token":
        raise RuntimeError(f"{name} {told[value]} was chosen, the link says {client.link.get(name)}")
    return answer


def _processes(pid: int) -> list[int]:
    """A process and those that it started, without the jobs that have cores of their own; nothing where the
    system does not say."""
    found = [pid] if Path(f"/proc/{pid}").exists() else []
    for one in found:
        for tasks in Path(f"/proc/{one}/task").glob("*/children"):
            started = map(int, tasks.read_text().split())
            found += [one for one in started if JOB not in Path(f"/proc/{one}/cmdline").read_bytes()]
    return found


def _cpu_seconds(pid: int) -> float:
    """Processor time that a server has used, or nan where the system does not say."""
    stats = [Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split() for one in _processes(pid)]
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in stats)
    return ticks / os.sysconf("SC_CLK_TCK") if stats else float("nan")


def _resident(pid: int) -> float:
    """Megabytes of memory that a server holds, or nan where the system does not say."""
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in _processes(pid)]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20 if pages else float("nan")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
