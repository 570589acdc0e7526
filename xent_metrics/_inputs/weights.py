"""Sample weights, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._kernels.table import BoolArray, FloatArray, greatest, least
from .containers import unpack

_LARGEST = float(np.finfo(np.float64).max)


class NoRowsError(ValueError):
    """No row counts: each misses a value, or has a weight of 0."""

    n_missing = 0


def as_doubles(values: Any, name: str) -> FloatArray:
    """The values as an array of doubles."""
    if hasattr(values, "__len__") and not isinstance(values, (str, bytes, Mapping)):
        values = unpack(values, name)
    try:
        if isinstance(values, pd.Series):
            return values.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        msg = f"{name} must hold numbers: found {_kind(values)}; pass floats."
        raise ValueError(msg) from None


def _kind(values: Any) -> str:
    dtype = getattr(values, "dtype", None)
    return type(values).__name__ if dtype is None else f"values of type {dtype}"


def read_weights(
    sample_weight: Any, n_rows: int
) -> tuple[FloatArray | None, BoolArray | None]:
    """The weights, and which rows have one; None where all do."""
    if sample_weight is None:
        return None, None
    weights = as_doubles(sample_weight, "sample_weight")
    if weights.shape != (n_rows,):
        msg = (
            "sample_weight must hold one weight per row: its shape is "
            f"{weights.shape} for {n_rows} rows; pass a 1-D array."
        )
        raise ValueError(msg)
    low, high = least(weights), greatest(weights)
    if not (low >= 0 and high < np.inf):
        row = int(np.argmax(~((weights >= 0) & (weights < np.inf))))
        msg = (
            "sample_weight must be finite and not negative: "
            f"row {row} is {weights[row]:g}; pass 0 to leave a row out."
        )
        raise ValueError(msg)
    if high > _LARGEST / n_rows:
        msg = (
            "sample_weight must have a finite sum: its largest weight is "
            f"{high:g}; divide the weights by it, as their scale is free."
        )
        raise ValueError(msg)
    if high == 0:
        msg = (
            f"sample_weight must not be all 0: all {n_rows} weights are 0; "
            "give at least one row a positive weight."
        )
        raise NoRowsError(msg)
    return weights, None if low > 0 else weights > 0
