"""What a user passes, read once into frozen, checked :class:`Inputs`.

Arrays and frames come in; tables, codes and weights go out. The kernels find what
breaks a rule; here it becomes an error of one sentence.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._kernels.per_row import Rows, per_row, sum_of_label_costs
from .._kernels.reader import checked_blocks
from .._kernels.table import BoolArray, FloatArray, IntArray, Kind, Table
from .._pickling import public
from .arrays import read_columns
from .columns import cast_classes, place_of_single
from .containers import is_default
from .labels import (
    Column,
    check_labels,
    check_order,
    encode,
    in_column_order,
    infer_and_encode,
    show,
)
from .messages import violation_error, warn
from .nested import Columns
from .read_options import ReadOptions, check_clip
from .targets import (
    align,
    check_hard,
    encode_some,
    labels_or_columns,
    one_hot_codes,
    read_soft,
)
from .weights import read_weights

Scalar = TypeVar("Scalar", bound=np.generic)


@public
class UnseenLabelWarning(UserWarning):
    """Rows have labels that the predictions do not know.

    See Also
    --------
    cross_entropy : Warns of it.
    """


class InputBlock(NamedTuple):
    """Predictions and target distributions of some rows, of shape (classes, rows).

    ``rows`` are their places among the rows that were asked for. Predictions are
    log-probabilities where logits were read.
    """

    rows: slice
    predicted: FloatArray
    target: FloatArray


class Inputs(NamedTuple):
    """Predictions, targets and weights, ready for the kernels.

    ``codes`` holds hard labels, ``target`` distributions or votes; one of them is
    None, or both where only predictions were given. ``active`` is None where every
    row has a positive weight.
    """

    proba: Table
    labels: tuple[Any, ...]
    codes: IntArray | None = None
    target: Table | None = None
    unseen: tuple[Any, ...] = ()
    weights: FloatArray | None = None
    active: BoolArray | None = None

    @property
    def n(self) -> int:
        """Number of rows whose weight is not 0."""
        if self.active is None:
            return self.proba.n_rows
        return int(np.count_nonzero(self.active))

    @property
    def n_unseen(self) -> int:
        """Number of those rows whose label the predictions do not know."""
        if not self.unseen or self.codes is None:
            return 0
        outside = self.codes >= len(self.labels)
        if self.active is not None:
            outside &= self.active
        return int(np.count_nonzero(outside))

    def counted(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        """The values of the rows whose weight is not 0."""
        return values if self.active is None else values[self.active]

    def with_scaled_weights(self) -> Inputs:
        """The same with weights whose squares do not overflow.

        Scaled by a power of two they keep every bit.
        """
        if self.weights is None:
            return self
        exponent = math.frexp(float(self.weights.max()))[1]
        return self._replace(weights=np.ldexp(self.weights, -exponent))

    def known_rows(self) -> BoolArray | None:
        """Which rows count and have a label among the classes; None where all do."""
        if not self.unseen or self.codes is None:
            return self.active
        known: BoolArray = self.codes < len(self.labels)
        return known if self.active is None else known & self.active

    def rows(self, index: IntArray | slice) -> Inputs:
        """The inputs of some rows, all of which count."""
        return self._replace(
            proba=self.proba.take(index),
            codes=None if self.codes is None else self.codes[index],
            target=None if self.target is None else self.target.take(index),
            weights=None if self.weights is None else self.weights[index],
            active=None,
        )

    def blocks(self, kept: BoolArray | None = None) -> Iterator[InputBlock]:
        """Blocks of the rows that are ``kept``, which must have been measured before.

        None keeps all. A label that is not among the classes has a target of zeros.
        The memory of a block may be that of the next one.
        """
        targets = None if self.target is None else self.target_blocks()
        done = 0
        for rows, table in checked_blocks(self.proba, self.active):
            assert table is not None, "the measures checked every row before"
            inside = slice(None) if kept is None else kept[rows]
            predicted = table[:, inside]
            if targets is None:
                assert self.codes is not None, "blocks have targets"
                codes = self.codes[rows][inside]
                target: FloatArray = np.zeros_like(predicted)
                known = np.flatnonzero(codes < len(target))
                target[codes[known], known] = 1.0
            else:
                target = next(targets)[1][:, inside]
                target = target / target.sum(axis=0)
            part = slice(done, done + predicted.shape[1])
            done = part.stop
            yield InputBlock(part, predicted, target)

    def target_blocks(self) -> Iterator[tuple[slice, FloatArray]]:
        """Rows and target distributions, of shape (classes, rows), of each block.

        They must have been measured before. The next block takes the memory.
        """
        assert self.target is not None, "labels are no distributions"
        for rows, target in checked_blocks(self.target, self.active):
            assert target is not None, "the measures checked every row before"
            yield rows, target

    def target_table(self) -> FloatArray:
        """All target distributions, of shape (classes, rows).

        They are NaN from the first block on that breaks a rule.
        """
        assert self.target is not None, "labels are no distributions"
        out = np.empty((self.target.n_classes, self.target.n_rows))
        for rows, target in checked_blocks(self.target, self.active):
            out[:, rows] = np.nan if target is None else target
        return out

    def target_column(self, place: int) -> FloatArray:
        """The target's probability of one class, in every row."""
        return np.concatenate([p[place].copy() for _, p in self.target_blocks()])

    def check_known(self, name: str, *, given: bool) -> None:
        """Refuse labels of which none is a class: their vocabularies differ."""
        if self.unseen and self.n_unseen == self.n:
            columns = None if given else f"columns of {name}"
            raise unknown_labels(self.unseen, self.labels, columns)

    def warn_of_unseen(self) -> None:
        """Warn of labels that no column stands for."""
        if not self.unseen or self.codes is None:
            return
        n_unseen = int(np.count_nonzero(self.codes >= len(self.labels)))
        warn_of_unseen(n_unseen, len(self.codes), self.unseen, self.labels)

    def measure(
        self, columns: Iterable[str], *, clip: float, n_jobs: int | None = 1
    ) -> Rows:
        """Run the kernel; raise the error of the first row that breaks a rule."""
        target = self.codes if self.codes is not None else self.target
        rows = per_row(
            self.proba,
            target,
            columns,
            clip=check_clip(clip),
            unseen=bool(self.unseen),
            active=self.active,
            n_jobs=n_jobs,
        )
        if rows.proba_violation is not None:
            raise violation_error(rows.proba_violation, self.proba, self.labels)
        if rows.target_violation is not None and self.target is not None:
            raise violation_error(rows.target_violation, self.target, self.labels)
        return rows

    def sum_of_label_costs(self, *, clip: float, n_jobs: int | None) -> float:
        """Sum of the costs of hard labels, without a value for each row."""
        assert self.codes is not None
        cost, violation = sum_of_label_costs(
            self.proba,
            self.codes,
            clip=clip,
            unseen=bool(self.unseen),
            n_jobs=n_jobs,
        )
        if violation is not None:
            raise violation_error(violation, self.proba, self.labels)
        return cost


