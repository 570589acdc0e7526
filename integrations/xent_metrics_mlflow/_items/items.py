"""What is logged: metrics and tags. Nothing here knows a tracking server."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xent_metrics import TERMS, __version__

from .features import NONE, OfFeatures
from .keys import LONGEST_TAG, check_keys, keys_of_classes
from .layout import (
    ERRORS,
    SETTINGS,
    SUFFIX,
    column_of,
    errors_that_tell,
    implied_errors,
)
from .rows import digest

if TYPE_CHECKING:
    import pandas as pd

    from xent_metrics import Decomposition, Evaluation

SCHEMA = "2"
MOST_CLASSES = 20  # more make a run's page unreadable; the JSON holds all of them
Point = tuple[str, float, int]  # key, value, step
Child = Mapping[str, Any]  # its name, metrics and tags
_SPLIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]*")
_COUNTS = ("n", "n_clipped", "n_unseen", "n_dropped")
_OPTIONAL_COUNTS = ("n_groups", "n_folds")
_PARAMS = ("recalibration", "clip")
_NOT_TERMS = ("n", "weight", "note")
_STEP, _TIMESTAMP = "step", "timestamp"
_TOO_LONG = "too long for a tag: see the files of this split"


@dataclass(frozen=True, kw_only=True)
class Items:
    """The metrics and tags of one split.

    ``folder`` is the path that all of them share, without a slash at its end.
    ``settings`` become one tag, and ``params`` are those that charts of several runs
    can have as axes. ``tables`` names the files of more tables to look at, by the tags
    that say so. ``left_out`` holds the metrics that are not finite.
    ``points`` are metrics with steps of their own, and ``children`` is what runs below
    the run hold.
    """

    folder: str
    unit: str
    metrics: dict[str, float]
    settings: dict[str, Any]
    params: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, float] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    children: tuple[Child, ...] = ()

    def __post_init__(self) -> None:
        tags = self.tags | self.params
        check_keys([*self.metrics, *(key for key, _, _ in self.points)], tags)

    @property
    def tags(self) -> dict[str, str]:
        """What finds the split, its unit, and all else as one JSON.

        What is not finite is listed there, and always: without a tag, that of an
        earlier step would stay.
        """
        told = {
            key.removeprefix(f"{self.folder}/"): str(value)
            for key, value in self.left_out.items()
        }
        settings = {**self.settings, "non_finite": told, "version": __version__}
        tags = {"schema": SCHEMA, "unit": self.unit, SETTINGS: as_tag(settings)}
        return under(self.folder, tags | self.tables)

    def tags_at(self, step: int, timestamp: int) -> dict[str, str]:
        """The tags, whose settings also say when the split was logged."""
        when = {_STEP: step, _TIMESTAMP: timestamp}
        return dataclasses.replace(self, settings={**self.settings, **when}).tags


def newest_of(tags: Mapping[str, str], folder: str) -> tuple[int, int] | None:
    """The step and the time of what a run has of a split; None if that is not known."""
    with contextlib.suppress(KeyError, TypeError, ValueError):
        found = json.loads(tags[f"{folder}/{SETTINGS}"])
        return int(found[_STEP]), int(found[_TIMESTAMP])
    return None


def as_tag(values: Mapping[str, Any]) -> str:
    """Values as JSON; the longest are left out if it is longer than a tag can be."""
    found = dict(values)
    while len(text := json.dumps(found, ensure_ascii=False)) > LONGEST_TAG:
        longest = max(found, key=lambda name: len(json.dumps(found[name])))
        found[longest] = _TOO_LONG
    return text


def items(
    evaluation: Evaluation,
    split: str,
    *,
    dataset: str | None = None,
    beside: OfFeatures = NONE,
) -> Items:
    """Every term of an evaluation as a metric, and every setting in a tag.

    ``beside`` is what its features could still win.
    """
    folder = folder_of(split)
    result = evaluation.decomposition
    table = _most_costly(evaluation.by_class)
    columns = _columns_of_classes(table, result)
    names = keys_of_classes(
        table.index, lambda name: (f"{column}_{name}" for column in columns)
    )
    values = _overall(result) | beside.metrics
    for place, name in enumerate(names):
        for column in columns:
            key = f"by_class/{column}_{name}"
            values[key] = float(table[column_of(column)].iloc[place])
    settings = _settings(result) | {"data": digest(evaluation)} | beside.settings
    settings |= _map_of_classes(names, len(evaluation.by_class))
    if dataset is not None:
        settings["dataset"] = dataset
    found = items_of(folder, values, result.unit, settings)
    files = {tag: f"{folder}/{name}" for tag, name in beside.tables.items()}
    return replace(found, tables=files)


def items_of(
    folder: str, values: Mapping[str, float], unit: str, settings: Mapping[str, Any]
) -> Items:
    """Values as metrics ``<folder>/<name>``, beside tags with the same prefix.

    Stores turn infinities and NaN into ordinary numbers, so a value that is not finite
    is never a metric: the settings list it.
    """
    named = under(folder, values)
    metrics = {key: value for key, value in named.items() if math.isfinite(value)}
    return Items(
        folder=folder,
        unit=unit,
        metrics=metrics,
        settings=dict(settings),
        params=under(
            folder, {name: str(settings[name]) for name in _PARAMS if name in settings}
        ),
        left_out={key: value for key, value in named.items() if key not in metrics},
    )


def split_by_finiteness(
    key: str, values: Iterable[float], first: int = 0
) -> tuple[list[Point], dict[str, float]]:
    """One point per finite value, at steps from the first; the other ones by name."""
    points: list[Point] = []
    left_out: dict[str, float] = {}
    for step, value in enumerate(values, start=first):
        if math.isfinite(value):
            points.append((key, value, step))
        else:
            left_out[f"{key}[{step}]"] = value
    return points, left_out


def folder_of(split: Any, option: str = "split") -> str:
    """The path of a split; an error if its name cannot be part of one."""
    if not (isinstance(split, str) and _SPLIT.fullmatch(split)):
        msg = (
            f"{option} must be letters, digits, '_', '-', '.' or spaces: found "
            f"{split!r}; pass a name like 'test'."
        )
        raise ValueError(msg)
    return f"xent/{split}"


def under(folder: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by key: the folder, a slash and the name."""
    return {f"{folder}/{name}": value for name, value in values.items()}


