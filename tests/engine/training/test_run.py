"""Every kind of training that is stopped and goes on is the run that never stopped."""

import json
import os
import shutil
import signal

import pytest
import torch

from engine.training import digits, encoder, language, learn, run, spans
from engine.training.kinds import TASKS
from tests.engine.training.conftest import digits_of, trained
from tests.engine.training.test_translation import pairs

SMALL = "--width 8 --layers 1 --heads 2 --batch 4"
WORDS = {  # what each reads, and sizes for eight steps or so
    "language": "books --english 0 --held-out 2 --vocabulary 280 --context 32 --tokens 1024",
    "encoder": "books --english 0 --held-out 2 --vocabulary 300 --context 32 --tokens 1024",
    "spans": "books --held-out 2 --vocabulary 300 --context 32 --tokens 1024 --decoder-layers 1",
    "translation": "pairs --held-out 6 --vocabulary 280 --context 24 --tokens 768",
    "digits": "--patch 4 --epochs 1",
    "positions": "wordy --held-out 2 --context 32 --tokens 1024",
    "captions": "--pictures 32 --patch 4 --vocabulary 300 --context 32 --decoder-layers 1",
}


@pytest.fixture
def finished(monkeypatch):
    """The models that came to their last step; none is measured."""
    models = []
    monkeypatch.setattr(run, "finish", lambda task, model, *more: models.append(model))
    monkeypatch.setattr(run, "check_packages", lambda task: None)
    monkeypatch.setattr(digits, "LEARNED", 32)
    monkeypatch.setattr(digits, "split", lambda seed: (*digits_of(32, seed), *digits_of(20, seed + 1)))
    for module in (language, encoder, spans):
        monkeypatch.setattr(module, "check_context", lambda *given: None)
    monkeypatch.setattr("engine.training.captions.check_room", lambda *given: None)
    return models


def log_of(folder) -> list[dict]:
    """The log without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


@pytest.mark.parametrize("task", TASKS)
def test_stopped_and_gone_on_is_never_stopped(task, finished, books, wordy, tmp_path, monkeypatch):
    (tmp_path / "pairs.tsv").write_text("\n".join(pairs()) + "\n")
    work, places = tmp_path / "work", {"books": books, "pairs": tmp_path / "pairs.tsv"} | {"wordy": wordy}
    given = [places.get(word, word) for word in f"{WORDS[task]} {SMALL} --name mine --work {work}".split()]
    assert trained(tmp_path / "models", task, *given) == 0
    unbroken = log_of(work)
    assert len(unbroken) > 4
    assert all(line["validation"] > 0 and line["tokens"] > 0 for line in unbroken)
    for file in ("state.safetensors", "log.jsonl"):  # what was read stays
        (work / file).unlink()
    shutil.rmtree(work / "kept")
    step = learn.Run.take_step

    def stopped(self):
        step(self)
        if self.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(learn.Run, "take_step", stopped)
    assert trained(tmp_path / "models", task, *given) == 130
    assert len(finished) == 1 and log_of(work) == unbroken[:3]
    assert trained(tmp_path / "models", task, *given) == 0
    assert log_of(work) == unbroken
    one, other = finished
    assert all(torch.equal(p, other.get_parameter(name)) for name, p in one.named_parameters())
