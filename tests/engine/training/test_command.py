"""What a newcomer types: every mistake is told in a sentence before anything is read or written."""

import os
import runpy
import stat
import sys

import pytest

import engine
from engine.training import __main__ as command
from engine.training import digits, run
from engine.training.data.corpus import split_files
from tests.engine.training.conftest import digits_of, trained

SIZES = ["--width", "8", "--layers", "1", "--heads", "2", "--epochs", "1", "--patch", "4"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """The default folders of work are in a folder of the test."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Where models go; the digits are few and drawn."""
    monkeypatch.setattr(run, "check_packages", lambda task: None)
    monkeypatch.setattr(digits, "split", lambda seed: (*digits_of(64, seed), *digits_of(20, seed + 1)))
    return tmp_path / "models"


def said(capsys, shelf, *words: object) -> str:
    """What is said of words that are refused, without anything left behind."""
    try:
        status = trained(shelf, *words)
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    error = capsys.readouterr().err.strip()
    assert "Traceback" not in error
    assert len(error.splitlines()) <= 2
    assert not shelf.exists() and not (shelf.parent / "training-work").exists()
    return error


@pytest.mark.parametrize(
    "name", ["../outside", "a/b", ".hidden", "x@5", "", "con", "nul.txt", "end.", "a b", "-x", "é" * 60, "a\nb"]
)
def test_a_name_is_a_plain_one(capsys, shelf, name):
    assert "is no plain name" in said(capsys, shelf, "digits", f"--name={name}")


@pytest.mark.parametrize("name", ["my-model", "modèle_2", "v1.5", "7"])
def test_plain_names_are_plain(name):
    assert command.parsed(digits.TASK, ["--name", name]).name == name


@pytest.mark.parametrize("name", ["digits", "Digits", "storybook"])
def test_no_model_is_replaced_unless_that_is_asked_for(capsys, name):
    assert command.main(["digits", "--name", name]) == 2
    told = capsys.readouterr().err
    assert f"there is a model {name} already" in told and "--replace" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--rate nan", "--rate: 'nan' is no number from 1e-06 to 1"),
        ("--rate 1e9", "--rate: '1e9' is no number"),
        ("--rate -1", "--rate: '-1' is no number"),
        ("--minutes 0", "--minutes: '0' is no number from 0.01"),
        ("--minutes inf", "--minutes: 'inf' is no number"),
        ("--epochs -3", "--epochs: '-3' is no whole number from 1"),
        ("--epochs 2.5", "--epochs: '2.5' is no whole number"),
        ("--batch 0", "--batch: '0' is no whole number"),
        ("--seed -1", "--seed: '-1' is no whole number"),
        ("--width 30 --heads 4", "width 30 cannot be divided among 4 heads"),
        ("--patch 3", "--patch 3 does not divide the 8 pixels"),
        ("--width 4096 --layers 100", "parameters; 1,000,000,000 are the most"),
        ("--wdth 30", "unrecognized arguments: --wdth 30"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_before_anything_is_read(capsys, shelf, words, told):
    assert told in said(capsys, shelf, "digits", "--name", "mine", *words.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--tokens -5", "--tokens: '-5' is no whole number from 1"),
        ("--width 15 --heads 3", "rotary positions rotate pairs of values; head_width 5 is odd"),
        ("--heads 6 --key-heads 4", "6 heads cannot share 4 key_heads evenly"),
        ("--english 0.9 --drills 0.2", "together 1 at most"),
        ("--english 2", "--english: '2' is no number from 0 to 1"),
        ("--vocabulary 100", "--vocabulary 100 is too small: 258 or more"),
        ("--vocabulary 70000", "--vocabulary: '70000' is no whole number from 2 to 65,535"),
        ("--kind gpt5", "invalid choice: 'gpt5'"),
        ("--held-out 5", "more than the 5 held out are needed"),
        ("--english 0 --context 128", "--context must be"),
        ("--english 0 --context 4096", "4,097 are needed, one more than the context"),
    ],
)
def test_a_language_model_that_cannot_be_is_refused(capsys, shelf, books, words, told):
    assert told in said(capsys, shelf, books, "--name", "mine", *words.split())


def folder(place, **files: bytes):
    place.mkdir()
    for name, content in files.items():
        (place / f"{name}.txt").write_bytes(content)
    return place


TASKS = ("language", "encoder", "spans")


@pytest.mark.parametrize("task", TASKS)
def test_texts_that_cannot_be_read_are_named(capsys, shelf, tmp_path, task):
    def told(path):
        return said(capsys, shelf, task, path, "--name", "mine")

    assert "nowhere is not there; a folder of texts" in told(tmp_path / "nowhere")
    alone = folder(tmp_path / "alone", one=b"One text.")
    assert "has 1 files that end in .txt; two are needed" in told(alone)
    assert "is a file: give the folder" in told(alone / "one.txt")
    binary = folder(tmp_path / "binary", one=b"One text.", other=b"GIF89a\xff\xfe")
    assert "other.txt is no text in UTF-8 (its byte 6 is not)" in told(binary)


@pytest.mark.parametrize("task", TASKS)
def test_too_little_text_is_told_as_such(capsys, shelf, tmp_path, task):
    few = folder(tmp_path / "few", one=b"One text.", other=b"")
    more = [] if task == "spans" else ["--english", "0"]
    error = said(capsys, shelf, task, few, "--name", "mine", *more, "--vocabulary", "300")
    lacking = {"language": "tokens; 257 are needed", "encoder": "sentences; 20 are needed"}
    assert (lacking | {"spans": "have 1 stretch of whole sentences"})[task] in error


def test_pairs_that_cannot_be_read_are_named(capsys, shelf, tmp_path):
    def told(path):
        return said(capsys, shelf, "translation", path, "--name", "mine", "--vocabulary", "300")

    assert "is not there; a file with lines of English, a tab, French" in told(tmp_path / "nowhere.tsv")
    assert "is a folder: give a file" in told(tmp_path)
    file = tmp_path / "pairs.tsv"
    file.write_bytes(b"Go.\tVa\xff\n")
    assert "is no text in UTF-8" in told(file)
    file.write_text("Go. Va !\n")
    assert "line 1: 'Go. Va !' is not two sentences with a tab between" in told(file)
    file.write_text("Go.\tVa !\n")
    assert "there are 1 different sentences; more than 1000 are needed" in told(file)


def test_a_package_that_is_missing_is_named_with_how_to_install_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None)
    error = said(capsys, tmp_path / "models", "digits", "--name", "mine")
    assert "digits needs scikit-learn" in error and "-m pip install scikit-learn" in error


