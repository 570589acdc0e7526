"""Groups of rows, numbered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ._arrays import as_numpy
from ._inputs import Inputs
from ._table import IntArray


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
    n_rows = inputs.proba.n_rows
    column = values
    if not isinstance(values, pd.Series):
        column = np.asarray(as_numpy(values, name))
    if column.shape != (n_rows,):
        msg = (
            f"{name} must hold one value a row: its shape is {column.shape} for "
            f"{n_rows} rows; pass a 1-D array."
        )
        raise ValueError(msg)
    codes, distinct = pd.factorize(pd.Series(column), sort=True)
    missing = codes < 0
    if inputs.active is not None:
        missing &= inputs.active
    if missing.any():
        msg = (
            f"{name} must not be missing: row {int(np.argmax(missing))} has none; give "
            "it a value of its own."
        )
        raise ValueError(msg)
    return np.maximum(codes, 0).astype(np.int64), pd.Index(distinct)
