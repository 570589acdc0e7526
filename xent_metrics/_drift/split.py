"""The change of a mean cost, split into mix and concept, and each into parts.

With the map c of the reference, e = -sum_k c_k(q) log q_k is what a prediction is
expected to cost, and E the mean of e over the current rows. The mix E - CE_r comes of
other predictions, the concept CE_c - E of labels that behave otherwise under the same
prediction; they sum to CE_c - CE_r whatever the map.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np

from .._decomposition.reference_map import ReferenceMap
from .._kernels.table import BoolArray, FloatArray
from .._recalibration.sample import Sample
from .._recalibration.softmax import slopes
from .estimates import Estimates, Rows

Weigh = Callable[[slice, FloatArray, FloatArray], FloatArray]


class CurrentRows:
    """Labelled rows under the reference's map, whose classes they have, in its order.

    ``costs`` are what they cost.
    """

    def __init__(
        self, reference: ReferenceMap, sample: Sample, costs: FloatArray
    ) -> None:
        self.sample, self.costs = sample, costs
        self.rows = Rows(sample.weights, sample.clusters)
        self.reference = reference
        self.log_q, self.target = sample.tables()
        self.c = np.empty_like(self.log_q)
        for rows, log_q, _ in sample.blocks():
            self.c[:, rows] = reference.probabilities(log_q)
        self.outside: BoolArray = reference.outside(self.log_q)
        self.of_unseen = reference.of_unseen
        self.share_known = float(reference.frequencies.sum())

    def under(self, reference: ReferenceMap) -> CurrentRows:
        """The same rows under the same map, with other means beside it."""
        found = copy.copy(self)
        found.reference = reference
        return found

    def mean_slopes(
        self, weigh: Weigh, weights: FloatArray | None = None
    ) -> FloatArray:
        """Derivatives in the map's parameters of a mean over the rows.

        ``weigh`` gives, for a block's rows, log q and c, the derivatives of a row's
        value in the logits of c, of shape (classes, rows).
        """
        family = self.reference.family
        weights = self.sample.weights if weights is None else weights
        found = np.zeros(self.reference.n_parameters)
        for rows, log_q, _ in self.sample.blocks():
            of_logits = weigh(rows, log_q, self.c[:, rows])
            found += slopes(family, log_q, of_logits) @ weights[rows]
        return found / self.rows.total

    def expected(self) -> Estimates:
        """E, the loss that the reference's map expects of the rows."""
        return self._parts(self.known_costs(), _of_expected, known=True)

    def known_costs(self) -> FloatArray:
        """What rows are expected to cost where their label is a class."""
        return np.asarray(-(self.c * self.log_q).sum(axis=0))

    def expected_of_class(self, k: int) -> Estimates:
        """The part of E that a class adds."""
        e = -self.c[k] * self.log_q[k]

        def weigh(_: slice, log_q: FloatArray, c: FloatArray) -> FloatArray:
            found: FloatArray = c * (c[k] * log_q[k])
            found[k] -= c[k] * log_q[k]
            return found

        return self._parts(e, weigh, known=False)

    def expected_of_group(self, inside: BoolArray) -> Estimates:
        """The part of E that some of the rows add."""
        return self._parts(self.known_costs(), _of_expected, known=True, inside=inside)

    def _parts(
        self,
        e: FloatArray,
        weigh: Weigh,
        *,
        known: bool,
        inside: BoolArray | None = None,
    ) -> Estimates:
        share, reference = self.share_known, self.reference
        of_unseen = self.of_unseen if known and share < 1.0 else 0.0
        weights, here = self.sample.weights, 1.0
        if inside is not None:
            weights = weights * inside
            e, here = e * inside, float(self.rows.mean(inside.astype(np.float64)))
            of_unseen_rows = of_unseen * inside
        else:
            of_unseen_rows = np.full(len(e), of_unseen)
        values = share * e
        if share < 1.0:
            values = values + (1.0 - share) * of_unseen_rows
        gradient = reference.gradient(
            share * self.mean_slopes(weigh, weights),
            of_frequencies=float(self.rows.mean(e)) - of_unseen * here,
        )
        return Estimates(
            np.array([self.rows.mean(values)]),
            gradient[np.newaxis],
            np.asarray(values)[np.newaxis],
        )

    def cost(self) -> Estimates:
        """CE_c, the mean cost."""
        return self.of_rows(self.costs)

    def of_rows(self, values: FloatArray) -> Estimates:
        """The mean of values that do not depend on the reference."""
        return Estimates(
            np.array([self.rows.mean(values)]),
            self.reference.gradient()[np.newaxis],
            values[np.newaxis],
        )


def cost_of(reference: ReferenceMap, n_rows: int) -> Estimates:
    """CE_r, the mean cost of the reference."""
    return Estimates(
        np.array([reference.cross_entropy]),
        reference.gradient(of_cost=1.0)[np.newaxis],
        np.zeros((1, n_rows)),
    )


def split(current: CurrentRows) -> Estimates:
    """Mix and concept, in this order."""
    expected = current.expected()
    mix = expected.plus(cost_of(current.reference, current.sample.n), -1.0)
    concept = current.cost().plus(expected, -1.0)
    return together(mix, concept)


def together(*each: Estimates) -> Estimates:
    """Several estimates as one list."""
    return Estimates(*(np.concatenate(parts) for parts in zip(*each, strict=True)))


def _of_expected(_: slice, log_q: FloatArray, c: FloatArray) -> FloatArray:
    """Derivatives of e in the logits of c: -c_k (log q_k + e)."""
    return np.asarray(c * ((c * log_q).sum(axis=0) - log_q))
