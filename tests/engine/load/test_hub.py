"""Names: the shipped ones, folders, and a hub that is asked only when a person says so."""

import os
import subprocess
import sys

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

import engine
from engine.load import DEFAULT


@pytest.fixture
def shelf(checkpoint, tmp_path, monkeypatch):
    """Three shipped models, the default among them."""
    (tmp_path / "shelf").mkdir()
    for name in ("alpha", DEFAULT, "zeta"):
        os.symlink(checkpoint().folder, tmp_path / "shelf" / name)
    monkeypatch.setattr(sys.modules["engine.load"], "SHIPPED", tmp_path / "shelf")


@pytest.fixture
def hub(monkeypatch):
    """hub(answer): what the hub's library does instead of using the network; returns its calls."""
    calls = []

    def set_answer(answer):
        def snapshot_download(name, **options):
            calls.append((name, options))
            if isinstance(answer, Exception):
                raise answer
            return str(answer)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
        return calls

    return set_answer


def test_the_default_is_the_first_of_the_shipped_models(shelf):
    assert engine.shipped() == [DEFAULT, "alpha", "zeta"]
    assert engine.load().name == DEFAULT
    assert engine.load("zeta").name == "zeta"


@pytest.mark.parametrize(
    "name",
    ["no-such-model", "/no/such/folder", "owner/no-such-model", "../no-such-folder", "a/b/c", "--", "x/.."],
)
def test_an_unknown_name_lists_the_shipped_models_and_how_to_fetch_one(shelf, name):
    with pytest.raises(ValueError) as error:
        engine.load(name)
    assert f"no model {name!r} on this machine" in str(error.value)
    assert f"{DEFAULT}, alpha, zeta" in str(error.value)
    assert "python run.py load OWNER/NAME" in str(error.value)


def test_a_checkpoint_on_this_machine_is_found_without_asking_the_hub(checkpoint, hub):
    calls = hub(checkpoint().folder)
    assert engine.load("owner/tiny").name == "tiny"
    [(name, options)] = calls
    assert name == "owner/tiny"
    assert options["local_files_only"] is True


def test_a_name_without_an_owner_is_one_of_the_hubs_first(checkpoint, hub):
    calls = hub(checkpoint().folder)
    assert engine.load("gpt2", download=True).name == engine.load("gpt2").name == "gpt2"
    assert [(name, options["local_files_only"]) for name, options in calls] == [("gpt2", False), ("gpt2", True)]


def test_the_hub_is_asked_when_a_person_says_so(checkpoint, hub):
    calls = hub(checkpoint().folder)
    engine.load("owner/tiny", download=True)
    assert calls[0][1]["local_files_only"] is False


def test_no_file_that_can_run_code_is_fetched(checkpoint, hub):
    calls = hub(checkpoint().folder)
    engine.load("owner/tiny", download=True)
    for pattern in calls[0][1]["allow_patterns"]:
        assert pattern.endswith((".json", ".safetensors"))


def test_what_changes_numbers_is_fetched(checkpoint, hub):
    calls = hub(checkpoint().folder)
    engine.load("owner/tiny", download=True)
    assert {"config.json", "preprocessor_config.json"} < set(calls[0][1]["allow_patterns"])


@pytest.mark.parametrize(
    "error", [OSError("disk full"), LocalEntryNotFoundError("no connection"), RuntimeError("odd")]
)
def test_a_failed_download_says_why(shelf, hub, error):
    hub(error)
    with pytest.raises(ValueError, match=f"owner/tiny could not be fetched: .*{error}.*{DEFAULT}, alpha, zeta"):
        engine.load("owner/tiny", download=True)


def test_a_missing_checkpoint_is_not_fetched_by_itself(shelf, hub):
    calls = hub(LocalEntryNotFoundError("not here"))
    with pytest.raises(ValueError, match="no model 'owner/tiny' on this machine"):
        engine.load("owner/tiny")
    assert len(calls) == 1


def test_the_command_line_asks_for_one_name():
    command = [sys.executable, "-m", "engine.load"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: python -m engine.load [-h] OWNER/NAME" in done.stderr
