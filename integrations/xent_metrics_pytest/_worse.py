"""Whether a model is worse than its baseline: differences of terms, with errors."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._baseline import Baseline, digests, with_rows
from ._text import plus_minus

if TYPE_CHECKING:
    from xent_metrics import Decomposition, Evaluation


@dataclass(frozen=True, kw_only=True)
class Change:
    """What became of a term since the baseline.

    Attributes
    ----------
    term, title : str
        Its name, and its name as words.
    before, before_error, now, now_error : float
        The values, and their standard errors.
    worse, error : float
        By how much it is worse, above 0 where it is; the standard error of that, which
        holds the baseline's own.
    margin : float
        By how much it may be worse.
    pvalue : float
        Of the hypothesis that it is not worse by more than the margin.
    """

    term: str
    title: str
    before: float
    before_error: float
    now: float
    now_error: float
    worse: float
    error: float
    margin: float

    @property
    def found(self) -> str:
        """What was found, in words."""
        if math.isnan(self.pvalue):
            return "cannot be computed"
        return f"worse by {plus_minus(self.worse, self.error, '+')}"

    @property
    def pvalue(self) -> float:
        """One-sided: small where the term is worse by more than the margin."""
        return _upper_tail(self.worse - self.margin, self.error)

    def status(self, at_once: float, alpha: float) -> str:
        """What came of it: failing is judged at the one level, passing at the other."""
        if math.isnan(self.pvalue) or self.pvalue <= at_once:
            return "failed"
        if _upper_tail(self.margin - self.worse, self.error) <= alpha:
            return "passed"
        if self.error == 0:
            return "passed"  # the difference is known, and it is within the margin
        return "insufficient"


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What became of several terms, and how they were compared."""

    terms: tuple[Change, ...]
    how: str
    cause: str = ""
    same_rows: bool = False


def _upper_tail(value: float, error: float) -> float:
    """P-value of a value above 0; exact where there is no error."""
    if math.isnan(value) or math.isnan(error):
        return math.nan
    if error == 0 or math.isinf(value):
        return 0.0 if value > 0 else 1.0
    return 0.5 * math.erfc(value / error / math.sqrt(2.0))


def check_terms(terms: Any, margin: Any) -> dict[str, float]:
    """The margin of each term.

    Raises
    ------
    TypeError, ValueError
        If a term is none, or none that tells better from worse; if a margin is no
        number of 0 or more, or is of a term that is not compared.
    """
    from xent_metrics import TERMS  # noqa: PLC0415 - loads pandas

    if isinstance(terms, str) or not isinstance(terms, Iterable):
        shown = (terms if isinstance(terms, str) else "cross_entropy",)
        msg = f"terms must be a list of names: found {terms!r}; pass {shown!r}."
        raise TypeError(msg)
    known = [name for name, term in TERMS.items() if term.better]
    found, given = {}, isinstance(margin, Mapping)
    for name in terms:
        if name not in known:
            what = "tells no better from worse" if name in TERMS else "is no term"
            msg = (
                f"terms must tell better from worse: {name!r} {what}; choose among "
                f"{', '.join(map(repr, known))}."
            )
            raise ValueError(msg)
        one: Any = margin.get(name) if given else margin
        usable = isinstance(one, numbers.Real) and not isinstance(one, bool)
        if not (usable and 0 <= one < math.inf):
            msg = (
                f"margin must be 0 or more, for each term: found {one!r} of {name!r}; "
                "pass how much worse it may be, such as 0.01."
            )
            raise ValueError(msg)
        found[name] = float(one)
    others = [one for one in margin if one not in found] if given else []
    if others:
        msg = (
            f"margin must be of terms that are compared: found {others[0]!r}, and "
            f"terms={tuple(found)!r}; add it to terms, or leave it out."
        )
        raise ValueError(msg)
    if not found:
        msg = "terms must name a term: found none; pass ('cross_entropy',)."
        raise ValueError(msg)
    return found


