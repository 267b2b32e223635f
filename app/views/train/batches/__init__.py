"""Batches and objectives."""

from app.views.train.batches.page import draw

__all__ = ["draw"]
