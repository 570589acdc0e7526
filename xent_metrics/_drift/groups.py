"""Parts of the change: by class, and by group of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._decomposition.reference_map import ReferenceMap, reference_rows
from .._inputs.groups import Keys
from .._inputs.labels import label_index
from .._kernels.table import BoolArray, FloatArray
from .._scan.sides import Side
from .._scan.state import ScanState
from .estimates import Estimates
from .prior_shift import ConceptTests
from .scanned import Scanned, rows_of_groups
from .split import CurrentRows

_VALUES = 20_000_000  # held at a time


def table_of_classes(
    current: CurrentRows, tests: ConceptTests | None, per_unit: float
) -> pd.DataFrame:
    """Frequencies of each class, the shift of its logit, and its part in the change."""
    reference, labels = current.reference, current.reference.labels
    k, n = len(labels), current.sample.n
    parts = []
    for each in range(k):
        expected = current.expected_of_class(each)
        own = np.zeros(k)
        own[each] = 1.0
        before = Estimates(
            reference.of_classes[[each]],
            reference.gradient(of_classes=own)[np.newaxis],
            np.zeros((1, n)),
        )
        cost = current.of_rows(-current.target[each] * current.log_q[each])
        parts.append(expected.plus(before, -1.0))
        parts.append(cost.plus(expected, -1.0))
    values, errors = _values_and_errors(current, parts, per_unit)
    unknown: FloatArray = np.full(k, np.nan)
    return pd.DataFrame(
        {
            "frequency_reference": reference.frequencies,
            "frequency": current.rows.mean(current.target),
            "frequency_expected": current.share_known * current.rows.mean(current.c),
            "shift": unknown if tests is None else tests.shifts,
            "shift_se": unknown if tests is None else tests.errors,
            "mix": values[::2],
            "mix_se": errors[::2],
            "concept": values[1::2],
            "concept_se": errors[1::2],
        },
        index=label_index(labels, "class"),
    )


def table_of_groups(
    current: CurrentRows, keys: Keys, before: tuple[Side, Keys] | None, per_unit: float
) -> pd.DataFrame:
    """Each group's part in mix and concept; the parts add up to the whole.

    A group's part in the mix counts its costs from the mean cost of the reference, so
    that one which cost the average adds nothing by becoming more frequent. Without the
    reference's rows there is no mix of groups.
    """
    groups = keys.groups
    if before is not None:
        groups = groups.append(before[1].groups).unique()
    codes = groups.get_indexer(keys.groups)[keys.codes]
    chunk = len(groups) if before is None else _chunk(before[0])
    tables = []
    for first in range(0, len(groups), chunk):
        places = np.arange(first, min(first + chunk, len(groups)))
        inside = codes == places[:, np.newaxis]
        if before is None:
            table = _of_chunk(current, inside, per_unit)
        else:
            table = _with_reference(current, inside, groups[places], before, per_unit)
        tables.append(table)
    found = pd.concat(tables, ignore_index=True)
    found.index = groups
    return found


def _chunk(reference: Side) -> int:
    """So many groups at a time as memory is there for."""
    data = reference.data
    n = 1 if data is None else data.inputs.n
    return max(_VALUES // n, 1)


def _with_reference(
    current: CurrentRows,
    inside: BoolArray,
    groups: pd.Index[Any],
    before: tuple[Side, Keys],
    per_unit: float,
) -> pd.DataFrame:
    """Parts of groups, of which the reference has rows too."""
    reference, beside = _groups_of_reference(*before, groups, per_unit)
    extended = current.under(reference)
    table = _beside(beside, _of_chunk(extended, inside, per_unit))
    share = beside["weight_reference"]
    parts = []
    for place, here in enumerate(inside):
        own = np.zeros(len(groups))
        own[place] = 1.0
        in_reference = Estimates(
            reference.beside[[place]],
            _moved_by_group(reference, own, share[place])[np.newaxis],
            np.zeros((1, current.sample.n)),
        )
        less = reference.cross_entropy
        of_mean = Estimates(
            np.array([less * current.rows.mean(here.astype(np.float64))]),
            reference.gradient(of_cost=float(current.rows.mean(here * 1.0)))[
                np.newaxis
            ],
            (less * here)[np.newaxis],
        )
        in_current = extended.expected_of_group(here).plus(of_mean, -1.0)
        parts.append(in_current.plus(in_reference, -1.0))
    table["mix"], table["mix_se"] = _values_and_errors(extended, parts, per_unit)
    return table


def _groups_of_reference(
    side: Side, keys: Keys, groups: pd.Index[Any], per_unit: float
) -> tuple[ReferenceMap, dict[str, FloatArray]]:
    """The estimates with what each group adds to the cost, and columns of a table."""
    data = side.data
    assert data is not None, "rows have keys"
    codes = groups.get_indexer(keys.groups)[data.inputs.counted(keys.codes)]
    there = codes == np.arange(len(groups))[:, np.newaxis]
    costs, weights = data.rows.cross_entropy, data.rows.weights
    away = np.where(there, costs - data.rows.mean(costs), 0.0)
    rows = reference_rows(data.inputs, data.clusters, costs, side.evidence.clip)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, costs, 0.0) @ weights / (there @ weights)
    return rows.estimated(away), {
        "n_reference": there.sum(axis=1),
        "weight_reference": there @ weights / float(weights.sum()),
        "cross_entropy_reference": mean / per_unit,
    }


def _beside(columns: Mapping[str, FloatArray], table: pd.DataFrame) -> pd.DataFrame:
    """The table with the same columns of the reference, each before that of now."""
    for place, (name, values) in enumerate(columns.items()):
        table.insert(2 * place, name, values)
    return table


def _moved_by_group(
    reference: ReferenceMap, own: FloatArray, share: float
) -> FloatArray:
    """The gradient of what a group of this share adds to the reference's cost."""
    return reference.gradient(of_beside=own, of_cost=-float(share))


