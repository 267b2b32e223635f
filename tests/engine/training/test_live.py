"""A lesson told while it goes: the same again, gone on with from a file, ended by a loss that is no number."""

import io
import json
import runpy
from itertools import islice

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import engine
from engine.training.jobs import read, write
from engine.training.tasks import TASKS, Corpus, Lesson, Recipe, live, saving
from engine.training.tasks.lesson import score_of
from engine.training.tasks.script import script
from engine.training.tasks.task import OPTIMIZERS

SMALL = dict(layers=1, heads=2, width=16, batch=8, steps=30)
TEXT = "the cat sat on the mat. the dog sat on the log. " * 20


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def lesson(task="reverse", **changes) -> Lesson:
    return Lesson(TASKS[task], Recipe(**SMALL | changes))


def after(steps: int, **changes) -> Lesson:
    found = lesson(**changes)
    for _ in range(steps):
        found.step()
    return found


def weights(of: Lesson) -> list[np.ndarray]:
    return [p.detach().numpy().copy() for p in of.model.parameters()]


def told(folder, *recipes: dict, task="reverse", ask=None, **more) -> list[dict]:
    """All events of a job; `ask`: what is asked after the first one."""
    folder.mkdir(exist_ok=True)
    running = live.job({"task": task, "runs": [SMALL | one for one in recipes], **more}, folder)
    events = [next(running)]
    try:
        events.append(running.send(ask or {}))
        while True:
            events.append(running.send({}))
    except StopIteration:
        return events


def joined(events: list[dict], run: int = 0) -> dict:
    """What the events tell together."""
    found: dict = {"kept": [one for event in events for one in event["runs"][run]["kept"]]}
    for event in events:
        for name, values in event["runs"][run]["curves"].items():
            found.setdefault(name, []).extend(values)
    arrays = {name: [e[f"{name}_{run}"] for e in events if f"{name}_{run}" in e] for name in live.ARRAYS}
    return found | {name: np.concatenate(parts) for name, parts in arrays.items()}


# --- what is told ---------------------------------------------------------------------------------


def test_the_same_settings_tell_the_same_numbers_however_the_clock_runs(tmp_path, monkeypatch):
    first = joined(told(tmp_path / "a", {}))
    monkeypatch.setattr(live, "APART", 0.0)
    events = told(tmp_path / "b", {})
    second = joined(events)
    assert len(events) > 25
    for name in live.ARRAYS:
        np.testing.assert_array_equal(first.pop(name), second.pop(name))
    assert first == second
    assert first["step"] == [*range(1, 10), 11, 16, 21, 26] and [one["step"] for one in first["kept"]] == [
        0,
        10,
        20,
        30,
    ]
    assert first["loss"][0] > first["loss"][-1]


def test_what_is_told_are_the_lessons_own_numbers(tmp_path):
    found = joined(told(tmp_path, {}))
    twin = after(11)
    assert found["loss"][9] == pytest.approx(after(10).step(), rel=0)
    squares = sum(float(p.grad.square().sum()) for p in twin.model.parameters())
    assert np.hypot.reduce(found["norms"][9]) == pytest.approx(squares**0.5, rel=1e-5)
    kept, ten, few = found["kept"], after(10), twin.held.first(live.LOOKED)
    for one, score in ((kept[1], score_of(ten.model(few.ids), few)), (kept[-1], after(30).score())):
        assert (one["loss"], one["accuracy"], one["of"]) == (score.loss, score.exact, score.count)
    assert kept[1]["of"] < kept[-1]["of"]  # on the way some are asked, at the end all
    trace = engine.run(engine.load(saving.open_in(tmp_path / "open", after(10))), twin.held.ids[:1])
    np.testing.assert_allclose(found["attention"][1][0], trace["blocks.0.attn.pattern"][0].numpy(), atol=1e-6)


def test_events_travel(tmp_path):
    for event in told(tmp_path, {}, {"positions": "none"}):
        stream = io.BytesIO()
        write(event, stream)
        stream.seek(0)
        again = read(stream)
        assert again["runs"] == event["runs"] and again.keys() == event.keys()


def test_two_runs_learn_by_turns_each_as_if_alone(tmp_path):
    both = told(tmp_path / "both", {}, {"positions": "none"})
    assert {run["done"] for run in both[-1]["runs"]} == {30}
    for i, one in enumerate(({}, {"positions": "none"})):
        assert joined(both, i)["loss"] == joined(told(tmp_path / str(i), one))["loss"]


def test_another_rate_is_asked_for_and_kept(tmp_path):
    found = joined(told(tmp_path, {}, ask={"rate": 0.01}))
    again = saving.read(tmp_path / live.file_of(0, 30))
    assert again.peak == 0.01 and again.changes[0][1] == 0.01 and max(found["rate"]) > 0.003
    with pytest.raises(ValueError, match="rate"):
        again.change_rate(1e9)


