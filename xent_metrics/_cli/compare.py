"""The command ``compare``: several models on the same rows."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._display.result import json_text, two_sided
from .._evaluation import compare as _compare
from .._evaluation.comparison import Comparison
from .._scan.addresses import redacted
from .._terms import TERMS
from ..gates._numbers import differences_of
from .errors import UsageError, warnings_told
from .files import Table, keyed, name_of, read
from .gate import Expression, Outcome, judge, read_conditions, tell
from .output import show_comparison
from .request import Request
from .summary import Written, numbers_of_comparison
from .terminal import Page, Stages, stages


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to come of a comparison."""

    baseline: str | None
    level: float
    json: bool
    fail_if: list[str]
    three_way: bool
    written: Written


def compare(files: list[str], request: Request, asked: Asked) -> int:
    """Compare models, show what was found, and return the exit code."""
    conditions = read_conditions(
        asked.fail_if, tuple(TERMS), recalibration=request.measure["recalibration"]
    )
    two_sided(asked.level)
    asked.written.check(*files)
    named = _named(files, request.probas)
    with warnings_told() as told, stages() as shown:
        models = _models(named, request, shown)
        shown.start("comparing")
        with _key_advised(files, request.key):
            result = _compare.compare(
                models,
                baseline=asked.baseline,
                level=asked.level,
                **_of_measure(request.measure, "base", "clip", "recalibration"),
            )
    outcomes = _judge(conditions, result, three_way=asked.three_way)
    asked.written.write(result, numbers_of_comparison(result), outcomes)
    if asked.json:
        content: dict[str, Any] = {
            "files": [redacted(file) for file in files],
            "target": request.target,
            "proba": request.probas,
            "unit": result.decompositions[result.baseline].unit,
            **result.to_dict(),
            "conditions": [outcome.to_dict() for outcome in outcomes],
            "warnings": told,
        }
        sys.stdout.write(json_text(content, indent=2) + "\n")
    else:
        show_comparison(Page(), result)
    return tell(outcomes)


@contextmanager
def _key_advised(files: list[str], key: str | None) -> Iterator[None]:
    """Say what helps where the rows of files are in different orders."""
    try:
        yield
    except ValueError as error:
        if len(files) == 1 or key is not None or "on the same" not in str(error):
            raise
        msg = f"{str(error).rstrip('.')}, or align the rows of the files with --key."
        raise UsageError(msg) from error


def _named(files: list[str], probas: list[str]) -> dict[str, tuple[str, str]]:
    """The file and the probability columns of each model, by the model's name."""
    if len(files) == 1:
        pairs = {text: (files[0], text) for text in probas}
        names = probas
    elif len(probas) in (1, len(files)):
        each = probas * len(files) if len(probas) == 1 else probas
        names = [Path(name_of(file)).name.partition(".")[0] for file in files]
        if len(set(names)) < len(names) or not all(names):
            names = [name_of(file) for file in files]
        pairs = dict(zip(names, zip(files, each, strict=True), strict=True))
    else:
        msg = (
            "--proba must be given once, or once per file: found "
            f"{len(probas)} for {len(files)} files; repeat it in their order."
        )
        raise UsageError(msg)
    if len(pairs) < len(names) or len(pairs) < 2:  # noqa: PLR2004
        msg = (
            "compare needs two models: found one; pass two files, or --proba twice "
            "for two models in one file."
        )
        raise UsageError(msg)
    return pairs


def _models(
    named: Mapping[str, tuple[str, str]], request: Request, shown: Stages
) -> dict[str, Any]:
    """Each model decomposed under the map that all share."""
    tables: dict[str, Table] = {}
    models = {}
    first = next(iter(named.values()))[0]
    for name, (file, proba) in named.items():
        if file not in tables:
            of_file = [text for other, text in named.values() if other == file]
            table = read(file, request.of(of_file).wanted, shown)
            table = keyed(table, request.key, file)
            if request.key is not None and tables:
                table = aligned(table, tables[first], request.key, (file, first))
            tables[file] = table
        shown.start(f"decomposing {name}")
        models[name] = request.view(*tables[file], proba).decompose()
    return models


def aligned(table: Table, first: Table, key: str, files: tuple[str, str]) -> Table:
    """The rows in the order of the first file, by their keys."""
    here, there = table.frame.index, first.frame.index
    for keys, others, (file, other) in (
        (here, there, files),
        (there, here, files[::-1]),
    ):
        extra = keys.difference(others, sort=False)
        if len(extra):
            more = f" (and {len(extra) - 1:,} more)" if len(extra) > 1 else ""
            msg = (
                f"files must have the same rows: {key} {extra[0]!r} of {name_of(file)}"
                f"{more} is not in {name_of(other)}; compare rows that both have."
            )
            raise UsageError(msg)
    return table._replace(frame=table.frame.loc[there])


def _of_measure(measure: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: measure[name] for name in names if measure.get(name) is not None}


def _judge(
    conditions: list[Expression], result: Comparison, *, three_way: bool
) -> list[Outcome]:
    """Conditions on the difference of every other model from the baseline."""
    return [
        judge(condition, numbers, of, three_way=three_way)
        for of, numbers in differences_of(result, result.level).items()
        for condition in conditions
    ]
