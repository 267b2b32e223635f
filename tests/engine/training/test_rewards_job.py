"""The three steps as jobs, on a small random model: seeds, what is measured, what is refused."""

import json
import math

import pytest
import torch

import engine
from engine.training.rewards import job, run, supervised
from engine.training.rewards.methods import ppo
from engine.training.rewards.policy import copy_of, log_probabilities, of_tokens, sample, trained
from engine.training.rewards.settings import Diverged, Settings, check_finite, rankings_of
from tests.engine.tiny import ROTARY, decoder

SMALL = dict(rule="short", texts=6, steps=3, length=5, rankings=2)


@pytest.fixture(scope="module")
def base():
    tokenizer = engine.load().tokenizer
    model = decoder(torch.float32, **ROTARY | dict(vocabulary=len(tokenizer), context=80))
    model.tokenizer = tokenizer
    return model


@pytest.fixture
def jobs(base, monkeypatch):
    for module in (run, supervised):
        monkeypatch.setattr(module, "load", lambda name, device="auto": base)
    monkeypatch.setattr(run, "JUDGED", 6)


def untimed(events) -> list[dict]:
    return [{name: x for name, x in event.items() if name != "seconds"} for event in events]


def test_the_same_settings_give_the_same_events_and_change_no_weight(jobs, base):
    before = {name: x.clone() for name, x in base.state_dict().items()}
    first, second = (json.dumps(untimed(job.align(SMALL, None))) for _ in range(2))
    assert first == second
    judged = json.dumps(untimed(job.judge(SMALL | {"seed": 1}, None)))
    assert judged != json.dumps(untimed(job.judge(SMALL, None)))
    assert all(torch.equal(x, before[name]) for name, x in base.state_dict().items())


def test_every_method_is_measured_beside_the_others(jobs):
    events = list(job.align(SMALL, None))
    results = {event["method"]: event for event in events if event.get("result")}
    assert list(results) == ["base", "ppo", "cut", "dpo"]
    assert results["base"]["kl"] == pytest.approx([0, 0, 0], abs=1e-5)
    for one in results.values():
        mean, low, high = one["reward"]
        assert low <= mean <= high and len(one["samples"]) == run.SHOWN
    assert (results["ppo"]["drawn"], results["ppo"]["updates"]) == (18, 6)
    assert 2 <= results["dpo"]["drawn"] <= 8 and results["dpo"]["updates"] == 6
    assert any(event["method"] == "best" for event in events)


def test_a_batch_starts_where_the_policy_is(jobs):
    events = [e for e in job.align(SMALL, None) if e["method"] == "ppo" and "tokens" in e]
    assert events[0]["kl"] == pytest.approx(0, abs=1e-6) and events[-1]["kl"] > 0
    one = events[0]["tokens"]
    assert one["old"] == pytest.approx(one["reference"], abs=1e-4)
    assert one["new"] != one["old"]  # the second pass over the batch is after a step


def test_reward_rises_where_it_is_learned_from(jobs):
    given = SMALL | dict(texts=12, steps=8, rate=0.01, beta=0.0)
    rewards = [
        e["reward"] for e in job.align(given, None) if e["method"] == "cut" and "reward" in e and "step" in e
    ]
    assert sum(rewards[-3:]) > sum(rewards[:3])


def test_where_the_rule_itself_rewards_no_model_stands_in_for_it(jobs):
    events = list(job.align(SMALL | dict(source="rule"), None))
    assert {event["method"] for event in events} >= {"base", "ppo", "cut", "dpo"}
    assert all("gold" not in event for event in events)


def test_without_a_leash_there_is_one_ppo_and_no_dpo(jobs):
    methods = {event["method"] for event in job.align(SMALL | {"beta": 0.0}, None)}
    assert methods == {"draw", "judge", "base", "best", "cut"}


def test_my_rankings_are_what_everything_learns_from(jobs):
    events = list(job.align(SMALL | dict(source="mine", ranked="2013.0123"), None))
    judge = next(event for event in events if event["method"] == "judge")
    assert judge["count"] == 12 and judge["held"] == 4
    assert all("gold" not in event for event in events)


def test_a_rule_is_held_out_on_texts_that_were_not_ranked(jobs):
    (judge,) = [event for event in job.judge(SMALL, None) if event["method"] == "judge"]
    assert 0 < judge["count"] <= 12 and 0 < judge["held"] <= 5
    assert max(judge[name] for name in ("model", "length", "coin")) <= judge["held"]
    assert judge["losses"][-1] < judge["losses"][0] == pytest.approx(math.log(2))


# --- the policy ------------------------------------------------------------------------------------------


