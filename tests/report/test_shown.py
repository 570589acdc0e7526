"""Numbers and names as a page shows them."""

import math

import pandas as pd
import pytest

# No result holds all the numbers and names that a page must bear.
from xent_metrics._report.formatting import (
    count,
    decimals,
    interval,
    listed,
    name,
    number,
    plural,
    probability,
    share,
    with_error,
)

MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (0.378, 3),
        (2.3, 3),
        (0.0123, 4),
        (0.00045, 6),
        (0.0, 3),
        (1e-30, 9),
        (math.inf, 3),
    ],
)
def test_small_losses_keep_three_digits_that_tell(value, digits):
    assert decimals(value) == digits


def test_numbers_have_thousands_and_true_minus_signs():
    assert number(1234.5678, 2) == "1,234.57"
    assert number(-0.25, 2) == f"{MINUS}0.25"
    assert number(-0.0001, 2) == "0.00"
    assert number(math.nan, 2) == DASH
    assert number(math.inf, 2) == "∞"
    assert number(-math.inf, 2) == f"{MINUS}∞"


def test_errors_and_intervals_are_left_out_where_there_are_none():
    assert with_error(0.5, 0.01, 2).replace("\N{NO-BREAK SPACE}", " ") == "0.50 ± 0.01"
    assert with_error(0.5, math.nan, 2) == "0.50"
    assert with_error(math.inf, math.inf, 2) == "∞"
    assert interval(-0.1, 0.2, 1) == f"{MINUS}0.1 to 0.2"
    assert interval(math.nan, math.nan, 1) == DASH


def test_probabilities_that_round_to_zero_are_powers_of_ten():
    assert probability(0.25, 3) == "0.250"
    assert probability(3.2e-9, 3) == f"3.2e{MINUS}09"
    assert probability(0.0, 3) == "0.000"


def test_counts_and_shares_are_rounded():
    assert (count(10000), count(12.34), count(math.nan)) == ("10,000", "12.3", DASH)
    assert (share(0.391), share(0.004), share(-0.02)) == (
        "39%",
        "less than 1%",
        f"{MINUS}2%",
    )
    assert (share(-0.001), share(math.nan)) == ("0%", DASH)
    assert plural(1, "class", "classes") == "1 class"
    assert plural(3, "fold") == "3 folds"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("cat", "cat"),
        (3, "3"),
        (("a", 1), "('a', 1)"),
        ("", "''"),
        ("  ", "'  '"),
        ("two\nlines", r"two\nlines"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("nul\x00", r"nul\x00"),
        ("lone \ud800", r"lone \ud800"),
        ("Ünï 漢字 🐈", "Ünï 漢字 🐈"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
def test_names_show_all_that_they_hold(given, shown):
    assert name(given) == shown


def test_long_names_lose_their_middle():
    shown = name("a" * 500 + "z" * 500)
    assert len(shown) == 79
    assert shown.startswith("aaa")
    assert shown.endswith("zzz")
    assert "…" in shown


@pytest.mark.parametrize("value", [None, math.nan, pd.NA, pd.NaT])
def test_a_missing_name_is_told_from_the_text_nan(value):
    assert name(value) == "(missing)"
    assert name("nan") == "nan"
