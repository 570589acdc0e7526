"""Check a result against an expression."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .._calls import form
from .._display.result import two_sided
from .._drift.expected_result import ExpectedLoss
from .._drift.result import Drift
from .._evaluation.comparison import Comparison
from .._inputs.labels import label_text
from .._pickling import public
from .._terms import TERMS
from ._grammar import Condition, Expression, Names, read_expression
from ._judge import Verdict, judge
from ._numbers import (
    COUNTS,
    OF_DRIFT,
    OF_EXPECTED,
    SHARES,
    Groups,
    Measured,
    Number,
    decomposition_of,
    differences_of,
    number_of,
    numbers_of,
    numbers_of_drift,
    numbers_of_expected,
    refuse_without_map,
)
from ._outcome import Finding, Outcome, Status

_STATUS: Mapping[Verdict, Status] = {
    "holds": "passed",
    "does not hold": "failed",
    "open": "insufficient",
    "undefined": "failed",
}


@public
@form('gates.check(evaluation, "miscalibration < 0.05")')
def check(
    result: Any, expression: str, *, by: Any = None, level: float = 0.95
) -> Outcome:
    """Check a result against an expression, by its intervals.

    Parameters
    ----------
    result : Evaluation, Decomposition, Comparison, Drift, ExpectedLoss, or any other
        What is checked; of a comparison, the differences of every other model from the
        baseline; of a drift, its "mix" and "concept" and the change of each term; of an
        expected loss, "expected_loss", "mix" and "share_outside". A result of another
        kind has its numbers by name in ``terms``, and in ``ci(level)`` the interval of
        each.
    expression : str
        Conditions joined by "and", which must all hold: a term or a count, one of
        > >= < <=, and a number, as "miscalibration < 0.05 and n >= 1000".

        A term passes if its whole interval holds, fails if none of it does, and is
        *insufficient* otherwise. "miscalibration.high", ".low" and ".value" are one
        number, the end of the interval or the estimate, which passes or fails.

        "cross_entropy[site=west]" is that of the rows with this value in a column of
        the frame; several columns are joined by commas, and what is no word stands in
        quotes.
    by : column name, values, or list of such, optional
        Check every group of rows, as in :meth:`~xent_metrics.Evaluation.by`, instead of
        all rows.
    level : float, default 0.95
        The level of the intervals, in (0, 1). With several groups or models it is that
        of all their intervals together (Bonferroni), so that it does not matter how
        many there are.

    Returns
    -------
    Outcome
        True where all passed; ``status``, ``exit_code`` and the findings.

    Raises
    ------
    TypeError
        If ``result`` has no numbers, or has no rows to group; if ``expression`` is no
        text.
    ValueError
        If the expression cannot be read, or names a term, column or value that there is
        not: one sentence, with the place in the expression. If ``level`` is not in
        (0, 1). If miscalibration, or a part of it, is checked under
        ``recalibration="none"``, where it is 0.

    See Also
    --------
    Outcome : What it returns.
    xent_metrics.Evaluation.ci : The intervals that are judged.

    Notes
    -----
    A number that cannot be computed fails, but for a group of too few rows, which is
    insufficient. An infinite cost is compared as it is.

    Passing is a claim: where the truth does not hold, an interval of level 0.95 passes
    in at most about 2.5% of samples, and "and" does not change that, as all must pass.
    Failing is one too, in as many samples per condition.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_metrics import Evaluation, gates
    >>> rng = np.random.default_rng(0)
    >>> q = rng.uniform(size=2000)
    >>> evaluation = Evaluation.from_predictions(rng.uniform(size=2000) < q, q)
    >>> gates.check(evaluation, "miscalibration < 0.05 and n >= 1000").status
    'passed'
    >>> print(gates.check(evaluation, "cross_entropy < 0.5"))
    Gate insufficient: cross_entropy < 0.5 (level 0.95)
    <BLANKLINE>
      condition             value     low    high  outcome
      cross_entropy < 0.5  0.4897  0.4683  0.5110  insufficient
    <BLANKLINE>
    insufficient: cross_entropy < 0.5: found 0.4897, interval 0.4683 to 0.511 nats has
    both sides of 0.5
    """
    two_sided(level)
    names = _names_of(result)
    found = read_expression(expression, names, subject="a condition")
    refuse_without_map(result, found.conditions)
    findings = (
        _of_all(result, found, level)
        if by is None
        else _of_groups(result, found, by, level)
    )
    return Outcome(expression=str(found), level=level, findings=tuple(findings))


def _names_of(result: Any) -> Names:
    """What an expression may name."""
    if decomposition_of(result) is not None:
        return Names(tuple(TERMS), COUNTS, slices=True)
    if isinstance(result, Comparison):
        return Names(tuple(TERMS))
    if isinstance(result, Drift):
        return Names(OF_DRIFT, SHARES)
    if isinstance(result, ExpectedLoss):
        return Names(OF_EXPECTED, SHARES)
    if isinstance(result, Measured) and isinstance(result.terms, Mapping):
        return Names(tuple(result.terms))
    msg = (
        "result must be an Evaluation, a Decomposition or a Comparison, or have terms "
        f"and ci(level): found {type(result).__name__}; pass "
        "Evaluation.from_predictions(y_true, y_proba)."
    )
    raise TypeError(msg)


def _of_all(result: Any, expression: Expression, level: float) -> list[Finding]:
    if isinstance(result, Comparison):
        each = _shared(level, len(result.differences) - 1)
        apart = differences_of(result, each)
        return [
            _finding(condition, numbers[condition.name], each, of)
            for of, numbers in apart.items()
            for condition in expression.conditions
        ]
    numbers, groups = _numbers(result, level), Groups(result)
    return [
        _finding(
            condition,
            groups.of_slices(condition, level)
            if condition.slices
            else numbers[condition.name],
            level,
        )
        for condition in expression.conditions
    ]


def _numbers(result: Any, level: float) -> dict[str, Number]:
    if isinstance(result, Drift):
        return numbers_of_drift(result, level)
    if isinstance(result, ExpectedLoss):
        return numbers_of_expected(result, level)
    return numbers_of(result, level)


def _of_groups(
    result: Any, expression: Expression, by: Any, level: float
) -> list[Finding]:
    for condition in expression.conditions:
        if condition.slices:
            msg = (
                "by and slices exclude each other: found '[' in a condition "
                f"{condition.slices[0].place}; leave one of them out."
            )
            raise ValueError(msg)
    table = Groups(result).table(by)
    found = decomposition_of(result)
    assert found is not None, "its table was made"
    each = _shared(level, len(table))
    names = [str(name) for name in table.index.names if name is not None]
    findings = []
    for key, row in table.iterrows():
        values = [label_text(x) for x in (key if isinstance(key, tuple) else (key,))]
        pairs = zip(names, values, strict=True) if names else ()
        group = ", ".join(f"{name}={value}" for name, value in pairs)
        group = group or ", ".join(values)
        findings += [
            _finding(
                condition, number_of(row, condition, each, found.unit), each, group
            )
            for condition in expression.conditions
        ]
    return findings


def _shared(level: float, n: int) -> float:
    """The level of each of so many intervals that together have this one."""
    return 1.0 - (1.0 - level) / max(n, 1)


def _finding(
    condition: Condition, number: Number, level: float, group: str = ""
) -> Finding:
    judged = judge(condition, number, by_interval=True)
    low, high = (math.nan, math.nan) if number.ends is None else number.ends
    return Finding(
        condition=str(condition),
        group=group,
        value=number.value,
        standard_error=(high - low) / 2.0 / two_sided(level),
        low=low,
        high=high,
        status=_STATUS[judged.verdict],
        why=judged.why,
    )
