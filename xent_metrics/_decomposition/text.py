"""A decomposition as text: the identity written out, one term per line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import pandas as pd

from .._display.result import counted
from .._terms import BESIDE, IDENTITY, PARTS, SOFT_IDENTITY, TERMS, title
from .advice import in_code, map_to_use, share_of
from .ladder import CLEAR, beyond, is_clear, too_rich
from .zeros import KEY

_NOTABLE = 0.5  # standard errors: less that a richer map may win goes without saying


class Decomposed(Protocol):
    """What the text tells of a decomposition; :class:`Decomposition` has it all."""

    @property
    def cross_entropy(self) -> float: ...
    @property
    def miscalibration(self) -> float: ...
    @property
    def irreducible(self) -> float: ...
    @property
    def standard_errors(self) -> Mapping[str, float]: ...
    @property
    def notes(self) -> Mapping[str, str]: ...
    @property
    def n(self) -> int: ...
    @property
    def n_effective(self) -> float: ...
    @property
    def n_groups(self) -> int | None: ...
    @property
    def n_folds(self) -> int | None: ...
    @property
    def n_classes(self) -> int: ...
    @property
    def n_clipped(self) -> int: ...
    @property
    def n_infinite(self) -> int: ...
    @property
    def n_unseen(self) -> int: ...
    @property
    def n_dropped(self) -> int: ...
    @property
    def n_skipped(self) -> int: ...
    @property
    def unit(self) -> str: ...
    @property
    def clip(self) -> float: ...
    @property
    def recalibration(self) -> str: ...
    @property
    def degrees_of_freedom(self) -> int: ...
    @property
    def converged(self) -> bool: ...
    @property
    def vote_correction(self) -> str | None: ...
    @property
    def parameters(self) -> Mapping[str, float]: ...
    @property
    def ladder(self) -> pd.DataFrame: ...


def summary(result: Decomposed) -> str:
    """The whole text."""
    return "\n".join(
        [*_headline(result), "", *_identity(result), "", *_remarks(result)]
    )


def _headline(result: Decomposed) -> list[str]:
    """What is decomposed; then what rows cost that should be looked at first."""
    first = (
        f"Decomposition of a cross-entropy of {result.cross_entropy:.4f} {result.unit} "
        f"({counted(result.n, 'row')}, {counted(result.n_classes, 'class', 'classes')})"
    )
    zeros = result.notes.get(KEY, "").replace("; ", ";\n")
    return [first, *zeros.splitlines()]


def _identity(result: Decomposed) -> list[str]:
    """The cross-entropy as a sum, then the terms beside it."""
    lines = [_line("", "cross_entropy", result)]
    if not math.isnan(result.irreducible):
        lines += [*(_line(sign, name, result) for sign, name in SOFT_IDENTITY), ""]
    lines += [_line(sign, name, result) for sign, name in IDENTITY]
    lines += [_line("", name, result, indent="  ") for name in parts_shown(result)]
    return [*lines, "", *(_line("", name, result) for name in BESIDE)]


def parts_shown(result: Decomposed) -> list[str]:
    """The parts of the miscalibration, where they are known."""
    return [name for name in PARTS if not math.isnan(getattr(result, name))]


def _line(sign: str, name: str, result: Decomposed, indent: str = "") -> str:
    value = round(getattr(result, name), 4) + 0.0  # never -0.0000
    error = result.standard_errors.get(name, math.nan)
    shown = f"± {error:.4f}" if math.isfinite(error) else ""
    meaning = result.notes.get(name, TERMS[name].meaning)
    return f"  {sign:<1} {indent + title(name):<18} {value:>9.4f} {shown:<8}  {meaning}"


def _remarks(result: Decomposed) -> list[str]:
    values = ", ".join(f"{k} {v:.4g}" for k, v in result.parameters.items())
    lines = [
        f"recalibration map: {result.recalibration}" + f" ({values})" * bool(values)
    ]
    if kept_as_they_are(result):
        lines[0] += ", as a test of calibration does not reject the predictions"
    if result.n_folds is not None:
        lines[0] += f", one for each of {counted(result.n_folds, 'fold')}"
        lines.append(
            "estimated: the mean loss of the fitted models on new rows, not of the "
            "procedure that fitted them"
        )
    if "note" in result.ladder and result.converged:
        how = result.ladder["note"][result.ladder["chosen"].to_numpy(dtype=bool)]
        lines += [f"its fit: {note}" for note in how if note]
    if not result.converged:
        lines.append("its fit did not converge: the terms of the map are unreliable")
    if result.n_groups is not None:
        lines.append(f"groups of dependent rows: {result.n_groups:,}")
    if result.n_effective < result.n * (1 - 1e-12):
        lines.append(f"effective number of rows: {result.n_effective:,.1f}")
    if result.vote_correction:
        lines.append(f"correction for few votes: {result.vote_correction}")
    n_clipped = 0 if KEY in result.notes else result.n_clipped  # noted at the top
    for count, what in (
        (n_clipped, f"rows with a probability below clip={result.clip:.2g}"),
        (result.n_infinite, "rows whose cost is infinite"),
        (result.n_unseen, "rows whose label is not among the classes"),
        (result.n_dropped, "rows left out, as a label or a probability is missing"),
        (result.n_skipped, "parts left out, as they cannot be read"),
    ):
        if count:
            lines.append(f"{what}: {count:,}")
    return lines + _hint(result) + at_least(result)


def _hint(result: Decomposed) -> list[str]:
    """Whether miscalibration is there, and what to do about it."""
    won = result.miscalibration
    if not math.isfinite(won):
        return []
    error = result.standard_errors.get("miscalibration", 0.0)
    unknown = math.isnan(error)
    if not is_clear(won, 0.0 if unknown else error, result.cross_entropy):
        return [f"no clear miscalibration: less than {CLEAR:.0f} standard errors"]
    part = won / result.cross_entropy
    line = f"recalibration alone would remove {part:.0%} of the loss"
    if "temperature" in result.ladder.index and result.recalibration != "temperature":
        line += f", a single temperature {share_of(result, 'temperature') * part:.0%}"
    use = in_code(map_to_use(result))
    return [line, f"to recalibrate new rows: RecalibratedClassifier(model, {use})"]


def kept_as_they_are(result: Decomposed) -> bool:
    """Whether maps were tried, and none was needed."""
    return result.recalibration == "none" and len(result.ladder) > 1


def at_least(result: Decomposed) -> list[str]:
    """Why the miscalibration may be more than the chosen map removes, if it may."""
    if not math.isfinite(result.miscalibration) or "note" not in result.ladder:
        return []
    richer = beyond(result.ladder, result.recalibration)
    error = result.standard_errors.get("miscalibration", math.nan)
    if richer is not None and richer.more > _NOTABLE * error:
        why = (
            f"the {richer.name} map may remove {richer.more:.4f} more, which is within "
            "noise"
        )
    elif too_rich(result.ladder):
        maps = " and ".join(too_rich(result.ladder))
        n = f"{int(result.ladder['n'].max()):,}"
        why = f"{n} rows are too few to try maps that mix classes ({maps})"
    else:
        return []
    value = round(result.miscalibration, 4) + 0.0  # never -0.0000
    return [f"read the miscalibration as at least {value:.4f}: {why}"]
