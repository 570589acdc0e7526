"""The keys of standard errors and settings, and which errors are redundant.

The error of ``<group>/<term>`` is ``<group>/se/<term>``, so that a page that charts the
terms of a group charts their errors in the same order. An error that is 0, or equals
that of another term, is not logged; reading a run restores it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

SETTINGS = "info"  # as a tag; MLflow's page cuts longer names beside a long value
SETTINGS_BEFORE = "settings"
ERRORS = "se"
SUFFIX = "_se"  # of an error in tables, and in the keys of schema 1
_OF_ONE_PART = {"overconfidence": "miscalibration", "underconfidence": None}
_OF_LABELS = {"entropy": None, "kl_divergence": "cross_entropy", **_OF_ONE_PART}
_OF_SHARES = {"irreducible": "entropy", **_OF_ONE_PART}
_WITHOUT_MAP = {
    "miscalibration": None,
    "overconfidence": None,
    "underconfidence": None,
    "refinement": "cross_entropy",
    "grouping_loss": "kl_divergence",
}
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12


def implied_errors(*, soft: bool, with_map: bool) -> dict[str, str | None]:
    """Terms with a redundant error: the term whose error it equals; None means 0.

    ``soft`` says whether targets are distributions or votes, ``with_map`` whether
    predictions were recalibrated at all.
    """
    found = dict(_OF_SHARES if soft else _OF_LABELS)
    return found if with_map else {**found, **_WITHOUT_MAP}


def errors_that_tell(
    errors: Mapping[str, Any], implied: Mapping[str, str | None]
) -> dict[str, Any]:
    """Errors by term, numbers or columns, without those that are implied."""
    return {
        term: error
        for term, error in errors.items()
        if term not in implied or not _same(error, errors, implied[term])
    }


def _same(error: Any, errors: Mapping[str, Any], other: str | None) -> bool:
    """Whether an error equals that of another term, or 0, to rounding."""
    if other is not None and other not in errors:
        return False
    wanted = 0.0 if other is None else errors[other]
    return bool(np.allclose(error, wanted, rtol=_RELATIVE, atol=_ABSOLUTE))


def grouped(column: str) -> str:
    """The key of a column of a table: "se/resolution" for "resolution_se"."""
    term = column.removesuffix(SUFFIX)
    return column if term == column else f"{ERRORS}/{term}"


def column_of(key: str) -> str:
    """The column of a key: "resolution_se" for "se/resolution"."""
    term = key.removeprefix(f"{ERRORS}/")
    return key if term == key else f"{term}{SUFFIX}"
