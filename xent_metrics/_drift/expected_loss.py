"""The loss that predictions without labels are expected to have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .._calls import form
from .._decomposition.breakdown import warn_if_many
from .._decomposition.expected_costs import ExpectedCosts, expected_costs
from .._decomposition.reference_map import ReferenceMap
from .._inputs.by import Source, find_keys
from .._inputs.containers import as_frame
from .._inputs.groups import Keys, read_groups
from .._inputs.inputs import Inputs, read_unlabelled
from .._inputs.messages import warn
from .._inputs.read_options import FromLogits, ReadOptions, nats_per_unit, unit_name
from .._kernels.sums import weighted_mean
from .._kernels.table import FloatArray
from .._pickling import public
from .._scan.sides import map_of, read_side
from .estimates import Rows
from .expected_result import ExpectedLoss

_FAR = 0.01  # of the rows, beside what chance puts outside


@public
class OutsideReferenceWarning(UserWarning):
    """Predictions lie outside the range that the reference saw."""


@public
@form("expected_loss(reference, y_proba)")
def expected_loss(
    reference: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    by: Any = None,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    base: float | None = None,
    clip: float | None = None,
    rescale: bool = False,
    from_logits: FromLogits = False,
) -> ExpectedLoss:
    """Estimate the log loss of predictions before their labels come.

    Parameters
    ----------
    reference : Evaluation, Decomposition, ScanState, or JSON of an evaluation
        Labelled rows of the same model, such as those that it was accepted on.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities of rows without labels, columns in the order of the
        reference's classes, or named after them.
    labels : sequence, optional
        The class of each column, in column order. Default: that of the reference.
    by : array-like of shape (N,), or list, DataFrame or mapping of such, optional
        Groups whose expected loss is given too. A name is that of a level of the
        index of ``y_proba``.
    sample_weight : array-like of shape (N,), optional
        Weights of the rows.
    groups : array-like of shape (N,), optional
        The group of each row, such as the patient that rows share: rows of a group are
        not independent, and standard errors say so.
    base : float, optional
        Base of the logarithm. Default: that of the reference.
    clip : float, optional
        Floor of probabilities inside the logarithm. It must be that of the reference,
        which is the default.
    rescale, from_logits
        As in :func:`cross_entropy`.

    Returns
    -------
    ExpectedLoss
        The loss with three standard errors, in all and by group.

    Raises
    ------
    KeyError
        If the index has no level of that name.
    TypeError
        If ``reference`` is no evaluation.
    ValueError
        If the reference has no recalibration map, if the classes or the ``clip`` are
        not its own, or as in :func:`cross_entropy`.

    Warns
    -----
    OutsideReferenceWarning
        If predictions lie outside the range of the reference's, more than by chance:
        what is expected of them is a guess.
    SmallSampleWarning
        If ``by`` makes more than 50 groups of fewer than two rows on average.

    Notes
    -----
    Under the reference's recalibration map c, a prediction q is expected to cost
    -sum_k c_k(q) log q_k, and what is estimated is the mean of that. It is right where
    labels behave under a prediction as they did in the reference: whether they still
    do, only labels tell (see :func:`drift`). The map is the most flexible one that the
    reference's rows bear, also where a simpler one was chosen for its terms. The
    model's own entropy, ``ExpectedLoss.predictive_entropy``, is right only where
    the model is calibrated.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_metrics import Evaluation, expected_loss
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(0.05, 0.95, size=4000)
    >>> y = rng.uniform(size=4000) < p
    >>> bold = p**2 / (p**2 + (1 - p) ** 2)
    >>> reference = Evaluation.from_predictions(y[:2000], bold[:2000])
    >>> result = expected_loss(reference, bold[2000:])
    >>> round(result.expected_loss, 2), round(result.predictive_entropy, 2)
    (0.61, 0.38)
    >>> later = Evaluation.from_predictions(y[2000:], bold[2000:])
    >>> low, high = result.ci(of="realised")
    >>> low < later.terms["cross_entropy"] < high
    True
    """
    side = read_side(reference, "reference")
    found = map_of(side)
    if clip is not None and clip != found.clip:
        msg = (
            f"clip must be that of the reference, {found.clip:g}: found {clip!r}; "
            "leave it out, or evaluate the reference with this clip."
        )
        raise ValueError(msg)
    options = ReadOptions(
        labels=labels,
        sample_weight=sample_weight,
        groups=groups,
        base=side.decomposition.base if base is None else base,
        clip=found.clip,
        rescale=rescale,
        from_logits=from_logits,
    )
    inputs = read_unlabelled(y_proba, options, found.labels).with_scaled_weights()
    entropy = inputs.measure(["predictive_entropy"], clip=found.clip)
    clusters = read_groups(groups, inputs)
    rows = Rows(
        _weights(inputs), None if clusters is None else inputs.counted(clusters)
    )
    keys = _keys(by, y_proba, inputs)
    codes = None if keys is None else keys.codes
    n_groups = 1 if keys is None else len(keys.groups)
    measured = expected_costs(
        found, inputs, rows.weights, codes, n_groups, exact=found.clip == 0
    )
    whole = _Cell(found, measured, rows, measured.slopes.sum(axis=0))
    outside = float(rows.mean(measured.outside.astype(np.float64)))
    _warn_if_outside(outside, inputs.n, found)
    per_unit = options.per_unit
    scale = nats_per_unit(side.decomposition.base) / per_unit
    change, of_change = whole.change()
    return ExpectedLoss(
        expected_loss=whole.value / per_unit,
        standard_errors={
            name: error / per_unit for name, error in whole.errors().items()
        },
        reference_loss=side.decomposition.cross_entropy * scale,
        mix=change / per_unit,
        mix_error=of_change / per_unit,
        predictive_entropy=weighted_mean(
            inputs.counted(entropy.columns["predictive_entropy"]), rows.weights
        )
        / per_unit,
        by_group=None
        if keys is None
        else _table(keys, found, measured, rows, per_unit),
        share_outside=outside,
        n=inputs.n,
        n_classes=len(found.labels),
        n_groups=None if rows.clusters is None else len(np.unique(rows.clusters)),
        unit=unit_name(options.base),
        recalibration=found.name,
    )


class _Cell:
    """Some rows, with the sum of what moves their cost in the map's parameters."""

    def __init__(
        self,
        reference: ReferenceMap,
        measured: ExpectedCosts,
        rows: Rows,
        slopes: FloatArray,
        inside: Any = slice(None),
    ) -> None:
        self._reference, self._inside = reference, inside
        clusters = None if rows.clusters is None else rows.clusters[inside]
        self._rows = Rows(rows.weights[inside], clusters)
        self._variances = measured.variances[inside]
        share = float(reference.frequencies.sum())
        of_unseen = 0.0
        if share < 1.0:
            of_unseen = reference.of_unseen
        e = measured.costs[inside]
        known = float(self._rows.mean(e))
        self._costs = e
        if share < 1.0:
            self._costs = share * e + (1.0 - share) * of_unseen
            self._variances = (
                self._variances + share * (1.0 - share) * (e - of_unseen) ** 2
            )
        self.value = float(self._rows.mean(self._costs))
        self._gradient = reference.gradient(
            share * slopes / self._rows.total, of_frequencies=known - of_unseen
        )

    def errors(self) -> dict[str, float]:
        """Standard errors of the three things that the value estimates."""
        of_map = self._of_map(self._gradient)
        of_rows = float(self._rows.covariance(self._costs[np.newaxis])[0, 0])
        variances = {
            "population": of_map + of_rows,
            "rows": of_map,
            "realised": of_map + self._of_labels(),
        }
        known = math.isfinite(self.value)
        return {
            name: math.sqrt(max(variance, 0.0)) if known else math.nan
            for name, variance in variances.items()
        }

    def change(self) -> tuple[float, float]:
        """How far the value is from the loss of the reference, and the error."""
        cost = self._reference.cross_entropy
        gradient = self._gradient - self._reference.gradient(of_cost=1.0)
        of_rows = float(self._rows.covariance(self._costs[np.newaxis])[0, 0])
        variance = self._of_map(gradient) + of_rows
        known = math.isfinite(self.value - cost)
        error = math.sqrt(max(variance, 0.0)) if known else math.nan
        return self.value - cost, error

    def _of_map(self, gradient: FloatArray) -> float:
        if not np.isfinite(gradient).all():
            return math.nan
        return float(gradient @ self._reference.covariance @ gradient)

    def _of_labels(self) -> float:
        """The variance of the mean cost around its expectation.

        Rows of a group vary together as much as those of the reference did.
        """
        reference, rows = self._reference, self._rows
        variances = reference.dispersion * self._variances * rows.weights**2
        found = float(variances.sum())
        correlation = reference.correlation
        if rows.clusters is not None and correlation > 0:
            together = np.bincount(rows.clusters, np.sqrt(variances))
            found += correlation * (float(together @ together) - found)
        return found / rows.total**2


