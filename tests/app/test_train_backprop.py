"""The part Backpropagation of the page Train."""

import pytest

from engine.autodiff import NETWORKS
from tests.app.visit import MAIN, notices, visit


def page(**settings):
    at = visit(backprop=",".join(f"{name}={value}" for name, value in settings.items()))
    at.switch_page(str(MAIN.parent / "views" / "train" / "page.py")).run()
    assert not at.exception, at.exception
    return at


@pytest.mark.parametrize("name", NETWORKS)
def test_modules(name):
    at = page(show="modules", graph=name)
    assert notices(at) == []


def test_scalar():
    for version in ("sums", "increments"):
        at = page(show="scalar", version=version)
        assert notices(at) == []


@pytest.mark.parametrize("way", ["procedure", "tape", "torch"])
def test_ways(way):
    at = page(show="ways", way=way)
    assert notices(at) == []
