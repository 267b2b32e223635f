"""Why √d: what is measured of random scores is what theory says, and the measures are right on known scores."""

import numpy as np
import pytest

from engine.examples.scale import WIDTHS, dots, spread, with_and_without


@pytest.mark.parametrize("width", WIDTHS)
def test_the_variance_grows_as_the_width_and_the_division_takes_it_back(width):
    without, divided = with_and_without(width, 3)
    assert without.variance == pytest.approx(width, rel=0.15)
    assert divided.variance == pytest.approx(1, rel=0.15)
    assert np.array_equal(dots(width, 3), dots(width, 3)) and not np.array_equal(dots(width, 3), dots(width, 4))


def test_the_softmax_sharpens_without_the_division_and_not_with_it():
    found = [with_and_without(width) for width in WIDTHS]
    largest = [without.largest for without, _ in found]
    assert largest == sorted(largest) and largest[-1] > 0.95 > 0.4 > max(
        divided.largest for _, divided in found
    )
    assert found[-1][0].entropy < 0.2 < 2.5 < min(divided.entropy for _, divided in found)


def test_known_scores():
    one = spread(np.array([[0.0, 0.0, -np.inf], [np.log(3), 0.0, -np.inf]]))
    p = np.array([0.75, 0.25])
    assert one.largest == pytest.approx((0.5 + 0.75) / 2)
    assert one.entropy == pytest.approx((1 - (p * np.log2(p)).sum()) / 2)
    assert one.variance == pytest.approx(np.var([0, 0, np.log(3), 0]))
