"""What is shown of a reward model: how often it is right, and each pair's loss by hand."""

from app.settings import change, read
from app.text import say
from app.ui.charts import by_itself
from app.ui.figures import bars
from app.ui.frame import light
from app.ui.page import text
from app.ui.tables import table
from app.views.train.rewards import parts
from app.views.train.rewards.parts import number
from app.views.train.rewards.settings import Rewards
from engine.training.evaluate.intervals import wilson
from engine.worked.rewards import check_pairs, preference_loss, sigmoid

JUDGES = ("model", "length", "coin")


def draw(told: dict, whose: str) -> None:
    """told: what a reward model tells (engine.training.rewards.judging)."""
    _agreement(told, whose)
    if told["shown"]:
        _pairs(told)


def _agreement(told: dict, whose: str) -> None:
    if not told["held"]:
        return text(say("rewards", f"held/{whose}/none"))
    rows = []
    for judge in JUDGES:
        low, high = wilson(told[judge], told["held"])
        right = f"{told[judge]} / {told['held']}"
        share = f"{told[judge] / told['held']:.0%} ({low:.0%} – {high:.0%})"
        rows.append([say("rewards", f"held/{judge}"), right, share])
    text(say("rewards", f"held/{whose}", n=told["held"], pairs=told["count"]))
    table([say("rewards", "held/judge"), say("rewards", "held/right"), say("rewards", "held/share")], rows)


def _pairs(told: dict) -> None:
    """The pairs that it learned from: a bar each for the loss, and one pair by hand."""
    shown = told["shown"]
    at = min(read(Rewards).pair, len(shown) - 1)
    rows = [{"label": f"{i + 1}", "value": one["loss"], "mark": i == at} for i, one in enumerate(shown)]
    check = check_pairs([one["rewards"] for one in shown], [one["loss"] for one in shown])
    figure = bars(rows, say("rewards", "pair"), say("rewards", "loss"), height=20 * len(rows))
    text(say("rewards", "pairs", n=told["count"], shown=len(shown)))
    pick = (range(len(shown)), lambda i: change(Rewards, pair=i))
    by_itself("pairs", say("rewards", "pairs/title"), figure, light=light(check), pick=pick)
    one = shown[at]
    heads = [say("rewards", name) for name in ("pair/which", "pair/text", "pair/reward")]
    scores = one["scores"] or ["", ""]
    rows = [
        [say("rewards", f"pair/{name}"), parts.quoted(one[name]), parts.signed(reward, 4)]
        for name, reward in zip(("better", "worse"), one["rewards"], strict=True)
    ]
    if one["scores"]:
        heads.append(say("rewards", "pair/rule"))
        rows = [[*row, parts.signed(score, 1)] for row, score in zip(rows, scores, strict=True)]
    table(heads, rows)
    parts.by_hand("pair", [_box(at, one)])


def _box(at: int, one: dict) -> dict:
    better, worse = one["rewards"]
    apart = better - worse
    latex = [
        r"L = -\log\sigma(r_w - r_l),\quad \sigma(x) = \frac{1}{1 + e^{-x}}",
        rf"-\log\sigma({number(better)} - {parts.factor(worse)}) = -\log\sigma({number(apart)})"
        rf" = -\log {number(sigmoid(apart))}",
    ]
    return parts.box(f"L[{say('rewards', 'pair')} {at + 1}]", latex, preference_loss(apart), one["loss"])
