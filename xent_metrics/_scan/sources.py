"""What a map is fitted to: the rows that were kept, or cells of the logit."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import numpy as np

from .._decomposition.recalibration import check_recalibration
from .._inputs.read_options import LEAST_NORMAL, log_floored
from .._kernels.sums import standard_error
from .._kernels.table import FloatArray, IntArray
from .._recalibration.fitted_map import LEARNED, FittedMap, Recalibrate
from .._recalibration.grid import Grid
from .._recalibration.isotonic import fit_isotonic
from .._recalibration.one_thread import one_thread
from .._recalibration.select import (
    BY_LOGIT,
    LINEAR,
    TWO_CLASSES,
    Selection,
    recalibrate,
)
from .logit_cells import N_CELLS, Levels, cell_of
from .moments import Moments
from .state import ScanState


class Source(Protocol):
    """Rows with a known label, of which ``n`` are fitted to."""

    n: int
    note: str

    def fit(self, recalibration: Any) -> Selection:
        """Fit the named map, the user's own, or the best of the family."""

    def gain(self, fitted: FittedMap) -> tuple[float, float]:
        """What a map removes of the mean cost, and the standard error."""

    def influences(
        self, fitted: FittedMap, of_class: FloatArray, known: float
    ) -> Moments:
        """Of a row's refinement, miscalibration, resolution and grouping loss.

        ``of_class`` is the cost of predicting class frequencies, ``known`` what is
        added to the cost after the map. The rows have the weight of all known ones.
        """


def check_map(recalibration: Any) -> None:
    """A name, or an object that can be fitted, of what a scan can do."""
    check_recalibration(recalibration)
    if isinstance(recalibration, str) and recalibration == LEARNED:
        msg = (
            "recalibration of a scan must be a map that any row can go through: "
            f"{recalibration!r} predicts each row by trees that did not see it, and "
            "requires all rows in memory; pass 'auto', or decompose a sample of rows."
        )
        raise ValueError(msg)


def source_of(state: ScanState, recalibration: Any) -> Source:
    """Cells where they hold more rows than were kept and the map can be fitted so."""
    by_logit = isinstance(recalibration, str) and (
        recalibration in ("auto", "isotonic", "none", *BY_LOGIT)
    )
    if state.cells is None or state.kept.complete or not by_logit:
        return _KeptRows(state)
    return _Cells(state)


def known_moments(state: ScanState) -> Moments:
    """Of the rows with a known label, as one cell."""
    if state.contract.soft:
        return state.whole
    n = len(state.labels)
    known = Moments(*(one[..., :n] for one in state.classes))
    return known.together(np.zeros(n, dtype=np.int64), 1)


class _KeptRows:
    """The rows that were kept."""

    def __init__(self, state: ScanState) -> None:
        self._kept = state.kept
        self._sample = state.kept.sample()
        self._before = self._sample.costs()
        self._tried_on: IntArray | None = None
        self._all = known_moments(state)
        self.n = state.kept.n
        self.note = ""
        if not state.kept.complete:
            self.note = f"fitted to a random sample of {self.n:,} rows"

    def fit(self, recalibration: Any) -> Selection:
        """As to data in memory."""
        selection = recalibrate(self._sample, recalibration)
        self._tried_on = selection.tried_on
        return selection

    def gain(self, fitted: FittedMap) -> tuple[float, float]:
        """Of the sample, or of the part of it that maps were tried on."""
        sample, before = self._sample, self._before
        if len(fitted.losses) < sample.n and self._tried_on is not None:
            sample, before = sample.pick(self._tried_on), before[self._tried_on]
        gain = before - fitted.losses
        return sample.mean(gain), standard_error(gain, sample.weights, None)

    def influences(
        self, fitted: FittedMap, of_class: FloatArray, known: float
    ) -> Moments:
        """Of the sample, with the weight of all rows."""
        after = fitted.losses + known
        frequencies = of_class @ self._kept.distributions
        values = [
            after,
            self._before - after,
            frequencies - after,
            after - self._kept.entropy,
        ]
        found = Moments.of_rows(None, 1, self._kept.weights, values)
        return _stretched(found, self._all)