def unknown_labels(
    unseen: tuple[Any, ...], classes: tuple[Any, ...], columns: str | None
) -> ValueError:
    """The error of data of which no label is a class.

    ``columns`` says whose names the classes are; None, that they were given.
    """
    mend = "pass labels= with the class of each column, in column order"
    if columns is None:
        columns, mend = "the classes", "write both alike, in type and in spelling"
    return ValueError(
        f"y_true must hold labels that are classes: it holds {show(unseen)}, {columns} "
        f"are {show(classes)}; {mend}."
    )


def warn_of_unseen(
    n_unseen: int, n: int, unseen: tuple[Any, ...], labels: tuple[Any, ...]
) -> None:
    """Warn of labels that no column stands for, and of what they resemble."""
    warn(
        f"{n_unseen} of {n} rows have a label that is not among the classes "
        f"({show(unseen)} among {show(labels)}): its probability "
        f"counts as 0{_resembled(unseen, labels)}",
        UnseenLabelWarning,
    )


def _resembled(unseen: tuple[Any, ...], labels: tuple[Any, ...]) -> str:
    """Which classes may be meant by labels that look like them."""
    known = {_spelt(label): label for label in labels}
    for label in unseen:
        text = _spelt(label)
        cutoff = 0.6 if any(map(str.isalpha, text)) else 1.0  # 10 is near no 100
        near = difflib.get_close_matches(text, known, n=1, cutoff=cutoff)
        if near:
            return f"; did you mean {known[near[0]]!r} by {label!r}?"
    return "."