def table_of_scanned_groups(
    reference: ReferenceMap,
    state: ScanState,
    keys: Keys,
    before: tuple[Side, Keys] | None,
    per_unit: float,
) -> pd.DataFrame:
    """The same of a state that was accumulated with the reference.

    ``keys`` number the groups of the state.
    """
    groups = keys.groups
    if before is not None:
        groups = groups.append(before[1].groups).unique()
    codes = groups.get_indexer(keys.groups)[keys.codes]
    chunk = len(groups) if before is None else _chunk(before[0])
    each = rows_of_groups(reference, state, Keys(codes, groups))
    tables = [
        _of_scanned(
            reference, each[first : first + chunk], groups, first, before, per_unit
        )
        for first in range(0, len(groups), chunk)
    ]
    found = pd.concat(tables, ignore_index=True)
    found.index = groups
    return found


def _of_scanned(
    reference: ReferenceMap,
    each: list[Scanned],
    groups: pd.Index[Any],
    first: int,
    before: tuple[Side, Keys] | None,
    per_unit: float,
) -> pd.DataFrame:
    """Some of the groups."""
    groups = groups[first : first + len(each)]
    beside: dict[str, FloatArray] = {}
    if before is not None:
        reference, beside = _groups_of_reference(*before, groups, per_unit)
    rows = []
    for place, one in enumerate(each):
        parts = one.under(reference).parts()
        gradients = parts.gradients.copy()
        mix = np.nan
        if before is not None:
            own = np.zeros(len(groups))
            own[place] = 1.0
            mix = float(parts.means[0] - reference.beside[place])
            share = beside["weight_reference"][place]
            gradients[0] -= _moved_by_group(reference, own, share)
        parts = parts._replace(gradients=gradients)
        variances = np.diag(parts.covariance(reference.covariance))
        errors = np.sqrt(np.maximum(variances, 0.0)) / per_unit
        there = one.weight > 0
        rows.append(
            {
                "n": one.n,
                "weight": one.weight,
                "cross_entropy": one.cross_entropy / per_unit,
                "expected_loss": float(parts.means[2]) / one.weight / per_unit
                if there
                else np.nan,
                "mix": mix / per_unit,
                "mix_se": np.nan if before is None else errors[0],
                "concept": float(parts.means[1]) / per_unit,
                "concept_se": errors[1],
            }
        )
    return _beside(beside, pd.DataFrame(rows))


def _of_chunk(current: CurrentRows, inside: BoolArray, per_unit: float) -> pd.DataFrame:
    """Counts, costs, and the part in the concept."""
    rows = current.rows
    weight = inside @ rows.weights
    parts, expected = [], []
    for here in inside:
        own = current.expected_of_group(here)
        expected.append(float(own.means[0]))
        cost = current.of_rows(np.where(here, current.costs, 0.0))
        parts.append(cost.plus(own, -1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(inside, current.costs, 0.0) @ rows.weights / weight
        of_map = np.array(expected) * rows.total / weight
    concept, errors = _values_and_errors(current, parts, per_unit)
    return pd.DataFrame(
        {
            "n": inside.sum(axis=1),
            "weight": weight / rows.total,
            "cross_entropy": mean / per_unit,
            "expected_loss": of_map / per_unit,
            "mix": np.nan,
            "mix_se": np.nan,
            "concept": concept,
            "concept_se": errors,
        }
    )


def _values_and_errors(
    current: CurrentRows, parts: list[Estimates], per_unit: float
) -> tuple[FloatArray, FloatArray]:
    """Values and standard errors of parts, one by one."""
    of_reference = current.reference.covariance
    values = np.array([float(one.means[0]) for one in parts])
    variances = [one.covariance(of_reference, current.rows)[0, 0] for one in parts]
    errors = np.sqrt(np.maximum(variances, 0.0))
    return values / per_unit, errors / per_unit
