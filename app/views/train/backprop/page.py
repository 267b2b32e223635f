"""Backpropagation."""


def draw() -> None:
    pass
