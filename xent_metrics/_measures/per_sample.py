"""The table of all measures of each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .._inputs.inputs import read
from .._inputs.read_options import (
    EPS,
    FromLogits,
    ReadOptions,
    TargetType,
    nats_per_unit,
)
from .._kernels.table import FloatArray
from .._pickling import public
from .options import in_units

PER_SAMPLE = (
    "cross_entropy",
    "entropy",
    "kl_divergence",
    "predictive_entropy",
    "confidence",
    "correct",
    "p_true",
)
IN_UNITS = frozenset(PER_SAMPLE[:4])
_FEW = 10_000  # rows: to copy them takes less than what pandas does for each column


@public
def per_sample(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    target_type: TargetType = "auto",
    sample_weight: ArrayLike | None = None,
    base: float | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: FromLogits = False,
    n_jobs: int | None = 1,
) -> pd.DataFrame:
    """All measures of each row, from one pass over the predictions.

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, target_type, sample_weight, base, clip, rescale, from_logits, n_jobs
        As in :func:`cross_entropy`; weights only say which rows may be invalid.

    Returns
    -------
    DataFrame of N rows
        ``cross_entropy``, ``entropy`` (of the target), ``kl_divergence`` and
        ``predictive_entropy`` in nats or units of ``base``; ``confidence`` (largest
        predicted probability), ``correct`` (probability, under the target, of the
        class predicted) and ``p_true`` (probability that a class drawn from the
        prediction is the true one). The index is that of the arguments.

    Raises
    ------
    ValueError
        As in :func:`cross_entropy`.

    See Also
    --------
    cross_entropy : One of its columns, or its mean.
    Evaluation.worst : The costliest rows.

    Examples
    --------
    >>> from xent_metrics import per_sample
    >>> table = per_sample(["a", "b"], [[0.8, 0.2], [0.5, 0.5]])
    >>> table[["cross_entropy", "confidence", "correct"]].round(4)
       cross_entropy  confidence  correct
    0         0.2231         0.8      1.0
    1         0.6931         0.5      0.0
    """
    options = ReadOptions(
        labels=labels,
        target_type=target_type,
        sample_weight=sample_weight,
        base=base,
        clip=clip,
        rescale=rescale,
        from_logits=from_logits,
    )
    inputs = read(y_true, y_proba, options)
    columns = inputs.measure(PER_SAMPLE, clip=options.clip, n_jobs=n_jobs).columns
    return per_sample_frame(columns, base=base, index=index_of(y_proba, y_true))


def per_sample_frame(
    columns: Mapping[str, FloatArray],
    *,
    base: float | None,
    index: pd.Index[Any] | None,
) -> pd.DataFrame:
    """The columns of a pass, in nats, as a table in units of ``base``."""
    scale = nats_per_unit(base)
    values = {
        name: in_units(columns[name], scale if name in IN_UNITS else 1.0)
        for name in PER_SAMPLE
    }
    if len(columns[PER_SAMPLE[0]]) > _FEW:
        return pd.DataFrame(values, index=index, copy=False)
    table = np.array(list(values.values())).T
    names = _column_names().copy()  # whoever names it names that of this table only
    return pd.DataFrame(table, index=index, columns=names, copy=False)


@cache
def _column_names() -> pd.Index[Any]:
    return pd.Index(PER_SAMPLE)


def index_of(*arguments: Any) -> pd.Index[Any] | None:
    """The index of the first argument that has one, a named one before a default."""
    found = [x.index for x in arguments if isinstance(x, (pd.Series, pd.DataFrame))]
    named = [index for index in found if not isinstance(index, pd.RangeIndex)]
    return next(iter(named or found), None)
