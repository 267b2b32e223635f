"""The part Rewards of the page Train: what jobs tell, its arithmetic, sentences where something is wrong."""

import math
from pathlib import Path

import pytest
import torch

from app import jobs
from app.settings import parse
from app.text import say
from app.views.train.rewards import parts as parts_of
from app.views.train.rewards.settings import STEPS, Rewards
from engine.training.rewards import job, run, supervised
from engine.training.rewards.settings import Settings
from tests.app.visit import (
    MAIN,
    curves,
    enter,
    figure,
    fire,
    given,
    keys,
    model,
    notices,
    number,
    parts,
    rows_of,
    texts,
    view,
    visit,
)
from tests.engine.tiny import ROTARY, decoder

SMALL = dict(prompt="Once", rule="short", texts=8, steps=3, length=5, rankings=2, beta=0.1, epsilon=0.2)


def page(rewards: str = "", **link):
    at = visit(train="rewards", rewards=rewards, **link)
    at.switch_page(str(MAIN.parent / "views" / "train" / "page.py")).run()
    assert not at.exception
    return at


@pytest.fixture(scope="module")
def told():
    """What jobs tell, of a small random model."""
    base = decoder(torch.float32, **ROTARY | dict(vocabulary=len(model().tokenizer), context=80))
    base.tokenizer = model().tokenizer
    with pytest.MonkeyPatch.context() as patch:
        for module in (run, supervised):
            patch.setattr(module, "load", lambda name, device="auto": base)
        patch.setattr(run, "JUDGED", 6)
        yield {
            "align": list(job.align(SMALL, None)),
            "judge": list(job.judge(SMALL, None)),
            "supervised": list(supervised.supervised({"passes": 1}, None)),
        }


@pytest.fixture
def done(told, monkeypatch):
    """done(kind, …): as if a job of this kind had told its first events."""

    def put(kind: str, state: str = "done", count: int | None = None, why: str = "", **more) -> None:
        settings = (SMALL if kind != "supervised" else {"request": "Tell me about the bird."}) | more
        one = jobs.Running("", kind, settings, Path("."), state, told[kind][:count], why)
        monkeypatch.setattr(jobs, "mine", lambda: one)

    return put


def table(at, *heads: str) -> list[list[str]]:
    """The rows of the table that has these heads first."""
    found = [rows for part in parts(at) if (rows := rows_of(part)) and rows[0][: len(heads)] == list(heads)]
    assert len(found) == 1
    return found[0][1:]


def boxes(at, key: str) -> dict:
    return given(at, f"worked-{key}")["boxes"][0]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_opens_with_something_to_do_and_says_that_it_is_a_toy(step):
    at = page(f"step={step}")
    assert notices(at) == [] and keys(at, "button-")
    assert any(one.startswith("*Toy:*") for one in texts(at))


def test_the_base_model_answers_at_once_and_the_other_not_yet():
    at = page()
    ((request, base, tuned),) = table(at, "request", "base model")
    assert request == "Tell me about the bird." and "Question" in base and tuned == "*not yet*"


def test_both_models_answer_side_by_side_when_one_has_learned(done, told):
    done("supervised")
    at = page()
    answers = told["supervised"][-1]["answers"]
    rows = table(at, "request", "base model")
    assert [row[0] for row in rows] == [one["request"] for one in answers]
    x, y = curves(at, "plot-examples")[say("rewards", "examples/held")]
    held = [event["held"] for event in told["supervised"] if "answers" not in event]
    assert y == pytest.approx(held) and x == list(range(len(held)))


# --- the second step -----------------------------------------------------------------------------------


def test_my_ranking_goes_into_the_link_and_the_next_four_come():
    at = page("step=judge")
    before = given(at, "ranking")["texts"]
    assert len(set(before)) == 4
    fire(at, "ranking", order=[2, 0, 3, 1])
    assert given(at, "ranking")["order"] == [2, 0, 3, 1]
    fire(at, "button-ranked", change=True)
    assert parse(Rewards, view(at).rewards)[0].ranked == "2031"
    assert given(at, "ranking")["texts"] != before
    assert given(at, "ranking")["order"] == [0, 1, 2, 3]
    again = page("step=judge,ranked=2031")
    assert boxes(again, "pair") == boxes(at, "pair")


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 0, 1, 2], [0, 1, 2, 4], "0123", None, [True, 0, 2, 3]])
def test_what_is_no_order_of_four_changes_nothing(order):
    at = page("step=judge")
    fire(at, "ranking", order=order)
    assert given(at, "ranking")["order"] == [0, 1, 2, 3]


def test_a_pair_is_worked_by_hand():
    at = page("step=judge,ranked=2031.0123,pair=3")
    better, worse = (number(row[2]) for row in table(at, "which", "text", "reward r"))
    box = boxes(at, "pair")
    assert number(box["value"]) == pytest.approx(-math.log(1 / (1 + math.exp(worse - better))), abs=2e-4)
    assert number(box["value"]) == pytest.approx(number(box["shown"]), rel=1e-4)
    assert given(at, "plot-pairs")["light"]["ok"]
    fire(at, "plot-pairs", pick=1)
    assert boxes(at, "pair")["cell"].endswith("2]")


