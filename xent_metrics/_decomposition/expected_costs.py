"""What predictions are expected to cost under a reference's map, in one pass."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from .._inputs.inputs import Inputs
from .._inputs.read_options import EPS, log_floored
from .._kernels.reader import checked_blocks
from .._kernels.softmax import softmax
from .._kernels.table import BoolArray, FloatArray, IntArray
from .._recalibration.fixed_map import fixed_map
from .._recalibration.one_thread import one_thread
from .._recalibration.softmax import slopes
from .reference_map import ReferenceMap

_LEAST_RUN = 16  # rows, on average


class ExpectedCosts(NamedTuple):
    """What rows are expected to cost, the variance of that cost, and where they lie.

    ``slopes`` are sums over the rows of each group of weights times derivatives in the
    map's parameters, of shape (groups, parameters).
    """

    costs: FloatArray
    variances: FloatArray
    outside: BoolArray
    slopes: FloatArray


def expected_costs(
    reference: ReferenceMap,
    inputs: Inputs,
    weights: FloatArray,
    codes: IntArray | None,
    n_groups: int,
    *,
    columns: Sequence[int] | None = None,
    exact: bool = False,
) -> ExpectedCosts:
    """Measure the rows that count, whose weights and groups these are.

    ``columns`` are the places of the reference's classes, where they lie in another
    order. What has a probability of 0 costs infinitely much if that is ``exact``.
    """
    n = len(weights)
    costs, variances = np.empty(n), np.empty(n)
    outside = np.empty(n, dtype=np.bool_)
    found = np.zeros((n_groups, reference.n_parameters))
    family, logits = reference.family, inputs.proba.kind == "logits"
    exact = exact and not logits
    fixed = fixed_map(family, reference.parameters)
    done = 0
    with one_thread():
        for at, block in checked_blocks(inputs.proba, inputs.active):
            assert block is not None, "checked before"
            if inputs.active is not None:
                block = block[:, inputs.active[at]]  # noqa: PLW2901 - those that count
            if columns is not None:
                block = block[columns]  # noqa: PLW2901 - in the reference's order
            rows: Any = slice(done, done + block.shape[1])
            done = rows.stop
            runs = None if codes is None else _Runs.of(codes[rows])
            if runs is not None:
                block = block[:, runs.order]  # noqa: PLW2901 - group after group
                rows = rows.start + runs.order
            log_q = log_floored(block, reference.clip, logits=logits)
            c = softmax(fixed.logits(log_q))[1]
            each = c * log_q
            e = -each.sum(axis=0)
            costs[rows] = e
            variances[rows] = (each * log_q).sum(axis=0) - e * e
            outside[rows] = reference.outside(log_q)
            of_logits = (-each - c * e) * weights[rows]
            if codes is None:
                found[0] += fixed.summed_slopes(of_logits)
            elif runs is None:
                np.add.at(found, codes[rows], slopes(family, log_q, of_logits).T)
            else:
                for code, run in runs.runs():
                    found[code] += fixed.summed_slopes(of_logits[:, run], run)
            if exact:
                at_zero = (log_q <= math.log(EPS)).any(axis=0)
                costs[rows] = np.where(at_zero, math.inf, e)
    np.maximum(variances, 0.0, out=variances)
    return ExpectedCosts(costs, variances, outside, found)


class _Runs(NamedTuple):
    """Rows of a block in an order in which each group is one run of them."""

    order: IntArray
    codes: IntArray
    starts: IntArray

    @classmethod
    def of(cls, codes: IntArray) -> Self | None:
        """The runs, where they are long enough to be added up one by one."""
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        if len(starts) * _LEAST_RUN > len(codes):
            return None
        return cls(order, ordered[starts], np.append(starts, len(codes)))

    def runs(self) -> Iterator[tuple[int, slice]]:
        """The group of each run, and its rows."""
        for place, code in enumerate(self.codes.tolist()):
            yield code, slice(*self.starts[place : place + 2].tolist())