def terms_of(result: Decomposition) -> dict[str, float]:
    """The terms; without those that only soft labels have, if labels are hard."""
    soft = has_soft_labels(result)
    return {
        name: value
        for name, value in result.terms.items()
        if soft or not TERMS[name].needs_soft_labels
    }


def has_soft_labels(result: Decomposition) -> bool:
    """Whether targets are distributions or votes."""
    return not math.isnan(result.irreducible)


def implied_by(result: Decomposition) -> dict[str, str | None]:
    """Terms with a redundant standard error, and the term whose error it equals."""
    return implied_errors(
        soft=has_soft_labels(result),
        with_map=result.recalibration_requested != "none",
    )


def terms_and_errors(result: Decomposition) -> dict[str, float]:
    """The terms, then those of their standard errors that say something."""
    terms = terms_of(result)
    given = {term: result.standard_errors[term] for term in terms}
    errors = errors_that_tell(given, implied_by(result))
    return terms | {f"{ERRORS}/{term}": error for term, error in errors.items()}


def _overall(result: Decomposition) -> dict[str, float]:
    """The terms, their standard errors, and the counts."""
    values = terms_and_errors(result)
    values |= {name: float(getattr(result, name)) for name in _COUNTS}
    if result.n_effective != result.n:
        values["n_effective"] = float(result.n_effective)
    if result.clip == 0:
        values["n_infinite"] = float(result.n_infinite)
    if result.n_skipped:
        values["n_skipped"] = float(result.n_skipped)
    return values | {
        name: float(count)
        for name in _OPTIONAL_COUNTS
        if (count := getattr(result, name)) is not None
    }


def _most_costly(table: pd.DataFrame) -> pd.DataFrame:
    """Of many classes, those that add most to the mean above its least, in order."""
    if len(table) <= MOST_CLASSES:
        return table
    excess = table.get("kl_divergence", table["cross_entropy"]) * table["weight"]
    costs = -excess.fillna(-math.inf).to_numpy(dtype=np.float64)
    return table.iloc[np.sort(np.argsort(costs, kind="stable")[:MOST_CLASSES])]


def _columns_of_classes(table: pd.DataFrame, result: Decomposition) -> list[str]:
    """The metrics of a class: its number of rows, its terms, and their errors.

    For hard labels the uncertainty of a class is a constant: it has no error, and the
    refinement says what the resolution says.
    """
    soft = has_soft_labels(result)
    terms = [
        name
        for name in table.columns
        if name not in _NOT_TERMS
        and not name.endswith(SUFFIX)
        and (soft or name != "refinement")
    ]
    errors = {term: table[f"{term}{SUFFIX}"] for term in terms}
    implied = implied_by(result)
    if not soft:
        implied["uncertainty"] = None
        if "miscalibration" in implied:  # there is no map
            implied["resolution"] = "cross_entropy"
    errors = errors_that_tell(errors, implied)
    return ["n", *terms, *(f"{ERRORS}/{term}" for term in errors)]


def _settings(result: Decomposition) -> dict[str, Any]:
    return {
        "recalibration": result.recalibration,
        "clip": result.clip,
        "degrees_of_freedom": result.degrees_of_freedom,
        "converged": bool(result.converged),
        "vote_correction": result.vote_correction,
    }


def _map_of_classes(names: Mapping[str, Any], n_classes: int) -> dict[str, Any]:
    """Which class a key means if that is not its name, and which of many have keys."""
    found: dict[str, Any] = {}
    if changed := {
        name: str(label) for name, label in names.items() if name != str(label)
    }:
        found["classes"] = changed
    if n_classes > len(names):
        found["classes_with_metrics"] = list(names)
        found["classes_without_metrics"] = n_classes - len(names)
    return found
