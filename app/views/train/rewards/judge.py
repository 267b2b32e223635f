"""The second step: a reward model, learned from my own rankings of four texts or from those of a rule."""

import torch

from app import components, compute, jobs, state
from app.settings import change, read
from app.shared import shared
from app.text import plain, say
from app.ui.charts import by_itself
from app.ui.controls import button, choice, number, slider, text_field
from app.ui.figures import graph, series
from app.ui.jobs import bar
from app.ui.page import columns, notice, text
from app.ui.source import code
from app.ui.tables import table
from app.views.train.rewards import agreement, parts
from app.views.train.rewards.settings import TYPED, Rewards, asked, sentence
from engine.load import load
from engine.training.rewards.judging import groups_of, learn, ranked_texts
from engine.training.rewards.measure import Reading, together
from engine.training.rewards.measure import read as read_texts
from engine.training.rewards.preference import RANKED, bradley_terry
from engine.training.rewards.reward_model import fit
from engine.training.rewards.rule import RULES
from engine.training.rewards.settings import MODEL, MOST_RANKED, Settings, rankings_of


def draw() -> None:
    choice(
        say("rewards", "ranker"),
        "rewards.ranker",
        {one: say("rewards", f"ranker/{one}") for one in ("me", "rule")},
    )
    _mine() if read(Rewards).ranker == "me" else _rule()
    code(bradley_terry, fit)


# --- mine --------------------------------------------------------------------------------------------


@shared()
def _base():
    """The model that writes, on the processor, as the jobs have it."""
    model = compute.model(MODEL)
    return model if model.device.type == "cpu" else load(MODEL, device="cpu")


@shared(400)
def four(prompt: str, length: int, seed: int, number: int) -> Reading:
    """The texts of one of my rankings, and the base model's reading of them."""
    ids = Settings(prompt=prompt, length=length, seed=seed).ids(_base())
    return read_texts(_base(), ranked_texts(_base(), ids, length, seed, number)).without_vocabulary()


@shared(100)
def learned(prompt: str, length: int, seed: int, ranked: str) -> dict:
    """What a reward model that learned from my rankings tells."""
    count = len(rankings_of(ranked))
    found = together([four(prompt, length, seed, number) for number in range(count)])
    return learn(found, groups_of(ranked), None, torch.Generator().manual_seed(seed)).told


def _mine() -> None:
    now = read(Rewards)
    a, b = columns(3, 1, align="end")
    with a:
        text_field(say("rewards", "prompt"), "rewards.prompt", TYPED)
    with b:
        number(say("rewards", "seed"), "rewards.seed")
    try:
        done = rankings_of(now.ranked)
        texts = four(now.prompt, now.length, now.seed, len(done)).strings
    except ValueError as error:
        notice(sentence(error), "warning")
        return _forget() if now.ranked else None
    if len(done) < MOST_RANKED:
        _round(now, len(done), texts)
    else:
        text(say("rewards", "mine/full", n=MOST_RANKED))
    if done:
        _forget()
        agreement.draw(learned(now.prompt, now.length, now.seed, now.ranked), "mine")


def _round(now: Rewards, number: int, texts: list[str]) -> None:
    """Four texts to be put in order."""
    key = f"ranking {now.prompt} {now.length} {now.seed} {now.ranked}"
    order = state.noted(key, list(range(RANKED)))
    text(say("rewards", "mine/round", n=number + 1))
    words = {word: plain(say("rewards", f"mine/{word}")) for word in ("up", "down", "drag", "best", "worst")}
    header = {"texts": [one.replace("\n", " ") for one in texts], "before": now.prompt, "order": order}
    header |= {"words": words, "aria": say("rewards", "mine/aria")}
    components.ranking("ranking", header, lambda new: state.note(key, new))
    a, b, _ = columns(2, 2, 3)
    with a:
        button("ranked", say("rewards", "mine/take"), lambda: _add(order), primary=True, of=texts)
    with b:
        button("by-rule", say("rewards", "mine/by rule"), lambda: _add(_by_rule(now.rule, texts)), of=texts)
    choice(say("rewards", "rule"), "rewards.rule", {one: say("rewards", f"rule/{one}") for one in RULES})


def _by_rule(rule: str, texts: list[str]) -> list[int]:
    return sorted(range(len(texts)), key=lambda i: -RULES[rule](texts[i]))


def _add(order: list[int]) -> None:
    ranked = read(Rewards).ranked
    change(Rewards, ranked=".".join(filter(None, [ranked, "".join(map(str, order))])), pair=0)


def _forget() -> None:
    button("forget-rankings", say("rewards", "mine/again"), lambda: change(Rewards, ranked="", pair=0))


# --- a rule's ----------------------------------------------------------------------------------------


def _rule() -> None:
    choice(say("rewards", "rule"), "rewards.rule", {one: say("rewards", f"rule/{one}") for one in RULES})
    text(say("rewards", f"rule/{read(Rewards).rule}/why"))
    a, b, c = columns(3, 2, 1, align="end")
    with a:
        text_field(say("rewards", "prompt"), "rewards.prompt", TYPED)
    with b:
        slider(say("rewards", "rankings"), "rewards.rankings", 1)
    with c:
        number(say("rewards", "seed"), "rewards.seed")
    given, why = asked(source="model", ranked="")
    if why:
        notice(why, "warning")
    one = bar("judge", given, say("rewards", "judge/start"), _told, ready=not why)
    told = next((event for event in one.events if event["method"] == "judge"), None) if one else None
    if one and one.events:
        parts.changed(one.settings, given)
    if one and not told:
        parts.drawn(one.events, one.settings["prompt"])
    elif not (told or why):
        _four_by_rule(read(Rewards))
    if told:
        _losses(told["losses"])
        agreement.draw(told, "rule")
    parts.script("reward-model", "judge", one.settings if one else given)


def _four_by_rule(now: Rewards) -> None:
    """What the rule makes of four texts."""
    texts = four(now.prompt, now.length, now.seed, 0).strings
    rule = RULES[now.rule]
    rows = [[parts.quoted(texts[i]), parts.signed(rule(texts[i]), 1)] for i in _by_rule(now.rule, texts)]
    text(say("rewards", "rule/four"))
    table([say("rewards", "pair/text"), say("rewards", "pair/rule")], rows, right=9)


def _told(one: jobs.Running) -> str:
    last = one.events[-1]
    drawn = [event for event in one.events if event["method"] == "draw"]
    return (
        say("rewards", "judge/told", step=len(drawn), of=drawn[-1]["of"], seconds=last["seconds"])
        if drawn
        else ""
    )


def _losses(losses: list[float]) -> None:
    title = say("rewards", "judge/losses")
    line = series(title, range(len(losses)), losses)
    by_itself(
        "judge", title, graph([line], say("rewards", "step"), say("rewards", "loss"), zero=True, height=220)
    )
