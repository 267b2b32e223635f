"""Models of a person's own: which are listed, under which names, and what is said of the others."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

import engine
from app import catalogue, compute, shelf
from app.state import called
from app.text import counted, sized
from engine.trace.tap import Edit
from tests.app.folders import DAMAGES, KINDS
from tests.app.visit import (
    MAIN,
    enter,
    fire,
    given,
    keys,
    markdown,
    notices,
    picture,
    pictures,
    press,
    texts,
    view,
    visit,
    what_if,
)

FAMILIES = {"gpt2": "decoder", "llama": "llama", "bert": "encoder", "t5": "pair", "vit": "image"}
PROMPT = "the cat sat on the mat"
STEPS = {"gpt2": "scores", "llama": "qkv", "bert": "softmax", "t5": "cross", "vit": "heads"}


@pytest.fixture
def gpt2(checkpoints, shelved) -> Path:
    return shutil.copytree(checkpoints / "gpt2", shelved / "gpt2")


@pytest.fixture
def hub(tmp_path_factory, checkpoints, monkeypatch):
    """hub(name, kind): as if a checkpoint of that kind had been fetched under that name."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    shelf.forget()

    def put(name: str, kind: str, main: bool = True) -> Path:
        folder = cache / f"models--{name.replace('/', '--')}"
        (folder / "blobs").mkdir(parents=True)
        (folder / "snapshots" / "abc123").mkdir(parents=True)
        for file in (checkpoints / kind).iterdir():
            shutil.copy(file, folder / "blobs" / file.name)
            os.symlink(Path("../../blobs") / file.name, folder / "snapshots" / "abc123" / file.name)
        if main:
            (folder / "refs").mkdir()
            (folder / "refs" / "main").write_text("abc123")
        return folder

    yield put
    monkeypatch.undo()
    shelf.forget()


def page(name: str, **link):
    at = visit(**link)
    return at.switch_page(str(MAIN.parent / "views" / name / "page.py")).run()


def options(at) -> dict[str, tuple[str, str]]:
    """What the list of the picker says: name -> what it is, and why it cannot be chosen."""
    return {name: (about, why) for _, rows in given(at, "model")["groups"] for name, about, why in rows}


# --- the listing ---------------------------------------------------------------------------------


def test_good_folders_are_listed_beside_broken_ones_with_the_reasons(checkpoints, shelved):
    for kind in KINDS:
        shutil.copytree(checkpoints / kind, shelved / "good" / kind)
    for damage in DAMAGES:
        damage(shutil.copytree(checkpoints / "gpt2", shelved / "some where" / damage.__name__))
    (shelved / "notes").mkdir()
    (shelved / "notes" / "readme.txt").write_text("no model")
    found = {one.name: one for one in shelf.models()}
    assert found.keys() == {*KINDS, *(damage.__name__ for damage in DAMAGES)}
    for kind in KINDS:
        one, model = found[kind], engine.load(shelved / "good" / kind)
        assert (one.family, one.why) == (FAMILIES[kind], "")
        assert one.parameters == sum(p.numel() for p in model.parameters())
        assert one.bytes == (one.folder / "model.safetensors").stat().st_size
    for damage, said in DAMAGES.items():
        assert said in found[damage.__name__].why
        assert str(shelved) not in found[damage.__name__].why and "some where" not in found[damage.__name__].why


def test_a_folder_that_is_gone_or_empty_or_loops_is_no_trouble(shelved, monkeypatch, gpt2):
    os.symlink(shelved, shelved / "again")
    monkeypatch.setenv(shelf.VARIABLE, os.pathsep.join([str(shelved), str(shelved / "gone"), ""]))
    whys = {one.name: one.why for one in shelf.models()}
    assert whys.pop("gone") == "No such file or directory"
    assert not any(whys.values()) and len(whys) == shelf.DEEP  # the same folder, by as many ways


def test_new_folders_and_changed_ones_appear(shelved, checkpoints, gpt2):
    assert [one.name for one in shelf.models()] == ["gpt2"]
    shutil.copytree(checkpoints / "bert", shelved / "bert")
    assert [one.name for one in shelf.models()] == ["bert", "gpt2"]
    before = compute.trace("gpt2", PROMPT)["logits"]
    weights = load_file(gpt2 / "model.safetensors")
    save_file({name: 2 * w for name, w in weights.items()} | {"x": torch.ones(1)}, gpt2 / "model.safetensors")
    assert "unexpected: x" in catalogue.fault("gpt2")
    save_file({name: 2 * w for name, w in weights.items()}, gpt2 / "model.safetensors")
    os.utime(gpt2 / "model.safetensors", (1, 1))
    assert catalogue.fault("gpt2") == ""
    assert not torch.equal(compute.trace("gpt2", PROMPT)["logits"], before)


def test_a_listing_is_kept_for_a_moment(monkeypatch, shelved, gpt2):
    monkeypatch.setattr(shelf, "FRESH", 60.0)
    first = shelf.models()
    shutil.rmtree(gpt2)
    assert shelf.models() is first
    shelf.forget()
    assert shelf.models() == []