def _weights(inputs: Inputs) -> FloatArray:
    if inputs.weights is None:
        return np.ones(inputs.n)
    return inputs.counted(inputs.weights)


def _keys(by: Any, y_proba: Any, inputs: Inputs) -> Keys | None:
    """The groups of the rows that count."""
    if by is None:
        return None
    if isinstance(by, Keys):  # which whoever numbered them has warned of
        return Keys(inputs.counted(by.codes), by.groups)
    frame = as_frame(y_proba)
    index = frame.index if isinstance(frame, pd.DataFrame) else None
    if isinstance(y_proba, pd.Series):
        index = y_proba.index
    if index is None:
        index = pd.RangeIndex(inputs.proba.n_rows)
    keys = find_keys(
        by, [Source(pd.DataFrame(index=index), "y_proba")], unknown=_unknown
    )
    warn_if_many(keys)
    return Keys(inputs.counted(keys.codes), keys.groups)


def _unknown(sources: Sequence[Source], name: Any) -> KeyError:
    """The error of a name that no level of the index has."""
    levels = [level for source in sources for level in source.names]
    return KeyError(
        "by must be one value per row, or a level of the index of y_proba: found "
        f"{name!r}, levels are {', '.join(map(repr, levels)) or 'unnamed'}; pass the "
        "values."
    )


