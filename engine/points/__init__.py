"""The vocabulary: every named intermediate, its axes, and what it is computed from."""

from engine.points.point import AXES, Place, Point
from engine.points.transformer import points_of

__all__ = ["AXES", "Place", "Point", "points_of"]
