"""What a command was asked to do, beside its files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pandas as pd

from .._accessor.accessor import XentAccessor
from .._accessor.binding import DecomposingOptions
from .columns import Columns, Wanted, split


@dataclass(frozen=True, kw_only=True)
class Request:
    """Options that name columns, and options of the measures."""

    target: list[str] | None
    probas: list[str]
    by: list[str] = field(default_factory=list)
    weight: str | None = None
    groups: str | None = None
    key: str | None = None
    labels: str | None = None
    target_type: str = "auto"
    measure: dict[str, Any] = field(default_factory=dict)

    @property
    def wanted(self) -> Wanted:
        """The columns that are needed of a file."""
        names = (*self.by, self.groups, self.key)
        return Wanted(
            target=None if self.target is None else tuple(self.target),
            probas=tuple(self.probas),
            names=tuple(name for name in names if name is not None),
            numbers=() if self.weight is None else (self.weight,),
            annotators=self.target_type == "annotators",
        )

    def without_target(self) -> Request:
        """The same of a file without labels."""
        return replace(self, target=None, key=None)

    def probabilities(self, frame: pd.DataFrame, columns: Columns) -> Any:
        """The predictions of a file without labels, with columns named as classes."""
        chosen = columns.probas[self.probas[0]]
        if chosen.classes is None:
            return frame[chosen.names[0]].to_numpy()
        names = chosen.classes if self.labels is None else split([self.labels])
        return frame[list(chosen.names)].set_axis(list(names), axis=1)

    def of(self, probas: list[str]) -> Request:
        """The same of other probability columns."""
        return replace(self, probas=probas)

    def view(self, frame: pd.DataFrame, columns: Columns, proba: str) -> XentAccessor:
        """The accessor, bound to the columns of one model."""
        labels = None
        if self.labels is not None:
            labels = columns.as_labels(frame, split([self.labels]))
        options = {
            "labels": labels,
            "target_type": self.target_type,
            "sample_weight": self.weight,
            "groups": self.groups,
            **self.measure,
        }
        given = {name: one for name, one in options.items() if one is not None}
        return XentAccessor(frame)(
            target=columns.target_names,
            proba=columns.proba_names(frame, proba),
            **cast("DecomposingOptions", given),
        )