def test_a_wrong_loss_turns_the_light_red(monkeypatch):
    from engine.training.rewards import judging

    monkeypatch.setattr(judging, "bradley_terry", lambda better, worse: (better - worse).sigmoid())
    at = page("step=judge,ranked=2301.3120")
    assert not given(at, "plot-pairs")["light"]["ok"]


def test_the_rule_can_rank_for_me_and_rankings_can_be_forgotten():
    at = page("step=judge,rule=short")
    fire(at, "button-by-rule", change=True)
    assert len(parse(Rewards, view(at).rewards)[0].ranked) == 4
    assert say("rewards", "held/mine/none") in texts(at)
    fire(at, "button-by-rule", change=True)
    assert len(table(at, "judge", "right")) == 3
    fire(at, "button-forget-rankings", change=True)
    assert parse(Rewards, view(at).rewards)[0].ranked == ""


@pytest.mark.parametrize("ranked, told", [("0122", "is no list"), (".".join(["0123"] * 25), "at most 24")])
def test_rankings_that_cannot_be_read_can_be_forgotten(ranked, told):
    at = page(f"step=judge,ranked={ranked}")
    assert any(told in one for one in notices(at))
    fire(at, "button-forget-rankings", change=True)
    assert notices(at) == [] and given(at, "ranking")["texts"]


def test_a_rules_reward_model_stands_beside_length_and_a_coin(done, told):
    done("judge")
    at = page("step=judge,ranker=rule")
    judged = told["judge"][-1]
    rows = table(at, "judge", "right")
    assert [row[1] for row in rows] == [
        f"{judged[name]} / {judged['held']}" for name in ("model", "length", "coin")
    ]


# --- the third step --------------------------------------------------------------------------------------


def test_all_methods_stand_beside_each_other_with_their_numbers(done, told):
    done("align")
    at = page("step=policy")
    rows = table(at, "method", "reward", "the rule itself", "KL, nats")
    assert [row[0] for row in rows] == [
        "base model",
        "best of 4",
        "PPO on the leash",
        "PPO, leash cut (β = 0)",
        "DPO",
    ]
    result = {event["method"]: event for event in told["align"] if event.get("result")}
    for row, name in zip(rows, ("base", "", "ppo", "cut", "dpo"), strict=True):
        if name:
            assert number(row[1].split()[0]) == pytest.approx(result[name]["reward"][0], abs=0.0051)
            assert number(row[3].split()[0]) == pytest.approx(result[name]["kl"][0], abs=0.0051)
    steps = [event for event in told["align"] if event["method"] == "cut" and "step" in event]
    assert curves(at, "plot-kl")["PPO, leash cut (β = 0)"][1] == pytest.approx([one["kl"] for one in steps])
    assert {"plot-frontier", "plot-course", "plot-distinct", "plot-dpo"} <= set(keys(at, "plot-"))
    assert any(one.startswith("### Reward hacking") or "Reward hacking" in one for one in texts(at))


def test_no_number_is_minus_nothing():
    assert parts_of.spread((0.0, -0.001, 0.2)) == "0.00 (0.00 – 0.20)" and parts_of.signed(-0.5) == "−0.50"


def test_without_a_leash_nothing_is_compared_with_it(done, told):
    done("align", beta=0.0)
    jobs.mine().events[:] = [e for e in told["align"] if e["method"] not in ("ppo", "dpo")]
    at = page("step=policy,beta=0")
    assert any("There is no leash" in one for one in texts(at))
    assert not any("on it" in one or "on the leash" in one for one in texts(at))


@pytest.mark.parametrize(
    "bits, distinct, key",
    [(3.0, 0.9, ", measured"), (1.0, 0.5, ", measured"), (1.0, 0.88, "?"), (1.7, 0.9, "?")],
)
def test_hacking_is_what_the_numbers_say(bits, distinct, key, done, told):
    done("align")
    one = {"base": (0.0, 1.6, 0.9), "ppo": (1.0, 1.0, 0.9), "cut": (2.0, bits, distinct)}
    for i, event in enumerate(jobs.mine().events):
        if event.get("result") and event["method"] in one:
            reward, b, d = one[event["method"]]
            jobs.mine().events[i] = event | {"reward": [reward] * 3, "bits": b, "distinct": d}
    (said,) = (one for one in texts(page("step=policy")) if "Reward hacking" in one)
    assert said.lstrip("# ").startswith(f"Reward hacking{key}")


@pytest.mark.parametrize("kind, link", [("judge", "step=judge,ranker=rule"), ("align", "step=policy")])
def test_a_run_with_other_settings_is_called_so(kind, link, done):
    told_so = say("rewards", "changed").strip("*")
    small = "prompt=Once,rule=short,texts=8,steps=3,length=5,rankings=2"
    done(kind, **Settings(**SMALL, source="model").__dict__)
    assert not any(told_so in one for one in texts(page(f"{link},{small}")))
    assert any(told_so in one for one in texts(page(f"{link},{small},seed=1")))


