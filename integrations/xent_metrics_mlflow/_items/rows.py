"""The exact rows of an evaluation as Parquet, and the evaluation made from them."""

from __future__ import annotations

import hashlib
import io
import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xent_metrics import Evaluation, without_listeners

if TYPE_CHECKING:
    import pyarrow as pa


SCHEMA = 1
_KEY = b"xent"
_SUM_TOLERANCE = 1e-3
_ODD = np.uint64(0x9E3779B97F4A7C15)


def to_parquet(evaluation: Evaluation) -> bytes:
    """The columns of ``per_sample``, then the predictions and the targets.

    Column ``probability_<k>`` is that of class k, ``target_<k>`` its share of a soft
    label or its votes. The file's metadata, under the key "xent", says which
    classes these are and with which options they were evaluated.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy, and optional
    import pyarrow.parquet as pq  # noqa: PLC0415

    rows = evaluation.per_sample
    assert rows is not None, "rows are asked for where there are some"
    parts = [rows]
    with_data = evaluation.decomposition.has_data
    targets = None
    if with_data:
        parts.append(_numbered(evaluation.probabilities(), "probability"))
        targets = evaluation.targets()
        if targets is not None:
            parts.append(_numbered(targets, "target"))
    table = _arrow(pd.concat(parts, axis=1))
    about = json.dumps(
        _about(evaluation, targets) if with_data else {"schema": SCHEMA},
        allow_nan=False,
    )
    table = table.replace_schema_metadata(
        {**(table.schema.metadata or {}), _KEY: about.encode()}
    )
    buffer = io.BytesIO()
    texts = [
        field.name for field in table.schema if not pa.types.is_floating(field.type)
    ]
    pq.write_table(table, buffer, use_dictionary=texts)
    return buffer.getvalue()


class Rows(NamedTuple):
    """The rows of a file, and which classes and options they were evaluated with."""

    table: pd.DataFrame
    about: dict[str, Any]

    @property
    def labels(self) -> list[Any]:
        """The classes, in column order."""
        return [_label(one) for one in self.about["labels"]]

    @property
    def targets(self) -> pd.DataFrame | None:
        """Target distributions or votes; None for hard labels."""
        if self.about["targets"] is None:
            return None
        return _block(self.table, "target", self.labels)


def from_parquet(data: bytes) -> Evaluation:
    """The evaluation again, to the last bit: its map is fitted once more.

    That holds if the rows :func:`are_all`; else it is nearly the same.

    Raises
    ------
    ValueError
        If the rows were written without their data, or if the recalibration map is an
        object that a file cannot hold.
    """
    rows = read_rows(data)
    return evaluate_rows(rows, recalibration=rows.about.get("recalibration"))


def are_all(evaluation: Evaluation) -> bool:
    """Whether the rows are all that the evaluation was made of.

    Not for a repeated cross-validation, where a row counts once and its repeats come
    back as groups, and not if the model of a fold knew fewer classes: what it lacked
    comes back as clipped.
    """
    rows = evaluation.per_sample
    if rows is None or evaluation.folds is None:
        return True
    return rows.index.is_unique and not evaluation.decomposition.n_unseen


def read_rows(data: bytes) -> Rows:
    """The rows of a file, which is columns and JSON: nothing is unpickled."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and optional

    table = pq.read_table(io.BytesIO(data))
    about = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    return Rows(table.to_pandas(), about)


def evaluate_rows(rows: Rows, *, recalibration: Any) -> Evaluation:
    """Evaluate rows again, as they were, or with another map."""
    table, about = rows
    if recalibration is None or "labels" not in about:
        msg = (
            "the rows must hold what was predicted, and name the map: they were "
            "written from an evaluation that was read back, or with a map of the "
            "user's own; evaluate again."
        )
        raise ValueError(msg)
    labels, targets = rows.labels, rows.targets
    truth: Any = targets
    if truth is None:
        truth = _labels_of(table["label"], labels, about["label_type"])
    with without_listeners():  # it is read back, not new
        return Evaluation.from_predictions(
            truth,
            _block(table, "probability", labels),
            labels=labels,
            target_type=about["targets"] or "labels",
            sample_weight=table.get("weight"),
            groups=table.get("group"),
            folds=table.get("fold"),
            base=about["base"],
            clip=about["clip"],
            recalibration=recalibration,
            vote_correction=about["vote_correction"],
        )


