"""."""


def draw() -> None:
    pass
