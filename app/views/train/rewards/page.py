"""Rewards."""


def draw() -> None:
    pass
