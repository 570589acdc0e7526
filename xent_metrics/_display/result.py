"""What all results share: text, tables for notebooks, Markdown and strict JSON."""

from __future__ import annotations

import datetime as dt
import json
import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._kernels.normal import normal_quantile

_displays: dict[str, Callable[[], Any]] = {}


def provide(**displays: Callable[[], Any]) -> None:
    """Hand in what shows results; it stands above them, so they cannot import it."""
    _displays.update(displays)


def plots() -> Any:
    """The functions that draw, loaded when one first does."""
    return _displays["plots"]()


def report() -> Any:
    """What renders and writes a page, loaded when it first does."""
    return _displays["report"]()


class Result(ABC):
    """A result that is text, a table, a dictionary and JSON."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """All scalars and mappings by name."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """The terms as a table."""

    def to_json(self) -> str:
        """The same as :meth:`to_dict` in strict JSON: what is not finite is text."""
        return json_text(self.to_dict())

    def to_markdown(self) -> str:
        """The table of :meth:`to_frame` in Markdown, under a line that says of what.

        Returns
        -------
        str
            Numbers have four decimals; what would break the table is escaped.
        """
        table = self._shown_table()
        rows = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy()]
        lines = ["| " + " | ".join(map(_in_cell, row)) + " |" for row in rows]
        return "\n".join([_in_line(self._headline()), "", *lines])

    def _repr_html_(self) -> str:
        """A table for notebooks, with what the text says beside it."""
        import html  # noqa: PLC0415 - only in notebooks

        table = self._shown_table().to_html(index=False, border=0, escape=True)
        remarks = "<br>".join(html.escape(line) for line in self._remarks())
        headline = html.escape(self._headline()).replace("\n", "<br>")
        return f"<div><p>{headline}</p>{table}<p>{remarks}</p></div>"

    def _headline(self) -> str:
        """What the table is of: the first lines of the text."""
        return repr(self).partition("\n\n")[0]

    def _remarks(self) -> list[str]:
        """What the text says below its table: its last lines."""
        return repr(self).rpartition("\n\n")[2].splitlines()

    def _shown_table(self) -> pd.DataFrame:
        """The table as text; its index becomes columns."""
        frame = self.to_frame()
        keys = frame.index.to_frame(index=False)
        table = pd.concat([keys, frame.reset_index(drop=True)], axis=1)
        return pd.DataFrame({str(k): v.map(show_value) for k, v in table.items()})


def show_value(value: Any) -> str:
    """A value of a table as text: numbers with four decimals."""
    if isinstance(value, (float, np.floating)):
        return "" if math.isnan(value) else f"{round(float(value), 4) + 0.0:.4f}"
    return str(value)


def show_period(when: Any) -> str:
    """The name of a period as text: a time at midnight by its date."""
    if isinstance(when, dt.datetime) and when.time() == dt.time():
        return str(when.date())
    return str(when)


def _in_cell(text: str) -> str:
    """Text that cannot end a cell, a row or become a tag."""
    return _in_line(text).replace("|", "\\|").strip()


def _in_line(text: str) -> str:
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").splitlines())


def counted(n: int, what: str, several: str = "") -> str:
    """So many of something, in the singular where it is one."""
    return f"{n:,} {what if n == 1 else several or f'{what}s'}"


def two_sided(level: float) -> float:
    """How many standard errors an interval of this level reaches to each side."""
    if not (isinstance(level, numbers.Real) and 0 < level < 1):
        msg = f"level must be in (0, 1): found {level!r}; pass 0.95."
        raise ValueError(msg)
    return normal_quantile(0.5 + level / 2.0)


def intervals(
    values: Mapping[str, float], errors: Mapping[str, float], level: float
) -> dict[str, tuple[float, float]]:
    """Confidence intervals by name; NaN where there is no standard error."""
    z = two_sided(level)
    return {
        name: (value - z * error, value + z * error)
        for name, value in values.items()
        for error in [errors.get(name, math.nan)]
    }


def json_text(value: Any, *, indent: int | None = None) -> str:
    """A value as the text of strict JSON."""
    return json.dumps(as_json(value), allow_nan=False, indent=indent)


def as_json(value: Any) -> Any:
    """A value that JSON knows; the same for two NaN.

    A number that is not finite is text, a table a list of records.
    """
    if isinstance(value, pd.DataFrame):
        return _records(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [as_json(one) for one in value]
    if isinstance(value, (float, np.floating)) and not math.isfinite(value):
        return str(float(value))
    return encode_label(value)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One object per row: the names of its group or class, then its columns."""
    keys = table.index.to_frame(index=False)
    names = ["row" if name is None else str(name) for name in table.index.names]
    return [
        dict(zip(names, map(encode_label, key), strict=True))
        | {str(name): as_json(one) for name, one in zip(table, row, strict=True)}
        for key, row in zip(
            keys.itertuples(index=False, name=None),
            table.itertuples(index=False, name=None),
            strict=True,
        )
    ]


def encode_label(label: Any) -> Any:
    """A label as JSON knows it; what it does not know becomes text."""
    if isinstance(label, np.generic):
        label = label.item()
    if isinstance(label, float) and not math.isfinite(label):
        return None if math.isnan(label) else str(label)
    if isinstance(label, tuple):
        return [encode_label(one) for one in label]
    if label is None or isinstance(label, (str, int, float, bool)):
        return label
    return None if pd.isna(label) else str(label)
