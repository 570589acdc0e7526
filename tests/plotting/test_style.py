import math

import matplotlib.pyplot as plt
import pytest

from xent_metrics.plotting import (
    _style,  # no plot holds all the numbers and names that it must bear
    waterfall,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (1234.5, "1,234.500"),
        (0.0, "0.000"),
        (-0.00012, "-1.2e-04"),
        (math.inf, "infinite"),
        (-math.inf, "-infinite"),
        (math.nan, "undefined"),
    ],
)
def test_numbers_are_rounded_to_what_tells(value, text):
    assert _style.number(value) == text


def test_long_names_keep_both_ends_on_one_line():
    assert _style.short("cat\n dog") == "cat dog"
    assert _style.short(7) == "7"
    name = _style.short("first " + 40 * "x" + " last")
    assert name.startswith("first x")
    assert name.endswith("x last")
    assert len(name) == 26


def test_levels_are_percentages():
    assert _style.percent(0.95) == "95%"
    assert _style.percent(0.995) == "99.5%"


def test_statements_are_broken_where_small_axes_end(several):
    _, axes = plt.subplots(1, 3, figsize=(7, 3), layout="constrained")
    wide = waterfall(several).get_title(loc="left")
    narrow = waterfall(several, ax=axes[0]).get_title(loc="left")
    assert "\n" not in wide
    assert narrow.replace("\n", " ") == wide
    assert max(map(len, narrow.split("\n"))) <= 24