def changes(
    baseline: Baseline, evaluation: Evaluation, margins: Mapping[str, float]
) -> Changes:
    """Compare an evaluation with its baseline.

    Row by row where the baseline has its rows; else as of independent samples, unless
    rows and predictions are the same.

    Raises
    ------
    ValueError
        If units or classes differ, or rows where they are compared one by one.
    """
    before, now = baseline.evaluation, evaluation
    _check_alike(before, now)
    if baseline.rows is not None:
        return _paired(baseline, now, margins)
    predictions, targets = digests(now)
    same_rows = targets is not None and targets == baseline.targets
    if same_rows and predictions == baseline.predictions:
        errors = dict.fromkeys(margins, 0.0)
        how = "the same predictions for the same rows"
        same = now.decomposition
        terms = _changes(same, same, errors, margins)
        return Changes(terms=terms, how=how, same_rows=True)
    ours, theirs = (one.decomposition.standard_errors for one in (now, before))
    errors = {name: math.hypot(ours[name], theirs[name]) for name in margins}
    how = "compared as independent samples, with the baseline's own error"
    if same_rows and now.folds is None:  # which cannot be paired
        how += "; the rows are the same: paired=True would compare them one by one"
    maps = [one.decomposition.recalibration for one in (before, now)]
    if maps[0] != maps[1]:
        how += f"; recalibration maps: {maps[0]}, now {maps[1]}"
    cause = "" if same_rows else _cause(before, now)
    sides = before.decomposition, now.decomposition
    terms = _changes(*sides, errors, margins)
    return Changes(terms=terms, how=how, cause=cause, same_rows=same_rows)


def _check_alike(before: Evaluation, now: Evaluation) -> None:
    units = [one.decomposition.unit for one in (before, now)]
    if units[0] != units[1]:
        msg = (
            f"a model must be compared in the unit of its baseline: found {units[1]}, "
            f"and {units[0]} there; pass the same base, or write the baseline again."
        )
        raise ValueError(msg)
    if list(map(str, before.labels)) != list(map(str, now.labels)):
        msg = (
            "a model must have the classes of its baseline: found "
            f"{now.labels!r:.80}, and {before.labels!r:.80} there; write the baseline "
            "again with --xent-update."
        )
        raise ValueError(msg)


def _paired(
    baseline: Baseline, now: Evaluation, margins: Mapping[str, float]
) -> Changes:
    from xent_metrics import compare  # noqa: PLC0415 - loads pandas

    models = {"baseline": with_rows(baseline), "now": now}
    found = compare(models, baseline="baseline")
    errors = {name: found.differences["now"][name].standard_error for name in margins}
    sides = found.decompositions
    how = f"compared row by row, under one recalibration map: {found.recalibration}"
    terms = _changes(sides["baseline"], sides["now"], errors, margins)
    return Changes(terms=terms, how=how, same_rows=True)


def _changes(
    before: Decomposition,
    now: Decomposition,
    errors: Mapping[str, float],
    margins: Mapping[str, float],
) -> tuple[Change, ...]:
    from xent_metrics import TERMS  # noqa: PLC0415 - loads pandas

    found = []
    for name, margin in margins.items():
        values = before.terms[name], now.terms[name]
        sign = 1.0 if TERMS[name].better == "lower" else -1.0
        found.append(
            Change(
                term=name,
                title=TERMS[name].title,
                before=values[0],
                before_error=before.standard_errors[name],
                now=values[1],
                now_error=now.standard_errors[name],
                worse=0.0 if before is now else sign * (values[1] - values[0]),
                error=errors[name],
                margin=margin,
            )
        )
    return tuple(found)


def _cause(before: Evaluation, now: Evaluation) -> str:
    """What drift says of the change, in a sentence; why it says nothing, if so."""
    import xent_metrics  # noqa: PLC0415 - loads pandas

    drift = getattr(xent_metrics, "drift", None)
    if drift is None:
        return ""
    try:
        return str(drift(before, now).conclusion)
    except ValueError as error:
        return f"drift: {error}"


def luckier(found: Changes, alpha: float) -> list[Change]:
    """Terms that are better than they were, by no more than other rows explain."""
    return [
        one
        for one in found.terms
        if one.worse < 0
        and not found.same_rows
        and _upper_tail(-one.worse, one.error) > alpha
    ]
