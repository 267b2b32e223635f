"""Backpropagation."""

from app.views.train.backprop.page import draw

__all__ = ["draw"]
