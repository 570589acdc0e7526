"""Arithmetic of one block of rows over all members of an ensemble; numpy only.

Arrays of members are of shape (classes, members, rows), their averages over the
members of shape (classes, rows). Averages are taken so that members that are nearly
equal keep their digits: with t = (q - mean) / mean the terms t - log(1 + t) and
(1 + t) log(1 + t) - t are never negative, and what is linear in t averages to 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .compiled.compiled_pass import fill_members
from .formulas import SERIES, TINY, never_negative
from .reader import true_sums
from .table import BoolArray, FloatArray, IntArray

ROW_TERMS = (
    "member_cross_entropy",
    "ensemble_cross_entropy",
    "diversity",
    "geometric_cross_entropy",
    "geometric_diversity",
    "predictive_entropy",
    "member_entropy",
    "mutual_information",
)

_HALF = 0.5
_MEMBERS_AT_ONCE = 128
_PRODUCTS_AT_ONCE = 1 << 18


class Target(NamedTuple):
    """Targets of a block: ``codes`` of labels, or ``soft`` ones of (classes, rows).

    ``unseen`` marks labels that the predictions do not know.
    """

    codes: IntArray | None
    soft: FloatArray | None
    unseen: BoolArray | None

    def expect(self, values: FloatArray, for_unseen: float) -> FloatArray:
        """Mean of values, classes first, under the target, where 0 inf is 0."""
        if self.soft is not None:
            p = self.soft if values.ndim == self.soft.ndim else self.soft[:, None]
            return _sum(np.multiply(p, values, where=p > 0, out=_zeros(values)))
        assert self.codes is not None
        codes = self.codes if values.ndim == 2 else self.codes[None]  # noqa: PLR2004
        found: FloatArray = np.take_along_axis(values, codes[None], axis=0)[0]
        if self.unseen is not None:
            found[..., self.unseen] = for_unseen
        return found

    def of(self, rows: BoolArray) -> Target:
        """The targets of some rows."""
        codes, soft, unseen = self
        return Target(
            None if codes is None else codes[rows],
            None if soft is None else soft.compress(rows, axis=-1),
            None if unseen is None else unseen[rows],
        )

    def meets(self, below: BoolArray) -> BoolArray:
        """Whether a class that the target deems possible is marked."""
        if self.soft is not None:
            hit: BoolArray = np.logical_or.reduce(below & (self.soft > 0), axis=0)
            return hit
        assert self.codes is not None
        hit = np.take_along_axis(below, self.codes[None], axis=0)[0]
        return hit if self.unseen is None else hit | self.unseen


class Measured(NamedTuple):
    """What a block gives: a value per row, per member and row, and sums of pairs.

    ``columns`` hold the terms of a row in the order of ``ROW_TERMS``; ``below`` marks
    classes to which a member gives less than the clip, None where there is none.
    """

    columns: FloatArray
    costs: FloatArray
    entropies: FloatArray
    pairs: FloatArray
    infinite: BoolArray | None
    below: BoolArray | None


def measured(
    table: FloatArray,
    target: Target,
    weights: FloatArray,
    row_weights: FloatArray,
    *,
    logits: bool,
    clip: float,
) -> Measured:
    """Measure a block: rows that are ordinary compiled, others by numpy."""
    n_classes, n_members, n_rows = table.shape
    columns = np.empty((len(ROW_TERMS), n_rows))
    costs, entropies = np.empty((2, n_members, n_rows))
    log_ratio = np.empty((n_classes, n_members, n_rows))
    odd = None
    if not logits:
        out = (columns, costs, entropies, log_ratio)
        odd = fill_members(table, weights, target.codes, target.soft, clip, out)
    if odd is not None and target.unseen is not None:
        odd |= target.unseen
    if odd is None or odd.all():
        stack = Stack(table, weights, logits=logits, clip=clip)
        return stack.measured(target, row_weights)
    if not odd.any():
        pairs, _ = _pairs(table, log_ratio, row_weights)
        return Measured(columns, costs, entropies, pairs, None, None)
    few = table.compress(odd, axis=-1)  # in the same order, in which sums are taken
    rest = Stack(few, weights, logits=False, clip=clip).measured(
        target.of(odd), row_weights[odd]
    )
    for whole, part in zip((columns, costs, entropies), rest[:3], strict=True):
        whole[..., odd] = part
    kept = ~odd
    own, its_ratio = table.compress(kept, axis=-1), log_ratio.compress(kept, axis=-1)
    pairs, _ = _pairs(own, its_ratio, row_weights[kept])
    below = None
    if rest.below is not None:
        below = np.zeros((n_classes, n_rows), np.bool_)
        below[:, odd] = rest.below
    return Measured(columns, costs, entropies, pairs + rest.pairs, rest.infinite, below)


class Stack:
    """The members' predictions of a block, their means, and their logarithms.

    ``weights`` of the members sum to 1. ``log_q`` and ``log_mean`` are logarithms of
    probabilities not less than ``clip``; ``below`` marks classes to which a member
    gives less, and is None where there is none.
    """

    def __init__(
        self, table: FloatArray, weights: FloatArray, *, logits: bool, clip: float
    ) -> None:
        self._weights = weights
        self._floor = 0.0 if logits else clip
        self._clip = clip
        self._small: BoolArray | None = None
        self.below: BoolArray | None = None
        if logits:
            self._read_logits(table)
        else:
            self._read_probabilities(table)

    def _read_logits(self, log_q: FloatArray) -> None:
        with_weights = log_q + np.log(self._weights)[:, None]
        self.q, self.log_q = np.exp(log_q), log_q
        self.log_mean = _log_sum(with_weights, axis=1)
        self.mean = np.exp(self.log_mean)
        possible = np.broadcast_to((self.log_mean > -np.inf)[:, None], log_q.shape)
        self._log_ratio = np.subtract(
            log_q, self.log_mean[:, None], where=possible, out=_zeros(log_q)
        )
        self._t = np.expm1(self._log_ratio)
        self._excess = _log_excess(self._t, self._log_ratio)
        self._log_center, self._gap = self.log_mean, self._average(self._excess)

    def _read_probabilities(self, q: FloatArray) -> None:
        self.q, self.mean = q, self._average(q)
        self._t, self._log_ratio = _relative(q, self.mean)
        self._excess = _log_excess(self._t, self._log_ratio)
        if float(np.minimum.reduce(q, axis=None)) >= self._floor:
            self.log_q, self.log_mean = np.log(q), np.log(self.mean)
            self._log_center, self._gap = self.log_mean, self._average(self._excess)
            return
        self._small = q < self._floor
        self.below = np.logical_or.reduce(self._small, axis=1)
        clipped = np.maximum(q, self._floor)
        self.log_q = np.log(clipped)
        self.log_mean = np.log(np.maximum(self.mean, self._floor))
        center = self._average(clipped)
        self._log_center = np.log(center)
        self._gap = self._average(_log_excess(*_relative(clipped, center)))

    def measured(self, target: Target, row_weights: FloatArray) -> Measured:
        """All measures of the block."""
        costs, entropies = self.costs(target), self.entropies()
        cost, geometric_diversity = self._average(costs), self.geometric_diversity()
        columns = (
            cost,
            self.cost_of_mean(target),
            self.diversity(target),
            cost - geometric_diversity,
            geometric_diversity,
            self.entropy_of_mean(),
            self._average(entropies),
            self.mutual_information(),
        )
        pairs, infinite = self.pairs(row_weights)
        return Measured(
            np.stack(columns), costs, entropies, pairs, infinite, self.below
        )

    # -- measures of each row -----------------------------------------------

    def costs(self, target: Target) -> FloatArray:
        """Cross-entropy of each member, of shape (members, rows)."""
        return _cost(target.expect(self.log_q, self._log_clip()))

    def cost_of_mean(self, target: Target) -> FloatArray:
        """Cross-entropy of the members' mean."""
        return _cost(target.expect(self.log_mean, self._log_clip()))

    def diversity(self, target: Target) -> FloatArray:
        """What the mean costs less than the members, from log ratios."""
        gain = self._gap
        if self.below is not None:
            gain = gain - (self._log_center - self.log_mean)
        return target.expect(gain, 0.0)

    def geometric_diversity(self) -> FloatArray:
        """Mean divergence of the members from their geometric mean.

        The geometric mean is the center times exp(-gap); its sum over the classes,
        divided by the center's, is at most 1, and its -log is the divergence.
        """
        center = np.exp(self._log_center)
        total = _sum(center)
        lost = _sum(center * np.expm1(-self._gap)) / total
        near = 0.0 - np.log1p(np.maximum(lost, -_HALF))
        far = np.log(total) - _log_sum(self._log_center - self._gap, axis=0)
        return np.where(lost > -_HALF, near, far)

    def mutual_information(self) -> FloatArray:
        """Mean divergence of the mean from the members."""
        possible = self._log_ratio > -np.inf
        excess = np.ones(self._t.shape)
        np.multiply(self._t, self._log_ratio, where=possible, out=excess)
        np.subtract(excess, self._excess, where=possible, out=excess)
        return _sum(self.mean * self._average(excess))

    def entropies(self) -> FloatArray:
        """Entropy of each member, of shape (members, rows)."""
        clipped = self._small is not None
        return _entropy(self.q, _log(self.q) if clipped else self.log_q)

    def entropy_of_mean(self) -> FloatArray:
        """Entropy of the members' mean."""
        return _entropy(self.mean, _log(self.mean))

    # -- measures of pairs --------------------------------------------------

    def pairs(self, row_weights: FloatArray) -> tuple[FloatArray, BoolArray | None]:
        """Weighted sums of KL(a||b) over the rows, and which of them are infinite.

        KL(a||b) = sum a (log a/m - log b/m), with the mean m as a common measure, of
        rows divided by their sums.
        """
        log_ratio, own = self._log_ratio, None
        if self._small is not None:
            weighted = _weighted(self.q, _row_sums(self.q), row_weights)
            log_ratio, own = self._clipped_ratio(weighted)
        return _pairs(self.q, log_ratio, row_weights, own)

    def _clipped_ratio(self, weighted: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Ratios to the mean after clipping, and what it changes in a member's own."""
        assert self._small is not None
        log_mean = np.log(self.mean, where=self.mean > 0, out=_zeros(self.mean))
        floor = np.log(self._floor) - log_mean
        clipped = np.where(self._small, floor[:, None], self._log_ratio)
        possible = self._small & (self.q > 0)
        change = np.subtract(
            self._log_ratio, clipped, where=possible, out=_zeros(clipped)
        )
        return clipped, np.einsum("kmr,kmr->m", weighted, change)

    # -- shared -------------------------------------------------------------

    def _average(self, values: FloatArray) -> FloatArray:
        return average(values, self._weights)

    def _log_clip(self) -> float:
        return float(np.log(self._clip))


def _row_sums(q: FloatArray) -> FloatArray:
    return true_sums(_sum(q))


def _weighted(q: FloatArray, row_sums: FloatArray, weights: FloatArray) -> FloatArray:
    """The weights of rows in the sums of pairs, spread over their values."""
    weighted: FloatArray = q * (weights / row_sums)
    return weighted


def _pairs(
    q: FloatArray,
    log_ratio: FloatArray,
    row_weights: FloatArray,
    own: FloatArray | None = None,
) -> tuple[FloatArray, BoolArray | None]:
    """Weighted sums of KL(a||b), from log ratios to the mean; which are infinite.

    ``own`` is what the clip adds to a member's own.
    """
    row_sums = _row_sums(q)
    weighted = _weighted(q, row_sums, row_weights)
    if (row_sums != 1.0).any():
        log_ratio = log_ratio - np.log(row_sums)
    infinite = None
    impossible = log_ratio == -np.inf
    if impossible.any():
        log_ratio = np.where(impossible, 0.0, log_ratio)
        infinite = _products((weighted > 0) * 1.0, impossible * 1.0) > 0
    cross = _products(weighted, log_ratio)
    of_self = np.diagonal(cross) if own is None else np.diagonal(cross) + own
    sums: FloatArray = of_self[:, None] - cross
    return sums, infinite


def average(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted sum over the members, which are last but one, for each row.

    A row that is alone is read twice, as it would be added in another order.
    """
    if values.shape[-1] == 1:
        return average(np.repeat(values, 2, axis=-1), weights)[..., :1]
    averages: FloatArray = np.einsum("...mr,m->...r", values, weights)
    return averages


def _relative(q: FloatArray, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(q - mean) / mean and log(q / mean), both 0 where the mean is 0.

    The logarithm of the rounded ratio is mended by what the rounding took from t,
    which makes it log(1 + t) to full accuracy also near 0.
    """
    empty = (mean == 0).astype(np.float64)[:, None]
    divisor = mean[:, None] + empty
    t = q + empty
    ratio = t / divisor
    t -= divisor
    t /= divisor
    log_ratio = np.log(ratio)
    lost = np.subtract(t, ratio - 1.0)
    lost /= np.maximum(ratio, 0.5, out=ratio)
    log_ratio += lost
    return t, log_ratio


def _log_excess(t: FloatArray, log_ratio: FloatArray) -> FloatArray:
    """Return t - log(1 + t), by its series for small t."""
    excess: FloatArray = t - log_ratio
    series = np.abs(t) < SERIES
    s = t[series]
    excess[series] = (
        s * s * (1 / 2 - s * (1 / 3 - s * (1 / 4 - s * (1 / 5 - s * (1 / 6 - s / 7)))))
    )
    return excess


def _log_sum(log_values: FloatArray, axis: int) -> FloatArray:
    """Logarithm of a sum; -inf where all terms are 0."""
    top = np.maximum.reduce(log_values, axis=axis, keepdims=True)
    top = np.where(top > -np.inf, top, 0.0)
    total = _sum(np.exp(log_values - top), axis)
    log_sum: FloatArray = np.log(total) + np.squeeze(top, axis=axis)
    return log_sum


def _cost(log_q: FloatArray) -> FloatArray:
    """-log q, not negative where the mean exceeds 1 by rounding."""
    cost: FloatArray = np.maximum(0.0 - log_q, 0.0)
    return cost


def _entropy(q: FloatArray, log_q: FloatArray) -> FloatArray:
    return never_negative(_sum(np.multiply(q, log_q, where=q > 0, out=_zeros(q))))


def _products(left: FloatArray, right: FloatArray) -> FloatArray:
    """Sums over classes and rows for each pair of members.

    Matrix products so small are not given to threads, which would cost more than they
    save beside other work, and change bits.
    """
    n_members = left.shape[1]
    ours = left.transpose(1, 0, 2).reshape(n_members, -1)
    theirs = right.transpose(0, 2, 1).reshape(-1, n_members)
    pairs = np.zeros((n_members, n_members))
    tile = min(n_members, _MEMBERS_AT_ONCE)
    step = max(1, _PRODUCTS_AT_ONCE // tile**2)
    for row in range(0, n_members, tile):
        for column in range(0, n_members, tile):
            part = pairs[row : row + tile, column : column + tile]
            for start in range(0, len(theirs), step):
                terms = slice(start, start + step)
                part += (
                    ours[row : row + tile, terms]
                    @ theirs[terms, column : column + tile]
                )
    return pairs


def _sum(values: FloatArray, axis: int = 0) -> FloatArray:
    """Sum over the classes, or over the members, for each row, one after the other."""
    sums: FloatArray
    if values.shape[-1] == 1:  # would be added in pairs
        sums = np.add.accumulate(values, axis=axis).take(-1, axis=axis)
    else:
        sums = np.add.reduce(values, axis=axis)
    return sums


def _log(q: FloatArray) -> FloatArray:
    """Logarithm of q, finite also where q is 0."""
    log_q: FloatArray = np.log(np.maximum(q, TINY))
    return log_q


def _zeros(like: FloatArray) -> FloatArray:
    return np.zeros(like.shape)
