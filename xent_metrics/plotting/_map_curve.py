"""The fitted recalibration map as a curve with its band."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._decomposition.evidence import evidence_of
from .._decomposition.text import kept_as_they_are
from .._inputs.read_options import EPS, floor_of, log_floored
from .._kernels.table import FloatArray
from .._recalibration.band import deviations, probability_slopes
from ._bins import Bins
from ._rows import ClassRows, blocks, classes_of

if TYPE_CHECKING:
    from .._decomposition.result import Decomposition
    from .._evaluation.evaluation import Evaluation

_POINTS = 201  # evenly spaced, and as many in logits
_FAR = 700.0  # of logits whose exponential is finite


class MapCurve(NamedTuple):
    """Recalibrated probabilities at predicted ones; no band where limits are None."""

    predicted: FloatArray
    recalibrated: FloatArray
    low: FloatArray | None
    high: FloatArray | None


def why_no_map(evaluation: Evaluation, place: int | None) -> str:
    """Why there is no recalibration map to draw; else nothing."""
    found = evaluation.decomposition
    if found.n_folds is not None:
        return "each fold has its own"
    if kept_as_they_are(found):
        return "a test does not reject calibration"
    if found.recalibration == "none":
        return "recalibration='none'"
    if found.recalibration not in evidence_of(found).maps:
        return found.notes.get("refinement", "the result came without it")
    of_two = place is not None and len(evaluation.labels) == 2  # noqa: PLR2004
    return "" if of_two or found.has_data else "the result came without its data"


def map_curve(
    evaluation: Evaluation, place: int | None, rows: ClassRows, bins: Bins, z: float
) -> MapCurve:
    """The map from the least to the greatest prediction, or its mean in each bin."""
    found = evaluation.decomposition
    if place is not None and len(evaluation.labels) == 2:  # noqa: PLR2004
        return _curve(found, place, rows.predicted, z)
    return _means(found, place, rows, bins, z)


def _curve(found: Decomposition, place: int, seen: FloatArray, z: float) -> MapCurve:
    """Two classes: the probability of one of them as a function of itself."""
    floor = _floor(found)
    low, high = np.clip([seen.min(), seen.max()], floor, 1.0 - floor_of(found.clip))
    first, last = np.log([low, high]) - np.log1p([-low, -high])
    even = np.linspace(low, high, _POINTS)
    in_logits = 1.0 / (1.0 + np.exp(-np.linspace(first, last, _POINTS)))
    predicted = np.unique(np.concatenate([even, in_logits]))
    both = np.empty((2, len(predicted)))
    both[place], both[1 - place] = predicted, 1.0 - predicted
    recalibrate = evidence_of(found).maps[found.recalibration]
    mean, slopes = probability_slopes(
        recalibrate, log_floored(both, floor, logits=False), classes_of(place, both)
    )
    return _with_band(found, predicted, mean, slopes, z)


def _means(
    found: Decomposition, place: int | None, seen: ClassRows, bins: Bins, z: float
) -> MapCurve:
    """Several classes: the mean of the map in each bin."""
    data = evidence_of(found).need("reliability")
    recalibrate = evidence_of(found).maps[found.recalibration]
    mass = np.bincount(bins.codes, seen.weights)
    mean, floor = np.zeros(len(mass)), _floor(found)
    slopes: FloatArray | None = None
    for rows, q, _ in blocks(data):
        shares = np.zeros((q.shape[1], len(mass)))
        shares[np.arange(len(shares)), bins.codes[rows]] = seen.weights[rows]
        shares /= mass
        log_q = log_floored(q, floor, logits=False)
        of_rows, steps = probability_slopes(recalibrate, log_q, classes_of(place, q))
        mean += of_rows @ shares
        if steps is not None:
            part = steps @ shares
            slopes = part if slopes is None else slopes + part
    return _with_band(found, bins.predicted, mean, slopes, z)


def _floor(found: Decomposition) -> float:
    """The least probability that the map was fitted to."""
    data = evidence_of(found).data
    logits = data is not None and data.inputs.proba.kind == "logits"
    return floor_of(found.clip, logits=logits)


def _with_band(
    found: Decomposition,
    predicted: FloatArray,
    mean: FloatArray,
    slopes: FloatArray | None,
    z: float,
) -> MapCurve:
    """The band is symmetric in logits, so it stays within 0 and 1.

    Where labels are not among the classes, the map is that of the others.
    """
    data = evidence_of(found).data
    known = 1.0 if data is None or data.after is None else data.after.share_known
    if slopes is None:
        return MapCurve(predicted, known * mean, None, None)
    inside = np.clip(mean, EPS, 1.0 - EPS)
    deviation = deviations(evidence_of(found).maps[found.recalibration], slopes)
    reach = z * deviation / (inside * (1.0 - inside))
    logit = np.log(inside) - np.log1p(-inside)
    low, high = (
        known / (1.0 + np.exp(np.clip(-(logit + side), -_FAR, _FAR)))
        for side in (-reach, reach)
    )
    return MapCurve(predicted, known * mean, low, high)
