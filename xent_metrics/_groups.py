"""Groups of rows, numbered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ._inputs import Inputs
from ._kernels.table import IntArray
from ._keys import read_keys


def read_groups(groups: Any, inputs: Inputs) -> IntArray | None:
    """The number of each row's group, of two groups or more."""
    if groups is None:
        return None
    codes, distinct = number(groups, inputs, "groups")
    if len(distinct) < 2:  # noqa: PLR2004
        msg = (
            "groups must hold two groups or more: found one; leave groups out where "
            "rows are independent."
        )
        raise ValueError(msg)
    return codes


def number(values: Any, inputs: Inputs, name: str) -> tuple[IntArray, pd.Index[Any]]:
    """The number of each row's value, and the values, sorted."""
    if isinstance(values, (pd.DataFrame, Mapping)):
        values = np.asarray(values)  # one key, not several
    codes, distinct = read_keys(values, inputs.proba.n_rows, name)
    absent = np.flatnonzero(pd.isna(distinct))
    if not absent.size:
        return codes, distinct
    missing = np.isin(codes, absent)
    if inputs.active is not None:
        missing &= inputs.active
    if missing.any():
        msg = (
            f"{name} must not be missing: row {int(np.argmax(missing))} has none; give "
            "it a value of its own."
        )
        raise ValueError(msg)
    # A missing value is the last one; its rows have a weight of 0.
    return np.minimum(codes, len(distinct) - 1 - absent.size), distinct[: absent[0]]
