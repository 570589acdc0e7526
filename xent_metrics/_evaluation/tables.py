"""Tables of an evaluation: its rows, their groups, and the worst of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._decomposition.breakdown import warn_if_many
from .._decomposition.evidence import evidence_of
from .._decomposition.result import Decomposition
from .._display.result import counted
from .._inputs.by import Source, find_keys, is_label, unknown_key
from .._inputs.groups import Keys
from .._inputs.inputs import Inputs
from .._inputs.labels import label_index
from .._kernels.sums import Cells
from .._kernels.table import BoolArray, FloatArray, IntArray, Table
from .._measures.per_sample import per_sample_frame
from .._terms import TERMS
from .kept_frame import KeptFrame, with_features

Scalar = TypeVar("Scalar", bound=np.generic)

_ALONE = "one independent row: no standard errors"

# What rows have without a recalibration map, and without class frequencies.
MEASURES = tuple(
    name
    for name, term in TERMS.items()
    if term.parts
    and not (term.needs_map or term.needs_frequencies or term.needs_soft_labels)
)


def rows_of(
    inputs: Inputs,
    columns: Mapping[str, FloatArray],
    *,
    base: float | None,
    index: pd.Index[Any] | None,
) -> pd.DataFrame:
    """The measures of each row after its label and predicted class, before its weight.

    ``columns`` are those of a pass, in nats. A row of weight 0 that breaks a rule has
    neither label nor predicted class.
    """
    own = None if index is None else index.view()  # its name is the user's to change
    rows = per_sample_frame(columns, base=base, index=own)
    predicted = columns["predicted"]
    broken = np.isnan(predicted)
    codes = np.where(broken, 0, predicted).astype(np.int64)
    names = label_index(inputs.labels)
    rows.insert(0, "predicted", _named(names, codes, broken))
    if inputs.codes is not None:
        names = label_index((*inputs.labels, *inputs.unseen))
        inactive = None if inputs.active is None else ~inputs.active
        rows.insert(0, "label", _named(names, inputs.codes, inactive))
    if inputs.weights is not None:
        rows["weight"] = inputs.weights
    return rows


def summarise(
    columns: Mapping[str, FloatArray],
    keys: Keys | None,
    *,
    weights: FloatArray | None,
    clusters: IntArray | None,
    hard: bool,
) -> pd.DataFrame:
    """Counts and weighted means by group, with standard errors.

    ``hard`` says that targets are labels: their entropy is 0, so that the divergence
    is the cost.
    """
    active = None
    if weights is not None:
        if not weights.all():
            active = weights > 0
        weights = weights / weights.max()
    if keys is None:
        keys = _one_group(len(columns["cross_entropy"]))
    codes, index = keys
    cells = Cells(
        _of(codes, active),
        len(index),
        None if weights is None else _of(weights, active),
        None if clusters is None else _of(clusters, active),
    )
    total = float(cells.weight.sum())
    found: tuple[Any, Any]
    table: dict[str, Any] = {"n": cells.n, "weight": cells.weight / total}
    for name in MEASURES:
        if hard and name == "entropy":
            values = np.zeros(len(index))
            found = values, np.where(cells.n_independent > 1, values, np.nan)
        elif hard and name == "kl_divergence":
            found = table["cross_entropy"], table["cross_entropy_se"]
        else:
            found = cells.means_and_errors(_values(columns, name, active))
        table[name], table[f"{name}_se"] = found
    table["note"] = np.where(cells.n_independent > 1, "", _ALONE)
    frame = pd.DataFrame(table, index=index)
    return frame if cells.n.all() else frame[frame["n"] > 0]


def summary(
    rows: pd.DataFrame | None,
    by: Any,
    *,
    whole: Decomposition,
    by_group: pd.DataFrame | None,
    frame: KeptFrame | None,
) -> pd.DataFrame:
    """The same for an evaluation, whose rows may be gone."""
    if by_group is not None and isinstance(by, (str, list, tuple)):
        names = [by] if isinstance(by, str) else by
        if list(names) == list(by_group.index.names):
            return by_group
    if by is None and rows is None:
        return _of_whole(whole)
    rows = _need(rows, "summary")
    columns = {
        name: rows[name].to_numpy()
        for name in rows.columns
        if rows[name].dtype == np.float64
    }
    found = summarise(
        columns,
        keys_of(rows, by, frame),
        weights=_weights(rows),
        clusters=rows["group"].to_numpy() if "group" in rows else None,
        hard="label" in rows,
    )
    if by is None:  # the whole's errors know of events that were not seen
        for name in MEASURES:
            found[f"{name}_se"] = whole.standard_errors[name]
    return found


def _of_whole(result: Decomposition) -> pd.DataFrame:
    """All rows, where they are gone: terms that a decomposition has."""
    table: dict[str, Any] = {"n": result.n, "weight": 1.0}
    for name in MEASURES:
        table[name] = getattr(result, name)
        table[f"{name}_se"] = result.standard_errors[name]
    alone = result.n == 1 or result.n_groups == 1
    table["note"] = _ALONE if alone else ""
    return pd.DataFrame(table, index=pd.Index(["all"]))


def worst(
    rows: pd.DataFrame | None,
    n: int,
    by: Any,
    *,
    columns: Any,
    frame: KeptFrame | None,
) -> pd.DataFrame:
    """The most costly rows of all, or of each group, the most costly first.

    After their measures come ``columns`` of the frame, where there is one.
    """
    rows = _need(rows, "worst")
    asked = columns is not None and not (isinstance(columns, list) and not columns)
    if frame is None and asked:
        msg = (
            f"columns must be of the frame: found {columns!r}, and {_NO_FRAME}; join "
            "the columns to the rows by their index."
        )
        raise ValueError(msg)
    keys, weights = keys_of(rows, by, frame), _weights(rows)
    kinds: Any = (int, np.integer)
    whole = isinstance(n, kinds) and not isinstance(n, bool)
    if not whole or n < 1:
        msg = f"n must be a whole number above 0: found {n!r}; pass 10."
        raise ValueError(msg)
    order = np.argsort(-rows["cross_entropy"].to_numpy(), kind="stable")
    if weights is not None:
        order = order[weights[order] > 0]
    if keys is None:
        order = order[:n]
        found = rows.iloc[order]
        if frame is None:
            return found
        return with_features(found, frame.features(order, columns), ())
    order = order[np.argsort(keys.codes[order], kind="stable")]
    codes = keys.codes[order]
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    place = np.arange(len(codes)) - np.repeat(
        starts, np.diff(np.r_[starts, len(codes)])
    )
    order = order[place < n]
    names = keys.groups.take(keys.codes[order]).to_frame(index=False)
    found = rows.iloc[order]
    names.index = found.index
    shown = [
        f"by_{position}" if name is None or name == 0 else name
        for position, name in enumerate(keys.groups.names)
    ]
    names.columns = pd.Index(shown)
    repeated = [name for name in shown if name in found.columns]
    found = pd.concat([names, found.drop(columns=repeated)], axis=1)
    if frame is None:
        return found
    each = by if isinstance(by, list) else [by]
    given = [one for one in each if is_label(one) and one in shown]
    return with_features(found, frame.features(order, columns), given)


def terms_by(
    decomposition: Decomposition,
    rows: pd.DataFrame | None,
    by: Any,
    frame: KeptFrame | None,
    *,
    refit: bool,
) -> pd.DataFrame:
    """The terms of groups, where the data is there to decompose."""
    if rows is not None and decomposition.has_data:
        by = keys_of(rows, by, frame)
    return decomposition.by(by, refit=refit)


def keys_of(rows: pd.DataFrame, by: Any, frame: KeptFrame | None) -> Keys | None:
    """The groups that ``by`` means: by columns of the frame, of the rows, or values."""
    if by is None or isinstance(by, Keys):
        return by
    own = Source(rows, "per_sample")
    if frame is None:
        keys = find_keys(by, [own], unknown=_not_in_rows)
    else:
        keys = find_keys(by, [frame.source, own], unknown=unknown_key)
    warn_if_many(keys)
    return keys


_NO_FRAME = "the evaluation holds no frame: it was made of arrays or read back"


def _not_in_rows(sources: Sequence[Source], name: Any) -> ValueError:
    names = [one for source in sources for one in source.names]
    return ValueError(
        f"by must be a column of per_sample or one value per row: found {name!r}, "
        f"columns are {', '.join(map(repr, names))}; pass the values, as {_NO_FRAME}."
    )


def probability_table(
    decomposition: Decomposition, labels: tuple[Any, ...], rows: pd.DataFrame | None
) -> pd.DataFrame:
    """The predicted probabilities of each row, as they were read."""
    inputs = evidence_of(decomposition).need("probabilities").inputs
    return _framed(_as_read(inputs.proba), labels, rows)


def target_table(
    decomposition: Decomposition, labels: tuple[Any, ...], rows: pd.DataFrame | None
) -> pd.DataFrame | None:
    """The soft target of each row, as it was given; None where targets are labels."""
    target = evidence_of(decomposition).need("targets").inputs.target
    return None if target is None else _framed(_given(target), labels, rows)


def _framed(
    values: NDArray[Any], labels: tuple[Any, ...], rows: pd.DataFrame | None
) -> pd.DataFrame:
    index = None if rows is None else rows.index
    return pd.DataFrame(values, index, label_index(labels))


def sizes(**tables: pd.DataFrame | None) -> list[str]:
    """How large each table is, of those that there are."""
    return [
        f"{name}: a table of {counted(len(table), 'row')} and "
        f"{counted(table.shape[1], 'column')}"
        for name, table in tables.items()
        if table is not None
    ]


def _need(rows: pd.DataFrame | None, method: str) -> pd.DataFrame:
    """The rows; one sentence where they are gone."""
    if rows is None:
        msg = (
            f"{method} needs per_sample: the evaluation has no rows, as it was "
            "scanned, or read back without them; pass by= to scan, or "
            "per_sample=True to to_json."
        )
        raise ValueError(msg)
    return rows


def _weights(rows: pd.DataFrame) -> FloatArray | None:
    return rows["weight"].to_numpy() if "weight" in rows else None


def _one_group(n_rows: int) -> Keys:
    return Keys(np.zeros(n_rows, dtype=np.int64), pd.Index(["all"]))


def _values(
    columns: Mapping[str, FloatArray], name: str, active: BoolArray | None
) -> FloatArray:
    if name in columns:
        return _of(columns[name], active)
    parts = {part: _of(columns[part], active) for part in TERMS[name].parts}
    with np.errstate(invalid="ignore"):
        values: FloatArray = TERMS[name].of(parts)
    return values


def _of(values: NDArray[Scalar], active: BoolArray | None) -> NDArray[Scalar]:
    return values if active is None else values[active]


def _named(names: pd.Index[Any], codes: Any, absent: BoolArray | None) -> Any:
    found = names.take(codes)
    if absent is None or not absent.any():
        return found
    if names.dtype.kind in "iub":  # else missing ones would make floats of integers
        found = found.astype(object)
    return found.where(~absent)


def _given(table: Table) -> NDArray[Any]:
    """A matrix of its own: what is done to it leaves the evaluation as it is."""
    source = table.source
    return np.column_stack(source) if isinstance(source, tuple) else source.copy()


def _as_read(table: Table) -> NDArray[Any]:
    """Rows that sum to one: exactly what was given where that was probabilities."""
    values = _given(table)
    if table.kind == "probabilities":
        return values
    values = values.astype(np.float64)
    if table.kind == "logits":
        values = np.exp(values - values.max(axis=1, keepdims=True))
    with np.errstate(invalid="ignore", divide="ignore"):  # rows of weight 0
        scaled: NDArray[Any] = values / values.sum(axis=1, keepdims=True)
    return scaled