def digest(evaluation: Evaluation) -> str | None:
    """A digest of row ids, targets and weights, the same in any order of rows.

    None if the evaluation has no rows, or does not hold its data.
    """
    rows = evaluation.per_sample
    if rows is None or not evaluation.decomposition.has_data:
        return None
    weight = rows["weight"] if "weight" in rows else np.ones(len(rows))
    columns = [_hashed(rows.index), _hashed(np.asarray(weight) / np.max(weight))]
    targets = evaluation.targets()
    if targets is None:
        codes, labels = pd.factorize(rows["label"])
        known = pd.util.hash_array(np.array([*map(str, labels), ""], dtype=object))
        columns.append(known[codes])
    else:
        order = sorted(range(targets.shape[1]), key=lambda k: str(targets.columns[k]))
        columns += [_hashed(targets.iloc[:, k].to_numpy(np.float64)) for k in order]
    whole = np.zeros(len(rows), dtype=np.uint64)
    for column in columns:
        whole = whole * _ODD + column
    return hashlib.sha256(np.sort(whole).astype("<u8").tobytes()).hexdigest()[:16]


def _hashed(values: Any) -> NDArray[np.uint64]:
    values = pd.Index(values)
    if values.dtype.kind not in "iuf":
        values = values.map(str)
        return pd.util.hash_array(values.to_numpy(dtype=object))
    return pd.util.hash_array(values.to_numpy())


def _about(evaluation: Evaluation, targets: pd.DataFrame | None) -> dict[str, Any]:
    result = evaluation.decomposition
    asked = result.recalibration_requested
    labels = [_plain(label) for label in evaluation.labels]
    rows = evaluation.per_sample
    text = rows is not None and "label" in rows and _needs_text(rows["label"])
    return {
        "schema": SCHEMA,
        "labels": labels,
        "label_type": "text" if text else "own",
        "targets": None if targets is None else _kind(targets),
        "base": result.base,
        "clip": result.clip,
        "recalibration": asked if isinstance(asked, str) else None,
        "vote_correction": result.vote_correction,
        "n_dropped": result.n_dropped,
    }


def _kind(targets: pd.DataFrame) -> str:
    """Votes are whole numbers, or rows that do not sum to one."""
    values = targets.to_numpy()
    if values.dtype.kind in "iub":
        return "votes"
    sums = values.sum(axis=1)
    off = np.abs(sums[np.isfinite(sums)] - 1) > _SUM_TOLERANCE
    return "votes" if off.any() else "distribution"


def _numbered(table: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Columns named by number: two classes may have the same text."""
    return table.set_axis([f"{prefix}_{k}" for k in range(table.shape[1])], axis=1)


def _block(rows: pd.DataFrame, prefix: str, labels: list[Any]) -> pd.DataFrame:
    block = rows[[f"{prefix}_{k}" for k in range(len(labels))]]
    return block.set_axis(pd.Index(labels, tupleize_cols=False), axis=1)


def _arrow(rows: pd.DataFrame) -> pa.Table:
    """A table of pyarrow; labels that have no common type become text."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and optional

    rows = rows.copy(deep=False)
    for name in ("fold", "label", "predicted"):
        if name in rows and _needs_text(rows[name]):
            rows[name] = rows[name].map(str, na_action="ignore")
    try:
        return pa.Table.from_pandas(rows)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError):
        rows.index = rows.index.map(str)
        return pa.Table.from_pandas(rows)


def _needs_text(column: pd.Series[Any]) -> bool:
    """Whether a column holds objects of several types, or of one unknown to JSON."""
    if column.dtype != np.dtype(object):
        kept = getattr(column.dtype, "categories", column).dtype
        return getattr(kept, "kind", "O") in "mM"
    kinds = {type(value) for value in column.unique() if not _missing(value)}
    return not (len(kinds) <= 1 and kinds <= {str, int, float, bool})


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _labels_of(column: pd.Series[Any], labels: list[Any], kind: str) -> Any:
    if kind != "text":
        return column
    by_text = {str(label): label for label in labels}
    return column.map(lambda text: by_text.get(text, text), na_action="ignore")


def _plain(label: Any) -> Any:
    """A label as JSON holds it."""
    if isinstance(label, np.generic):
        label = label.item()
    if isinstance(label, tuple):
        return [_plain(one) for one in label]
    if label is None or isinstance(label, (str, int, bool)):
        return label
    return label if isinstance(label, float) and math.isfinite(label) else str(label)


def _label(found: Any) -> Any:
    return tuple(map(_label, found)) if isinstance(found, list) else found
