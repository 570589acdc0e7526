"""The rows that cost most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from ._shown import name, number, plural, probability, share
from ._tables import Column, Row, Section, table

if TYPE_CHECKING:
    from .._evaluation.evaluation import EvaluationView

_AT_MOST = 10
_NAMES = {"fold": "Fold", "label": "Label", "predicted": "Predicted"}
_NUMBERS = {
    "p_true": "Probability of the label",
    "confidence": "Confidence",
    "cross_entropy": "Cross-entropy",
    "kl_divergence": "KL divergence",
    "weight": "Weight",
}


def worst(evaluation: EvaluationView, all_rows: pd.DataFrame, digits: int) -> Section:
    """The costliest rows, and how much of the loss they carry."""
    found = evaluation.worst(_AT_MOST)
    soft = not math.isnan(evaluation.decomposition.irreducible)
    named = [column for column in _NAMES if column in found]
    numbers = [
        column
        for column in _NUMBERS
        if column in found and (soft or column != "kl_divergence")
    ]
    rows = []
    for place, label in enumerate(found.index):
        row = found.iloc[place]
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
    """How much of the whole loss a few rows carry."""
    whole, theirs = _cost(rows), _cost(found)
    if not (math.isfinite(whole) and whole > 0):
        return []
    few = plural(len(found), "row")
    return [f"The {few} that cost most carry {share(theirs / whole)} of the loss."]


def _cost(rows: pd.DataFrame) -> Any:
    costs = rows["cross_entropy"]
    return float((costs * rows["weight"]).sum() if "weight" in rows else costs.sum())
