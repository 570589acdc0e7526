"""Tables to look at: their files, and the tag by which the page of a run finds them."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .keys import LONGEST_TAG

if TYPE_CHECKING:
    import pandas as pd

TABLES = "mlflow.loggedArtifacts"
_TABLE = re.compile(r"xent/[^/]+/(table|slices)")


def tables(tags: Mapping[str, str]) -> str:
    """The value of the tag: tables that are listed there, and our own."""
    found = listed(tags)
    own = [path for key, path in tags.items() if _TABLE.fullmatch(key)]
    for path in sorted(own):
        one = {"path": path, "type": "table"}
        if one not in found and len(json.dumps([*found, one])) <= LONGEST_TAG:
            found.append(one)
    return json.dumps(found)


def listed(tags: Mapping[str, str]) -> list[Any]:
    """What the tag lists already."""
    with contextlib.suppress(ValueError):
        found = json.loads(tags.get(TABLES, "[]"))
        if isinstance(found, list):
            return found
    return []


def table_as_json(frame: pd.DataFrame) -> bytes:
    """The JSON that ``mlflow.log_table`` writes; values not finite are text."""
    rows = frame.astype(object).to_numpy().tolist()
    return json.dumps(
        {
            "columns": [str(name) for name in frame.columns],
            "data": [[_in_json(value) for value in row] for row in rows],
        },
        allow_nan=False,
        ensure_ascii=False,
    ).encode()


def _in_json(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
