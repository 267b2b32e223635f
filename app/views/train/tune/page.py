"""Fine-tuning."""


def draw() -> None:
    pass
