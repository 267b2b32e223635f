"""Prompts by example: how they are made, and how probable an answer is."""

import json
import math
import re

import pytest
import torch

import engine
from engine.decode.prompting import FOLDER, log_probability, tasks
from engine.training.demonstrations import EXCERPTS, excerpt, search, sources


@pytest.mark.parametrize("name", tasks())
def test_a_prompt_has_so_many_demonstrations_and_the_question_last(name):
    task = tasks()[name]
    for shots in range(len(task.demonstrations) + 1):
        prompt = task.prompt(shots, seed=4)
        assert prompt.endswith(task.form.format(x=task.question[0]))
        shown = [f"{task.form.format(x=asked)} {answer}" for asked, answer in task.demonstrations]
        assert sum(one in prompt for one in shown) == shots
        assert prompt == task.prompt(shots, seed=4)
    assert len({task.prompt(2, seed) for seed in range(20)}) > 1
    assert task.question not in task.demonstrations and task.question[1] not in task.wrong


def test_mixed_answers_are_the_same_answers_dealt_out_anew():
    task = tasks()["sentiment"]
    texts = {task.prompt(4, seed, mixed=True) for seed in range(20)}
    assert all(text.count("Positive") == text.count("Negative") == 2 for text in texts)
    assert any("Good movie!\nSentiment: Negative" in text for text in texts)


@pytest.mark.parametrize("name", ["storybook", "fabulist"])
def test_an_answers_probability_is_the_product_of_its_tokens(name):
    model = engine.load(name)
    prompt, answer = tasks()["dictionary"].prompt(2), "loutre de mer"
    ids, product = model.tokenizer.encode(prompt), 1.0
    for id in model.tokenizer.encode(" " + answer):
        product *= engine.run(model, ids)["logits"][0, -1].double().softmax(-1)[id].item()
        ids = [*ids, id]
    assert math.exp(log_probability(model, prompt, answer)) == pytest.approx(product, rel=1e-4)


def test_a_decoder_beside_an_encoder_begins_with_the_answer():
    model, product = engine.load("interpreter"), 1.0
    target = [model.start]
    for id in [id for id in model.tokenizer.encode("Je vois un chat.") if id != model.end]:
        run = engine.run(model, "I see a cat.", target=target)
        product *= run["decoder.logits"][0, -1].double().softmax(-1)[id].item()
        target = [*target, id]
    found = log_probability(model, "I see a cat.", "Je vois un chat.")
    assert math.exp(found) == pytest.approx(product, rel=1e-4) and product > 0.01
    assert found > log_probability(model, "I see a cat.", "Je vois un chien.")


def test_what_does_not_fit_has_no_probability():
    assert log_probability(engine.load("storybook"), "a" + " a" * 254, "cat sat") is None
    assert log_probability(engine.load("interpreter"), "a" + " a" * 100, "cat") is None


def test_some_tasks_succeed_and_some_fail():
    torch.set_num_threads(1)
    model = engine.load("storybook")
    sure = {
        name: math.exp(log_probability(model, task.prompt(2), task.question[1]))
        for name, task in tasks().items()
    }
    assert sure["sentiment"] > 0.5 and sure["dictionary"] > 0.5
    assert sure["logic"] < 0.1 and sure["translation"] < 0.1


def test_excerpts_are_found_in_the_books_with_their_sources(tmp_path):
    books = {f"{i}.txt": f"One.\n\nHe said: Rache is the German for revenge {i}.\n\nTwo." for i in range(9)}
    count, found = search(tasks()["dictionary"], books)
    assert count == 9 and len(found) == EXCERPTS == len({one["book"] for one in found})
    assert found[0]["before"] == "He said: Rache " and found[0]["found"] == "is the German for"
    assert found[0]["after"] == " revenge 0."
    assert excerpt("a" * 500 + " it follows that b", 501, 516)["found"] == "it follows that"
    (tmp_path / "SOURCES.tsv").write_text("file\ttitle\tauthor\nbooks/0.txt\tNought\tNobody\n", "utf-8")
    (tmp_path / "books").mkdir()
    assert (
        sources(tmp_path / "books") == {"0.txt": ("Nought", "Nobody")} and sources(tmp_path / "x" / "y") == {}
    )


def test_the_shipped_excerpts_are_what_the_patterns_find():
    file = FOLDER / "found.json"
    told = json.loads(file.read_text("utf-8"))
    assert file.stat().st_size <= 200_000 and set(told["found"]) == set(tasks())
    for name, task in tasks().items():
        there = told["found"][name]
        assert there["count"] >= len(there["excerpts"]) >= 1
        for one in there["excerpts"]:
            assert any(re.fullmatch(pattern, one["found"]) for pattern in task.search)
            assert one["title"] and one["author"]
