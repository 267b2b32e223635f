"""Fine-tuning."""

from app.views.train.tune.page import draw

__all__ = ["draw"]
