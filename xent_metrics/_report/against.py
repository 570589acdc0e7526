"""What moved since a reference: the section of a page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from .._decomposition.result import Decomposition
from .._evaluation.comparison import Difference
from .._terms import IDENTITY
from .formatting import heading, name, number, share
from .tables import AT_MOST, Column, Row, Section, Table, table

_PARTS = {
    "mix": "other predictions are made",
    "concept": "labels behave otherwise under the same prediction",
}
_FAR = 0.01  # of the rows


class Drifted(Protocol):
    """What a page shows of a drift; :class:`Drift`, which stands beside, has it all."""

    @property
    def reference(self) -> Decomposition: ...
    @property
    def current(self) -> Decomposition: ...
    @property
    def differences(self) -> Mapping[str, Difference]: ...
    @property
    def mix(self) -> Difference: ...
    @property
    def concept(self) -> Difference: ...
    @property
    def by_class(self) -> pd.DataFrame: ...
    @property
    def by_group(self) -> pd.DataFrame | None: ...
    @property
    def share_outside(self) -> float: ...
    @property
    def recalibration(self) -> str: ...
    @property
    def conclusion(self) -> str: ...


def of_drift(found: Any, result: Decomposition, digits: int) -> Section:
    """The change since the reference, its parts, and who carries them.

    Raises
    ------
    TypeError
        If ``found`` is no drift.
    ValueError
        If it is that of other rows than the page is of.
    """
    if not hasattr(found, "concept"):
        msg = (
            f"against must be a Drift: found {type(found).__name__}; pass "
            "drift(reference, evaluation)."
        )
        raise TypeError(msg)
    _check_same(found.current, result)
    return _section(found, digits)


def _check_same(current: Decomposition, result: Decomposition) -> None:
    if (current.n, current.cross_entropy) == (result.n, result.cross_entropy):
        return
    msg = (
        "against must be the drift of the rows that the page is of: found "
        f"{current.n:,} rows for {result.n:,}, or another loss; pass "
        "drift(reference, evaluation)."
    )
    raise ValueError(msg)


def _section(found: Drifted, digits: int) -> Section:
    of_map = (
        f"What is expected of these predictions is by the reference's map "
        f"“{name(found.recalibration)}”, of {found.reference.n:,} rows."
    )
    sentences = [heading(found.conclusion) + ".", of_map]
    if found.share_outside > _FAR:
        sentences.append(
            f"{share(found.share_outside)} of the predictions lie outside the range of "
            "the reference's, where the split into mix and concept is a guess."
        )
    tables = [_of_terms(found, digits)]
    for what, parts in (("class", found.by_class), ("group", found.by_group)):
        if parts is not None:
            tables.append(_of_parts(parts, what, digits))
    return Section(
        ident="against",
        heading="Against the reference",
        sentences=tuple(sentences),
        tables=tuple(tables),
    )


def _of_terms(found: Drifted, digits: int) -> Table:
    rows = [_of_term(found, "cross_entropy", digits)]
    for part, meaning in _PARTS.items():
        cells = ("", "", *_changed(getattr(found, part), digits), meaning)
        rows.append(Row(cells=(heading(part), *cells)))
    rows += [_of_term(found, term, digits) for _, term in IDENTITY]
    columns = (
        Column(title="Term", kind="head"),
        *(Column(title=one) for one in ("Reference", "Now", "Change", "p-value")),
        Column(title="Meaning", kind="text"),
    )
    return table("Each term, in the reference and now", columns, rows)


def _of_term(found: Drifted, term: str, digits: int) -> Row:
    values = (one.terms[term] for one in (found.reference, found.current))
    change = _changed(found.differences[term], digits)
    shown = (number(value, digits) for value in values)
    return Row(cells=(heading(term.replace("_", "-")), *shown, *change, ""))


def _changed(change: Difference, digits: int) -> tuple[str, str]:
    """A change with its error, and its p-value."""
    if math.isnan(change.difference):
        return "", ""
    text = f"{change.difference:+.{digits}f} ± {change.standard_error:.{digits}f}"
    return text, "" if math.isnan(change.pvalue) else f"{change.pvalue:.4f}"


def _of_parts(parts: pd.DataFrame, what: str, digits: int) -> Table:
    """The classes or groups that carry most of the change."""
    moved = parts[["mix", "concept"]].abs().sum(axis=1)
    largest = parts.loc[moved.sort_values(ascending=False, kind="stable").index]
    rows = []
    for key, row in largest.head(AT_MOST).iterrows():
        names = key if isinstance(key, tuple) else (key,)
        cells = [
            f"{row[part]:+.{digits}f} ± {row[f'{part}_se']:.{digits}f}"
            if pd.notna(row[part])
            else ""
            for part in _PARTS
        ]
        rows.append(Row(cells=(", ".join(map(name, names)), *cells)))
    columns = (
        Column(title=heading(what), kind="name"),
        *(Column(title=heading(part)) for part in _PARTS),
    )
    more = ""
    if len(parts) > AT_MOST:
        more = f"{len(parts) - AT_MOST:,} more, whose parts are smaller."
    return table(f"What each {what} adds to the change", columns, rows, more=more)
