"""The files of an evaluation: a page, strict JSON, exact rows, a table to look at."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ._rows import to_parquet

if TYPE_CHECKING:
    import pandas as pd

    from xent_metrics import Evaluation

PAGE = "report.html"
RESULT = "evaluation.json"
ROWS = "per_sample.parquet"
TABLE = "per_sample.json"
MOST_ROWS = 1000  # of the table that is looked at; the Parquet file holds all


@dataclass(frozen=True, kw_only=True)
class Files:
    """Contents by name, and why one that was asked for is missing."""

    contents: dict[str, bytes]
    notes: dict[str, str] = field(default_factory=dict)


def files(evaluation: Evaluation, *, per_sample: bool) -> Files:
    """All files but the page, which takes longest."""
    contents = {RESULT: evaluation.to_json().encode()}
    notes: dict[str, str] = {}
    if per_sample and evaluation.per_sample is None:
        notes[ROWS] = "the evaluation was read back without its rows"
    elif per_sample:
        contents[TABLE] = table_to_look_at(evaluation)
        try:
            contents[ROWS] = to_parquet(evaluation)
        except ImportError:
            notes[ROWS] = "pyarrow is not installed: pip install 'xent-metrics[arrow]'"
    return Files(contents=contents, notes=notes)


def page(evaluation: Evaluation, split: str) -> Files:
    """The page, or why there is none: what draws it is optional."""
    try:
        text = evaluation.to_html(title=f"{split}: {_headline(evaluation)}")
    except ImportError as error:
        return Files(contents={}, notes={PAGE: str(error)})
    return Files(contents={PAGE: text.encode()})


def _headline(evaluation: Evaluation) -> str:
    result = evaluation.decomposition
    return f"cross-entropy {result.cross_entropy:.4f} {result.unit}"


def table_to_look_at(evaluation: Evaluation) -> bytes:
    """The most costly rows first, in the JSON that ``mlflow.log_table`` writes.

    What is not finite is text there: as null, a cost would look missing.
    """
    rows = evaluation.worst(MOST_ROWS).reset_index(names=_names_of_index(evaluation))
    for name in rows.columns:
        column = rows[name]
        if column.dtype.kind == "f" and not np.isfinite(column.to_numpy()).all():
            rows[name] = column.astype(object).map(_finite_or_text)
    text: str = rows.to_json(
        orient="split",
        index=False,
        date_format="iso",
        double_precision=15,
        default_handler=str,
    )
    return text.encode()


def _finite_or_text(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _names_of_index(evaluation: Evaluation) -> list[str]:
    """Names for the index that no column has."""
    table = evaluation.per_sample
    assert table is not None
    names = list(table.index.names)
    taken: set[str] = set(map(str, table.columns))
    found = []
    for place, name in enumerate(names):
        wanted = str(name) if name is not None else "row"
        if wanted in taken:
            wanted = f"index_{place}"
        taken.add(wanted)
        found.append(wanted)
    return found
