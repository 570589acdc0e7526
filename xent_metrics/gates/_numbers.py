"""The numbers that a gate may judge: of all rows, of slices, of groups."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from .._decomposition.result import Decomposition
from .._decomposition.text import kept_as_they_are
from .._display.result import two_sided
from .._drift.expected_result import Estimand, ExpectedLoss
from .._drift.result import Drift
from .._evaluation.comparison import Comparison, Difference
from .._evaluation.evaluation import Evaluation
from .._inputs.labels import label_text
from .._terms import TERMS
from ._grammar import Condition, Slice

COUNTS = ("n", "n_clipped", "n_infinite", "n_unseen", "n_dropped")
OF_DRIFT = ("mix", "concept", *TERMS)
OF_EXPECTED = ("expected_loss", "mix")
SHARES = ("share_outside",)
_OF_MAP = "miscalibration"


@runtime_checkable
class Measured(Protocol):
    """A result with numbers by name, and an interval for each."""

    @property
    def terms(self) -> Mapping[str, float]:
        """The numbers by name."""

    def ci(self, level: float) -> Mapping[str, tuple[float, float]]:
        """The interval of each number."""


class Number(NamedTuple):
    """A number that a condition may name; ``ends`` of its interval where it has one.

    ``note`` says why it cannot be computed; ``few`` whether that is for lack of rows.
    """

    value: float
    ends: tuple[float, float] | None
    unit: str
    note: str = ""
    few: bool = False


def decomposition_of(result: Any) -> Decomposition | None:
    """The decomposition of an evaluation, or the one that is given."""
    if isinstance(result, Evaluation):
        result = result.decomposition
    return result if isinstance(result, Decomposition) else None


def numbers_of(result: Measured, level: float) -> dict[str, Number]:
    """The numbers of all rows, by name."""
    found, ends = decomposition_of(result), result.ci(level)
    notes = getattr(found or result, "notes", {})
    unit = str(getattr(found or result, "unit", ""))
    numbers = {
        name: Number(value, ends[name], _unit(name, unit), notes.get(name, ""))
        for name, value in result.terms.items()
    }
    if found is None:
        return numbers
    counts = {name: float(getattr(found, name)) for name in COUNTS}
    return numbers | {name: Number(n, None, "") for name, n in counts.items()}


def differences_of(
    comparison: Comparison, level: float
) -> dict[str, dict[str, Number]]:
    """The differences of every other model from the baseline, by model and term."""
    unit = comparison.decompositions[comparison.baseline].unit
    return {
        f"{model} - {comparison.baseline}": {
            name: _of_difference(
                name, one, level, unit, comparison.decompositions[model].notes
            )
            for name, one in differences.items()
        }
        for model, differences in comparison.differences.items()
        if model != comparison.baseline
    }


def numbers_of_drift(result: Drift, level: float) -> dict[str, Number]:
    """What moved: the parts of the change of the loss, and the change of each term."""
    found = {"mix": result.mix, "concept": result.concept, **result.differences}
    numbers = {
        name: _of_difference(name, one, level, result.unit, result.current.notes)
        for name, one in found.items()
    }
    return numbers | {"share_outside": Number(result.share_outside, None, "")}


def numbers_of_expected(
    result: ExpectedLoss, level: float, of: Estimand = "population"
) -> dict[str, Number]:
    """The loss before labels come, as an estimate of ``of``, and its change."""
    mix, reach = result.mix, two_sided(level) * result.mix_error
    ends = result.ci(level, of=of)
    return {
        "expected_loss": Number(result.expected_loss, ends, result.unit),
        "mix": Number(mix, (mix - reach, mix + reach), result.unit),
        "share_outside": Number(result.share_outside, None, ""),
    }


def _of_difference(
    name: str, one: Difference, level: float, unit: str, notes: Mapping[str, str]
) -> Number:
    value, reach = one.difference, two_sided(level) * one.standard_error
    ends = (value - reach, value + reach)
    return Number(value, ends, _unit(name, unit), notes.get(name, ""))


def refuse_without_map(result: Any, conditions: Iterable[Condition]) -> None:
    """Refuse a gate that never shuts, on a term that is 0 without a map.

    Under "auto" the predictions may be kept as they are: maps were tried then, and the
    term has an interval.
    """
    if not any(map(_has_no_map, _decompositions_of(result))):
        return
    for one in conditions:
        if is_of_map(one.name):
            msg = (
                f"a condition on {one.name} requires a recalibration map: found "
                f'recalibration="none", under which it is 0, {one.place}; choose a '
                'map, or "auto".'
            )
            raise ValueError(msg)


def is_of_map(name: str) -> bool:
    """Whether a number is 0 without a recalibration map."""
    return name in TERMS and _OF_MAP in (name, TERMS[name].part_of)


def _has_no_map(result: Decomposition) -> bool:
    return result.recalibration == "none" and not kept_as_they_are(result)


def _decompositions_of(result: Any) -> list[Decomposition]:
    """What the terms of a result come from."""
    if isinstance(result, Comparison):
        return list(result.decompositions.values())
    if isinstance(result, Drift):
        return [result.reference, result.current]
    found = decomposition_of(result)
    return [] if found is None else [found]


class Groups:
    """The terms of groups of rows, each table made once."""

    def __init__(self, result: Any) -> None:
        self._result = result
        self._tables: dict[tuple[str, ...], pd.DataFrame] = {}

    def table(self, by: Any) -> pd.DataFrame:
        """One row per group, as ``Evaluation.by``, or of a scan as its summary."""
        found = decomposition_of(self._result)
        if found is None:
            msg = (
                "slices and by are of the rows of an Evaluation or a Decomposition: "
                f"found {type(self._result).__name__}; leave them out."
            )
            raise TypeError(msg)
        if isinstance(self._result, Evaluation) and not found.has_data:
            return self._result.summary(by)
        table: pd.DataFrame = self._result.by(by)
        return table

    def of_slices(self, condition: Condition, level: float) -> Number:
        """The number of the rows that have the values of a condition's slices."""
        slices = condition.slices
        columns = tuple(one.column for one in slices)
        if columns not in self._tables:
            self._tables[columns] = self._table_of(slices)
        table = self._tables[columns]
        keep = np.ones(len(table), dtype=np.bool_)
        for position, one in enumerate(slices):
            values = table.index.get_level_values(position)
            same = np.array([_is_written(value, one.value) for value in values])
            if not same.any():
                known = list(dict.fromkeys(map(label_text, values)))
                msg = (
                    f"a slice must have a value that occurs: {one.column} has no "
                    f"{one.value!r}, {one.value_place}; there are {_listed(known)}."
                )
                raise ValueError(msg)
            keep &= same
        rows = table[keep]
        if len(rows) != 1:
            what = "no rows" if rows.empty else "values that are written alike"
            shown = ", ".join(map(str, slices))
            msg = (
                f"a slice must mean one group of rows: [{shown}] has {what}, "
                f"{slices[0].place}; choose among those of result.by(...)."
            )
            raise ValueError(msg)
        found = decomposition_of(self._result)
        assert found is not None, "its table was made"
        return number_of(rows.iloc[0], condition, level, found.unit)

    def _table_of(self, slices: tuple[Slice, ...]) -> pd.DataFrame:
        columns = [one.column for one in slices]
        twice = [name for name in columns if columns.count(name) > 1]
        if twice:
            msg = (
                f"a slice must name a column once: found {twice[0]!r} twice, "
                f"{slices[0].place}; leave one of them out."
            )
            raise ValueError(msg)
        try:
            return self.table(columns[0] if len(columns) == 1 else columns)
        except (KeyError, ValueError) as error:
            said = str(error.args[0] if error.args else error)
            msg = f"a slice must name a column, {slices[0].place}: {said}"
            raise ValueError(msg) from error


