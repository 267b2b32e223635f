"""A visitor's own checkpoints and files: nobody else's, and gone when he has left."""

import secrets
import shutil
import weakref
from pathlib import Path

import streamlit as st

from app import compute, scratch, shelf
from engine.training.tasks import Lesson, saving
from engine.training.tasks.words import words_of

MOST = 8  # checkpoints that stay


class SessionModels:
    """A folder and the names of the models in it; both go with the visitor's session."""

    def __init__(self):
        self.folder, self.names = scratch.new(), []
        weakref.finalize(self, _clear, self.folder, self.names)


def models() -> list[shelf.Listed]:
    """The checkpoints that this visitor has opened."""
    own: SessionModels | None = st.session_state.get("models")
    return [shelf.OF_SESSIONS[name] for name in own.names] if own else []


def put(lesson: Lesson) -> str:
    """Keep a checkpoint as a model that all pages of this visitor can open; the name that it has there."""
    return add(_mine(), lesson)


def add(own: SessionModels, lesson: Lesson) -> str:
    """Keep a checkpoint beside the others; what has been there longest makes room."""
    name = _name(lesson)
    folder = saving.open_in(own.folder / secrets.token_hex(8), lesson)
    shelf.OF_SESSIONS[name] = shelf.listed(name, folder)
    own.names.append(name)
    while len(own.names) > MOST:
        _drop(own.names.pop(0))
    return name


def _name(lesson: Lesson) -> str:
    """One that nobody has."""
    while True:
        sign = secrets.token_hex(2)
        name = f"{words_of(lesson.task.name)['name']} after {lesson.done:,} steps ({sign})"
        if name not in shelf.OF_SESSIONS:
            return name


def file(content: bytes) -> Path:
    """Keep what a visitor brought, in place of what he brought before."""
    path = _mine().folder / "brought.safetensors"
    path = path.with_stem(f"brought-{secrets.token_hex(4)}")
    for before in _mine().folder.glob("brought-*"):
        before.unlink()
    path.write_bytes(content)
    return path


def _mine() -> SessionModels:
    if "models" not in st.session_state:
        st.session_state.models = SessionModels()
    return st.session_state.models


def _drop(name: str) -> None:
    one = shelf.OF_SESSIONS.pop(name, None)
    if one:
        compute.model.forget(name)
        compute.forget(name)
        shutil.rmtree(one.folder, ignore_errors=True)


def _clear(folder: Path, names: list[str]) -> None:
    for name in names:
        _drop(name)
    shutil.rmtree(folder, ignore_errors=True)
