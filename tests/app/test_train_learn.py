"""Train, a model that learns: before the first start, while it goes, through its checkpoints, to the Walk."""

import base64
import gc
from dataclasses import replace

import numpy as np
import pytest
import torch

from app import catalogue, jobs, session_models, shelf
from app.settings import parse
from app.text import say
from app.views.train.learn.settings import ALL, Learn
from engine.training.tasks import TASKS, Lesson, live
from engine.training.tasks.words import words_of
from tests.app.visit import MAIN, fire, keys, notices, parts, texts, view, visit

SMALL = "width=16,layers=1,heads=2,batch=8,steps=30"


def page(learn: str = "", **link):
    at = visit(train="learn", learn=learn, **link)
    at.switch_page(str(MAIN.parent / "views" / "train" / "page.py")).run()
    assert not at.exception
    return at


def said(at) -> str:
    """All that stands out."""
    return " ".join(notices(at) + notices(at, "info"))


def data(at, key: str):
    return next(part["data"] for part in parts(at) if part["key"] == key)


@pytest.fixture
def done(monkeypatch, tmp_path):
    """done(at) -> the visitor's job, as one that has told everything."""
    torch.set_num_threads(1)
    started: list[jobs.Running] = []

    def start(kind: str, settings: dict) -> jobs.Running:
        one = jobs.Running("anna", kind, settings, tmp_path)
        one.events, one.state = list(live.job(settings, tmp_path)), "done"
        started[:] = [one]
        return one

    monkeypatch.setattr(jobs, "start", start)
    monkeypatch.setattr(jobs, "mine", lambda: started[0] if started else None)
    return started


def test_before_the_first_start_the_task_its_examples_and_the_untrained_model_are_shown():
    at = page()
    told = " ".join(texts(at))
    assert words_of("reverse")["about"] in told and "untrained" in told
    there = keys(at)  # what it answers comes first; empty curves are not shown
    assert {"learn-attention", "plot-map"} <= set(there) and "plot-loss" not in there
    assert there.index("learn-answers") < there.index("learn-attention")
    rows = data(at, "learn-answers")["rows"]
    assert len(rows) == live.SHOWN and all(row[1] == f"{row[0][::-1]}." for row in rows)
    assert notices(at) == []


@pytest.mark.parametrize("task", [name for name in ALL if name != "text"])
def test_every_task_is_chosen_with_its_own_recipe(task):
    at = page()
    fire(at, "control-learn-task", change=task)
    learn, told = parse(Learn, view(at).learn)
    assert told == [] and learn.task == task and learn.causal == TASKS[task].recipe.causal
    assert len(data(at, "learn-answers")["rows"]) == live.SHOWN
    if TASKS[task].fails:
        assert words_of(task)["fails"][:40] in " ".join(texts(at))


@pytest.mark.parametrize(
    ("task", "said"), [("reverse", "question=answer"), ("reverse,causal=0", "no mask"), ("text", "last eighth")]
)
def test_how_the_task_is_asked_is_told_as_it_is(task, said):
    told = " ".join(texts(page(f"task={task}")))
    assert [one for one in ("question=answer", "no mask", "last eighth") if one in told] == [said]


def test_two_runs_are_set_against_each_other(done):
    at = page()
    fire(at, "control-learn-pair", change="positions")
    assert "can count from its mask" in " ".join(texts(at))
    learn, _ = parse(Learn, view(at).learn)
    assert learn.task == "reverse" and not learn.causal
    at = page(f"{SMALL},pair=positions,causal=0")
    fire(at, "button-job-start", change=True)
    assert [shape["positions"] for shape in done[0].settings["runs"]] == ["learned", "none"]
    heads = data(at, "learn-answers")["heads"]
    assert heads[2:] == [say("learn", "pair/positions/0"), say("learn", "pair/positions/1")]
    names = [trace["name"] for trace in data(at, "plot-loss")["figure"]["data"]]
    assert len(names) == 4 and "control-learn-run" in keys(at)
    told = " ".join(texts(at))
    assert all(f"{say('learn', f'pair/positions/{i}')}:" in told for i in range(2)) and "half of them" in told


@pytest.mark.parametrize(
    ("learn", "told"),
    [
        ("width=30", "cannot be divided among 4 heads"),
        ("task=text,causal=0", "has 0 characters"),
        ("rate=1000000000", "the range is"),
        ("rate=nan", "is not a number"),
        ("positions=everywhere", "is not one of"),
    ],
)
def test_what_cannot_be_is_a_sentence(learn, told):
    assert told in said(page(learn))


@pytest.mark.parametrize(
    ("corpus", "told"), [("", "0 characters"), ("a", "1 characters"), ("a" * 900, "one letter")]
)
def test_a_text_that_cannot_be_learned_is_a_sentence(corpus, told):
    at = page("task=text", corpus=corpus)
    assert told in said(at) and "corpus" in keys(at)
    assert data(at, "button-job-start")["disabled"]


def test_a_text_is_learned_by_its_characters(done):
    at = page(f"task=text,{SMALL}", corpus="the cat sat on the mat. " * 40)
    assert notices(at) == []
    fire(at, "button-job-start", change=True)
    assert done[0].settings["corpus"].startswith("the cat")
    assert len(data(at, "learn-answers")["rows"]) > 2


