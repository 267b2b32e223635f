"""What it costs."""

from app.views.train.costs.page import draw

__all__ = ["draw"]
