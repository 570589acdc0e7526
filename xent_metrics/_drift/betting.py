"""Bets against what a reference expects: how much they have won, and when to alarm.

Betting starts anew, beside what was won before, in each of some 50 blocks of periods,
with an equal part of the capital; so a change late in the year is found as soon as an
early one. Where nothing has changed the capital is a supermartingale but for the error
of the map, and reaches 1 / alpha with a probability of alpha at most, whenever one
looks (Ville, 1939). The error of the map is the same for all rows: what it may have
won is subtracted from each block's gain, not from each row's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._decomposition.reference_map import ReferenceMap
from .._display.result import two_sided
from .._kernels.table import FloatArray
from .._recalibration.sample import Sample
from .watched import STAKES, Sums, Watched, sums_of

_STARTS = 52  # blocks of periods, about
_OF_BAND = 0.5  # of alpha, for the map's error; the rest is for the bets
_OF_MEANS = 0.9  # of that, for its mean under the reference's predictions


class Band(NamedTuple):
    """How far the error of the reference's map may move sums, at its level.

    ``directions`` are the mean derivatives of the watched quantities over the units
    of the reference, of shape (W, parameters), or 0 while they are not known. Along
    them the error is bounded by ``along`` standard errors; elsewhere by ``across``,
    that of all directions at once.
    """

    covariance: FloatArray
    directions: FloatArray
    along: float
    across: float

    @classmethod
    def of(
        cls,
        reference: ReferenceMap,
        n_watched: int,
        directions: FloatArray | None,
        alpha: float,
    ) -> Band:
        """The band of a map, for so many watched quantities."""
        from scipy.special import chdtri  # noqa: PLC0415 - when needed

        d = reference.n_parameters
        outside = alpha * _OF_BAND
        each = outside * _OF_MEANS / n_watched
        return cls(
            reference.covariance[:d, :d],
            np.zeros((n_watched, d)) if directions is None else directions,
            two_sided(1.0 - each),
            math.sqrt(float(chdtri(d, outside * (1.0 - _OF_MEANS)))),
        )

    @property
    def is_known(self) -> bool:
        """Whether it has directions."""
        return bool(self.directions.any())

    def widths(self, pulls: FloatArray) -> FloatArray:
        """The most that sums with these derivatives, (W, ..., parameters), may move."""
        n_watched, n_parameters = self.directions.shape
        flat = pulls.reshape(n_watched, -1, n_parameters)
        turned = self.directions @ self.covariance
        variance = (turned * self.directions).sum(axis=1)
        along = (flat @ turned[:, :, np.newaxis])[..., 0]
        scale = np.where(variance > 0, variance, 1.0)[:, np.newaxis]
        beside = flat - (along / scale)[..., np.newaxis] * self.directions[:, None]
        left = ((beside @ self.covariance) * beside).sum(axis=-1)
        found = self.along * np.abs(along) / np.sqrt(scale)
        found += self.across * np.sqrt(np.maximum(left, 0.0))
        return np.asarray(found.reshape(pulls.shape[:-1]))


class Clock(NamedTuple):
    """Where a monitor is in its year: ``period`` counts from 1, 0 is before it."""

    periods: int
    period: int = 0

    @property
    def length(self) -> int:
        """Periods of a block."""
        return max(round(self.periods / _STARTS), 1)

    @property
    def n_blocks(self) -> int:
        """Blocks of a year."""
        return -(-self.periods // self.length)

    @property
    def block(self) -> int:
        """The block that the period is in, from 0."""
        return (self.period - 1) // self.length


class Capital(NamedTuple):
    """What bets have won: ``before`` the block, as a logarithm, and in it."""

    before: FloatArray
    block: Sums

    @classmethod
    def start(cls, n_watched: int, n_parameters: int) -> Capital:
        """Before the first period."""
        nothing = np.full((n_watched, 2, len(STAKES)), -np.inf)
        return cls(nothing, Sums.empty(n_watched, n_parameters))

    def log_values(self, band: Band, clock: Clock) -> FloatArray:
        """Logarithms of the capital of each bet, of shape (W, 2, stakes)."""
        started = self._started(band, clock)
        waiting = clock.n_blocks - clock.block - 1
        if not waiting:
            return started
        return np.logaddexp(started, math.log(waiting / clock.n_blocks))

    def next_block(self, band: Band, clock: Clock) -> Capital:
        """With the block closed, before another one; ``clock`` is in the old one."""
        started = self._started(band, clock)
        return Capital(started, Sums.empty(*band.directions.shape))

    def plus(self, sums: Sums) -> Capital:
        """With more rows of the same block."""
        return self._replace(block=self.block.plus(sums))

    def _started(self, band: Band, clock: Clock) -> FloatArray:
        """What was won before and the part that starts now, times the block's gain."""
        gain = self.block.gains - band.widths(self.block.pulls)
        put = np.logaddexp(self.before, -math.log(clock.n_blocks))
        return np.asarray(put + gain)


def log_evidence(values: FloatArray, shares: FloatArray) -> FloatArray:
    """Logarithms of what each watched quantity and side add, of shape (W, 2).

    ``shares`` of the capital are put on each quantity; half of each on either side,
    and equal parts on the stakes.
    """
    weights = np.log(shares / (2.0 * len(STAKES)))[:, np.newaxis]
    return np.asarray(np.logaddexp.reduce(values, axis=-1) + weights)


def shares_of(watch: Sequence[Watched]) -> FloatArray:
    """Half of the capital is for the terms, the other for the frequencies."""
    of_terms = np.array([one.place is None for one in watch])
    if of_terms.all():
        return np.full(len(watch), 1.0 / len(watch))
    n_terms = int(of_terms.sum())
    n_others = len(watch) - n_terms
    return np.where(of_terms, 0.5 / max(n_terms, 1), 0.5 / n_others)


def log_threshold(alpha: float) -> float:
    """The logarithm of the evidence that is an alarm."""
    return -math.log(alpha * (1.0 - _OF_BAND))


def directions_of(
    reference: ReferenceMap, sample: Sample, watch: Sequence[Watched]
) -> FloatArray:
    """Mean derivatives over the units of the reference, for :meth:`Band.of`."""
    (found,) = sums_of(reference, sample, watch, [0.0] * len(watch))
    return found.pull / found.n_units