def number_of(
    row: pd.Series[Any], condition: Condition, level: float, unit: str
) -> Number:
    """The number of a group that a condition names, from the group's row of a table.

    Raises
    ------
    ValueError
        If tables of groups do not have it.
    """
    name = condition.name
    if name == "n":
        return Number(float(row["n"]), None, "")
    if f"{name}_se" not in row.index:
        known = [str(one)[:-3] for one in row.index if str(one).endswith("_se")]
        msg = (
            f"a condition on groups must name n or a term that their table has: found "
            f"{name!r} {condition.place}; there are 'n', {_listed(known)}."
        )
        raise ValueError(msg)
    value, error = float(row[name]), float(row[f"{name}_se"])
    reach = two_sided(level) * error
    note = str(row.get("note", ""))
    few = math.isnan(value) and bool(note)
    ends = (value - reach, value + reach)
    return Number(value, ends, _unit(name, unit), note, few)


def _unit(name: str, unit: str) -> str:
    return unit if name not in TERMS or TERMS[name].has_unit else ""


def _is_written(value: Any, text: str) -> bool:
    """Whether a value is written so; numbers in any way."""
    if str(value) == text:
        return True
    if isinstance(value, (bool, str)):
        return False
    try:
        return bool(float(value) == float(text))
    except (TypeError, ValueError):
        return False


def _listed(names: list[str], most: int = 20) -> str:
    return ", ".join(map(repr, names[:most])) + ", ..." * (len(names) > most)
