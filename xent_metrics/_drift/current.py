"""The current rows: those of an evaluation, or the sample that a state keeps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._decomposition.reference_map import ReferenceMap
from .._kernels.table import FloatArray
from .._recalibration.sample import Sample, from_inputs, from_tables
from .._scan.sides import Side
from .._scan.sources import known_moments
from .._scan.state import ScanState
from .scanned import all_rows, is_under
from .split import CurrentRows, cost_of, split, together


class Parts(NamedTuple):
    """Mix, concept, and the expected loss, in nats, with their covariance.

    ``n_sampled`` is the size of the random sample that they are of, None where they
    are of all rows; ``share_outside`` is a share of the same rows.
    """

    means: FloatArray
    covariance: FloatArray
    share_outside: float
    n_sampled: int | None = None


def current_rows(reference: ReferenceMap, side: Side) -> CurrentRows:
    """The rows that count under the reference's map, with classes in its order."""
    labels = side.evidence.labels
    if side.state is not None:
        sample = _kept(side.state)
        costs = sample.costs()
    else:
        data = side.data
        if data is None:
            msg = (
                "current must hold its rows, or be the state of a scan: found one that "
                "was read back; evaluate the rows again, or pass it as reference."
            )
            raise ValueError(msg)
        inputs, clip = data.inputs, reference.clip
        sample = from_inputs(inputs, inputs.active, clip=clip, clusters=data.clusters)
        costs = data.rows.cross_entropy
    if labels != reference.labels:
        order = [labels.index(label) for label in reference.labels]
        log_q, target = sample.tables()
        sample = from_tables(
            log_q[order], target[order], sample.weights, sample.clusters
        )
    return CurrentRows(reference, sample, costs)


def _kept(state: ScanState) -> Sample:
    """The rows that a state keeps: all of which have a known label."""
    if state.counts.n_unseen:
        msg = (
            "current must have labels that are classes, as a state keeps only rows of "
            f"these: {state.counts.n_unseen:,} rows have others; pass labels= with all "
            "classes to accumulate."
        )
        raise ValueError(msg)
    return state.kept.sample()


def split_of(rows: CurrentRows, side: Side) -> Parts:
    """The change split, with the mean cost of all rows where some of them were kept."""
    if side.state is not None and is_under(rows.reference, side.state):
        scanned = all_rows(rows.reference, side.state)
        found = scanned.parts()
        covariance = found.covariance(rows.reference.covariance)
        return Parts(found.means, covariance, scanned.outside)
    both = together(split(rows), rows.expected())
    covariance = both.covariance(rows.reference.covariance, rows.rows)
    if side.state is None or side.state.kept.complete:
        return Parts(both.means, covariance, _outside(rows))
    return _of_sample(rows, side.state)


def _of_sample(rows: CurrentRows, state: ScanState) -> Parts:
    """The split by a sample, corrected by how far its mean cost is from that of all.

    Rows that cost more than was expected do so by chance, those of a sample too: the
    part of its deviation that goes with e is taken out of E, and the rest out of the
    concept.
    """
    expected, cost = rows.expected(), rows.cost()
    share = state.kept.n / float(known_moments(state).n[0])
    away = float(state.whole.mean[0, 0]) - float(cost.means[0])
    pair = rows.rows.covariance(np.concatenate([expected.influences, cost.influences]))
    slope = float(pair[0, 1] / pair[1, 1]) if pair[1, 1] > 0 else 0.0
    before = cost_of(rows.reference, rows.sample.n)
    mix = expected.plus(before, -1.0)
    concept = cost.plus(expected, -1.0)
    # Each is a sum over the sample of e and cost, and over all rows of the cost.
    of_sample = np.array([[1.0, -slope], [-1.0, slope], [1.0, -slope]])
    of_all = np.array([slope, 1.0 - slope, slope])
    means = np.concatenate([mix.means, concept.means, expected.means]) + of_all * away
    cross = share * np.outer(of_sample @ pair[:, 1], of_all)
    covariance = of_sample @ pair @ of_sample.T + cross + cross.T
    covariance += share * pair[1, 1] * np.outer(of_all, of_all)
    gradients = together(mix, concept, expected).gradients
    covariance += gradients @ rows.reference.covariance @ gradients.T
    return Parts(means, covariance, _outside(rows), state.kept.n)


def _outside(rows: CurrentRows) -> float:
    return float(rows.rows.mean(rows.outside.astype(np.float64)))