def _spelt(label: Any) -> str:
    """A label without what a reader overlooks: case, spaces, and its type."""
    return " ".join(str(label).split()).casefold()


def read(
    y_true: Any,
    y_proba: Any,
    options: ReadOptions,
    *,
    name: str = "y_proba",
    warn_unseen: bool = True,
) -> Inputs:
    """Read targets, predictions and weights; messages call the predictions ``name``."""
    columns, proba = _read_proba(y_proba, options, name=name)
    names = columns.names
    weights, active = read_weights(options.sample_weight, proba.n_rows)
    given = None
    if options.labels is not None:
        given = check_labels(options.labels, proba.n_classes, name)
        check_order(names, given)
    check_index_order(y_true, y_proba, ("y_true", name))
    truth = labels_or_columns(y_true, options.target_type)
    if isinstance(truth, Columns):
        classes = given or names or truth.names or tuple(range(proba.n_classes))
        check_order(names, classes)
        table = read_soft(truth, classes, options.target_type, name)
        check_length(table.n_rows, proba.n_rows, ("y_true", name))
        codes = one_hot_codes(table, active)
        return Inputs(
            proba=_oriented(proba, columns, classes),
            labels=classes,
            codes=codes,
            target=table if codes is None else None,
            weights=weights,
            active=active,
        )
    check_length(len(truth), proba.n_rows, ("y_true", name))
    check_hard(truth, active)
    known = given or names
    if active is not None:
        classes, encoded = encode_some(truth, known, active, proba.n_classes, name)
    elif known:
        classes, encoded = known, encode(truth, known)
    else:
        classes, encoded = infer_and_encode(truth, proba.n_classes, name)
    inputs = Inputs(
        proba=_oriented(proba, columns, classes),
        labels=classes,
        codes=encoded.codes,
        unseen=encoded.unseen,
        weights=weights,
        active=active,
    )
    if not inputs.unseen:
        return inputs
    if given is None and names and inputs.n_unseen == inputs.n:
        spelled = cast_classes(list(map(str, names)), [_counted(truth, active)])
        if spelled != names:  # such as '1' for the class 1
            return read(
                y_true,
                y_proba,
                dataclasses.replace(options, labels=spelled),
                name=name,
                warn_unseen=warn_unseen,
            )
    if warn_unseen:
        inputs.check_known(name, given=given is not None)
        inputs.warn_of_unseen()
    return inputs


def _counted(truth: Column, active: BoolArray | None) -> Column:
    return truth if active is None else truth[active]


def _oriented(proba: Table, columns: Columns, classes: tuple[Any, ...]) -> Table:
    """The table with a single column as the one of the class that it is named after."""
    if columns.single is None or len(classes) != proba.n_classes:
        return proba
    place = place_of_single(columns.single, classes)
    if place == proba.given:
        return proba
    assert isinstance(proba.source, tuple), "one column of two"
    return Table(
        proba.source[::-1],
        kind=proba.kind,
        given=place,
        name=proba.name,
        eps=proba.eps,
        normalised=proba.normalised,
    )


def read_predictions(y_proba: Any, options: ReadOptions) -> Inputs:
    """Read predictions alone."""
    columns, proba = _read_proba(y_proba, options, name="proba")
    weights, active = read_weights(options.sample_weight, proba.n_rows)
    classes = columns.names or tuple(range(proba.n_classes))
    return Inputs(proba=proba, labels=classes, weights=weights, active=active)


