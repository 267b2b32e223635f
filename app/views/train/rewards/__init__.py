"""RLHF's three steps, small and labelled as a toy: demonstrations, a reward model, a policy."""

from app.views.train.rewards.page import draw

__all__ = ["draw"]
