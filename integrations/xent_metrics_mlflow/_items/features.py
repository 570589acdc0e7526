"""What features could still win of a loss, as metrics and a table of slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from .artifacts import Files
from .layout import ERRORS
from .tables import table_as_json

if TYPE_CHECKING:
    from xent_metrics import Evaluation, ReducibleLoss, Slices

SLICES = "slices.json"
BOUNDS = ("grouping_loss_at_least", "kl_divergence_at_least", "entropy_at_most")


@dataclass(frozen=True, kw_only=True)
class OfFeatures:
    """Metrics by name, settings, files, and which tags name those that are tables."""

    metrics: dict[str, float]
    settings: dict[str, Any]
    tables: dict[str, str]
    files: Files


NONE = OfFeatures(metrics={}, settings={}, tables={}, files=Files(contents={}))


def of_features(evaluation: Evaluation, features: Any) -> OfFeatures:
    """The bounds with their errors, and where the loss and the gain sit."""
    if features is None:
        return NONE
    found = evaluation.reducible(features, progress=False)
    each = [evaluation.slices(features), found.slices()]
    return OfFeatures(
        metrics=_bounds(found),
        settings={"learner": found.learner},
        tables={"slices": SLICES},
        files=Files(contents={SLICES: table_as_json(_table(each))}),
    )


def _bounds(found: ReducibleLoss) -> dict[str, float]:
    values = {name: found.terms[name] for name in BOUNDS}
    errors = {f"{ERRORS}/{name}": found.standard_errors[name] for name in BOUNDS}
    return values | errors


def _table(each: list[Slices]) -> pd.DataFrame:
    """One row per slice, by its term; none where none differs beyond chance."""
    tables = [one.table.reset_index() for one in each]
    for one, table in zip(each, tables, strict=True):
        table.insert(0, "term", one.term)
    return pd.concat([tables[0], tables[1].astype(tables[0].dtypes.to_dict())])
