"""A model that learns."""


def draw() -> None:
    pass