class _Cells:
    """Cells of the logit of two classes, which hold all rows."""

    note = "fitted to all rows, in cells of the logit"

    def __init__(self, state: ScanState) -> None:
        assert state.cells is not None
        self._all = known_moments(state)
        weight, weight2 = float(self._all.weight[0]), float(self._all.weight2[0])
        n_effective = weight * weight / weight2
        scale = n_effective / weight
        powers = np.array([1, 1, 1, 2, 2, 2])[:, np.newaxis]
        self._sums = state.cells * scale**powers
        self._grid = Grid(self._sums, n_effective)
        self.n = int(self._all.n[0])

    def fit(self, recalibration: Any) -> Selection:
        """The ladder of two classes, or one map."""
        with one_thread():
            names = TWO_CLASSES if recalibration == "auto" else (recalibration,)
            fitted = tuple(self._fit(name) for name in names)
        return Selection(fitted[-1], fitted, {}, None)

    def _fit(self, name: str) -> FittedMap:
        cells = self._grid.cells
        if name == "none":
            return FittedMap(name=name, losses=cells.costs(), recalibrate=np.exp)
        if name != "isotonic":
            return self._grid.fit(LINEAR[name](cells))
        fitted = fit_isotonic(cells)
        steps: Recalibrate = fitted.recalibrate
        place = cell_of(self._grid.log_q[1] - self._grid.log_q[0])
        levels = np.full(N_CELLS, np.nan)
        levels[place] = steps(self._grid.log_q)[1]
        return dataclasses.replace(fitted, recalibrate=Levels(_filled(levels)))

    def gain(self, fitted: FittedMap) -> tuple[float, float]:
        """Of all rows."""
        log_q = self._grid.log_q
        found = self._moments([_log(fitted.recalibrate, log_q) - log_q])
        return float(found.mean[0, 0]), float(found.errors()[0, 0])

    def influences(
        self, fitted: FittedMap, of_class: FloatArray, known: float
    ) -> Moments:
        """Of all rows; targets are labels, whose entropy is 0."""
        before = -self._grid.log_q
        after = known - _log(fitted.recalibrate, self._grid.log_q)
        frequencies = np.broadcast_to(of_class[:, np.newaxis], after.shape)
        return self._moments([after, before - after, frequencies - after, after])

    def _moments(self, values: list[FloatArray]) -> Moments:
        """Of what a row adds, by its class and cell: arrays of shape (2, cells)."""
        w, _, wp, w2, w2p, _ = self._sums[:, self._sums[0] > 0]
        mean = np.array(values).reshape(len(values), -1)
        weight = np.concatenate([w - wp, wp])
        weight2 = np.concatenate([w2 - w2p, w2p])
        each = Moments(weight, weight, weight2, mean, mean, np.zeros(mean.shape))
        whole = each.together(np.zeros(len(weight), np.int64), 1)
        return _stretched(whole, self._all)


def _stretched(found: Moments, whole: Moments) -> Moments:
    """The same values of as many rows and as much weight as all have."""
    return found._replace(
        n=whole.n,
        weight=whole.weight,
        weight2=whole.weight2,
        scatter=found.scatter * (whole.weight2 / found.weight2),
    )


def _log(recalibrate: Recalibrate, log_q: FloatArray) -> FloatArray:
    """Log of the recalibrated probabilities; what no row needs may be 0."""
    return log_floored(recalibrate(log_q), LEAST_NORMAL, logits=False)


def _filled(levels: FloatArray) -> FloatArray:
    """Levels of cells without rows: those of the nearest cell below, or above."""
    known = np.flatnonzero(~np.isnan(levels))
    place = np.searchsorted(known, np.arange(len(levels)), side="right") - 1
    return levels[known[np.maximum(place, 0)]]
