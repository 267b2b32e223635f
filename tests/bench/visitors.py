"""Many visitors at once, each with a prompt of their own: python -m tests.bench.visitors"""

import asyncio
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import engine
from app.architecture import STEPS
from tests.bench.client import Answer, Client
from tests.bench.prompts import prompts
from tests.bench.report import machine, median, percentile, table
from tests.serving import Server, server

CROWDS = (1, 10, 30)
THINK = 2.0  # seconds between two actions, on average
SETTLE, MEASURE = 5, 20  # seconds
TARGET = 300  # ms, of the 95th percentile with the largest crowd
TOKENS = 32
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


def main() -> None:
    machine()
    texts, config = prompts(max(CROWDS), TOKENS), engine.load(device="cpu").config
    choices = {"head": config.heads, "layer": config.layers, "token": TOKENS - 1}
    with server() as app:
        rows = [_row(app, "1, at softmax", texts[:1], choices, ["softmax"])]
        anything = choices | {"step": len(STEPS)}
        rows += [_row(app, str(count), texts[:count], anything, STEPS) for count in CROWDS]
    title = f"Visitors who act every {THINK:g} s on average, {TOKENS} tokens, {MEASURE} s each"
    table(title, HEAD, rows)


def _row(app: Server, name: str, texts: list[str], choices: dict[str, int], steps: Sequence[str]) -> list:
    answers, seconds = asyncio.run(_crowd(app, texts, choices, steps))
    ms = [answer.ms for answer in answers]
    p95, target = percentile(ms, 0.95), TARGET if len(texts) == max(CROWDS) else None
    size = median(answer.bytes for answer in answers) / 1024
    rate, ratio = len(ms) / MEASURE, p95 / target if target else None
    spent = [1000 * seconds / len(ms), median(answer.messages for answer in answers)]
    return [name, len(ms), rate, median(ms), p95, target, ratio, *spent, size, _resident(app.pid)]


async def _crowd(
    app: Server, texts: list[str], choices: dict[str, int], steps: Sequence[str]
) -> tuple[list[Answer], float]:
    """The answers that all visitors got while it counted, and the server's processor time in that while."""
    start = time.perf_counter() + SETTLE
    visits = (_visit(app.url, text, choices, steps, start, seed) for seed, text in enumerate(texts))
    *all, seconds = await asyncio.gather(*visits, _spent(app.pid))
    return [answer for answers in all for answer in answers], seconds


async def _spent(pid: int) -> float:
    await asyncio.sleep(SETTLE)
    before = _cpu_seconds(pid)
    await asyncio.sleep(MEASURE)
    return _cpu_seconds(pid) - before


async def _visit(
    url: str, text: str, choices: dict[str, int], steps: Sequence[str], start: float, seed: int
) -> list[Answer]:
    """One visitor: opens a link, then thinks and acts until the time is over."""
    dice, client, answers = random.Random(seed), Client(url), []
    await asyncio.sleep(dice.uniform(0, SETTLE / 2))
    await client.open(urlencode({"prompt": text, "step": dice.choice(steps)}))
    while True:
        await asyncio.sleep(dice.expovariate(1 / THINK))
        now = time.perf_counter()
        if now > start + MEASURE:
            break
        answer = await _act(client, choices, dice)
        if now > start:
            answers.append(answer)
    await client.close()
    return answers


async def _act(client: Client, choices: dict[str, int], dice: random.Random) -> Answer:
    """Choose another head, layer, token or step; the link must say so afterwards."""
    name = dice.choice(list(choices))
    told = [STEPS[i] if name == "step" else str(i) for i in range(choices[name])]
    others = [i for i in range(1, choices[name]) if told[i] != client.link.get(name)]
    value = dice.choice(others)
    part, sent = ("map", told[value]) if name == "step" else ("bar", value)
    answer = await client.report(part, name, sent)
    if client.link.get(name) != told[value]:
        raise RuntimeError(f"{name} {told[value]} was chosen, the link says {client.link.get(name)}")
    return answer


def _cpu_seconds(pid: int) -> float:
    """Processor time that the process has used, or nan where the system does not say."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return float("nan")
    fields = stat.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    """Megabytes of memory that the process holds, or nan where the system does not say."""
    statm = Path(f"/proc/{pid}/statm")
    return (
        int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        if statm.exists()
        else float("nan")
    )


if __name__ == "__main__":
    main()