@pytest.mark.parametrize("kind, link", [("judge", "step=judge,ranker=rule"), ("align", "step=policy")])
def test_the_first_texts_are_shown_while_they_are_drawn(kind, link, done, told):
    done(kind, "running", 1)
    assert any(told[kind][0]["sample"].strip()[:5] in one for one in texts(page(link)) if "writes" in one)


def test_a_rules_order_of_four_is_shown_before_it_has_ranked_more():
    rows = table(page("step=judge,ranker=rule,rule=short"), "text", "rule")
    scores = [number(row[1]) for row in rows]
    assert len(rows) == 4 and scores == sorted(scores, reverse=True)


def test_one_token_of_a_step_is_worked_by_hand(done, told):
    done("align")
    at = page("step=policy,method=cut,at=1,token=2")
    one = [e for e in told["align"] if e["method"] == "cut" and "tokens" in e][1]["tokens"]
    ratio, advantage = math.exp(one["new"][2] - one["old"][2]), one["advantage"]
    gain = min(ratio * advantage, min(max(ratio, 0.8), 1.2) * advantage)
    assert number(boxes(at, "gain")["value"]) == pytest.approx(gain, rel=1e-4)
    assert given(at, "plot-gains")["light"]["ok"]
    assert figure(at, "plot-gains").data[0].x.tolist() == pytest.approx(one["gain"])
    fire(at, "plot-gains", pick=1)
    assert boxes(at, "gain")["cell"] == "gain[1]"


def test_a_wrong_gain_turns_the_light_red(done, told):
    broken = [dict(event) for event in told["align"]]
    for event in broken:
        if "tokens" in event:
            event["tokens"] = event["tokens"] | {"gain": [x + 0.01 for x in event["tokens"]["gain"]]}
    done("align")
    jobs.mine().events[:] = broken
    assert not given(page("step=policy"), "plot-gains")["light"]["ok"]


def test_the_loss_of_a_pair_of_dpo_is_worked_by_hand(done, told):
    done("align")
    at = page("step=policy")
    pair = [event for event in told["align"] if "pair" in event][1]["pair"]
    a, b, c, d = pair["log_probabilities"]
    loss = math.log(1 + math.exp(-0.1 * ((a - c) - (b - d))))
    assert number(boxes(at, "dpo")["value"]) == pytest.approx(loss, rel=1e-4)
    assert any("within rounding error" in one for one in texts(at))


@pytest.mark.parametrize("count", range(1, 24, 2))
def test_a_run_is_shown_at_every_moment(done, count):
    done("align", "running", count)
    assert notices(page("step=policy")) == []


def test_a_failure_is_told(done):
    done("align", "failed", 5, "the loss is no finite number at step 2")
    assert any("no finite number" in one for one in notices(page("step=policy")))


@pytest.mark.parametrize(
    "link, told",
    [
        ("step=policy,rate=1000000000", "The learning rate is 1,000,000,000; it is a number from 1e-06 to 1."),
        ("step=policy,rate=quick", "“quick”, which is not a number"),
        ("step=policy,beta=-1", "The leash β is -1; it is a number from 0 to 10."),
        ("step=policy,beta=nan", "“nan”, which is not a number"),
        ("step=policy,epsilon=0", "The clip ε is 0"),
        ("step=policy,prompt=", "The prompt is empty"),
        ("step=policy,source=mine", "Nothing is ranked yet"),
        ("step=judge,prompt= ", "The prompt is empty"),
        ("step=judge,ranked=77", "is no list of rankings"),
        ("request=", "The request is empty"),
        ("step=judge,prompt=" + "far away " * 61, "at most 60 are read here"),
        ("request=" + "far away " * 61, "at most 60 are read here"),
    ],
)
def test_what_cannot_be_done_has_a_sentence(link, told):
    at = page(link)
    assert any(told in one for one in notices(at)), notices(at)
    starts = [given(at, key) for key in keys(at, "button-job-start")]
    assert all(one["disabled"] for one in starts)


def test_what_is_typed_is_kept_and_no_markup():
    at = page("step=policy")
    enter(at, "rewards.beta", "<b>*0.1*</b>")
    assert parse(Rewards, view(at).rewards)[0].beta == "<b>*0.1*</b>"
    assert any("<b>*0.1*</b>" in one for one in notices(at))


@pytest.mark.parametrize(
    "kind, link", [("supervised", ""), ("judge", "step=judge,ranker=rule"), ("align", "step=policy")]
)
def test_the_script_to_take_along_gives_the_same_numbers(kind, link, done, told, capsys):
    done(kind, **({"passes": 1} if kind == "supervised" else {}))
    at = page(link)
    (key,) = keys(at, "take-")
    (part,) = (one for one in parts(at) if one["key"] == key and one["kind"] == "sheet")
    exec(part["data"]["text"], {})
    printed = capsys.readouterr().out
    last = told[kind][-1]
    for name in ("held", "losses", "reward"):
        if name in last:
            assert f"'{name}': {last[name]}" in printed
