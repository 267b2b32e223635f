"""Recurrent networks, parameters and quoted figures: every step is what another way of counting gives."""

import numpy as np
import pytest

from engine.examples import names, shipped, values_of
from tests.engine.examples.again import AGAIN, given
from tests.engine.examples.again_counts import COUNTED


@pytest.mark.parametrize("name", COUNTED)
def test_every_step_is_what_another_way_gives(name):
    values, again = values_of(shipped(name)), COUNTED[name](given(name))
    assert set(again) == {step.name for step in shipped(name).steps}
    for step, expected in again.items():
        assert values[step].shape == np.shape(expected), step
        wanted = np.asarray(expected, float)
        np.testing.assert_allclose(values[step].numbers, wanted, rtol=1e-12, atol=1e-12, err_msg=step)


def test_every_example_is_computed_again():
    assert set(AGAIN) | set(COUNTED) == set(names())
    assert not set(AGAIN) & set(COUNTED)