def read_unlabelled(
    y_proba: Any, options: ReadOptions, classes: tuple[Any, ...]
) -> Inputs:
    """Read predictions alone, of classes that are known: with columns in their order.

    Names of columns, or else ``options.labels``, say which class each one is of.
    """
    columns, proba = _read_proba(y_proba, options, name="y_proba")
    if proba.n_classes != len(classes):
        msg = (
            f"y_proba must have one column per class: found {proba.n_classes} for the "
            f"{len(classes)} classes {show(classes)}; pass predictions of the same "
            "classes."
        )
        raise ValueError(msg)
    weights, active = read_weights(options.sample_weight, proba.n_rows)
    given = in_column_order(columns.names, classes)
    if options.labels is not None:
        given = check_labels(options.labels, proba.n_classes)
        check_order(columns.names, given)
    if set(given) != set(classes):
        msg = (
            f"labels must be the classes of the reference, {show(classes)}: found "
            f"{show(given)}; pass each of them once, in column order."
        )
        raise ValueError(msg)
    if given != classes:
        proba = proba.columns(np.array([given.index(label) for label in classes]))
    return Inputs(
        proba=_oriented(proba, columns, classes),
        labels=classes,
        weights=weights,
        active=active,
    )


def read_two(p: Any, q: Any, options: ReadOptions) -> Inputs:
    """Read two tables of distributions; the columns of frames pair by name."""
    of_q, names = read_columns(q, "q"), None
    of_p = read_columns(p, "p")
    for what, columns in (("p", of_p), ("q", of_q)):
        if columns.single is not None:
            msg = (
                f"{what} must have rows and columns: it has one dimension; pass "
                f"[{what}] for one distribution."
            )
            raise ValueError(msg)
    kind: Kind = "proportions" if options.rescale else "probabilities"
    second = Table(of_q.source, kind=kind, name="q", eps=of_q.eps)
    _refuse_empty(second)
    names = of_q.names or of_p.names or tuple(range(second.n_classes))
    source = align(of_p, names, ("p", "q"))
    first = Table(source, kind=kind, name="p", eps=of_p.eps)
    check_length(first.n_rows, second.n_rows, ("p", "q"))
    check_index_order(p, q, ("p", "q"))
    weights, active = read_weights(options.sample_weight, second.n_rows)
    return Inputs(
        proba=second, labels=names, target=first, weights=weights, active=active
    )


def check_length(n_first: int, n_second: int, names: tuple[str, str]) -> None:
    """Refuse two arguments of different length."""
    if n_first != n_second:
        msg = (
            f"{names[0]} and {names[1]} must have as many rows: found {n_first} and "
            f"{n_second}; pass one row of each per sample."
        )
        raise ValueError(msg)


def check_index_order(
    first: Any, second: Any, names: tuple[str, str], *, strict: bool = False
) -> None:
    """Refuse two indexes that hold the same keys in different order.

    A default index says nothing of the order, unless ``strict``.
    """
    pandas = (pd.Series, pd.DataFrame)
    if not (isinstance(first, pandas) and isinstance(second, pandas)):
        return
    left, right = first.index, second.index
    if (is_default(left) or is_default(right)) and not strict:
        return
    if len(left) != len(right) or left.equals(right):
        return
    if left.isin(right).all() and right.isin(left).all():
        msg = (
            f"{names[0]} and {names[1]} must be in the same order: their indexes hold "
            "the same keys in different order; reindex one by the other, or pass "
            "arrays."
        )
        raise ValueError(msg)


def _read_proba(
    y_proba: Any, options: ReadOptions, *, name: str
) -> tuple[Columns, Table]:
    kind: Kind = "probabilities"
    if options.rescale and options.from_logits:
        msg = (
            "rescale and from_logits exclude each other: both are True; pass one, as "
            "logits need no rescaling."
        )
        raise ValueError(msg)
    if options.rescale:
        kind = "proportions"
    elif options.from_logits:
        kind = "logits"
    columns = read_columns(y_proba, name, logits=options.from_logits)
    table = Table(
        columns.source,
        kind=kind,
        given=None if columns.single is None else 1,
        name=name,
        eps=columns.eps,
        normalised=options.from_logits == "log_proba",
    )
    _refuse_empty(table)
    return columns, table


def _refuse_empty(table: Table) -> None:
    if table.n_rows == 0 or table.n_classes == 0:
        msg = (
            f"{table.name} must not be empty: it has "
            f"{table.n_rows} rows and {table.n_classes} columns; "
            "pass at least one row of probabilities."
        )
        raise ValueError(msg)
