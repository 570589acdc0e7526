"""The sums over rows that one step of Newton's method, and its debiasing, want."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from .._table import FloatArray


class Derivatives(NamedTuple):
    """Of the cost after a map in its parameters: sums of w s, w H and w^2 s s'."""

    gradient: FloatArray
    hessian: FloatArray
    scatter: FloatArray

    @classmethod
    def empty(cls, n_parameters: int) -> Self:
        """Sums over no rows."""
        square = (n_parameters, n_parameters)
        return cls(np.zeros(n_parameters), np.zeros(square), np.zeros(square))

    def plus(self, other: Self) -> Self:
        """Sums over the rows of both."""
        return type(self)(*(a + b for a, b in zip(self, other, strict=True)))