def test_a_loss_that_is_no_number_ends_a_run_with_a_sentence_and_loses_nothing(tmp_path):
    wild = dict(optimizer="sgd", rate=1000.0, warm_up=0, norm="none", layers=4, steps=300)
    events = told(tmp_path, wild)
    why = events[-1]["runs"][0]["ended"]
    assert "no number any more after step" in why and "choose a lower learning rate" in why
    for step in live.kept_steps(tmp_path, 0):
        assert np.isfinite(
            np.concatenate([w.ravel() for w in weights(saving.read(tmp_path / live.file_of(0, step)))])
        ).all()
    assert live.kept_steps(tmp_path, 0)[0] == 0


def test_a_large_model_keeps_fewer_files_and_none_too_many():
    def kept(parameters):
        return [step for step in range(6001) if live.kept_at(step, parameters)]

    assert len(kept(100_000)) < 70 and len(kept(900_000)) < 25
    assert {0, 10, 100, 500, 2000, 6000} <= set(kept(100_000))


def test_a_map_is_turned_to_where_it_lay():
    points = torch.randn(9, 2, generator=torch.Generator().manual_seed(0))
    turn = torch.tensor([[0.6, 0.8], [0.8, -0.6]])
    torch.testing.assert_close(live.aligned(points @ turn, points), points)


# --- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rate": 1e9}, "rate is 1000000000.0; it must be a number from 0 to 1000"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"width": 30, "heads": 4}, "width 30 cannot be divided among 4 heads"),
        ({"heads": 0}, "heads is 0; it must be a whole number from 1 to 4"),
        ({"batch": True}, "batch is True"),
        ({"norm": "sideways"}, "norm is 'sideways'; known are pre, post, none"),
        ({"positions": "everywhere"}, "positions is 'everywhere'"),
        ({"residual": 1}, "residual is 1; it must be true or false"),
        ({"colour": "red"}, "a recipe has no colour"),
    ],
)
def test_a_recipe_that_cannot_be_is_a_sentence(settings, said, tmp_path):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        told(tmp_path, settings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has 0 characters"),
        ("a", "has 1 characters"),
        ("a" * 1000, "one letter only"),
        ("ab\ud800" * 500, "surrogate"),
    ],
)
def test_a_text_that_cannot_be_learned_is_a_sentence(text, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        told(tmp_path, {}, task="text", corpus=text)


def test_a_text_is_not_learned_without_a_mask(tmp_path):
    with pytest.raises(ValueError, match="without a mask"):
        told(tmp_path, {"causal": False}, task="text", corpus=TEXT)


def test_of_a_text_the_end_is_held_out():
    corpus = Corpus(TEXT + "Zebra! " * 20, Recipe(**SMALL))
    for step in range(20):
        assert not any(
            "Z" in question + answer for question, answer in _rows(corpus.batch(corpus.recipe, step))
        )
    assert any("Z" in question for question, _ in _rows(corpus.held(corpus.recipe)))


def _rows(batch):
    return zip(batch.questions, batch.answers, strict=True)


def test_a_text_is_learned():
    one = Lesson(Corpus(TEXT, Recipe(**SMALL | dict(width=32, heads=2, steps=150, rate=0.01))))
    before = one.score()
    for _ in range(60):
        one.step()
    assert one.score().loss < 0.6 * before.loss and one.score().letters > one.guess()


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_that_was_saved_and_gone_on_with_equals_one_that_was_never_interrupted(optimizer, tmp_path):
    whole, first = lesson(optimizer=optimizer), lesson(optimizer=optimizer)
    losses = [whole.step() for _ in range(12)]
    for _ in range(5):
        first.step()
    saving.write(first, tmp_path / "run.safetensors")
    again = saving.read(tmp_path / "run.safetensors")
    assert [again.step() for _ in range(7)] == losses[5:]
    for a, b in zip(weights(again), weights(whole), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_file_is_gone_on_with_by_a_job(tmp_path):
    whole = joined(told(tmp_path / "whole", {}))
    rest = list(live.job({"file": str(tmp_path / "whole" / live.file_of(0, 20))}, tmp_path))
    assert joined(rest)["loss"] == whole["loss"][-2:] and joined(rest)["kept"][-1] == whole["kept"][-1]


def test_a_script_gives_the_same_numbers(tmp_path, monkeypatch, capsys):
    one = lesson(rate=0.002, seed=5)
    for step in range(12):
        if step == 7:
            one.change_rate(0.004)
        one.step()
    (tmp_path / "lesson.py").write_text(script("reverse", one.recipe, one.done, one.changes))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(tmp_path / "lesson.py"))
    again = saving.read(tmp_path / "lesson.safetensors")
    for a, b in zip(weights(again), weights(one), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "12" in capsys.readouterr().out


def test_a_script_of_a_text_reads_it_from_a_file(tmp_path, monkeypatch):
    one = Lesson(Corpus(TEXT, Recipe(**SMALL)))
    for _ in range(3):
        one.step()
    (tmp_path / "corpus.txt").write_text(TEXT, "utf-8")
    (tmp_path / "lesson.py").write_text(script("text", one.recipe, 3, []))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(tmp_path / "lesson.py"))
    for a, b in zip(weights(saving.read(tmp_path / "lesson.safetensors")), weights(one), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "run.safetensors"
    saving.write(after(3), path)
    return path


def _changed(saved, folder, change=None, told=None, meta=None):
    """The saved run with other tensors, or other metadata."""
    tensors, own = load_file(saved), json.loads(saving.contents(after(3))[1][saving.META])
    if change:
        change(tensors)
    own |= told or {}
    path = folder / "changed.safetensors"
    save_file(tensors, path, {saving.META: json.dumps(own)} if meta is None else meta)
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("model.embed.token.weight"), "lacks, or has beyond"),
        (lambda t: t.update(other=torch.zeros(2)), "lacks, or has beyond"),
        (lambda t: t.update({"model.embed.token.weight": torch.zeros(2, 2)}), "must be float32"),
        (lambda t: t["model.embed.token.weight"].fill_(float("nan")), "every number finite"),
        (lambda t: t.update({"model.logits.weight": t["model.logits.weight"].half()}), "float16"),
    ],
)
def test_a_file_with_wrong_numbers_is_a_sentence(change, said, saved, tmp_path):
    with pytest.raises(ValueError, match=said):
        saving.read(_changed(saved, tmp_path, change))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"task": "juggle"}, "known are copy"),
        ({"recipe": {"layers": 400}}, "layers is 400"),
        ({"recipe": {"evil": 1}}, "unknown entries: evil"),
        ({"done": -1}, "does not tell"),
        ({"done": "3"}, "does not tell"),
        ({"seconds": 10**400}, "does not tell"),
        ({"seconds": float("nan")}, "does not tell"),
        ({"changes": [[1]]}, "a change of the rate"),
        ({"changes": [[1, 1e9]]}, "rate is"),
        ({"format": 2}, "does not tell"),
        ({"recipe": {"width": 128, "layers": 4}}, "lacks, or has beyond|must be float32"),
    ],
)
def test_a_file_with_wrong_settings_is_a_sentence(told, said, saved, tmp_path):
    with pytest.raises(ValueError, match=said):
        saving.read(_changed(saved, tmp_path, told=told))


