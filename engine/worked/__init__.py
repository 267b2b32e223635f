"""The second route: every number computed once more, by code that shares nothing with the forward pass."""

from engine.worked.recipes.terms import Term, Worked
from engine.worked.rerun import check_run
from engine.worked.steps import Check, check, work

__all__ = ["Check", "Term", "Worked", "check", "check_run", "work"]
