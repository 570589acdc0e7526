"""Where a standard error is, and which of them say nothing beside the others.

The error of ``<group>/<term>`` is ``<group>/se/<term>``: what charts values of a group
shows their errors beside it, in the same order. An error that is 0, or that of another
term, is no metric; those who read runs put it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

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
    """Terms whose error is that of another, or, with None, 0.

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
    """Whether an error is that of another term, or 0, but for rounding."""
    if other is not None and other not in errors:
        return False
    wanted = 0.0 if other is None else errors[other]
    return bool(np.allclose(error, wanted, rtol=_RELATIVE, atol=_ABSOLUTE))


def grouped(name: str) -> str:
    """The key of a column of a table: "se/resolution" for "resolution_se"."""
    term = name.removesuffix(SUFFIX)
    return name if term == name else f"{ERRORS}/{term}"