def test_what_is_no_saved_run_is_a_sentence(saved, tmp_path):
    with pytest.raises(ValueError, match="is no saved run"):
        saving.read(_changed(saved, tmp_path, meta={}))
    with pytest.raises(ValueError, match="not JSON"):
        saving.read(_changed(saved, tmp_path, meta={saving.META: "{"}))
    broken = tmp_path / "broken.safetensors"
    for content in (b"", b"hello", saved.read_bytes()[:500]):
        broken.write_bytes(content)
        with pytest.raises(ValueError):
            saving.read(broken)


def test_a_checkpoint_opens_like_any_model_with_its_own_numbers(tmp_path):
    for name, changes in (("reverse", {}), ("reverse", {"causal": False, "norm": "none", "residual": False})):
        one = after(4, task=name, **changes)
        model = engine.load(saving.open_in(tmp_path / str(len(changes)), one))
        prompt = saving.prompts(one)[0]
        ids = torch.tensor([model.tokenizer.encode(prompt)])
        with torch.no_grad():
            torch.testing.assert_close(
                engine.run(model, prompt)["logits"], one.model(ids), atol=1e-5, rtol=1e-5
            )
        assert model.tokenizer.decode(ids[0].tolist()) == prompt


def test_an_opened_model_writes_its_answer(tmp_path):
    model = engine.load(saving.open_in(tmp_path, after(2)))
    steps = list(islice(engine.generate(model, "abc=", engine.Decoding("greedy", max_tokens=5)), 5))
    assert 1 <= len(steps) <= 5


def test_lessons_of_every_kind_of_model_learn():
    for changes in (
        {"norm": "post"},
        {"norm": "none"},
        {"residual": False},
        {"divided": False},
        {"positions": "rotary"},
        {"positions": "alibi"},
        {"positions": "sinusoidal"},
        {"causal": False},
    ):
        one = lesson(**changes)
        config = one.model.config
        assert (config.post_norm, config.norm == "none") == (
            changes.get("norm") == "post",
            changes.get("norm") == "none",
        )
        assert config.residual == changes.get("residual", True) and config.scale_scores == changes.get(
            "divided", True
        )
        before = one.score().loss
        for _ in range(10):
            one.step()
        assert one.score().loss < before, changes
