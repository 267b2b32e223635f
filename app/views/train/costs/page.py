"""What it costs."""


def draw() -> None:
    pass