def test_a_run_is_shown_and_scrubbed(done):
    at = page(SMALL)
    fire(at, "button-job-start", change=True)
    events = done[0].events
    losses = [loss for event in events for loss in event["runs"][0]["curves"].get("loss", [])]
    shown = data(at, "plot-loss")["figure"]["data"][0]
    assert shown["y"]["bdata"] and len(losses) > 5
    newest = data(at, "learn-answers")["rows"]
    fire(at, "control-learn-kept", change=0)
    assert parse(Learn, view(at).learn)[0].kept == 0 and data(at, "learn-answers")["rows"] != newest
    assert "step 0" in data(at, "learn-attention")["title"]
    fire(at, "control-learn-kept", change=3)
    assert parse(Learn, view(at).learn)[0].kept == -1 and data(at, "learn-answers")["rows"] == newest


def test_one_weight_is_worked_by_hand(done):
    at = page(SMALL)
    fire(at, "button-job-start", change=True)
    fire(at, "learn-hand", toggle=True)
    assert data(at, "learn-light")["ok"] is True
    fire(at, "control-learn-weight", change="embed.token.weight")
    fire(at, "control-learn-row", change=3)
    assert data(at, "learn-light")["ok"] is True and "embed.token.weight" in " ".join(texts(at))


def test_a_run_that_ended_with_no_number_says_so(done):
    at = page("width=16,layers=4,heads=2,batch=8,steps=300,norm=none,optimizer=sgd,rate=1000")
    fire(at, "button-job-start", change=True)
    assert "choose a lower learning rate" in said(at)


def test_another_task_while_one_goes_leaves_it_in_sight(done):
    at = page(SMALL)
    fire(at, "button-job-start", change=True)
    done[0].state = "running"
    fire(at, "control-learn-task", change="sort")
    assert "starts with the next one" in said(at)
    assert all(row[1] == f"{row[0][::-1]}." for row in data(at, "learn-answers")["rows"])
    done[0].state = "done"
    at.run()
    assert all(row[1] == f"{''.join(sorted(row[0]))}." for row in data(at, "learn-answers")["rows"])


def test_a_checkpoint_opens_in_the_walk_and_is_the_visitors_alone(done):
    at = page(SMALL)
    fire(at, "button-job-start", change=True)
    fire(at, "button-learn-walk", change=True)
    name = view(at).model
    assert name.startswith("reverse after 30 steps") and view(at).prompt.endswith("=")
    at.switch_page(str(MAIN.parent / "views" / "walk" / "page.py")).run()
    assert not at.exception and notices(at) == []
    assert name in shelf.OF_SESSIONS and name not in [one.name for one in shelf.models()]
    other = visit(model=name)
    assert "there is no such model" in said(other)


def test_what_a_visitor_kept_goes_with_him():
    one = Lesson(TASKS["copy"], replace(TASKS["copy"].recipe, width=16, layers=1, heads=2))
    own = session_models.SessionModels()
    name = session_models.add(own, one)
    folder = own.folder
    assert shelf.find(name).folder.is_relative_to(folder) and catalogue.fault(name) == ""
    del own
    gc.collect()
    assert shelf.find(name) is None and not folder.exists()


def test_a_file_is_brought_back_and_gone_on_with(done, tmp_path):
    at = page(SMALL)
    fire(at, "button-job-start", change=True)
    fire(at, "learn-takes", toggle=True)
    content = (done[0].folder / live.file_of(0, 20)).read_bytes()
    fire(at, "learn-open", open=base64.b64encode(content).decode())
    assert "file" in done[0].settings and done[0].events[0]["runs"][0]["done"] == 20
    fire(at, "learn-open", open=base64.b64encode(b"nonsense").decode())
    assert "cannot be gone on with: the file is damaged" in said(at)  # not by the name that it has here
    fire(at, "learn-open", open="no base64 at all")
    assert np.isfinite(done[0].events[-1]["runs"][0]["curves"].get("loss", [1.0])).all()


def test_a_file_sets_the_page_to_what_it_holds_and_gives_way_to_other_settings(done):
    at = page(f"{SMALL},task=sort")
    fire(at, "button-job-start", change=True)
    fire(at, "learn-takes", toggle=True)
    content = (done[0].folder / live.file_of(0, 20)).read_bytes()
    fire(at, "control-learn-task", change="copy")
    fire(at, "learn-open", open=base64.b64encode(content).decode())
    learn, _ = parse(Learn, view(at).learn)
    assert (learn.task, learn.width, learn.batch) == ("sort", 16, 8)
    assert "plot-loss" in keys(at)
    fire(at, "control-learn-task", change="copy")
    assert "plot-loss" not in keys(at) and all(
        row[1] == f"{row[0]}." for row in data(at, "learn-answers")["rows"]
    )


def test_what_is_pressed_while_the_run_goes_on_is_done(done):
    at = page(SMALL)
    fire(at, "button-job-start", change=True)
    one = done[0]
    one.state, all_of_it = "running", one.events
    one.events = all_of_it[:-1]
    at.run()
    parted = {part["key"]: part["of"] for part in parts(at) if "of" in part}
    one.events = all_of_it
    at.run()
    now = {part["key"]: part["of"] for part in parts(at) if "of" in part}
    assert [key for key in parted if parted[key] != now[key]] == []


def test_how_many_were_asked_and_what_a_run_is_drawn_in(done):
    at = page(f"{SMALL},pair=norm")
    fire(at, "button-job-start", change=True)
    assert "Of all 512 held-out examples" in data(at, "plot-accuracy")["say"]
    drawn = [
        [trace["name"] for trace in data(at, f"plot-{key}")["figure"]["data"]] for key in ("loss", "accuracy")
    ]
    assert drawn[0][:2] == drawn[1][:2]  # series are coloured in their order
    done[0].state, done[0].events = "running", done[0].events[:1]
    at.run()
    assert "Of 128 held-out examples" in data(at, "plot-accuracy")["say"]
