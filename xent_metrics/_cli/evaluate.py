"""The command ``evaluate``: one file, one model."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from .._decomposition.result import Decomposition
from .._decomposition.zeros import KEY, OF_ZERO
from .._display.result import json_text, two_sided
from .._scan.addresses import redacted
from .._terms import TERMS
from ..gates._numbers import COUNTS, Groups, numbers_of
from . import summary
from .errors import warnings_told
from .files import Table, keyed, read
from .gate import Outcome, judge, read_conditions, tell
from .output import show_cells, show_decomposition, show_worst
from .request import Request
from .summary import Written
from .terminal import Page, stages
from .track import find_tracker, log

_MOST_WORST = 50  # rows that are proposed to be looked at


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to come of an evaluation."""

    level: float
    by_class: bool
    n_worst: int
    json: bool
    mlflow: bool
    split: str
    fail_if: list[str]
    three_way: bool
    written: Written


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of it."""

    decomposition: Decomposition
    outcomes: list[Outcome]
    by: pd.DataFrame | None
    by_class: pd.DataFrame | None
    worst: pd.DataFrame | None
    run_id: str | None


def evaluate(file: str, request: Request, asked: Asked) -> int:
    """Evaluate a file, show what was found, and return the exit code."""
    conditions = read_conditions(
        asked.fail_if,
        tuple(TERMS),
        COUNTS,
        recalibration=request.measure["recalibration"],
        slices=True,
    )
    sliced = [column for one in conditions for column in one.columns]
    request = replace(request, sliced=list(dict.fromkeys(sliced)))
    two_sided(asked.level)
    asked.written.check(file)
    tracker = find_tracker() if asked.mlflow else None  # before any work is done
    with warnings_told() as told, stages() as shown:
        table = keyed(read(file, request.wanted, shown), request.key, file)
        shown.start("decomposing")
        evaluation = request.view(*table, request.probas[0]).evaluate()
        result = evaluation.decomposition
        numbers, groups = numbers_of(result, asked.level), Groups(evaluation)
        assert evaluation.per_sample is not None, "only JSON may lack it"
        keys = _keys(table, request.by, evaluation.per_sample.index)
        if asked.written.html is not None:
            shown.start(f"writing {asked.written.html}")
            evaluation.write_html(asked.written.html, by=keys)
        found = Found(
            decomposition=result,
            outcomes=[
                judge(
                    condition,
                    numbers,
                    of_slices=lambda one: groups.of_slices(one, asked.level),
                    three_way=asked.three_way,
                )
                for condition in conditions
            ],
            by=None if keys is None else result.by(keys),
            by_class=evaluation.by_class if asked.by_class else None,
            worst=evaluation.worst(asked.n_worst) if asked.n_worst else None,
            run_id=None
            if tracker is None
            else log(tracker, evaluation, asked.split, keys),
        )
    asked.written.write(result, summary.numbers_of(result), found.outcomes)
    if asked.json:
        content = _content(file, request, asked, found)
        sys.stdout.write(json_text(content | {"warnings": told}, indent=2) + "\n")
    else:
        _show(asked, found)
    return tell(found.outcomes)


def _keys(table: Table, by: list[str], rows: pd.Index[Any]) -> pd.DataFrame | None:
    """What the evaluated rows are grouped by."""
    return table.frame.loc[rows, by] if by else None


def _content(file: str, request: Request, asked: Asked, found: Found) -> dict[str, Any]:
    content: dict[str, Any] = {
        "file": redacted(file),
        "target": request.target,
        "proba": request.probas[0],
        "decomposition": found.decomposition.to_dict(),
        "level": asked.level,
        "intervals": found.decomposition.ci(asked.level),
        "conditions": [outcome.to_dict() for outcome in found.outcomes],
    }
    parts = {
        "by": found.by,
        "by_class": found.by_class,
        "worst": found.worst,
        "html": asked.written.html,
        "mlflow_run_id": found.run_id,
    }
    return content | {name: one for name, one in parts.items() if one is not None}


def _show(asked: Asked, found: Found) -> None:
    page, unit = Page(), found.decomposition.unit
    show_decomposition(page, found.decomposition, asked.level)
    if found.by is not None:
        show_cells(page, found.by, " and ".join(map(str, found.by.index.names)), unit)
    if found.by_class is not None:
        show_cells(page, found.by_class, "class", unit)
    if found.worst is not None:
        show_worst(page, found.worst, unit)
    elif OF_ZERO in found.decomposition.notes.get(KEY, ""):
        n = min(found.decomposition.n_clipped, _MOST_WORST)
        page.line(f"\nto see the rows with a probability of 0: --n-worst {n}")
    if asked.written.html is not None:
        page.line(f"\npage: {asked.written.html}")
    if found.run_id is not None:
        page.line(f"\nMLflow run: {found.run_id} (xent/{asked.split}/...)")
