"""A table of probabilities, votes or logits, as the user laid it out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Source = NDArray[Any] | tuple[NDArray[Any], ...]
Kind = Literal["probabilities", "proportions", "logits"]

_EPS_OF_DOUBLES = float(np.finfo(np.float64).eps)

_SINGLE = 1e-6  # what single precision that travelled as double is off by

BLOCK_ELEMENTS = 32_768  # a few blocks of doubles fit the second-level cache


class Table:
    """N rows of K values: one (N, K) array, or K arrays of N values each.

    ``kind`` says what the values are: "probabilities" sum to one in each row,
    "proportions" (votes, or unnormalised scores) are divided by their row's sum,
    "logits" go through a softmax. ``given`` is the place of the one class of two
    whose column was given, ``name`` the argument that holds the table, ``eps`` the
    precision of its values, by default that of their type. Logits that are
    ``normalised`` are log-probabilities, whose exponentials must sum to one.
    ``tolerance`` is how far from one the sum of a row may be.
    """

    __slots__ = (
        *("dtype", "eps", "given", "kind", "n_classes", "n_rows", "name"),
        *("normalised", "source", "tolerance"),
    )

    def __init__(
        self,
        source: Source,
        *,
        kind: Kind = "probabilities",
        given: int | None = None,
        name: str = "y_proba",
        eps: float | None = None,
        normalised: bool = False,
    ) -> None:
        self.source = source
        self.name = name
        self.kind = kind
        self.given = given
        self.normalised = normalised
        self.n_rows: int
        self.n_classes: int
        if isinstance(source, tuple):
            self.n_classes, self.n_rows = len(source), len(source[0]) if source else 0
            types = {column.dtype for column in source}
            self.dtype = np.result_type(*types) if types else np.dtype(np.float64)
            if eps is None:
                eps = max(map(_eps, types), default=_EPS_OF_DOUBLES)
        else:
            self.n_rows, self.n_classes = source.shape
            self.dtype = source.dtype
        self.eps = _eps(self.dtype) if eps is None else eps
        self.tolerance = _tolerance(self.eps, self.n_classes)

    def lies_in_rows(self, *, single: bool) -> bool:
        """Whether blocks can be views: doubles (or singles), row after row."""
        return (
            self.kind == "probabilities"
            and not isinstance(self.source, tuple)
            and self.source.flags.c_contiguous
            and (self.dtype == np.float64 or (single and self.dtype == np.float32))
        )

    def take(self, rows: IntArray | slice) -> Table:
        """Some of the rows."""
        source = self.source
        if isinstance(source, tuple):
            return self._like(tuple(column[rows] for column in source))
        return self._like(source[rows])

    def columns(self, classes: IntArray) -> Table:
        """Some of the classes."""
        source = self.source
        if isinstance(source, tuple):
            return self._like(tuple(source[k] for k in classes))
        return self._like(source[:, classes])

    def _like(self, source: Source) -> Table:
        return Table(
            source,
            kind=self.kind,
            given=self.given,
            name=self.name,
            eps=self.eps,
            normalised=self.normalised,
        )

    def raw_blocks(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """First row and values, of shape (classes, rows), of block after block."""
        step = block_rows(self.n_classes)
        for start in range(0, self.n_rows, step):
            part = slice(start, start + step)
            if isinstance(self.source, tuple):
                yield start, np.stack([column[part] for column in self.source])
            else:
                yield start, self.source[part].T


@lru_cache
def _tolerance(eps: float, n_classes: int) -> float:
    return max(math.sqrt(eps), _SINGLE * (1.0 + math.sqrt(n_classes)))


@lru_cache
def _eps(dtype: np.dtype[Any]) -> float:
    """The precision of a type; whole numbers and long doubles are read as doubles."""
    if dtype.kind != "f":
        return _EPS_OF_DOUBLES
    return max(float(np.finfo(dtype).eps), _EPS_OF_DOUBLES)


def least(values: NDArray[Any]) -> Any:
    """The smallest value; NaN if one is.

    On few values a search is faster than a reduction, but it copies values that are
    read-only, as those of Arrow are.
    """
    if not values.flags.writeable:
        return values.min().item()
    return values.item(values.argmin())


def greatest(values: NDArray[Any]) -> Any:
    """The largest value; NaN if one is."""
    if not values.flags.writeable:
        return values.max().item()
    return values.item(values.argmax())


def block_rows(n_classes: int) -> int:
    """Rows per block."""
    return max(16, BLOCK_ELEMENTS // max(1, n_classes))
