"""The terms of a frame's rows over time."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from .._decomposition.breakdown import names_of_terms, warn_if_many
from .._decomposition.result import Decomposition
from .._display.result import two_sided
from .._drift.expected_loss import OutsideReferenceWarning, expected_loss
from .._drift.over_time import OverTime
from .._evaluation.listeners import without_listeners
from .._inputs.by import Source, find_keys, unknown_key
from .._inputs.frames import FramePredictions, read_frame_predictions
from .._inputs.groups import Keys
from .._inputs.read_options import nats_per_unit, unit_name
from .._kernels.table import BoolArray
from .._scan.sides import Side, read_side
from .._terms import TERMS
from .binding import complete, read, reading_options
from .results import decompose_found

_OF_EXPECTED = {
    "n": "n",
    "expected_loss": "expected_loss",
    "population_se": "expected_loss_se",
    "realised_se": "realised_se",
    "share_outside": "share_outside",
}


def over_time(
    frame: pd.DataFrame,
    bound: dict[str, Any],
    *,
    when: Any,
    freq: Any,
    reference: Any,
    level: float,
) -> OverTime:
    """The terms of each period, beside what a reference expects of the predictions."""
    two_sided(level)  # which is refused unless it is in (0, 1)
    bound = complete(bound)
    periods = _Periods.of(frame, when, freq)
    if reference is None:
        return _alone(frame, bound, periods, level)
    return _beside_reference(
        frame, bound, periods, read_side(reference, "reference"), level
    )


class _Periods(NamedTuple):
    """The period of each row, and how pandas writes their length."""

    keys: Keys
    freq: str

    @classmethod
    def of(cls, frame: pd.DataFrame, when: Any, freq: Any) -> _Periods:
        """Periods of the times in a column, or in the index."""
        source = Source(frame, "the frame")
        offset = _offset(freq)
        grouper = pd.Grouper(key=when, freq=offset)
        if when is not None and when not in frame.columns:
            if isinstance(when, str) and when not in frame.index.names:
                raise unknown_key([source], when)
            grouper = pd.Grouper(level=when, freq=offset)
        keys = find_keys(grouper, [source], what="when")
        missing = np.flatnonzero(pd.isna(keys.groups))
        if missing.size:
            row = int(np.argmax(keys.codes == missing[0]))
            msg = (
                f"when must hold a time in every row: row {row} has none; leave such "
                "rows out first."
            )
            raise ValueError(msg)
        warn_if_many(keys, "when")
        return cls(keys, offset.freqstr)

    def rows(self, kept: BoolArray) -> Keys:
        """The periods of some rows."""
        return Keys(self.keys.codes[kept], self.keys.groups)


def _offset(freq: Any) -> Any:
    """The length of a period; one sentence where it is none."""
    try:
        found = to_offset(freq)
    except (TypeError, ValueError):
        found = None
    if found is None:
        msg = (
            "freq must be the length of a period, as pandas writes it: found "
            f"{freq!r}; pass 'D', 'W' or 'MS'."
        )
        raise ValueError(msg)
    return found


def _alone(
    frame: pd.DataFrame, bound: dict[str, Any], periods: _Periods, level: float
) -> OverTime:
    whole, table = _labelled(frame, bound, periods.keys)
    table.insert(1, "n_labelled", table["n"])
    return OverTime(
        table=table,
        lines=whole.terms,
        freq=periods.freq,
        level=float(level),
        unit=whole.unit,
        has_reference=False,
        n_dropped=whole.n_dropped,
    )


def _labelled(
    frame: pd.DataFrame, bound: dict[str, Any], keys: Keys
) -> tuple[Decomposition, pd.DataFrame]:
    """The terms of rows with a label: of all of them, and by period."""
    found = read(frame, bound)
    with without_listeners():
        whole = decompose_found(found, None, refit=False)
    assert isinstance(whole, Decomposition), "there are no groups"
    kept = found.inputs.kept
    if kept is not None:
        keys = Keys(keys.codes[kept], keys.groups)
    return whole, whole.by(keys)


def _beside_reference(
    frame: pd.DataFrame,
    bound: dict[str, Any],
    periods: _Periods,
    side: Side,
    level: float,
) -> OverTime:
    options, target, proba = reading_options(bound)
    rows = read_frame_predictions(frame, target=target, proba=proba, options=options)
    base = side.decomposition.base if options.base is None else options.base
    bound = {"clip": side.decomposition.clip} | bound | {"base": base}
    if rows.is_single and options.labels is None:
        bound |= {"labels": side.evidence.labels}
    kept = np.ones(len(frame), dtype=np.bool_) if rows.kept is None else rows.kept
    table = _expected(side, rows, periods.rows(kept), bound)
    table = table.rename(columns=_OF_EXPECTED)[list(_OF_EXPECTED.values())]
    labelled = kept & rows.labelled
    if labelled.any():
        keys = periods.rows(labelled)
        own = _of_rows(bound, labelled)
        _, observed = _labelled(frame[labelled], own, keys)
        expected = table
        if not labelled[kept].all():
            with warnings.catch_warnings():  # of rows that were told of above
                warnings.simplefilter("ignore", OutsideReferenceWarning)
                expected = _expected(side, rows.rows(labelled[kept]), keys, bound)
        table = _compared(table, observed, expected, level)
    else:
        table = _not_compared(table)
    per_unit = nats_per_unit(base) / nats_per_unit(side.decomposition.base)
    return OverTime(
        table=table,
        lines={
            name: value / (per_unit if TERMS[name].has_unit else 1.0)
            for name, value in side.decomposition.terms.items()
        },
        freq=periods.freq,
        level=float(level),
        unit=unit_name(base),
        has_reference=True,
        n_dropped=int(np.count_nonzero(~kept)),
    )


def _of_rows(bound: dict[str, Any], rows: BoolArray) -> dict[str, Any]:
    """What is bound, with weights and groups that are values for some rows only."""
    found = dict(bound)
    for name in ("sample_weight", "groups"):
        values = found.get(name)
        if hasattr(values, "__len__") and not isinstance(values, (str, tuple)):
            found[name] = np.asarray(values)[rows]
    return found


def _expected(
    side: Side, rows: FramePredictions, keys: Keys, bound: dict[str, Any]
) -> pd.DataFrame:
    """What the reference expects of the rows of each period."""
    found = expected_loss(
        side.evaluation or side.decomposition,
        rows.columns,
        by=keys,
        labels=bound.get("labels"),
        sample_weight=rows.sample_weight,
        groups=rows.groups,
        base=bound["base"],
        clip=bound["clip"],
        rescale=bound.get("rescale", False),
        from_logits=bound.get("from_logits", False),
    )
    assert found.by_group is not None, "there are groups"
    return found.by_group


def _compared(
    table: pd.DataFrame, observed: pd.DataFrame, expected: pd.DataFrame, level: float
) -> pd.DataFrame:
    """The expected loss of all rows, with the terms of those that have a label."""
    n_labelled = observed["n"].reindex(table.index, fill_value=0)
    terms = observed.drop(columns=["n", "weight"]).reindex(table.index)
    excess = observed["cross_entropy"] - expected["expected_loss"]
    error = expected["realised_se"].where(excess.notna())
    excess, error = excess.reindex(table.index), error.reindex(table.index)
    n_tested = int(error.notna().sum())
    reach = two_sided(1.0 - (1.0 - level) / max(n_tested, 1))
    note = terms.pop("note")
    found = pd.concat([table, terms], axis=1)
    found.insert(1, "n_labelled", n_labelled)
    found["excess"], found["excess_se"] = excess, error
    found["alert"] = excess.abs() > reach * error
    found["note"] = note.where(n_labelled > 0, "no labels").fillna("")
    return found


def _not_compared(table: pd.DataFrame) -> pd.DataFrame:
    """The same where no row has a label."""
    found = table.copy()
    found.insert(1, "n_labelled", 0)
    for name in names_of_terms(soft=False):
        found[name] = found[f"{name}_se"] = np.nan
    found["excess"] = found["excess_se"] = np.nan
    found["alert"] = False
    found["note"] = "no labels"
    return found
