"""A model that learns."""

from app.views.train.learn.page import draw

__all__ = ["draw"]