def _table(
    keys: Keys,
    reference: ReferenceMap,
    measured: ExpectedCosts,
    rows: Rows,
    per_unit: float,
) -> pd.DataFrame:
    """The expected loss of each group that has rows."""
    order = np.argsort(keys.codes, kind="stable")
    starts = np.searchsorted(keys.codes[order], np.arange(len(keys.groups) + 1))
    table, places = [], []
    for place in range(len(keys.groups)):
        inside = order[starts[place] : starts[place + 1]]
        if not len(inside):
            continue
        cell = _Cell(reference, measured, rows, measured.slopes[place], inside)
        change, error = cell.change()
        weights = rows.weights[inside]
        row = {
            "n": len(inside),
            "weight": float(weights.sum()) / rows.total,
            "expected_loss": cell.value / per_unit,
            **{f"{name}_se": one / per_unit for name, one in cell.errors().items()},
            "mix": change / per_unit,
            "mix_se": error / per_unit,
            "share_outside": weighted_mean(
                measured.outside[inside].astype(np.float64), weights
            ),
        }
        table.append(row)
        places.append(place)
    return pd.DataFrame(table, index=keys.groups.take(places))


def _warn_if_outside(share: float, n: int, reference: ReferenceMap) -> None:
    """Warn where more rows lie outside than the sample of the range leaves there."""
    k = len(reference.labels)
    by_chance = 2.0 * n * (1 if k == 2 else k) / (reference.n_independent + 1.0)  # noqa: PLR2004
    most = max(_FAR * n, by_chance + 3.0 * math.sqrt(by_chance) + 1.0)
    if share * n > most:
        warn(
            f"{share:.1%} of the predictions lie outside the range of the reference's: "
            "what is expected of them is a guess; evaluate labelled rows like them.",
            OutsideReferenceWarning,
        )
