"""One step of PPO, token by token, and one pair of DPO, worked by hand."""

import math

from app.settings import change, read
from app.text import say
from app.ui.charts import by_itself
from app.ui.controls import choice_of, slider_of
from app.ui.frame import light
from app.ui.page import text
from app.ui.tables import table
from app.views.train.rewards import parts
from app.views.train.rewards.course import of
from app.views.train.rewards.parts import factor, number
from app.views.train.rewards.settings import Rewards
from engine.worked.rewards import check_dpo, check_gains, dpo_difference, gain, preference_loss, sigmoid


def draw(events: list[dict], given: dict) -> None:
    _ppo(events, given)
    _dpo(events, given)


def _ppo(events: list[dict], given: dict) -> None:
    now = read(Rewards)
    names = [name for name in ("ppo", "cut") if of(events, name)]
    if not names:
        return
    method = now.method if now.method in names else names[0]
    text(say("rewards", "clip/title"))
    labels = {name: say("rewards", f"method/{name}") for name in names}
    choice_of("clip-method", say("rewards", "method"), method, labels, lambda one: change(Rewards, method=one))
    steps = [event for event in of(events, method) if "tokens" in event]
    most = max(range(len(steps)), key=lambda i: steps[i]["clipped"])
    at = min(now.at, len(steps) - 1) if now.at >= 0 else most
    if len(steps) > 1:
        slider_of(
            "clip-step",
            say("rewards", "batch"),
            at + 1,
            1,
            len(steps),
            1,
            lambda x: change(Rewards, at=int(x) - 1),
        )
    beta = given["beta"] if method == "ppo" else 0.0
    _tokens(steps[at], beta, given["epsilon"], now.token)


def _tokens(event: dict, beta: float, epsilon: float, picked: int) -> None:
    """The best text of a batch: what each token gains, and one of them by hand."""
    one = event["tokens"]
    changes = [abs(now - drawn) for now, drawn in zip(one["new"], one["old"], strict=True)]
    token = min(picked, len(changes) - 1) if picked >= 0 else changes.index(max(changes))
    ratio = sum(a - b for a, b in zip(one["old"], one["reference"], strict=True))
    values = dict(reward=one["reward"], beta=beta, log_ratio=ratio, worth=one["reward"] - beta * ratio)
    text(
        say(
            "rewards",
            "clip/text",
            text=one["text"].strip(),
            advantage=one["advantage"],
            step=event["step"],
            **values,
        )
    )
    check = check_gains(one["old"], one["new"], one["advantage"], epsilon, one["gain"])
    figure = parts.of_tokens(one["labels"], one["gain"], say("rewards", "clip/gain"), token)
    pick = (range(len(one["labels"])), lambda i: change(Rewards, token=i))
    by_itself("gains", say("rewards", "clip/gains"), figure, light=light(check), pick=pick)
    parts.by_hand("gain", [_gain_box(one, token, epsilon)])


def _gain_box(one: dict, i: int, epsilon: float) -> dict:
    old, new, advantage = one["old"][i], one["new"][i], one["advantage"]
    ratio = math.exp(new - old)
    clipped = min(max(ratio, 1 - epsilon), 1 + epsilon)
    latex = [
        r"\rho = e^{\log\pi_{\text{now}} - \log\pi_{\text{drawn}}}"
        rf" = e^{{{number(new, 5)} - {factor(old, 5)}}} = {number(ratio)}",
        r"\min\left(\rho A,\ \mathrm{clip}(\rho, 1-\varepsilon, 1+\varepsilon)\,A\right)"
        rf" = \min\left({number(ratio)}\cdot{factor(advantage)},\ "
        rf"{number(clipped)}\cdot{factor(advantage)}\right)"
        rf" = \min\left({number(ratio * advantage)},\ {number(clipped * advantage)}\right)",
    ]
    return parts.box(f"gain[{i}]", latex, gain(ratio, advantage, epsilon), one["gain"][i])


def _dpo(events: list[dict], given: dict) -> None:
    pairs = [event for event in of(events, "dpo") if "pair" in event]
    if not pairs:
        if not given["beta"] and of(events, "cut"):
            text(say("rewards", "dpo/no leash"))
        return
    event = pairs[min(len(pairs) - 1, 1)]
    one, beta = event["pair"], given["beta"]
    text(say("rewards", "dpo/title", step=event["step"]))
    better, worse, better_reference, worse_reference = one["log_probabilities"]
    heads = [say("rewards", name) for name in ("pair/which", "pair/text", "dpo/now", "dpo/reference")]
    rows = [
        [
            say("rewards", "pair/better"),
            parts.quoted(one["better"]),
            parts.signed(better, 3),
            parts.signed(better_reference, 3),
        ],
        [
            say("rewards", "pair/worse"),
            parts.quoted(one["worse"]),
            parts.signed(worse, 3),
            parts.signed(worse_reference, 3),
        ],
    ]
    table(heads, rows)
    difference = dpo_difference(one["log_probabilities"], beta)
    latex = [
        r"L = -\log\sigma\left(\beta\left(\log\frac{\pi(y_w)}{\pi_{\text{ref}}(y_w)}"
        r" - \log\frac{\pi(y_l)}{\pi_{\text{ref}}(y_l)}\right)\right)",
        rf"-\log\sigma\left({number(beta)}\left(({number(better, 5)} - {factor(better_reference, 5)})"
        rf" - ({number(worse, 5)} - {factor(worse_reference, 5)})\right)\right)"
        rf" = -\log\sigma({number(difference)}) = -\log {number(sigmoid(difference))}",
    ]
    parts.by_hand("dpo", [parts.box("L", latex, preference_loss(difference), one["loss"])])
    check = check_dpo(one["log_probabilities"], beta, one["loss"])
    text(say("rewards", "dpo/agrees" if check.ok else "dpo/differs", largest=check.largest))
