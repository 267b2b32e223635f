"""Rewards."""

from app.views.train.rewards.page import draw

__all__ = ["draw"]