@pytest.mark.parametrize(
    "paths, names",
    [
        (["/a/x", "/a/y"], ["x", "y"]),
        (["/a/x", "/b/x", "/b/y"], ["a/x", "b/x", "y"]),
        (["/p/a/x", "/q/a/x"], ["p/a/x", "q/a/x"]),
        (["/a/storybook"], ["a/storybook"]),
        (["/a/x", "/x"], ["a/x", "x"]),
        ([], []),
    ],
)
def test_a_name_tells_a_folder_from_all_others(paths, names):
    found = shelf.names_of([Path(path) for path in paths], {"storybook"})
    assert len(set(found)) == len(paths)
    if "/x" not in paths:
        assert found == names


def test_a_name_that_no_link_can_hold_is_told(shelved, checkpoints):
    shutil.copytree(checkpoints / "gpt2", shelved / "a\u202eb")
    (one,) = shelf.models()
    assert one.name == "a�b" and "no link can hold" in one.why


def test_what_the_hubs_cache_holds_is_there_by_its_name_there(hub, shelved, monkeypatch):
    monkeypatch.setattr("huggingface_hub.snapshot_download", None)  # nobody is asked
    hub("owner/tiny-llama", "llama")
    hub("gpt2", "gpt2", main=False)
    hub("storybook", "gpt2")
    broken = hub("owner/half", "gpt2")
    (broken / "refs" / "main").write_text("../../../elsewhere")
    (broken / "blobs" / "model.safetensors").unlink()
    found = {one.name: one for one in shelf.models()}
    assert found.keys() == {"owner/tiny-llama", "gpt2", "hub/storybook", "owner/half"}
    assert [name for name, one in found.items() if one.why] == ["owner/half"]
    assert view(visit(model="gpt2")).model == "gpt2"
    assert view(visit(model="tiny-llama")).model == "owner/tiny-llama"


def test_a_name_alone_means_the_only_one_that_has_it():
    models = ["storybook", "a/gpt2", "b/gpt2", "c/bert"]
    assert called("bert", models) == called("c/bert", models) == "c/bert"
    assert called("storybook", models) == "storybook"
    assert [called(text, models) for text in ("gpt2", "", "/bert", "ert", "c/")] == [None] * 5


@pytest.mark.parametrize("name", ["../../etc", "/etc", "gpt2/../gpt2", "./gpt2", "gpt2/", "gpt2@3", "gpt2\x00"])
def test_no_link_leads_outside(name, gpt2):
    at = visit(model=name)
    assert not at.exception and view(at).model == ""
    assert "there is no such model here" in notices(at, "info")[0]


def test_amounts_are_told_in_three_digits():
    assert [counted(n) for n in (0, 999, 1000, 12_345, 124_439_808, 999_499_999, 999_600_000, 7 * 10**12)] == [
        "0",
        "999",
        "1.00K",
        "12.3K",
        "124M",
        "999M",
        "1.00B",
        "7.00T",
    ]
    assert [sized(n) for n in (5, 8_493_672, 10**16)] == ["5 bytes", "8.49 MB", "10000 TB"]


# --- memory --------------------------------------------------------------------------------------


def test_what_does_not_fit_is_told_and_not_loaded(gpt2, monkeypatch):
    (one,) = shelf.models()
    monkeypatch.setattr(shelf, "room", lambda: one.loading - 1)
    monkeypatch.setattr(engine, "load", lambda *_: pytest.fail("it was loaded"))
    at = visit(model="gpt2")
    assert not at.exception and view(at).model == ""
    said = f"to load it takes {sized(one.loading)} of memory, and {sized(one.loading - 1)} is free"
    assert said in notices(at)[0]
    assert options(at)["gpt2"][1] == said


def test_what_was_used_longest_ago_goes_with_all_that_was_computed(shelved, checkpoints, monkeypatch):
    for name in "abc":
        shutil.copytree(checkpoints / "gpt2", shelved / name)
    needs = shelf.models()[0].needs
    monkeypatch.setattr(compute.model, "_size", 2.5 * needs)
    monkeypatch.setattr(compute, "OWN", 2.5 * needs)
    shipped = compute.model("storybook")
    traces = {name: compute.trace(name, PROMPT) for name in "ab"}
    assert compute.trace("a", PROMPT) is traces["a"]
    compute.model("a")
    compute.model("c")
    assert compute.model.held == 2 * needs
    assert compute.trace("a", PROMPT) is traces["a"] and compute.model("storybook") is shipped
    assert compute.trace("b", PROMPT) is not traces["b"]


def test_what_only_loading_shows_is_remembered(gpt2, monkeypatch):
    weights = load_file(gpt2 / "model.safetensors")
    save_file({name: w * torch.nan for name, w in weights.items()}, gpt2 / "model.safetensors")
    assert shelf.find("gpt2").why == ""
    at = visit(model="gpt2")
    assert "not finite" in notices(at)[0] and view(at).model == ""
    assert "not finite" in shelf.find("gpt2").why
    (gpt2 / "tokenizer.json").write_text("{}")
    save_file(weights, gpt2 / "model.safetensors")
    assert "has a tokenizer that cannot be used" in catalogue.fault("gpt2")
    assert "has a tokenizer that cannot be used" in options(visit())["gpt2"][1]


