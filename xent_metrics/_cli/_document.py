"""Results as one document of strict JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._display import encode_label


def document(content: Mapping[str, Any]) -> str:
    """The text of a document; a number that is not finite is a string."""
    return json.dumps(strict(content), allow_nan=False, indent=2)


def strict(value: Any) -> Any:
    """A value that JSON knows."""
    if isinstance(value, pd.DataFrame):
        return _records(value)
    if isinstance(value, Mapping):
        return {str(key): strict(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [strict(one) for one in value]
    if isinstance(value, (float, np.floating)) and not math.isfinite(value):
        return str(float(value))
    return encode_label(value)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One object a row: the names of its group or class, then its columns."""
    keys = table.index.to_frame(index=False)
    names = ["row" if name is None else str(name) for name in table.index.names]
    return [
        dict(zip(names, map(encode_label, key), strict=True))
        | {str(name): strict(one) for name, one in zip(table, row, strict=True)}
        for key, row in zip(
            keys.itertuples(index=False, name=None),
            table.itertuples(index=False, name=None),
            strict=True,
        )
    ]
