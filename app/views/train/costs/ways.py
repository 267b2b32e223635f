"""The ways to save memory, one by one: what each saves, and what it costs."""

from dataclasses import replace

from app.text import counted, say
from app.ui.page import text
from app.ui.tables import table
from app.views.train.costs.shown import bytes_of, heads, scientific
from engine.config import Config
from engine.training.costs import Plan, memory_of
from engine.training.costs.memory import (
    KEPT,
    Price,
    block_numbers,
    block_parameters,
    learned,
    norm_numbers,
    parameters,
    price_of,
)

# way -> the fields of a plan that it sets, and those fields where it is not taken
WAYS = {
    "mixed": {"mixed": False},
    "fused": {"fused": False},
    "checkpoints": {"checkpoints": False},
    "dynamic": {"dynamic": False},
    "parts": {"parts": 1},
    "adam8": {"optimizer": "adam"},
    "rank": {"rank": 0},
    "split": {"split": 1},
    "stage": {"stage": 0},
    "offload": {"offload": "no"},
}
TAKEN = {  # how a way that is not taken would be
    "mixed": {"mixed": True},
    "fused": {"fused": True},
    "checkpoints": {"checkpoints": True},
    "dynamic": {"dynamic": True},
    "adam8": {"optimizer": "adam8"},
    "rank": {"rank": 8},
    "stage": {"stage": 3},
    "offload": {"offload": "optimizer"},
}


def taken(name: str, plan: Plan) -> bool:
    """Does a plan take this way?"""
    return any(getattr(plan, field) != usual for field, usual in WAYS[name].items())


def without(name: str, plan: Plan) -> Plan:
    return replace(plan, **WAYS[name])


def ladder(plan: Plan) -> list[tuple[str, Plan]]:
    """From a plan that saves nothing to this one, a way after the other."""
    now, found = plan, []
    for name in reversed(WAYS):
        if taken(name, now):
            found.append((name, now))
            now = without(name, now)
    return [("nothing", now), *reversed(found)]


def turned(name: str, plan: Plan) -> Plan | None:
    """The plan with this way the other way round; None: there is none."""
    if taken(name, plan):
        return without(name, plan)
    if name == "parts":
        return replace(plan, parts=plan.texts) if plan.texts > 1 else None
    if name == "split":
        split = max(n for n in range(1, 9) if plan.devices % n == 0)
        return replace(plan, split=split) if split > 1 else None
    if name == "adam8" and plan.optimizer != "adam":
        return None
    return replace(plan, **TAKEN[name])


def told(name: str, plan: Plan) -> str:
    """The key of the words for a way of a plan: of optimizers there are several."""
    return plan.optimizer if name == "adam8" else name


def label(name: str, plan: Plan) -> str:
    return say("costs", f"optimizer/{plan.optimizer}" if name == "adam8" else f"way/{name}")


def draw(config: Config, plan: Plan) -> None:
    """A row for each way: what a device holds with it and without, and what it costs."""
    rows = []
    for name in WAYS:
        other = turned(name, plan)
        if other is None:
            continue
        on, off = (plan, other) if taken(name, plan) else (other, plan)
        saved = memory_of(config, off).total - memory_of(config, on).total
        costs = cost_of(price_of(config, off), price_of(config, on), say("costs", f"also/{told(name, on)}"))
        state = say("costs", "taken" if on is plan else "not taken")
        rows.append([label(name, on), state, _signed(saved), costs])
    text(flops_told(config, plan))
    text(say("costs", "ways"))
    table(heads("way", "now", "saves", "costs"), rows, right=9)


def _signed(x: float) -> str:
    return ("−" if x < 0 else "") + bytes_of(abs(x))


def cost_of(before: Price, after: Price, also: str = "") -> str:
    """What is more after than before, in words; also: what is not counted."""
    said = []
    more = after.flops / after.texts / (before.flops / before.texts) - 1
    if abs(more) > 1e-9:
        said.append(say("costs", "cost/flops", share=more))
    for name in ("sent", "moved"):
        more = getattr(after, name) - getattr(before, name)
        if more:
            said.append(say("costs", f"cost/{name}" + " less" * (more < 0), bytes=bytes_of(abs(more))))
    if after.passes != before.passes:
        said.append(say("costs", "cost/passes", n=after.passes, before=before.passes))
    if after.texts != before.texts:
        said.append(say("costs", "cost/texts", n=f"{after.texts:,}", before=f"{before.texts:,}"))
    return "; ".join([*said, *filter(None, [also])]) or say("costs", "cost/nothing")


def numbers(part: str, config: Config, plan: Plan) -> str:
    """The formula of a part of the memory with the numbers of this plan."""
    all, own = counted(parameters(config)), counted(learned(config, plan))
    d, t = plan.replicas, plan.split
    within = f" / {t}" * (t > 1)
    among = {stage: within + f" / {d}" * (plan.stage >= stage and d > 1) for stage in (1, 2, 3)}
    away = plan.offload == "everything"
    if part == "weights":
        return "0" if away else f"{plan.size} · {all}{f' + {plan.size} · {own}' if plan.rank else ''}{among[3]}"
    if part == "gradients":
        return "0" if away else f"{plan.size} · {own}{among[2]}"
    if part == "optimizer":
        each = KEPT[plan.optimizer] + (4 if plan.mixed else 0)
        return "0" if plan.offload != "no" else f"{each:g} · {own}{among[1]}"
    if part == "gathered":
        if plan.offload != "everything" and (plan.stage < 3 or d == 1):
            return "0"
        return f"{'2 · ' if away else ''}{plan.size} · {counted(block_parameters(config))}{within}"
    if part == "host":
        return say("costs", f"host/{plan.offload}")
    return _activations(config, plan)


def _activations(config: Config, plan: Plan) -> str:
    texts, T = plan.at_once, plan.read
    rows = f"{texts} · {T:,}"
    block = counted(block_numbers(config, T, texts, plan.fused))
    end = f"{plan.size} · {norm_numbers(config):,} + 4 · {config.vocabulary:,}"
    within = f" / {plan.split}" * (plan.split > 1)
    if plan.checkpoints:
        begun = f"{plan.size} · {rows} · {config.layers} · {config.width:,}"
        return say("costs", "numbers/checkpoints", begun=begun, end=f"{rows} · ({end})", block=block) + within
    return f"{plan.size} · {config.layers} · {block} + {rows} · ({end}) + 4{within}"


def flops_told(config: Config, plan: Plan) -> str:
    """The operations of a step, as they are and by 6 · N · D."""
    tokens, per_token = plan.read * plan.texts * plan.replicas, 4 if plan.rank else 6
    return say(
        "costs",
        "step flops/rank" if plan.rank else "step flops",
        exact=scientific(price_of(config, plan).flops),
        rule=scientific(per_token * parameters(config) * tokens),
        tokens=counted(tokens),
    )