# --- the pages -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_ones_own_is_walked_through_with_checks_and_what_ifs(kind, checkpoints, shelved):
    shutil.copytree(checkpoints / kind, shelved / kind)
    edit = Edit(f"{'decoder.' if kind == 't5' else ''}blocks.0.attn.z", "zero", at={"H": 1})
    for step in {"tokens", "embeddings", STEPS[kind], "layers"}:
        for link in ({}, what_if(edit)):
            at = visit(model=kind, step=step, prompt=PROMPT, **link)
            assert not at.exception and not notices(at)
            assert view(at).model == kind
            drawn = [header for header, _ in pictures(at)] if step != "tokens" else []
            assert all(header["light"]["ok"] for header in drawn if header.get("light"))
            assert all(header["model"].startswith(kind) for header in drawn)
    assert given(at, "model")["name"] == kind


def test_its_numbers_are_its_own(gpt2):
    _, tensor = picture(visit(model="gpt2", step="qkv", prompt=PROMPT), "attn.q")
    own = engine.run(engine.load(gpt2), PROMPT)["blocks.0.attn.q"][0].numpy()
    assert (tensor == own).all()


@pytest.mark.parametrize("kind", KINDS)
def test_it_stands_for_its_family_and_has_a_card(kind, checkpoints, shelved):
    shutil.copytree(checkpoints / kind, shelved / kind)
    at = page("families", model=kind, prompt=PROMPT)
    assert not at.exception and not notices(at)
    assert any(f"· {kind}" in text for text in texts(at))
    at = page("models", model=kind)
    assert not at.exception and not notices(at)
    assert any(text.startswith(f"# {kind}\n") for text in markdown(at))


def test_the_picker_keeps_the_text_and_the_step(gpt2):
    at = fire(visit(step="scores", prompt=PROMPT, layer=1), "model", choose="gpt2")
    assert not at.exception
    assert (view(at).model, view(at).step, view(at).prompt, view(at).layer) == ("gpt2", "scores", PROMPT, 1)
    assert at.query_params["model"] in ("gpt2", ["gpt2"])
    at = fire(at, "model", choose="storybook")
    assert view(at).model == "" and view(at).prompt == PROMPT


def test_the_picker_lists_all_and_chooses_only_what_can_be_read(gpt2, checkpoints, shelved):
    broken = shutil.copytree(checkpoints / "gpt2", shelved / "broken")
    (broken / "config.json").write_text("{")
    at = visit()
    assert options(at).keys() == {*engine.shipped(), "gpt2", "broken"}
    assert options(at)["gpt2"] == (given(at, "model")["groups"][-1][1][0][1], "")
    assert "is not JSON" in options(at)["broken"][1]
    assert view(fire(at, "model", choose="broken")).model == ""
    assert view(fire(at, "model", choose="../etc")).model == ""


def test_a_name_under_a_picture_leads_to_the_card(gpt2):
    at = fire(visit(step="scores", model="gpt2", prompt=PROMPT), "model", card="gpt2")
    assert not at.exception
    assert any(text.startswith("# gpt2\n") for text in markdown(at)) and view(at).prompt == PROMPT
    at = fire(at, "model", card="bookworm")
    assert view(at).model == "bookworm" and any(text.startswith("# bookworm\n") for text in markdown(at))
    press(at, "walk")
    assert keys(at, "bar") and given(at, "model")["name"] == "bookworm"


def test_the_page_of_the_models_lists_them_and_why_some_cannot_be_shown(gpt2, checkpoints, shelved):
    (shutil.copytree(checkpoints / "gpt2", shelved / "broken") / "config.json").write_text("{")
    at = page("models")
    enter(at, "own", "gpt2")
    assert view(at).model == "gpt2"
    fire(at, "refused", toggle=True)
    assert any("broken" in text and "is not JSON" in text for text in texts(at))


def test_its_card_is_a_file_of_its_folder(gpt2, tmp_path_factory):
    (gpt2 / "card.md").write_text("# My own\n\nIt learned from nothing.")
    assert any(text.startswith("# My own") for text in markdown(page("models", model="gpt2")))
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.md"
    secret.write_text("# Secret")
    (gpt2 / "card.md").unlink()
    os.symlink(secret, gpt2 / "card.md")
    said = markdown(page("models", model="gpt2"))
    assert any(text.startswith("# gpt2\n") for text in said) and not any("Secret" in text for text in said)


def test_examples_beside_it_are_texts_and_nothing_else(gpt2):
    one = {"text": "the cat", "note": "a cat", "layer": "x", "step": 7}
    (gpt2 / "examples.json").write_text(json.dumps({"examples": [one, 3, {"text": 1, "note": "n"}]}))
    at = visit(model="gpt2")
    assert given(at, "prompt")["examples"][0] == ["the cat", "a cat"]
    at = fire(at, "prompt", example=0)
    assert not at.exception and view(at).prompt == "the cat" and view(at).layer == 0
