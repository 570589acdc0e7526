"""The table of runs. Knows their metrics and tags, not the server they are from."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from xent_metrics import TERMS

from .._items.layout import (
    ERRORS,
    SETTINGS,
    SETTINGS_BEFORE,
    SUFFIX,
    column_of,
    implied_errors,
)

_SETTINGS = ("recalibration", "clip", "data")
_SPLIT = re.compile(r"xent/([^/]+)/schema")
_NATS = {"nats": 1.0, "bits": math.log(2), "bans": math.log(10)}


def table_of_runs(runs: Iterable[Any], folder: str, unit: str | None) -> pd.DataFrame:
    """One row per run: what it is, its settings, its terms, its counts."""
    _check_unit(unit)
    rows = [_row(run, folder) for run in runs]
    units = list(dict.fromkeys(row["unit"] for row in rows))
    if unit is None and len(units) > 1:
        msg = (
            f"terms in one column must have one unit: {folder!r} of these runs "
            f"is in {', '.join(units)}; pass unit='nats' to convert."
        )
        raise ValueError(msg)
    if unit is not None:
        for row in rows:
            _convert(row, unit)
    found = {key for row in rows for key in row}
    terms = [key for term in TERMS for key in (term, f"{term}{SUFFIX}") if key in found]
    first = ["run_id", "name", "start_time", "status", "unit", *_SETTINGS, "n"]
    counts = sorted(found.difference(first, terms))
    table = pd.DataFrame(rows, columns=[*first, *terms, *counts])
    return table.assign(
        start_time=pd.to_datetime(table["start_time"], unit="ms", utc=True),
        clip=table["clip"].astype(float),
    )


def splits_of(runs: Sequence[Any]) -> list[str]:
    """The splits of evaluations that runs were logged with, as they occur."""
    found = (_SPLIT.fullmatch(key) for run in runs for key in run.data.tags)
    names = dict.fromkeys(each[1] for each in found if each)
    return [
        name
        for name in names
        if any("data" in _settings(run.data.tags, f"xent/{name}/") for run in runs)
    ]


def _row(run: Any, folder: str) -> dict[str, Any]:
    tags, prefix = run.data.tags, f"{folder}/"
    settings = _settings(tags, prefix)
    logged = {
        key.removeprefix(prefix): value
        for key, value in run.data.metrics.items()
        if key.startswith(prefix)
        # A run that was resumed has errors of schema 1 beside newer ones.
        and not (_info(tags, prefix) is not None and key.endswith(SUFFIX))
    }
    own = {
        column_of(key): value
        for key, value in {**logged, **_not_finite(settings)}.items()
        if "/" not in key.removeprefix(f"{ERRORS}/")
    }
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "start_time": run.info.start_time,
        "status": run.info.status,
        "unit": tags.get(f"{prefix}unit"),
        **{name: settings.get(name) for name in _SETTINGS},
        **_implied(own, settings),
        **own,
    }


def _settings(tags: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """The settings of a split: of one tag, or, in schema 1, of a tag each."""
    with contextlib.suppress(ValueError):
        found = json.loads(_info(tags, prefix) or "")
        if isinstance(found, dict):
            return found
    return {
        key.removeprefix(prefix): value
        for key, value in tags.items()
        if key.startswith(prefix)
    }


def _info(tags: Mapping[str, str], prefix: str) -> str | None:
    """The tag that holds all settings, by its name of today or of before."""
    before = tags.get(f"{prefix}{SETTINGS_BEFORE}")
    return tags.get(f"{prefix}{SETTINGS}", before)


def _not_finite(settings: Mapping[str, Any]) -> dict[str, float]:
    """Terms that are no metrics; in schema 1 as "cross_entropy=inf, skill=-inf"."""
    told = settings.get("non_finite", {})
    if isinstance(told, str):
        parts = (part.partition("=") for part in told.split(", "))
        told = {name: value for name, _, value in parts}
    return {
        name: float(value)
        for name, value in told.items()
        if column_of(name).removesuffix(SUFFIX) in TERMS
        and value in ("inf", "-inf", "nan")
    }


def _implied(own: Mapping[str, float], settings: Mapping[str, Any]) -> dict[str, float]:
    """What is no metric, because it is 0 or that of another."""
    found = {"n_infinite": 0.0}
    if "n" in own:
        found["n_effective"] = own["n"]
    # Predictions that "auto" kept as they are have an error of their own.
    tried = f"miscalibration{SUFFIX}" in own
    implied = implied_errors(
        soft="irreducible" in own,
        with_map=tried or settings.get("recalibration") != "none",
    )
    for term, other in implied.items():
        if term not in own:  # hard labels have no grouping loss
            continue
        if other is None:
            found[f"{term}{SUFFIX}"] = 0.0
        elif f"{other}{SUFFIX}" in own:
            found[f"{term}{SUFFIX}"] = own[f"{other}{SUFFIX}"]
    return found


def _check_unit(unit: Any) -> None:
    if unit is not None and unit not in _NATS:
        msg = (
            f"unit must be one of {', '.join(map(repr, _NATS))}: found {unit!r}; leave "
            "it out to have the terms as they were logged."
        )
        raise ValueError(msg)


def _convert(row: dict[str, Any], unit: str) -> None:
    """Terms and their standard errors in another unit."""
    factor = _nats_of(row["unit"]) / _NATS[unit]
    for key in row:
        term = key.removesuffix(SUFFIX)
        if term in TERMS and TERMS[term].has_unit and row["unit"] != unit:
            row[key] *= factor
    row["unit"] = unit


def _nats_of(unit: str) -> float:
    """How many nats one unit is: "bits", or "base-3 units"."""
    if unit in _NATS:
        return _NATS[unit]
    return math.log(float(unit.removeprefix("base-").removesuffix(" units")))
