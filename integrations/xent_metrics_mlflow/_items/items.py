"""What is logged: metrics and tags. Nothing here knows a tracking server."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xent_metrics import TERMS, __version__

from .keys import check_keys, keys_of_classes, shortened
from .rows import digest

if TYPE_CHECKING:
    from xent_metrics import Decomposition, Evaluation

SCHEMA = "1"
NONE = "none"  # without a tag, that of an earlier step would stay
MOST_CLASSES = 20  # more make a run's page unreadable; the JSON holds all of them
Point = tuple[str, float, int]  # key, value, step
Child = Mapping[str, Any]  # its name, metrics and tags
_SPLIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]*")
_COUNTS = ("n", "n_effective", "n_clipped", "n_infinite", "n_unseen", "n_dropped")
_OPTIONAL_COUNTS = ("n_groups", "n_folds")
_NOT_TERMS = ("weight", "note")


@dataclass(frozen=True, kw_only=True)
class Items:
    """The metrics and tags of one split.

    ``folder`` is the path that all of them share, without a slash at its end.
    ``left_out`` holds the metrics that are not finite. ``points`` are metrics with
    steps of their own, and ``children`` is what runs below the run hold.
    """

    folder: str
    metrics: dict[str, float]
    tags: dict[str, str]
    left_out: dict[str, float] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    children: tuple[Child, ...] = ()


def items(evaluation: Evaluation, split: str, *, dataset: str | None = None) -> Items:
    """Every term of an evaluation as a metric, and every setting as a tag."""
    folder = folder_of(split)
    result = evaluation.decomposition
    shown = evaluation.labels[:MOST_CLASSES]
    names = keys_of_classes(shown)
    values = _overall(result) | {
        f"by_class/{name}": value
        for name, value in _by_class(evaluation, names).items()
    }
    tags = _settings(result) | {"data": digest(evaluation) or NONE}
    if told := _map_of_classes(names, len(evaluation.labels)):
        tags["classes"] = told
    if dataset is not None:
        tags["dataset"] = dataset
    return items_of(folder, values, tags)


def items_of(
    folder: str, values: Mapping[str, float], tags: Mapping[str, str]
) -> Items:
    """Values as metrics ``<folder>/<name>``, beside tags with the same prefix.

    Stores turn infinities and NaN into ordinary numbers, so a value that is not finite
    is never a metric: the tag "non_finite" lists it.
    """
    named = under(folder, values)
    metrics = {key: value for key, value in named.items() if math.isfinite(value)}
    left_out = {key: value for key, value in named.items() if key not in metrics}
    tags = {**tags, "non_finite": non_finite(left_out, folder)}
    found = Items(
        folder=folder,
        metrics=metrics,
        tags=under(folder, {name: shortened(value) for name, value in tags.items()}),
        left_out=left_out,
    )
    check_keys(found.metrics, found.tags)
    return found


def split_by_finiteness(
    key: str, values: Iterable[float]
) -> tuple[list[Point], dict[str, float]]:
    """One point per finite value, its place as step; the other values by name."""
    points: list[Point] = []
    left_out: dict[str, float] = {}
    for step, value in enumerate(values):
        if math.isfinite(value):
            points.append((key, value, step))
        else:
            left_out[f"{key}[{step}]"] = value
    return points, left_out


def non_finite(left_out: Mapping[str, float], folder: str) -> str:
    """The value of the tag that lists what is not finite."""
    told = (
        f"{key.removeprefix(f'{folder}/')}={value}" for key, value in left_out.items()
    )
    return shortened(", ".join(told) or NONE)


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
    soft = not math.isnan(result.irreducible)
    return {
        name: value
        for name, value in result.terms.items()
        if soft or not TERMS[name].needs_soft_labels
    }


def _overall(result: Decomposition) -> dict[str, float]:
    """The terms, each followed by its standard error, and the counts."""
    values: dict[str, float] = {}
    for name, value in terms_of(result).items():
        values[name] = value
        if name in result.standard_errors:
            values[f"{name}_se"] = result.standard_errors[name]
    values |= {name: float(getattr(result, name)) for name in _COUNTS}
    if result.n_skipped:
        values["n_skipped"] = float(result.n_skipped)
    return values | {
        name: float(count)
        for name in _OPTIONAL_COUNTS
        if (count := getattr(result, name)) is not None
    }


def _by_class(evaluation: Evaluation, names: Mapping[str, Any]) -> dict[str, float]:
    """The terms of each class that occurs, their errors, and its number of rows."""
    table = evaluation.by_class
    terms = [term for term in table.columns if term not in _NOT_TERMS]
    place = {label: row for row, label in enumerate(table.index)}
    return {
        f"{term}_{name}": float(table[term].iloc[place[label]])
        for name, label in names.items()
        if label in place
        for term in terms
    }


def _settings(result: Decomposition) -> dict[str, str]:
    return {
        "schema": SCHEMA,
        "version": __version__,
        "unit": result.unit,
        "clip": repr(result.clip),
        "recalibration": result.recalibration,
        "degrees_of_freedom": str(result.degrees_of_freedom),
        "converged": str(result.converged).lower(),
        "vote_correction": result.vote_correction or NONE,
    }


def _map_of_classes(names: Mapping[str, Any], n_classes: int) -> str | None:
    """Which class a key means if that is not its name, and how many have no key.

    JSON; None if every class has a key by its own name.
    """
    changed = {name: str(names[name]) for name in names if name != str(names[name])}
    found: dict[str, Any] = {"classes": changed} if changed else {}
    if n_classes > len(names):
        found["without_metrics"] = n_classes - len(names)
    text = json.dumps(found, ensure_ascii=False)
    if text != shortened(text):
        return f"{n_classes} classes, in the order of labels in evaluation.json"
    return text if found else None


def paths(folder: str, names: Iterable[str]) -> tuple[str, ...]:
    """The paths of artifacts of a split."""
    return tuple(f"{folder}/{name}" for name in names)
