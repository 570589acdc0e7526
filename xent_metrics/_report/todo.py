"""What to do about a loss: at most three lines, each with code that runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from .._decomposition.advice import in_code, map_to_use
from .._decomposition.evidence import evidence_of
from .._decomposition.zeros import KEY
from .._evaluation.excess import shares_of
from .._features.columns import title_of
from .._features.reducible import FEWEST_ROWS
from .._features.text import carrying
from .breakdowns import cost_of
from .formatting import decimals, listed, name, plural, share, with_error
from .headline import clear

if TYPE_CHECKING:
    from .._decomposition.result import Decomposition
    from .._evaluation.evaluation import Evaluation

_FEW, _MOST = 10, 50  # rows to look at
_CLEAR = 0.95  # level of the bound of what features hold
_OF = {
    "cross_entropy": "the loss",
    "miscalibration": "the miscalibration",
    "gain": "what the features would win",
}
_MORE = {  # what a slice does, by the term
    "cross_entropy": "costs more",
    "miscalibration": "would win more by recalibration",
    "gain": "would win more by a better model",
}
_NAMES = {  # of the code, and what they stand for
    "evaluation": "what this page shows",
    "model": "the classifier",
    "X": "the features of its rows",
    "y": "their labels",
    "y_proba": "predictions of any rows",
}


class Reducible(Protocol):
    """What features hold, as far as a page shows it."""

    @property
    def n(self) -> int: ...
    @property
    def cross_entropy(self) -> float: ...
    @property
    def grouping_loss_at_least(self) -> float: ...
    @property
    def standard_errors(self) -> Mapping[str, float]: ...
    @property
    def importances(self) -> pd.Series[float]: ...
    @property
    def unit(self) -> str: ...
    def lower(self, level: float = ...) -> float: ...
    def to_frame(self) -> pd.DataFrame: ...


class Sliced(Protocol):
    """Conditions on features, as far as a page shows them: a row for each."""

    @property
    def term(self) -> str: ...
    def to_frame(self) -> pd.DataFrame: ...


@dataclass(frozen=True, kw_only=True)
class Advice:
    """A sentence, and the code that does what it says."""

    sentence: str
    code: str


@dataclass(frozen=True, kw_only=True)
class Todo:
    """What to do, and what the names in the code stand for."""

    lines: tuple[Advice, ...]
    names: tuple[tuple[str, str], ...]


def todo(
    evaluation: Evaluation,
    *,
    reducible: Reducible | None = None,
    slices: Sliced | None = None,
) -> Todo:
    """A line on recalibration, one on the features, and one on rows; less if clear."""
    lines = (
        *_recalibrate(evaluation.decomposition),
        *_features(evaluation, reducible, slices),
        *_rows(evaluation),
    )
    words = {word for line in lines for word in re.findall(r"\w+", line.code)}
    names = tuple((one, what) for one, what in _NAMES.items() if one in words)
    return Todo(lines=lines, names=names)


def check_features(
    result: Decomposition, reducible: Reducible | None, slices: Sliced | None
) -> None:
    """Refuse what is no such result, or is that of other rows."""
    for what, found, has in (
        ("reducible", reducible, "grouping_loss_at_least"),
        ("slices", slices, "term"),
    ):
        if found is not None and not hasattr(found, has):
            msg = (
                f"{what} must be what evaluation.{what}(X) returns: found "
                f"{type(found).__name__}; pass that."
            )
            raise TypeError(msg)
    if reducible is None:
        return
    same = math.isclose(reducible.cross_entropy, result.cross_entropy, rel_tol=1e-9)
    if reducible.n != result.n or not same:
        msg = (
            "reducible must be that of the rows that the page is of: found "
            f"{reducible.n:,} rows for {result.n:,}, or another loss; pass "
            "evaluation.reducible(X)."
        )
        raise ValueError(msg)


def _recalibrate(result: Decomposition) -> Iterator[Advice]:
    """Which map wins how much, and how it is applied."""
    if not (math.isfinite(result.miscalibration) and clear(result, "miscalibration")):
        return
    use = map_to_use(result)
    won, error = result.miscalibration, result.standard_errors["miscalibration"]
    if use in result.ladder.index:
        tried = result.ladder.loc[[use]].iloc[0]
        won, error = float(tried["miscalibration"]), float(tried["standard_error"])
    wins = f"{with_error(won, error, decimals(won))} {result.unit}"
    code = (
        "from xent_metrics import RecalibratedClassifier\n"
        f"RecalibratedClassifier(model, {in_code(use)}).fit(X, y)"
    )
    if result.n_folds is None and use in evidence_of(result).maps:
        code = f"evaluation.decomposition.recalibrator({use!r}).predict_proba(y_proba)"
    yield Advice(
        sentence=f"Recalibrate with the map “{name(use)}”, which would remove {wins}, "
        f"{share(won / result.cross_entropy)} of the loss.",
        code=code,
    )


def _features(
    evaluation: Evaluation, reducible: Reducible | None, slices: Sliced | None
) -> Iterator[Advice]:
    """Which features or slices hold what could be won beyond recalibration."""
    where = None if slices is None else _slice(slices)
    if reducible is not None:
        code = "evaluation.slices(X)"
        sentence = " ".join(filter(None, [_bound(reducible), where]))
        yield Advice(sentence=sentence, code=code)
    elif where is not None:
        can = _can_be_bounded(evaluation.decomposition)
        code = "evaluation.reducible(X)" if can else "evaluation.slices(X)"
        yield Advice(sentence=where, code=code)
    elif _can_be_bounded(evaluation.decomposition):
        yield Advice(
            sentence="Find out what a better model of the same features could win: "
            "pass the features.",
            code="evaluation.reducible(X)",
        )


def _can_be_bounded(result: Decomposition) -> bool:
    """Whether ``reducible`` would take these rows."""
    data = evidence_of(result).data
    return (
        data is not None
        and result.n >= FEWEST_ROWS
        and not result.n_unseen
        and not math.isnan(result.refinement)
        and not (data.folds is not None and data.folds.seen)
    )


def _bound(reducible: Reducible) -> str:
    """How much features hold at least, and which."""
    if reducible.lower(_CLEAR) <= 0:
        return (
            "Look for other features or cleaner labels: a better model of the "
            "features that were given would win nothing clear."
        )
    won = reducible.grouping_loss_at_least
    error = reducible.standard_errors.get("grouping_loss_at_least", math.nan)
    wins = f"{with_error(won, error, decimals(won))} {reducible.unit}"
    carried = carrying(reducible.importances)
    named = [f"“{name(title_of(one))}”" for one in carried.index]
    which = f", mostly from {listed(named)}" if named else ""
    return f"Improve the model: the features would win at least {wins} more{which}."


def _slice(slices: Sliced) -> str:
    """The slice of most excess, or that there is none."""
    found = slices.to_frame()
    if not len(found):
        return no_slice(slices)
    first = found.iloc[0]
    part, weight = share(float(first["share"])), share(float(first["weight"]))
    what = _OF.get(slices.term, "the term")
    return (
        f"Look where {name(found.index[0])}: {part} of {what}, in {weight} of the rows."
    )


def no_slice(slices: Sliced) -> str:
    """That there is none, in a sentence."""
    more = _MORE.get(slices.term, "holds more")
    return f"No slice of the features {more} beyond chance."


def _rows(evaluation: Evaluation) -> Iterator[Advice]:
    """Which rows to look at: those that were ruled out, a class, or the costliest."""
    result, rows = evaluation.decomposition, evaluation.per_sample
    if rows is None:
        return
    if result.n_infinite:
        n = min(result.n_infinite, _MOST)
        yield Advice(
            sentence=f"Look at the {plural(result.n_infinite, 'row')} of infinite "
            "cost, or pass a clip.",
            code=f"evaluation.worst({n})",
        )
    elif KEY in result.notes:
        n = min(result.n_clipped, _MOST)
        what = result.notes[KEY].partition(" of the loss")[0]
        yield Advice(
            sentence=f"Look at the rows behind this: {what} of the loss.",
            code=f"evaluation.worst({n})",
        )
    elif (found := _class(evaluation)) is not None:
        yield found
    else:
        worst = evaluation.worst(_FEW, columns=[])
        whole = cost_of(rows)
        part = cost_of(worst) / whole if whole > 0 else math.nan
        if math.isfinite(part):
            yield Advice(
                sentence=f"Look at the {plural(len(worst), 'row')} that cost most, "
                f"{share(part)} of the loss.",
                code=f"evaluation.worst({len(worst)})",
            )


def _class(evaluation: Evaluation) -> Advice | None:
    """The class that costs most beyond its part of the rows, if one clearly does."""
    rows, cells = evaluation.per_sample, evaluation.by_class
    if rows is None or "label" not in rows or len(cells) <= 1:
        return None
    held = shares_of(cells)
    first = int(held.order[0])
    if not held.clear[first]:
        return None
    part = share(float(cells["weight"].iloc[first]))
    return Advice(
        sentence=f"Look at the costliest rows of class “{name(cells.index[first])}”: "
        f"{share(held.loss[first])} of the loss, in {part} of the rows.",
        code=f'evaluation.worst({_FEW}, by="label")',
    )