def test_help_lists_all_there_is(capsys):
    assert command.main(["--help"]) == command.main([]) == 0
    told = capsys.readouterr().out
    assert all(word in told for word in (*command.TASKS, *command.OTHERS, "FOLDER --name"))


def test_help_names_the_command_that_was_typed(capsys, monkeypatch):
    monkeypatch.setattr(command, "PROGRAM", "python run.py train")
    command.main(["--help"])
    told = capsys.readouterr().out
    assert "python run.py train FOLDER" in told and "engine.training" not in told
    assert all("--" + name.replace("_", "-") in told for name in command.language.TASK.options)


@pytest.mark.parametrize("task", command.TASKS)
def test_each_task_explains_its_options(capsys, task):
    with pytest.raises(SystemExit) as stop:
        command.main([task, "--help"])
    assert stop.value.code == 0
    told = capsys.readouterr().out
    assert all("--" + name.replace("_", "-") in told for name in command.TASKS[task].options)


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
@pytest.mark.parametrize(
    "name", ["encoder", "spans", "translation", "digits", "captions", "measure", "english"]
)
def test_a_command_may_be_named_as_a_module(capsys, monkeypatch, name):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module(f"engine.training.{name}", run_name="__main__")
    assert stop.value.code == 0
    assert f"engine.training {name} " in capsys.readouterr().out


def test_a_misspelt_task_is_guessed(capsys):
    assert command.main(["langauge", "books"]) == 2
    assert "did you mean language?" in capsys.readouterr().err
    assert command.main(["nowhere", "--name", "mine"]) == 2
    assert "there is no folder and no command 'nowhere'" in capsys.readouterr().err


