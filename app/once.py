"""A property that is computed once for each object, without a lock.

functools.cached_property holds one lock for all objects of a class while it computes (Python 3.11). Whoever
computes here may hand on the turn (turns.py) and wait for the next one, which its owner cannot give back while
waiting for that lock.
"""


class once:
    """Like functools.cached_property; two threads that ask at the same time may both compute it."""

    def __init__(self, compute):
        self.compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, owner, name: str):
        self.name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.compute(instance)
        return value