def test_texts_are_seeded_and_their_probabilities_those_of_the_engine(base):
    prompt = base.tokenizer.encode("Once upon a time")
    one, two = (sample(base, prompt, 3, 5, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(one.ids, two.ids)
    logits = engine.run(base, one.ids[:1])["logits"][0, one.start - 1 : -1].log_softmax(-1)
    wanted = logits.gather(-1, one.written[0][:, None])[:, 0]
    found = of_tokens(log_probabilities(base, one), one)[0]
    assert torch.allclose(found[one.mask[0]], wanted[one.mask[0]], atol=1e-4)


def test_only_the_last_blocks_of_a_copy_learn(base):
    policy = copy_of(base)
    learning = {name.split(".")[0] for name, p in policy.named_parameters() if p.requires_grad}
    assert learning == {"blocks", "final_norm"} and trained(policy)
    assert not any(
        p.data_ptr() == q.data_ptr() for p, q in zip(policy.parameters(), base.parameters(), strict=True)
    )


# --- what goes wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, told",
    [
        (dict(rate=1e9), "the learning rate is 1,000,000,000; it is a number from 1e-06 to 1"),
        (dict(rate=math.nan), "the learning rate is nan"),
        (dict(beta=-1), "the leash β is -1; it is a number from 0 to 10"),
        (dict(beta="x"), "the leash β is 'x'"),
        (dict(epsilon=0), "the clip ε is 0"),
        (dict(prompt="  "), "the prompt is empty"),
        (dict(prompt=None), "the prompt is empty"),
        (dict(rule="rude"), "choose one of animals"),
        (dict(source="you"), "choose one of model"),
        (dict(texts=2.5), "a whole number from 4 to 64"),
        (dict(steps=True), "the number of batches is True"),
        (dict(source="mine"), "nothing is ranked yet"),
        (dict(source="mine", ranked="0122"), "is no list of rankings"),
    ],
)
def test_bad_settings_have_a_sentence(given, told):
    with pytest.raises(ValueError) as error:
        Settings.of(given)
    assert told in str(error.value)


@pytest.mark.parametrize("ranked", ["01", "0123.", "01234", "0123..0123", "a", "٠١٢٣"])
def test_rankings_are_read_or_refused(ranked):
    try:
        assert all(sorted(one) == [0, 1, 2, 3] for one in rankings_of(ranked))
    except ValueError as error:
        assert "as in 2013.0132" in str(error)


def test_a_prompt_that_is_too_long_has_a_sentence(jobs):
    with pytest.raises(ValueError, match=r"the prompt has \d+ tokens; at most 60"):
        next(job.align({"prompt": "far away " * 60}, None))


def test_numbers_that_are_none_end_with_a_sentence(base):
    with pytest.raises(
        Diverged, match="the loss is no finite number at step 3: the learning rate 1 is too large"
    ):
        check_finite(math.nan, "the loss", 3, 1.0)
    broken = copy_of(base)
    broken.final_norm.weight.data.fill_(math.nan)
    with pytest.raises(ValueError, match="scores are no finite numbers"):
        sample(broken, [1, 2], 2, 3, torch.Generator())


def test_a_run_that_diverges_is_told(jobs, monkeypatch):
    monkeypatch.setattr("engine.training.rewards.methods.ppo_loss", lambda new, *_: new.sum() * math.nan)
    one = run.Run(Settings.of(SMALL))
    list(one.draw()), list(one.learn_to_judge())
    with pytest.raises(Diverged, match="Take a smaller one"):
        list(ppo(one, "ppo", 0.1))


# --- demonstrations -------------------------------------------------------------------------------------


def test_answers_alone_are_learned(base):
    ids, targets = supervised.batch_of(base.tokenizer, [("Who?", "I."), ("Who are you?", "The cat.")])
    end = base.tokenizer.ends[0]
    for row, of in zip(ids.tolist(), targets.tolist(), strict=True):
        counted = [id for id in of if id != supervised.IGNORED]
        assert counted[-1] == end and base.tokenizer.decode(counted[:-1]) in (" I.", " The cat.")
        assert all(a == b for a, b in zip(row, of, strict=True) if b != supervised.IGNORED)


def test_demonstrations_are_learned_and_both_models_answer(jobs, base):
    before = {name: x.clone() for name, x in base.state_dict().items()}
    first, second = (untimed(supervised.supervised({"passes": 1, "rate": 0.01}, None)) for _ in range(2))
    assert first == second and first[-1]["held"] < first[0]["held"]
    assert first[-1]["answers"][0]["request"] == "Tell me about the bird."
    assert all(torch.equal(x, before[name]) for name, x in base.state_dict().items())


@pytest.mark.parametrize("given", [{"request": " "}, {"request": "a b " * 60}, {"rate": 1e9}, {"passes": 0}])
def test_bad_requests_have_a_sentence(jobs, given):
    with pytest.raises(ValueError, match=r"type one|shorten it|it is a"):
        next(supervised.supervised(given, None))


def test_every_demonstration_has_a_request_and_an_answer():
    all = supervised.demonstrations()
    assert len(all) == len({request for request, _ in all}) == 52
    assert all[-supervised.HELD_OUT :] and {len(one) for one in all} == {2}
