"""What a page says of an evaluation: sentences, and tables of text.

Nothing here knows HTML: what users named is passed on as it is shown, and escaped
where the page is built.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from .._decomposition.evidence import evidence_of
from .against import of_drift
from .breakdowns import of_classes, of_folds, of_groups, worst
from .formatting import decimals, number, seen
from .headline import headline, remarks
from .sections import clips, counted, ladder, of_features, terms
from .tables import Section
from .todo import Reducible, Sliced, Todo, check_features, todo

if TYPE_CHECKING:
    from .._decomposition.result import Decomposition
    from .._evaluation.evaluation import Evaluation


@dataclass(frozen=True, kw_only=True)
class Content:
    """A page without its plots: they go between ``first`` and ``then``."""

    title: str
    headline: str
    remarks: tuple[str, ...]
    todo: Todo
    first: tuple[Section, ...]
    then: tuple[Section, ...]


def content(
    evaluation: Evaluation,
    *,
    by: Any = None,
    title: str | None = None,
    reducible: Reducible | None = None,
    slices: Sliced | None = None,
    against: Any = None,
) -> Content:
    """All sentences and tables of an evaluation, in the order of the page."""
    result = evaluation.decomposition
    check_features(result, reducible, slices)
    digits = decimals(result.cross_entropy)
    whole = f"a log loss of {number(result.cross_entropy, digits)} {result.unit}"
    if math.isinf(result.cross_entropy):
        whole = "an infinite log loss"
    return Content(
        title=f"What {whole} is made of" if title is None else seen(title),
        headline=headline(result, digits, votes=_has_votes(result)),
        remarks=(*remarks(result, digits), *_missing(evaluation, by)),
        todo=todo(evaluation, reducible=reducible, slices=slices),
        first=(
            *clips(result, digits),
            terms(result, digits),
            ladder(result, digits),
            *of_features(reducible, slices, digits),
        ),
        then=(
            *([] if against is None else [of_drift(against, result, digits)]),
            *_breakdowns(evaluation, by, digits),
        ),
    )


def _breakdowns(evaluation: Evaluation, by: Any, digits: int) -> Iterator[Section]:
    """Where the loss sits, as far as the evaluation knows, and what was counted."""
    rows = evaluation.per_sample
    yield of_classes(evaluation, digits)
    if evaluation.folds is not None:
        yield of_folds(evaluation.folds, digits)
    known = rows is not None or evaluation.by_group is not None
    if by is not None and known:
        yield of_groups(evaluation, by, digits)
    if rows is not None:
        yield worst(evaluation, rows, digits)
    yield counted(
        evaluation.decomposition,
        version=version("xent-metrics"),
        labels=evaluation.labels,
    )


def _missing(evaluation: Evaluation, by: Any) -> list[str]:
    """What an evaluation that was read back lacks."""
    if evaluation.per_sample is not None:
        return []
    groups = " and groups" * (by is not None and evaluation.by_group is None)
    sentence = (
        f"Its costliest rows{groups} are left out: the evaluation was scanned, or "
        "read back without its rows."
    )
    return [sentence]


def _has_votes(result: Decomposition) -> bool:
    """Whether targets are known to be several people's."""
    if result.vote_correction is not None:
        return True
    data = evidence_of(result).data
    target = None if data is None else data.inputs.target
    return target is not None and target.kind == "proportions"
