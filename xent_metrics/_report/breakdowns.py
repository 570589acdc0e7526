"""Tables of the page by class, fold and group, and the costliest rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._evaluation.excess import shares_of
from .._terms import title
from .formatting import (
    count,
    heading,
    name,
    number,
    plural,
    points,
    probability,
    share,
    with_error,
)
from .tables import AT_MOST, Column, Row, Section, Table, table

if TYPE_CHECKING:
    from .._evaluation.evaluation import Evaluation

_AT_MOST = 10
_NAMES = {"fold": "Fold", "label": "Label", "predicted": "Predicted"}
_NUMBERS = {
    "p_true": "Probability of the label",
    "confidence": "Confidence",
    "cross_entropy": "Cross-entropy",
    "kl_divergence": "KL divergence",
    "weight": "Weight",
}


def worst(evaluation: Evaluation, all_rows: pd.DataFrame, digits: int) -> Section:
    """The costliest rows, and the share of the loss that they account for."""
    found = evaluation.worst(_AT_MOST, columns=[])
    soft = not math.isnan(evaluation.decomposition.irreducible)
    named = [column for column in _NAMES if column in found]
    numbers = [
        column
        for column in _NUMBERS
        if column in found and (soft or column != "kl_divergence")
    ]
    rows = []
    for place, label in enumerate(found.index):
        row = {column: values.iloc[place] for column, values in found.items()}
        names = label if isinstance(found.index, pd.MultiIndex) else (label,)
        cells = (
            *map(name, names),
            *(name(row[column]) for column in named),
            *(_value_of_row(float(row[column]), column, digits) for column in numbers),
        )
        rows.append(Row(cells=cells))
    heads = [str(key) if key is not None else "Row" for key in found.index.names]
    titles = {**_NUMBERS, "p_true": "Probability shared with the target"}
    columns = (
        *(Column(title=name(key), kind="name") for key in heads),
        *(Column(title=_NAMES[column], kind="label") for column in named),
        *(Column(title=(titles if soft else _NUMBERS)[column]) for column in numbers),
    )
    return Section(
        ident="worst",
        heading="The costliest rows",
        sentences=tuple(_part(all_rows, found)),
        tables=(table("The rows that cost most", columns, rows),),
    )


def _value_of_row(value: float, column: str, digits: int) -> str:
    if column == "weight":
        return f"{value:,.6g}"
    if column in {"p_true", "confidence"}:
        return probability(value, digits + 1)
    return number(value, digits + 1)


def _part(rows: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """The share of the loss that a few rows account for."""
    whole, theirs = cost_of(rows), cost_of(found)
    if not (math.isfinite(whole) and whole > 0):
        return []
    few = f"The {plural(len(found), 'row')} that cost most account for"
    if len(found) == 1:
        few = "The row that costs most accounts for"
    return [f"{few} {share(theirs / whole)} of the loss."]


def cost_of(rows: pd.DataFrame) -> float:
    """What rows cost together, under their weights."""
    costs: Any = rows["cross_entropy"]
    return float((costs * rows["weight"]).sum() if "weight" in rows else costs.sum())


_TERMS = (
    "cross_entropy",
    "miscalibration",
    "refinement",
    "irreducible",
    "grouping_loss",
    "entropy",
    "kl_divergence",
    "calibration_gap",
)


def of_classes(evaluation: Evaluation, digits: int) -> Section:
    """The terms of each true class, the one of most excess loss first."""
    found = evaluation.by_class.rename_axis("Class")
    return Section(
        ident="classes",
        heading="Classes",
        sentences=(_costliest(found, "class", "classes"),),
        tables=(breakdown("The loss by true class", found, digits),),
    )


def of_folds(folds: pd.DataFrame, digits: int) -> Section:
    """The terms of each fold, in their order, and its map."""
    found = folds.rename_axis("Fold")
    found["note"] = [f"map “{name(each)}”" for each in found["recalibration"]]
    shown = breakdown("The loss by fold", found, digits, costliest=False)
    return Section(ident="folds", heading="Folds", tables=(shown,))


def of_groups(evaluation: Evaluation, by: Any, digits: int) -> Section:
    """The terms of groups of rows, the one of most excess loss first."""
    found = _groups(evaluation, by)
    return Section(
        ident="groups",
        heading="Groups",
        sentences=(_costliest(found, "group", "groups"),),
        tables=(breakdown("The loss by group", found, digits),),
    )


def _groups(evaluation: Evaluation, by: Any) -> pd.DataFrame:
    """All terms where the data is there or was scanned, else the means of rows."""
    if not evaluation.decomposition.has_data or evaluation.per_sample is None:
        return evaluation.summary(by)
    return evaluation.by(by)


def breakdown(
    caption: str, found: pd.DataFrame, digits: int, *, costliest: bool = True
) -> Table:
    """A table of cells: their part of the loss, and their own terms."""
    held = shares_of(found)
    order = held.order if costliest else np.arange(len(found))
    terms = _terms(found)
    rows = []
    for place in order[:AT_MOST]:
        cell = found.iloc[place]
        values = (_value(cell, term, digits) for term in terms)
        of_loss = share(held.loss[place]), points(held.excess[place])
        numbers = (count(cell["n"]), *of_loss, *values)
        note = str(cell["note"]) if "note" in found else ""
        rows.append(Row(cells=(*_names(found, place), *numbers, note)))
    keys = ["Group" if key is None else name(key) for key in found.index.names]
    columns = (
        *(Column(title=key, kind="name") for key in keys),
        Column(title="Rows"),
        Column(title="Part of the loss"),
        Column(title="Less its part of the rows"),
        *(Column(title=heading(title(term))) for term in terms),
        Column(title="Note", kind="text"),
    )
    more = ""
    if len(rows) < len(found):
        less = ", which cost less beyond their part of the rows" * costliest
        more = f"And {count(len(found) - len(rows))} more{less}."
    return table(f"{caption}, ± one standard error", columns, rows, more=more)


def _terms(found: pd.DataFrame) -> list[str]:
    """The terms that are known; of hard labels, none that says the same again."""
    hard = "entropy" in found and not found["entropy"].any()
    again = ("entropy", "kl_divergence") if hard else ()
    return [
        term
        for term in _TERMS
        if term in found and term not in again and found[term].notna().any()
    ]


def _names(found: pd.DataFrame, place: int) -> list[str]:
    """The name of a cell, by each key."""
    label = found.index[place]
    return [
        name(one)
        for one in (label if isinstance(found.index, pd.MultiIndex) else (label,))
    ]


def _value(cell: pd.Series, term: str, digits: int) -> str:
    error = float(cell.get(f"{term}_se", math.nan))
    return with_error(float(cell[term]), error, digits)


def _costliest(found: pd.DataFrame, one: str, many: str) -> str:
    """Which cell costs most beyond its part of the rows, if any does clearly."""
    held = shares_of(found)
    n = plural(len(found), one, many)
    if len(found) <= 1 or not np.isfinite(held.excess).all():
        return f"{heading(n)}."
    first = int(held.order[0])
    if not held.clear[first]:
        return (
            f"No {one} of {len(found):,} clearly costs more than its part of the rows."
        )
    shown = ", ".join(_names(found, first))
    weight = share(float(found["weight"].iloc[first]))
    return (
        f"{heading(one)} “{shown}” costs most beyond its part of the rows: "
        f"{share(held.loss[first])} of the loss, with {weight} of the weight."
    )
