"""Compiled kernels, where an installation has them: they measure ordinary rows.

Rows that break a rule, or meet the smallest numbers, are marked and left to numpy, so
results and errors are those of its kernels. ``XENT_METRICS_COMPILED`` turns them off
(0), or names the instruction set to use, such as x86-64-v3.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..table import BoolArray, FloatArray, IntArray, Source, Table

_HERE = Path(__file__).parent

# In the order of the enumeration in job.hpp.
_MEASURES = (
    *("cross_entropy", "entropy", "kl_divergence", "predictive_entropy", "confidence"),
    *("predicted", "correct", "p_true", "reverse_kl_divergence"),
    *("jeffreys_divergence", "jensen_shannon_divergence"),
)
_KNOWN = frozenset(_MEASURES)
_OF_PREDICTIONS = frozenset(("predictive_entropy", "confidence", "predicted"))
_OF_LABELS = _OF_PREDICTIONS | {"cross_entropy", "kl_divergence", "correct", "p_true"}


class Loaded(NamedTuple):
    """The compiled module and its instruction set, or why there is none."""

    module: Any
    level: str
    why_not: str


def _load() -> Loaded:
    asked = os.environ.get("XENT_METRICS_COMPILED", "")
    if asked == "0":
        return Loaded(None, "", "XENT_METRICS_COMPILED=0 turns them off")
    try:
        from . import _rows  # noqa: PLC0415
    except ImportError as error:
        note = _HERE / "why_not.txt"
        why = note.read_text("utf-8").strip() if note.is_file() else str(error)
        return Loaded(None, "", why)
    if (_HERE / "pass.cpp").is_file() and _rows.sources != _hash_of_sources():
        warnings.warn(
            "compiled kernels must be built from the sources beside them, but these "
            "have changed since, so numpy is used; run pip install -e . again.",
            RuntimeWarning,
            stacklevel=2,
        )
        return Loaded(None, "", "their sources have changed since they were built")
    levels = _rows.levels()
    level = levels[-1]
    if asked not in ("", "1"):
        if asked not in levels:
            warnings.warn(
                f"XENT_METRICS_COMPILED must be 0, 1 or one of {', '.join(levels)}: "
                f"found {asked!r}, so {level} is used.",
                RuntimeWarning,
                stacklevel=2,
            )
        else:
            level = asked
            _rows.use(level)
    return Loaded(_rows, level, "")


def _hash_of_sources() -> str:
    """What the build hook tells the sources by."""
    digest = sha256()
    for path in sorted([*_HERE.glob("*.cpp"), *_HERE.glob("*.hpp")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


loaded = _load()


class Pass(NamedTuple):
    """A pass of the compiled kernels over rows of one table, or of two."""

    source: Source
    target: Source | None
    codes: IntArray | None
    active: BoolArray | None
    tolerances: tuple[float, float]
    clip: float

    def run(
        self,
        start: int,
        stop: int,
        columns: Mapping[str, FloatArray],
    ) -> tuple[IntArray, int]:
        """Fill columns of rows ``start`` to ``stop``.

        Gives the rows that are left out, and how many of the others met the clip.
        """
        odd, at_zero, _ = self._run(start, stop, tuple(map(columns.get, _MEASURES)))
        return odd, at_zero

    def sum_of_costs(self, start: int, stop: int) -> tuple[IntArray, float]:
        """Add up the costs of labels in rows ``start`` to ``stop``.

        Gives the rows that are left out, and the sum of the others, as if rounded once.
        """
        odd, _, total = self._run(start, stop, None)
        return odd, total

    def _run(
        self, start: int, stop: int, out: tuple[FloatArray | None, ...] | None
    ) -> tuple[IntArray, int, float]:
        odd = np.empty(stop - start, np.bool_)
        n_odd, at_zero, total = loaded.module.run(
            *(self.source, self.target, self.codes, self.active, out, odd),
            *(start, stop, self.tolerances, self.clip),
        )
        rows = np.flatnonzero(odd) + start if n_odd else _NO_ROWS
        return rows, at_zero, total


_MOST_VALUES = 8  # measures of a row, of which there is a place in job.hpp
_DOUBLES = np.dtype(np.float64)
_TYPES = (_DOUBLES, np.dtype(np.float32))
_LEAST = 2.0**-960  # NOTHING in vectors.hpp
_CODES = np.dtype(np.int64)
_NO_ROWS = np.empty(0, np.int64)


def fill_cells(
    codes: IntArray,
    weights: FloatArray | None,
    values: Sequence[FloatArray],
    out: Sequence[FloatArray],
) -> bool:
    """Fill what is known of cells, as Moments have it; False where numpy must."""
    if loaded.module is None or not 0 < len(values) <= _MOST_VALUES:
        return False
    numbers = [*values, *([] if weights is None else [weights])]
    if not _is_plain(*numbers) or not _is_plain(codes, dtype=_CODES):
        return False
    loaded.module.cells(codes, weights, tuple(values), *out)
    return True


def total_of(values: FloatArray) -> float | None:
    """Their sum, as if rounded once; None where numpy must add them up."""
    if loaded.module is None or not _is_plain(values):
        return None
    found: float = loaded.module.total(values)
    return found if math.isfinite(found) else None


def fill_softmax(z: FloatArray, c: FloatArray, log_sum: FloatArray) -> bool:
    """Fill ``c`` and ``log_sum`` as softmax has them; False where numpy must."""
    if loaded.module is None or not z.size or not _is_plain(z, c, log_sum):
        return False
    loaded.module.softmax(z, c, log_sum, z.shape[1])
    return True


def fill_logarithms(numbers: FloatArray, out: FloatArray) -> bool:
    """Fill ``out`` with logarithms; False where numpy must."""
    if loaded.module is None or not _is_plain(numbers, out):
        return False
    loaded.module.logarithms(numbers, out)
    return True


def fill_cubes(
    x: FloatArray, first: float, width: float, starts: FloatArray, terms: FloatArray
) -> bool:
    """Fill ``terms`` of a spline, of shape (classes, terms, rows); False as above."""
    if loaded.module is None or not _is_plain(x, starts):
        return False
    loaded.module.cubes(x, first, width, starts, terms)
    return True


def fill_members(
    q: FloatArray,
    weights: FloatArray,
    codes: IntArray | None,
    target: FloatArray | None,
    clip: float,
    out: Sequence[FloatArray],
) -> BoolArray | None:
    """Fill what is known of an ensemble's rows, as ``measured`` has it.

    Gives the rows that are left out; None where numpy must measure them all.
    """
    if loaded.module is None or not _is_plain(weights, *out):
        return None
    odd = np.empty(q.shape[2], np.bool_)
    labels, soft = (
        None if one is None else np.require(one, requirements=["C", "A"])
        for one in (codes, target)
    )
    floor = max(clip, _LEAST)
    loaded.module.members(q, weights, labels, soft, floor, *out, odd)
    return odd


def _is_plain(*arrays: NDArray[Any], dtype: np.dtype[Any] = _DOUBLES) -> bool:
    """Whether values of this type lie together, where a processor expects them."""
    return all(
        a.dtype == dtype and a.flags.c_contiguous and a.flags.aligned for a in arrays
    )


def compiled_pass(
    proba: Table,
    target: Table | IntArray | None,
    names: Sequence[str],
    *,
    clip: float,
    active: BoolArray | None = None,
) -> Pass | None:
    """A pass that fills these columns; None where numpy must do it."""
    if loaded.module is None or not _reads(proba):
        return None
    source, codes, of_target = None, None, 0.0
    if target is None:
        known = _OF_PREDICTIONS
    elif isinstance(target, np.ndarray):
        known, codes = _OF_LABELS, target
        if codes.dtype != _CODES or not codes.flags.c_contiguous:
            return None
        if not codes.flags.aligned:
            codes = codes.copy()
    else:
        known, source, of_target = _KNOWN, target.source, _tolerance(target)
        if not _reads(target):
            return None
    if not known.issuperset(names):
        return None
    tolerances = _tolerance(proba), of_target
    return Pass(proba.source, source, codes, active, tolerances, clip)


def _reads(table: Table) -> bool:
    """Whether the values are of a kind and type that the compiled kernels can read."""
    if table.kind == "logits" or not table.n_rows or not table.n_classes:
        return False
    if not isinstance(table.source, tuple):
        return table.dtype in _TYPES
    return all(column.dtype in _TYPES for column in table.source)


def _tolerance(table: Table) -> float:
    """How far from one sums may be; below 0 where rows are divided by them."""
    if table.kind == "proportions":
        return -1.0
    return table.tolerance / 2.0  # those further off are added up with more care
