"""The files of an evaluation: a page, strict JSON, exact rows, a table to look at."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xent_metrics import Evaluation

from .rows import from_parquet, to_parquet

PAGE = "report.html"
RESULT = "evaluation.json"
ROWS = "per_sample.parquet"
TABLE = "per_sample.json"
MOST_ROWS = 1000  # of the table that is looked at; the Parquet file holds all


@dataclass(frozen=True, kw_only=True)
class Files:
    """Contents by name, and why a file that was asked for is missing."""

    contents: dict[str, bytes]
    notes: dict[str, str] = field(default_factory=dict)

    def beside(self, others: Files) -> Files:
        """These files and others."""
        return Files(
            contents=self.contents | others.contents, notes=self.notes | others.notes
        )


def exact(evaluation: Evaluation, *, per_sample: bool) -> Files:
    """The files that hold the evaluation; the others can be made from them."""
    contents = {RESULT: evaluation.to_json().encode()}
    notes: dict[str, str] = {}
    if per_sample and evaluation.per_sample is None:
        notes[ROWS] = "the evaluation was scanned, or read back without its rows"
    elif per_sample:
        try:
            contents[ROWS] = to_parquet(evaluation)
        except ImportError:
            notes[ROWS] = "pyarrow is not installed: pip install 'xent-metrics[arrow]'"
    return Files(contents=contents, notes=notes)


def names_to_show(evaluation: Evaluation, *, per_sample: bool, page: bool) -> list[str]:
    """The names of what :func:`to_show` makes."""
    rows = per_sample and evaluation.per_sample is not None
    return [name for name, wanted in ((TABLE, rows), (PAGE, page)) if wanted]


def to_show(
    evaluation: Evaluation, split: str, names: Collection[str], *, by: Any = None
) -> Files:
    """The files to look at: the table of the most costly rows, and the page."""
    contents: dict[str, bytes] = {}
    notes: dict[str, str] = {}
    if TABLE in names:
        contents[TABLE] = table_to_look_at(evaluation)
    if PAGE in names:
        found = _page(evaluation, split, by)
        contents |= found.contents
        notes |= found.notes
    return Files(contents=contents, notes=notes)


def to_show_again(folder: Path, split: str, names: Collection[str]) -> dict[str, bytes]:
    """The same files, made from the exact ones of a folder."""
    rows = folder / ROWS
    try:
        evaluation = from_parquet(rows.read_bytes())
    except (ImportError, OSError, ValueError):
        evaluation = Evaluation.from_json((folder / RESULT).read_bytes())
    if evaluation.per_sample is None:
        names = [name for name in names if name != TABLE]
    return to_show(evaluation, split, names).contents


def _page(evaluation: Evaluation, split: str, by: Any) -> Files:
    """The page, or why there is none: what draws it is optional."""
    try:
        title = f"{split}: {_headline(evaluation)}"
        text = evaluation.to_html(by=by, title=title)
    except ImportError as error:
        return Files(contents={}, notes={PAGE: str(error)})
    except Exception as error:  # noqa: BLE001 - a page is not worth what it shows
        return Files(contents={}, notes={PAGE: f"{type(error).__name__}: {error}"})
    return Files(contents={PAGE: text.encode()})


def _headline(evaluation: Evaluation) -> str:
    result = evaluation.decomposition
    return f"cross-entropy {result.cross_entropy:.4f} {result.unit}"


def table_to_look_at(evaluation: Evaluation) -> bytes:
    """The most costly rows first, in the JSON that ``mlflow.log_table`` writes.

    Values that are not finite are text: as null, a cost would look missing. For soft
    labels and votes, the column "target" is the class with the largest share.
    """
    rows = evaluation.worst(MOST_ROWS, columns=[])
    if (target := _mostly(evaluation)) is not None:
        rows.insert(0, "target", target.reindex(rows.index))
    rows = rows.reset_index(names=_names_of_index(evaluation))
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


def _mostly(evaluation: Evaluation) -> pd.Series[Any] | None:
    """The largest class of each target; None for hard labels, or if ids repeat."""
    table = evaluation.per_sample
    if table is None or not table.index.is_unique:
        return None
    if "label" in table or not evaluation.decomposition.has_data:
        return None
    targets = evaluation.targets()
    if targets is None:
        return None
    largest = targets.fillna(-1).to_numpy().argmax(axis=1)
    return pd.Series([targets.columns[k] for k in largest], index=table.index)


def _finite_or_text(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _names_of_index(evaluation: Evaluation) -> list[str]:
    """Names for the levels of the index that no column has."""
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
