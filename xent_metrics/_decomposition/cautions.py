"""Warnings of results that are not to be read as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._inputs.inputs import Inputs
from .._inputs.messages import warn
from .._inputs.read_options import log_floored
from .._kernels.table import FloatArray
from .._pickling import public
from .breakdown import FEW_ROWS, SmallSampleWarning
from .evidence import Data, evidence_of
from .result import Decomposition
from .vote_entropy import mean_votes

_CLEAR = 3.0  # standard errors
_PAIR = 2  # classes
_FEW_VOTES = 5
_FEW_PER_CLASS = {"jackknife": 1, "miller-madow": 2, "dirichlet": 0}
_HEAVY, _TIMES = 0.02, 10.0  # of the weight in one row, and times the average


@public
class SwappedColumnsWarning(UserWarning):
    """The predictions of two classes look swapped: their recalibration map falls.

    See Also
    --------
    decompose : Warns of it.
    """


def warn_about(
    result: Decomposition, folds: Mapping[Any, Decomposition] | None = None
) -> None:
    """Warn of few rows or votes, heavy rows, and columns that look swapped.

    ``folds`` are the parts that have maps of their own.
    """
    parts = folds or {}
    _warn_if_few(result, parts)
    if any(map(_looks_swapped, parts.values() or [result])):
        first, second = evidence_of(result).labels
        warn(
            f"the columns of {first!r} and {second!r} look swapped, as the "
            "recalibration map falls where the predicted probability rises: look at "
            "their order, or at labels=.",
            SwappedColumnsWarning,
        )


def _looks_swapped(result: Decomposition) -> bool:
    """Whether predictions clearly tell two classes apart, but the wrong way round."""
    evidence, error = evidence_of(result), result.standard_errors["resolution"]
    recalibrate = evidence.maps.get(result.recalibration)
    if len(evidence.labels) != _PAIR or recalibrate is None or result.skill >= 0:
        return False
    if not result.resolution > _CLEAR * error:
        return False
    p = np.array([0.1, 0.5, 0.9])
    data = evidence.data
    if data is not None:
        p = np.quantile(_predicted(data.inputs), p)
    logs = log_floored(np.stack([1.0 - p, p]), evidence.clip, logits=False)
    first, middle, last = recalibrate(logs)[1].tolist()
    return bool(first > middle > last)


def _predicted(inputs: Inputs) -> FloatArray:
    """The predicted probabilities of the second class."""
    blocks = [block.predicted[1].copy() for block in inputs.blocks(inputs.active)]
    p = np.concatenate(blocks)
    return np.exp(p) if inputs.proba.kind == "logits" else p


def _warn_if_few(result: Decomposition, folds: Mapping[Any, Decomposition]) -> None:
    """Warn that rows (of a fold) or votes are few."""
    found = [_rows_of(one, f" in fold {name!r}") for name, one in folds.items()]
    n, what, where = min(found or [_rows_of(result)], key=lambda few: few[0])
    if n < FEW_ROWS:
        warn(
            f"only {n} {what}{where}: terms are unreliable below about {FEW_ROWS}; "
            "evaluate on more data, or read them with their standard errors.",
            SmallSampleWarning,
        )
    data = evidence_of(result).data
    if data is None:
        return
    _warn_if_heavy(result, data)
    target = data.inputs.target
    if target is not None and target.kind == "proportions":
        _warn_of_votes(result, mean_votes(target, data.inputs.active))


def _warn_if_heavy(result: Decomposition, data: Data) -> None:
    """Warn that one row holds much of the weight."""
    weights = data.rows.weights
    place = int(np.argmax(weights))
    share = float(weights[place]) / float(weights.sum())
    if share <= max(_HEAVY, _TIMES / len(weights)):
        return
    active = data.inputs.active
    row = place if active is None else int(np.flatnonzero(active)[place])
    warn(
        f"row {row} holds {share:.0%} of the weight: the terms depend on it, and their "
        f"intervals may be too narrow, with an effective number of rows of "
        f"{result.n_effective:,.1f}; cap the weights, or evaluate on more data.",
        SmallSampleWarning,
    )


def _warn_of_votes(result: Decomposition, n_votes: float) -> None:
    """Warn where votes are too few for the classes, also with a correction.

    The bias of the plug-in is about (K - 1) / (2 n). That of the jackknife is 0.03 to
    0.05 nats with as many votes as classes, that of Miller and Madow with twice as many
    (benchmarks/votes.py).
    """
    n_classes, correction = result.n_classes, result.vote_correction
    few = n_votes < max(_FEW_VOTES, 2 * (n_classes - 1))
    mend = "pass vote_correction='jackknife', and take it as a rough estimate"
    if correction is not None:
        few = n_votes <= _FEW_PER_CLASS[correction] * n_classes
        mend = (
            f"read it as a lower bound, as vote_correction={correction!r} removes only "
            "a part of that, or collect more votes"
        )
    if few:
        warn(
            f"the entropy of {n_votes:.3g} votes per row among {n_classes} classes is "
            f"too low, and so is irreducible: {mend}.",
            SmallSampleWarning,
        )


def _rows_of(result: Decomposition, where: str = "") -> tuple[int, str, str]:
    """How many rows are independent, and what they are."""
    if result.n_groups is not None and result.n_groups < result.n:
        what = "group of rows" if result.n_groups == 1 else "groups of rows"
        return result.n_groups, what, where
    return result.n, "row" if result.n == 1 else "rows", where
