"""Members' predictions as a user passes them, read into tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._inputs.arrays import read_columns
from .._inputs.containers import as_frame, as_numpy
from .._inputs.inputs import Inputs, check_index_order, check_length
from .._inputs.read_options import FromLogits
from .._inputs.targets import align
from .._kernels.table import FloatArray, Table

_VECTORS, _TABLES = 2, 3  # dimensions of an array of members


class Members(NamedTuple):
    """Predictions of members by key, and weights of the members that sum to 1."""

    keys: tuple[Any, ...]
    predictions: Sequence[Any]
    weights: FloatArray

    @property
    def names(self) -> list[str]:
        """What messages call each member's predictions."""
        return [f"member_proba[{key!r}]" for key in self.keys]


def separate(member_proba: Any, member_weights: Any) -> Members:
    """Each member's predictions; a member of weight 0 is ignored."""
    by_key = _by_key(member_proba)
    if not by_key:
        msg = (
            "member_proba must hold at least one member: it is empty; pass one table "
            "per member."
        )
        raise ValueError(msg)
    return weigh(tuple(by_key), list(by_key.values()), member_weights)


def weigh(keys: Sequence[Any], predictions: Sequence[Any], weights: Any) -> Members:
    """Members of positive weight, their weights scaled to a sum of 1."""
    checked = check_member_weights(weights, len(keys))
    kept = np.flatnonzero(checked).tolist()
    return Members(
        tuple(keys[place] for place in kept),
        [predictions[place] for place in kept],
        checked[kept],
    )


def check_member_weights(weights: Any, n_members: int) -> FloatArray:
    """One weight per member, scaled to a sum of 1."""
    if weights is None:
        return np.full(n_members, 1.0 / n_members)
    weights = as_numpy(weights, "member_weights")
    try:
        found = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        msg = (
            "member_weights must hold numbers: found "
            f"{type(weights).__name__}; pass one weight per member."
        )
        raise ValueError(msg) from None
    if found.shape != (n_members,):
        msg = (
            "member_weights must hold one weight per member: its shape is "
            f"{found.shape} for {n_members} members; pass a 1-D array."
        )
        raise ValueError(msg)
    bad = ~((found >= 0) & (found < np.inf))
    if bad.any():
        member = int(np.argmax(bad))
        msg = (
            "member_weights must be finite and not negative: "
            f"member {member} has {found[member]:g}; pass 0 to leave a member out."
        )
        raise ValueError(msg)
    if not found.any():
        msg = (
            f"member_weights must not be all 0: all {n_members} weights are 0; "
            "give at least one member a positive weight."
        )
        raise ValueError(msg)
    found = found / found.max()
    scaled: FloatArray = found / found.sum()
    return scaled


def read_tables(inputs: Inputs, y_true: Any, members: Members) -> list[Table]:
    """Tables of all members, their columns in the order of the first one's.

    ``inputs`` were read with the first member's predictions. Columns of frames pair
    by name.
    """
    kind, names = inputs.proba.kind, members.names
    first = members.predictions[0]
    logits: FromLogits = kind == "logits"
    if inputs.proba.normalised:
        logits = "log_proba"
    of_first = read_columns(first, names[0], logits=logits).names
    tables = [inputs.proba]
    for name, data in zip(names[1:], members.predictions[1:], strict=True):
        columns = read_columns(data, name, logits=logits)
        source = align(columns, of_first or inputs.labels, (name, names[0]))
        given = None if columns.single is None else inputs.proba.given
        if given == 0 and isinstance(source, tuple):
            source = source[::-1]
        table = Table(
            source,
            kind=kind,
            given=given,
            name=name,
            eps=columns.eps,
            normalised=inputs.proba.normalised,
        )
        check_length(inputs.proba.n_rows, table.n_rows, (names[0], name))
        check_index_order(y_true, data, ("y_true", name))
        check_index_order(first, data, (names[0], name))
        tables.append(table)
    return tables


def _by_key(member_proba: Any) -> dict[Any, Any]:
    """Members by name, or by position."""
    if isinstance(member_proba, Mapping):
        return dict(member_proba)
    if isinstance(member_proba, (list, tuple)):
        return dict(enumerate(member_proba))
    array = as_numpy(member_proba, "member_proba")
    if not isinstance(array, np.ndarray):
        single = as_frame(array) is not None or not hasattr(array, "shape")
        array = None if single else np.asarray(array)
    if array is None:
        msg = (
            "member_proba must hold one table per member: found a single "
            f"{type(member_proba).__name__}; pass a list of tables, or an array of "
            "shape (members, rows, classes)."
        )
        raise TypeError(msg)
    if array.ndim not in (_VECTORS, _TABLES):
        msg = (
            "member_proba must have members, rows and classes: its shape is "
            f"{array.shape}; pass (M, N, K), or (M, N) for the second of two classes."
        )
        raise ValueError(msg)
    return dict(enumerate(array))
