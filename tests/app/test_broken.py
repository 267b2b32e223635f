"""A model's folder that is broken, half written or of an unknown kind: a sentence about it, the rest works."""

import json
import shutil
import sys

import pytest

from app import catalogue, compute
from tests.app.visit import MAIN, keys, markdown, notices, view, visit

NAME = "strange_<b>model"


def broken_json(folder):
    (folder / "learning.json").write_text('{"checkpoints": [{"step": 0', "utf-8")


def other_json(folder):
    (folder / "learning.json").write_text(json.dumps({"checkpoints": [{"step": 1, "ships": True}]}), "utf-8")


def a_list(folder):
    (folder / "learning.json").write_text("[1, 2]", "utf-8")


def half_a_card(folder):
    (folder / "card.md").write_bytes("# strange é".encode()[:-1])


def no_card(folder):
    (folder / "card.md").unlink()


def card_is_a_folder(folder):
    no_card(folder)
    (folder / "card.md").mkdir()


def unknown_kind(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "mamba"}), "utf-8")


def half_a_config(folder):
    (folder / "config.json").write_text('{"format": "glass', "utf-8")


def no_weights(folder):
    (folder / "model.safetensors").unlink()


def examples(folder):
    (folder / "examples.json").write_text("{", "utf-8")


CARDS = (broken_json, other_json, a_list, half_a_card, no_card, card_is_a_folder)
FOLDERS = (unknown_kind, half_a_config, no_weights)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """shelf(damage): as if a damaged copy of a small model stood among the shipped ones."""
    real = sys.modules["engine.load"].SHIPPED

    def put(damage):
        for name in ("storybook", "bookworm"):
            (tmp_path / name).symlink_to(real / name)
        shutil.copytree(real / "bookworm", tmp_path / NAME)
        damage(tmp_path / NAME)
        monkeypatch.setattr(sys.modules["engine.load"], "SHIPPED", tmp_path)
        forget()
        return tmp_path

    yield put
    monkeypatch.undo()
    forget()


def forget() -> None:
    for name in ("_with_checkpoints", "shipped", "by_family", "_measured", "_rank"):
        getattr(catalogue, name).cache_clear()


def page(name: str, **link):
    at = visit(**link)
    return at.switch_page(str(MAIN.parent / "views" / name / "page.py")).run()


@pytest.mark.parametrize("damage", CARDS)
def test_the_models_page_says_what_is_broken(shelf, damage):
    shelf(damage)
    at = page("models", model=NAME)
    assert not at.exception
    (said,) = notices(at)
    assert NAME in said and "/" not in said
    at = page("models", model="bookworm")
    assert not at.exception and not notices(at)
    assert any(text.startswith("# bookworm") for text in markdown(at))


@pytest.mark.parametrize("damage", FOLDERS)
def test_families_show_all_others(shelf, damage):
    shelf(damage)
    compute.model.cache_clear()
    at = page("families")
    assert not at.exception
    assert any(NAME in said for said in notices(at))
    assert "family-decoder" in keys(at)


@pytest.mark.parametrize("damage", FOLDERS)
def test_a_walk_through_a_broken_model_is_one_through_the_default(shelf, damage):
    shelf(damage)
    compute.model.cache_clear()
    at = visit(model=NAME, step="scores")
    assert not at.exception
    assert NAME in notices(at)[0] and view(at).model == ""
    assert keys(at, "matrix-")


def test_broken_examples_are_no_examples(shelf):
    shelf(examples)
    at = visit(model=NAME, step="tokens")
    assert not at.exception and keys(at, "tokens")
