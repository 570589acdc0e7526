"""The commands ``drift`` and ``expect``: a file against a reference."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pandas as pd

from .._display.result import json_text, two_sided
from .._drift.drift import drift as _drift
from .._drift.expected_loss import expected_loss
from .._evaluation.evaluation import Evaluation
from .._scan.addresses import redacted
from ..gates._numbers import (
    OF_DRIFT,
    OF_EXPECTED,
    SHARES,
    numbers_of_drift,
    numbers_of_expected,
    refuse_without_map,
)
from . import summary
from .errors import UsageError, warnings_told
from .files import keyed, name_of, read, read_text
from .gate import judge, read_conditions, tell
from .output import number
from .request import Request
from .summary import Written
from .terminal import Page, Stages, stages

_INTERVALS = ("population", "rows", "realised")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to come of a comparison with a reference."""

    level: float
    json: bool
    fail_if: list[str]
    three_way: bool
    written: Written
    of: str = "population"


def drift(reference: str, current: str, request: Request, asked: Asked) -> int:
    """Say what moved between two files, and return the exit code."""
    conditions = read_conditions(asked.fail_if, OF_DRIFT, SHARES)
    two_sided(asked.level)
    asked.written.check(reference, current)
    with warnings_told() as told, stages() as shown:
        before, of_before = _reference(reference, request, shown)
        now, of_now = _evaluated(current, request, shown)
        shown.start("comparing")
        by = (of_before, of_now) if request.by else None
        with _compare_advised():
            result = _drift(before, now, by=by, level=asked.level)
        for one in conditions:
            refuse_without_map(result, one.conditions)
    numbers = numbers_of_drift(result, asked.level)
    outcomes = [
        judge(condition, numbers, three_way=asked.three_way) for condition in conditions
    ]
    asked.written.write(result, summary.numbers_of_drift(result), outcomes)
    if asked.json:
        content = {
            "files": [redacted(reference), redacted(current)],
            **result.to_dict(),
            "conditions": [outcome.to_dict() for outcome in outcomes],
            "warnings": told,
        }
        sys.stdout.write(json_text(content, indent=2) + "\n")
    else:
        page = Page()
        page.line(repr(result))
        if result.by_group is not None:
            _show_groups(page, result.by_group, ("mix", "concept"), result.unit)
    return tell(outcomes)


@contextmanager
def _compare_advised() -> Iterator[None]:
    """Advise the command for the same rows, where the library advises its function."""
    try:
        yield
    except ValueError as error:
        text, sign, _ = str(error).partition("; pass compare(")
        if not sign:
            raise
        msg = f"{text}; run xent-metrics compare, which pairs them."
        raise UsageError(msg) from error


def expect(reference: str, file: str, request: Request, asked: Asked) -> int:
    """Estimate the loss of a file without labels, and return the exit code."""
    conditions = read_conditions(asked.fail_if, OF_EXPECTED, SHARES)
    two_sided(asked.level)
    asked.written.check(reference, file)
    if asked.of not in _INTERVALS:
        msg = (
            f"--of must be one of {', '.join(_INTERVALS)}: found {asked.of!r}; pass "
            "'realised' for the loss that these rows will have."
        )
        raise UsageError(msg)
    with warnings_told() as told, stages() as shown:
        before, _ = _reference(reference, replace(request, by=[]), shown)
        unlabelled = request.without_target()
        table = read(file, unlabelled.wanted, shown)
        shown.start("estimating")
        frame, options = table.frame, unlabelled.measure
        groups = None if request.groups is None else frame[request.groups]
        weight = None if request.weight is None else frame[request.weight]
        result = expected_loss(
            before,
            unlabelled.probabilities(*table),
            by=frame[request.by] if request.by else None,
            groups=groups,
            sample_weight=weight,
            base=options["base"],
            rescale=options["rescale"],
            from_logits=options["from_logits"],
        )
    numbers = numbers_of_expected(result, asked.level, asked.of)  # type: ignore[arg-type] # checked
    outcomes = [
        judge(condition, numbers, three_way=asked.three_way) for condition in conditions
    ]
    of = summary.numbers_of_expected(result, asked.of)  # type: ignore[arg-type] # as above
    asked.written.write(result, of, outcomes)
    if asked.json:
        content = {
            "reference": redacted(reference),
            "file": redacted(file),
            **result.to_dict(),
            "level": asked.level,
            "intervals": {
                one: result.ci(asked.level, of=one)  # type: ignore[arg-type] # as above
                for one in _INTERVALS
            },
            "conditions": [outcome.to_dict() for outcome in outcomes],
            "warnings": told,
        }
        sys.stdout.write(json_text(content, indent=2) + "\n")
    else:
        page = Page()
        page.line(repr(result))
        if result.by_group is not None:
            table_of = result.by_group.rename(
                columns={f"{asked.of}_se": "expected_loss_se"}
            )
            _show_groups(page, table_of, ("expected_loss", "mix"), result.unit)
    return tell(outcomes)


def _reference(
    file: str, request: Request, shown: Stages
) -> tuple[Evaluation, pd.DataFrame | None]:
    """The evaluation that a document holds, or that of the predictions of a file.

    With it comes what the rows are grouped by; None where they are gone.
    """
    document = _document(file) if file.endswith(".json") else None
    if document is not None:
        return document, None
    if request.target is None:
        msg = (
            "--target must name the labels of the reference: there is none; pass the "
            "column of labels, or as REFERENCE a .json file of Evaluation.to_json."
        )
        raise UsageError(msg)
    return _evaluated(file, request, shown)


def _document(file: str) -> Evaluation | None:
    """The evaluation that a file holds; None where it has an object in each line."""
    text = read_text(file)
    try:
        content = json.loads(text)
    except ValueError:
        return None
    if not isinstance(content, dict) or "schema" not in content:
        msg = (
            f"{name_of(file)} must hold what Evaluation.to_json gave, or an object in "
            "each line: found something else; pass the predictions and labels of the "
            "reference, or such a document."
        )
        raise UsageError(msg)
    return Evaluation.from_json(text)


def _evaluated(
    file: str, request: Request, shown: Stages
) -> tuple[Evaluation, pd.DataFrame | None]:
    """The evaluation of a file, and what its rows are grouped by."""
    table = keyed(read(file, request.wanted, shown), request.key, file)
    shown.start(f"evaluating {name_of(file)}")
    found = request.view(*table, request.probas[0]).evaluate()
    assert found.per_sample is not None, "only JSON may lack it"
    if not request.by:
        return found, None
    return found, table.frame.loc[found.per_sample.index, request.by]


def _show_groups(
    page: Page, table: pd.DataFrame, names: tuple[str, ...], unit: str
) -> None:
    """A part of the numbers of each group."""
    keys = [str(name) for name in table.index.names]
    rows = []
    for key, row in table.iterrows():
        parts = key if isinstance(key, tuple) else (key,)
        cells = [
            f"{number(row[name])} ± {row[f'{name}_se']:.4f}"
            if pd.notna(row[name])
            else ""
            for name in names
        ]
        rows.append([*map(str, parts), f"{int(row['n']):,}", *cells])
    columns = [*keys, "n", *(name.replace("_", " ") for name in names)]
    title = f"By {' and '.join(keys)}, in {unit}"
    page.table(title, columns, rows, texts=range(len(keys)))
