"""Batches and objectives."""


def draw() -> None:
    pass
