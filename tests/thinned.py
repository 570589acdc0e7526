"""Long parametrisations, of which the default suite runs a few."""

import pytest


def thinned(values, quick):
    """The values as parameters: all are slow but the quick ones, which are some.

    A tuple is the values of several arguments.
    """
    values, quick = list(values), list(quick)
    assert all(one in values for one in quick)
    return [
        value if value in quick else pytest.param(*_each(value), marks=pytest.mark.slow)
        for value in values
    ]


def _each(value):
    return value if isinstance(value, tuple) else (value,)
