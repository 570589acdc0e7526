"""Logging comparisons: the terms of each model, and their paired differences."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xent_metrics import Comparison

from .._calls import public
from .._delivery.deliver import OnError, Parcel, check, deliver
from .._delivery.result import LogResult
from .._items.artifacts import Files
from .._items.items import Items, folder_of, items_of, terms_and_errors, terms_of
from .._items.keys import names_for_keys
from .._items.layout import ERRORS
from .._items.tables import table_as_json

TABLE = "comparison_table.json"
_SHOWN = ("difference", "pvalue", "low", "high")  # of a difference, in the table
# Models have the same targets, so other differences are 0, or these but for the sign.
_TERMS_THAT_DIFFER = (
    *("cross_entropy", "miscalibration", "refinement"),
    *("skill", "predictive_entropy", "calibration_gap"),
)
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Comparison</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2em; color-scheme: light dark }}
th, td {{ padding: .2em .9em .2em 0; text-align: left; white-space: nowrap }}
div {{ overflow-x: auto }}
</style></head><body>{}</body></html>
"""


@public
def log_comparison(
    comparison: Comparison,
    *,
    name: str = "compare",
    run_id: str | None = None,
    on_error: OnError = "spool",
    deadline: float = 10.0,
) -> LogResult:
    """Log a comparison to an MLflow run: terms, differences, their errors, p-values.

    Parameters
    ----------
    comparison : Comparison
        What :func:`xent_metrics.compare` or :func:`compare_runs` returned.
    name : str, default "compare"
        Part of each key, ``xent/<name>/<model>/...``.
    run_id, on_error, deadline
        As in :func:`log_evaluation`.

    Returns
    -------
    LogResult
        The run's id, and what was logged.

    Raises
    ------
    LogError
        As in :func:`log_evaluation`.
    TypeError
        If ``comparison`` is not a Comparison.
    ValueError
        If ``name`` cannot be part of a key, or as in :func:`log_evaluation`.

    Notes
    -----
    Each model has ``<term>`` and its standard error ``se/<term>``, and all but the
    baseline have ``difference/<term>``, ``difference/se/<term>`` and
    ``pvalue/<term>`` of the terms that differ between models: the difference of the KL
    divergence is that of the cross-entropy, that of the resolution is minus that of the
    refinement. Names of models have the characters that keys can have; ``models`` in
    the tag ``xent/<name>/info`` says which is which. The artifacts hold all of it
    as JSON, Markdown and HTML, and as a table of one row per model.

    Examples
    --------
    >>> import mlflow
    >>> from xent_metrics import compare
    >>> from xent_metrics_mlflow import log_comparison
    >>> y = [0, 1, 1, 0] * 100
    >>> sharp, dull = [0.2, 0.7, 0.9, 0.4] * 100, [0.4, 0.6, 0.6, 0.5] * 100
    >>> comparison = compare({"dull": (y, dull), "sharp": (y, sharp)})
    >>> with mlflow.start_run():
    ...     result = log_comparison(comparison)
    >>> round(result.metrics["xent/compare/sharp/difference/cross_entropy"], 4)
    -0.2574
    """
    from .. import _client  # noqa: PLC0415 - MLflow is loaded when first used

    check(on_error, deadline)
    if not isinstance(comparison, Comparison):
        msg = (
            f"comparison must be a Comparison: found {type(comparison).__name__}; pass "
            "what compare or compare_runs returns."
        )
        raise TypeError(msg)
    return deliver(
        Parcel(
            what=_items(comparison, folder_of(name, "name")),
            unit=comparison.decompositions[comparison.baseline].unit,
            files=lambda: _files(comparison),
            table=TABLE,
            name="comparison",
            of_model=False,
        ),
        _client,
        run_id=run_id,
        on_error=on_error,
        deadline=deadline,
    )


def _items(comparison: Comparison, folder: str) -> Items:
    names = names_for_keys(comparison.decompositions)
    values = {
        f"{key}/{term}": value
        for key, model in names.items()
        for term, value in _values(comparison, model).items()
    }
    first = comparison.decompositions[comparison.baseline]
    settings = {
        "recalibration": first.recalibration,
        "clip": first.clip,
        "n": first.n,
        "baseline": comparison.baseline,
        "level": comparison.level,
        "models": names,
    }
    return items_of(folder, values, first.unit, settings)


def _values(comparison: Comparison, model: Any) -> dict[str, float]:
    result = comparison.decompositions[model]
    found = terms_and_errors(result)
    if model != comparison.baseline:
        for term in _TERMS_THAT_DIFFER:
            change = comparison.differences[model][term]
            found[f"difference/{term}"] = change.difference
            found[f"difference/{ERRORS}/{term}"] = change.standard_error
            found[f"pvalue/{term}"] = change.pvalue
    return found


def _files(comparison: Comparison) -> Files:
    shown = comparison._repr_html_()
    return Files(
        contents={
            "comparison.json": comparison.to_json().encode(),
            "comparison.md": comparison.to_markdown().encode(),
            "comparison.html": _PAGE.format(shown).encode(),
            TABLE: table_as_json(_wide(comparison)),
        }
    )


def _wide(comparison: Comparison) -> pd.DataFrame:
    """One row per model: terms with their differences from the baseline, then others.

    It is looked at, a few columns at a time, so numbers have six digits; the JSON has
    all.
    """
    rows = []
    for model, result in comparison.decompositions.items():
        row: dict[str, Any] = {"model": model}
        terms = terms_of(result)
        for term in _TERMS_THAT_DIFFER:
            row[term] = _rounded(terms[term])
            change = comparison.differences[model][term]
            of_itself = model == comparison.baseline
            row |= {
                f"{term}_{name}": None if of_itself else _rounded(getattr(change, name))
                for name in _SHOWN
            }
        others = {term: _rounded(value) for term, value in terms.items()}
        rows.append(row | {term: others[term] for term in others if term not in row})
    return pd.DataFrame(rows, dtype=object)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
