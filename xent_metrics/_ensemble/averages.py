"""The attributes of an ensemble's decomposition, from one pass over its members."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .._display.result import counted
from .._inputs.inputs import Inputs, read
from .._inputs.read_options import (
    ReadOptions,
    TargetType,
    unit_name,
)
from .._kernels.sums import standard_error, weighted_mean
from .._kernels.table import FloatArray
from .._measures.per_sample import index_of
from .estimators import take_apart
from .row_pass import Part, run


def summarise(
    inputs: Inputs,
    parts: Iterable[Part],
    keys: tuple[Any, ...],
    member_weights: FloatArray,
    options: ReadOptions,
    index: pd.Index[Any] | None,
) -> dict[str, Any]:
    """Measure all rows and reduce them: the attributes by name."""
    per_unit = options.per_unit
    inputs = inputs.with_scaled_weights()
    done = run(inputs, parts, member_weights, clip=options.clip)
    columns = {name: values / per_unit for name, values in done.columns.items()}
    kept, weights = columns, inputs.weights
    if inputs.active is not None and weights is not None:
        kept = {name: values[inputs.active] for name, values in columns.items()}
        weights = weights[inputs.active]
    infinite = np.isinf(kept["member_cross_entropy"])
    ruled_out = np.isinf(kept["geometric_diversity"])
    members = pd.Index(keys, name="member", tupleize_cols=False)
    with np.errstate(invalid="ignore"):  # infinities have no deviation from their mean
        terms = {name: weighted_mean(values, weights) for name, values in kept.items()}
        errors = {name: standard_error(kept[name], weights) for name in terms}
    return terms | {
        "standard_errors": errors,
        "n": inputs.n,
        "n_members": len(keys),
        "n_classes": len(inputs.labels),
        "n_clipped": done.n_clipped,
        "n_clipped_any": done.n_clipped_any,
        "n_infinite": int(np.count_nonzero(infinite)),
        "n_unseen": inputs.n_unseen,
        "unit": unit_name(options.base),
        "clip": options.clip,
        "notes": _reasons(terms, infinite, ruled_out),
        "per_sample": pd.DataFrame(columns, index=index, copy=False),
        "members": pd.DataFrame(
            {
                "weight": member_weights,
                "cross_entropy": done.cross_entropies / per_unit,
                "entropy": done.entropies / per_unit,
            },
            index=members,
        ),
        "pairwise_kl": pd.DataFrame(
            done.pairwise_kl / per_unit, index=members, columns=members
        ),
    }


def summarise_estimator(
    estimator: Any,
    X: Any,  # noqa: N803 - scikit-learn's name
    y: Any,
    *,
    target_type: TargetType,
    sample_weight: ArrayLike | None,
    base: float | None,
    clip: float,
) -> dict[str, Any]:
    """Take a fitted ensemble apart and summarise what its members predict."""
    fitted = take_apart(estimator, X)
    shape = (fitted.n_rows, fitted.n_classes)
    options = ReadOptions(
        labels=estimator.classes_,
        target_type=target_type,
        sample_weight=sample_weight,
        base=base,
        clip=clip,
    )
    uniform = np.broadcast_to(1.0 / fitted.n_classes, shape)
    inputs = read(y, uniform, options, name="X")
    return summarise(
        inputs,
        fitted.parts(),
        fitted.keys,
        fitted.weights,
        options,
        index_of(y, X),
    )


def _reasons(
    terms: dict[str, float], infinite: FloatArray, ruled_out: FloatArray
) -> dict[str, str]:
    """Why terms are infinite or NaN, by the name of the term."""
    notes: dict[str, str] = {}
    n_infinite, n_ruled_out = (int(np.count_nonzero(x)) for x in (infinite, ruled_out))
    by_member = f"infinite: in {counted(n_infinite, 'row')} a member gives its target 0"
    by_all = f"infinite: in {counted(n_ruled_out, 'row')} members rule out every class"
    for name, value in terms.items():
        if math.isinf(value):
            notes[name] = by_all if name == "geometric_diversity" else by_member
        elif math.isnan(value):
            notes[name] = by_all.replace("infinite", "undefined")
    return notes
