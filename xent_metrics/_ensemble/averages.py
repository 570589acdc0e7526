"""The attributes of an ensemble's decomposition, from one pass over its members."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from .._inputs.inputs import Inputs
from .._inputs.read_options import check_clip, nats_per_unit, unit_name
from .._kernels.sums import total, weighted_mean
from .._kernels.table import FloatArray
from .row_pass import Part, run


def summarise(
    inputs: Inputs,
    parts: Iterable[Part],
    keys: tuple[Any, ...],
    member_weights: FloatArray,
    *,
    base: float | None,
    clip: float,
    index: pd.Index[Any] | None,
) -> dict[str, Any]:
    """Measure all rows and reduce them: the attributes by name."""
    per_unit, floor = nats_per_unit(base), check_clip(clip)
    if inputs.weights is not None:
        # Their squares may overflow; scaled by a power of two they keep every bit.
        exponent = math.frexp(float(inputs.weights.max()))[1]
        inputs = inputs._replace(weights=np.ldexp(inputs.weights, -exponent))
    done = run(inputs, parts, member_weights, clip=floor)
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
        errors = {
            name: standard_error(values, terms[name], weights)
            for name, values in kept.items()
        }
    return terms | {
        "standard_errors": errors,
        "n": inputs.n,
        "n_members": len(keys),
        "n_classes": len(inputs.labels),
        "n_clipped": done.n_clipped,
        "n_clipped_any": done.n_clipped_any,
        "n_infinite": int(np.count_nonzero(infinite)),
        "n_unseen": inputs.n_unseen,
        "unit": unit_name(base),
        "clip": floor,
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


def standard_error(
    values: FloatArray, mean: float, weights: FloatArray | None
) -> float:
    """Standard error of a weighted mean over independent rows; NaN for one row."""
    n = len(values)
    if n == 1:
        return math.nan
    if weights is None:
        return math.sqrt(total((values - mean) ** 2) / (n - 1) / n)
    squares = total((weights * (values - mean)) ** 2)
    return math.sqrt(n / (n - 1) * squares) / total(weights)


def _reasons(
    terms: dict[str, float], infinite: FloatArray, ruled_out: FloatArray
) -> dict[str, str]:
    """Why terms are infinite or NaN, by the name of the term."""
    notes: dict[str, str] = {}
    n_infinite, n_ruled_out = (int(np.count_nonzero(x)) for x in (infinite, ruled_out))
    by_member = f"infinite: in {n_infinite} rows a member gives its target 0"
    by_all = f"infinite: in {n_ruled_out} rows members rule out every class"
    for name, value in terms.items():
        if math.isinf(value):
            notes[name] = by_all if name == "geometric_diversity" else by_member
        elif math.isnan(value):
            notes[name] = by_all.replace("infinite", "undefined")
    return notes