def test_the_grammar_can_be_read(capsys):
    assert command.main(["english", "story", "--count", "2", "--seed", "3"]) == 0
    first = capsys.readouterr().out
    assert command.main(["english", "story", "--count", "2", "--seed", "3"]) == 0
    assert first == capsys.readouterr().out and first.count("-" * 40) == 2
    assert command.main(["english", "stroy"]) == 2
    assert "no rule 'stroy'; there are story" in capsys.readouterr().err


# --- a run and its folder ------------------------------------------------------------------------


def test_each_model_has_a_folder_of_work_of_its_own(capsys, shelf):
    for name in ("one", "two"):
        assert trained(shelf, "digits", "--name", name, *SIZES) == 0
    assert {file.name for file in (shelf.parent / "training-work").iterdir()} == {"one", "two"}
    assert trained(shelf, "digits", "--name", "one", *SIZES) == 2  # it is there


def test_a_run_that_was_begun_otherwise_names_the_ways_out(capsys, shelf):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "finish", stop)
        assert trained(shelf, "digits", "--name", "mine", *SIZES) == 130
    assert "Stopped: the same command" in capsys.readouterr().out
    assert trained(shelf, "digits", "--name", "mine", *SIZES, "--seed", "1") == 2
    error = capsys.readouterr().err
    assert "begun otherwise (seed was 0)" in error and "another --name" in error and "delete" in error


def test_a_folder_with_something_else_in_it_is_left_alone(capsys, shelf, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "options.txt").write_text("mine")
    assert trained(shelf, "digits", "--name", "mine", "--work", tmp_path / "letters", *SIZES) == 2
    assert "holds no training: give another --work" in capsys.readouterr().err
    assert (tmp_path / "letters" / "options.txt").read_text() == "mine"


def stop(*given):
    raise KeyboardInterrupt


def test_a_model_is_seen_when_it_is_complete_and_not_before(capsys, shelf, monkeypatch):
    def names():
        return sorted(file.parent.name for file in shelf.glob("*/config.json"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.report, "told", stop)  # in the middle of measuring
        assert trained(shelf, "digits", "--name", "mine", *SIZES) == 130
    assert names() == []
    assert "the same command goes on" in capsys.readouterr().out
    assert trained(shelf, "digits", "--name", "mine", *SIZES) == 0  # nothing is learned twice
    assert names() == ["mine"]
    assert sorted(file.name for file in shelf.iterdir()) == ["mine"]
    assert engine.load(shelf / "mine", device="cpu").name == "mine"


def test_a_model_that_is_replaced_stays_until_the_new_one_is_complete(shelf):
    def work(name, *more):
        return trained(shelf, "digits", "--name", "mine", "--work", shelf.parent / name, *SIZES, *more)

    assert work("first") == 0
    before = (shelf / "mine" / "model.safetensors").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.report, "told", stop)
        assert work("second", "--seed", "1", "--replace") == 130
    assert (shelf / "mine" / "model.safetensors").read_bytes() == before
    assert work("second", "--seed", "1", "--replace") == 0
    assert (shelf / "mine" / "model.safetensors").read_bytes() != before
    assert sorted(file.name for file in shelf.iterdir()) == ["mine"]


def test_others_may_read_a_model_as_far_as_they_may_read_other_files(shelf):
    mask = os.umask(0o027)
    try:
        assert trained(shelf, "digits", "--name", "mine", *SIZES) == 0
    finally:
        os.umask(mask)
    assert {stat.S_IMODE(file.stat().st_mode) for file in (shelf / "mine").iterdir()} == {0o640}


def test_a_minute_is_enough_for_a_model(shelf, capsys):
    assert trained(shelf, "digits", "--name", "mine", *SIZES, "--epochs", "100000", "--minutes", "0.02") == 0
    told = capsys.readouterr().out
    assert "steps to go" in told and "complete:" in told
    assert (shelf / "mine" / "card.md").exists()


def test_of_few_files_few_are_held_out(tmp_path):
    for count, held in ((2, 1), (7, 1), (25, 2), (80, 6)):
        place = folder(tmp_path / str(count), **{f"text{i}": b"A text." for i in range(count)})
        assert len(split_files(place, None, 0)[1]) == held
