"""The fixture: checks of a test, and what becomes of it."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from . import _baseline, _worse
from ._ledger import UPDATED, Ledger, Record
from ._text import plus_minus, table, text_of_changes
from ._warnings import InsufficientEvidenceWarning, LuckierBaselineWarning

if TYPE_CHECKING:
    from xent_metrics import Evaluation


class Gates:
    """The checks of one test; what the fixture ``xent`` is.

    A check that fails fails the test, and prints a table with standard errors and the
    decomposition. Where the rows do not tell, ``--xent-insufficient`` says what becomes
    of the test: "warn" (the default), "fail" or "skip".
    """

    def __init__(self, node: pytest.Item, ledger: Ledger) -> None:
        self._node, self._ledger = node, ledger

    def __repr__(self) -> str:
        """The test that the checks are of, as tracebacks show it."""
        return f"Gates of {self._node.nodeid}"

    def check(
        self, result: Any, expression: str, *, by: Any = None, level: float = 0.95
    ) -> None:
        """Check a result against an expression, as :func:`xent_metrics.gates.check`.

        Parameters
        ----------
        result : Evaluation, Decomposition, Comparison, Drift, ExpectedLoss, or other
            What is checked; another result has ``terms`` and ``ci(level)``.
        expression : str
            Conditions such as "miscalibration < 0.05 and n >= 1000".
        by : column name, values, or list of such, optional
            Check every group of rows.
        level : float, default 0.95
            The level of the intervals, of all groups together.

        Raises
        ------
        TypeError, ValueError
            As in :func:`xent_metrics.gates.check`.
        """
        __tracebackhide__ = True
        import xent_metrics  # noqa: PLC0415 - loads pandas

        try:
            outcome = xent_metrics.gates.check(result, expression, by=by, level=level)
        except (KeyError, TypeError, ValueError) as wrong:
            # The sentence is about the test: frames of the library would hide it.
            raise wrong.with_traceback(None) from None
        for one in outcome.findings:
            of = f"{one.condition} ({one.group})" if one.group else one.condition
            term = re.split(r"\W", one.condition, maxsplit=1)[0]
            error = one.standard_error
            self._note(of, term, one.value, error, one.status, why=one.why)
        decomposition = getattr(result, "decomposition", result)
        self._conclude(outcome.status, repr(outcome), decomposition)

    def no_worse(
        self,
        evaluation: Evaluation,
        baseline: str,
        *,
        margin: float | Mapping[str, float],
        terms: Sequence[str] = ("cross_entropy",),
        paired: bool = False,
    ) -> None:
        """Check that a model is not worse than its baseline.

        The baseline is a file, ``xent_baselines/<baseline>.json`` beside the test, that
        ``pytest --xent-update`` writes and that is committed with the tests.

        Parameters
        ----------
        evaluation : Evaluation
            The model as it is now.
        baseline : str
            The baseline's name.
        margin : float, or mapping of str to float
            By how much a term may be worse, in its unit.
        terms : sequence of str, default ("cross_entropy",)
            What is compared: terms that tell better from worse.
        paired : bool, default False
            Keep the rows of the baseline too, as Parquet, and compare row by row: much
            sharper where the same rows are evaluated each time. Default: as independent
            samples.

        Raises
        ------
        TypeError, ValueError
            If terms, margin or name are none, if the file is no baseline, or if units,
            classes or (with ``paired``) rows are not those of the baseline; with
            ``--xent-update`` also if two tests write one file.

        Notes
        -----
        A term fails where the hypothesis that it is worse by no more than the margin is
        rejected; the error of the difference holds the baseline's own. It passes where
        the opposite is rejected, or where predictions and rows are the same. A check
        fails at once at 0.05 / m, with m checks in the session (as many as were made
        when each test was last run, or ``--xent-checks``); at the session's end Holm's
        procedure finds those that fail now that all are known. So a session in which no
        model is worse fails in at most 5% of cases, however many checks it makes.

        References
        ----------
        Holm, S. (1979). A simple sequentially rejective multiple test procedure.
        Scandinavian Journal of Statistics 6, 65-70.
        """
        __tracebackhide__ = True
        _check_evaluation(evaluation)
        margins = _worse.check_terms(terms, margin)
        path = _baseline.path_of(self._node.path, baseline)
        if self._ledger.update:
            self._write(path, evaluation, baseline, margins, paired=paired)
            return
        try:
            known = _baseline.read(path, paired=paired)
        except FileNotFoundError as error:
            raise pytest.fail.Exception(str(error)) from None
        found = _worse.changes(known, evaluation, margins)
        at_once, alpha = self._ledger.at_once, self._ledger.alpha
        statuses = []
        for one in found.terms:
            statuses.append(one.status(at_once, alpha))
            of = f"{baseline}: {one.term} worse by at most {one.margin:g}"
            self._note(
                of,
                one.term,
                one.worse,
                one.error,
                statuses[-1],
                pvalue=1.0 if math.isnan(one.pvalue) else one.pvalue,
                why=one.found,
            )
        planned = self._ledger.planned
        level = (
            f"a term fails at p <= {at_once:.4g} = {alpha:g} / {planned}, for "
            f"{planned} comparison{'s' * (planned != 1)} in a session (--xent-checks)"
        )
        status = next(
            (s for s in ("failed", "insufficient") if s in statuses), "passed"
        )
        text = text_of_changes(
            baseline, found, statuses, level, evaluation.decomposition.unit
        )
        self._conclude(status, text, evaluation.decomposition)

    def _write(
        self,
        path: Any,
        evaluation: Evaluation,
        name: str,
        margins: Mapping[str, float],
        *,
        paired: bool,
    ) -> None:
        """Write a baseline, and note what changed."""
        self._ledger.claim(path, self._node.nodeid)
        lines = [f"{name}: written"]
        lucky: list[_worse.Change] = []
        if path.exists():
            lines = [f"{name}: replaced"]
            try:
                known = _baseline.read(path, paired=False)
                found = _worse.changes(known, evaluation, margins)
            except ValueError as refusal:  # which the new file mends
                lines.append(f"  not compared: {refusal}")
            else:
                lucky = _worse.luckier(found, self._ledger.alpha)
                rows = [("", "before", "now")]
                rows += [
                    (
                        one.title,
                        plus_minus(one.before, one.before_error),
                        plus_minus(one.now, one.now_error),
                    )
                    for one in found.terms
                ]
                lines += table(rows)
        _baseline.write(path, evaluation, paired=paired)
        for one in evaluation.terms:
            if one in margins:
                value = evaluation.terms[one]
                error = evaluation.decomposition.standard_errors[one]
                self._note(f"{name}: {one}", one, value, error, "updated")
        self._node.user_properties.append((UPDATED, "\n".join(lines)))
        if lucky:
            titles = " and ".join(one.title for one in lucky)
            warnings.warn(
                f"the baseline {name!r} was replaced by one with a better {titles}, by "
                "no more than chance explains: a baseline that is replaced whenever it "
                "gets better becomes too good to hold; keep the old file unless the "
                "model changed.",
                LuckierBaselineWarning,
                stacklevel=3,
            )

    def _note(
        self,
        of: str,
        term: str,
        value: float,
        error: float,
        outcome: str,
        *,
        pvalue: float | None = None,
        why: str = "",
    ) -> None:
        record = Record(
            of=of,
            term=term,
            value=value,
            error=error,
            outcome=outcome,
            pvalue=pvalue,
            why=why,
        )
        self._node.user_properties.append(record.as_property())

    def _conclude(self, status: str, text: str, decomposition: Any) -> None:
        """Let the test fail, or do what was asked for where the rows do not tell."""
        __tracebackhide__ = True
        if status == "passed":
            return
        policy = self._ledger.insufficient
        if status == "failed" or policy == "fail":
            pytest.fail(f"{text}\n\n{decomposition!r}")
        if policy == "skip":
            pytest.skip(f"insufficient evidence: {text.partition(chr(10))[0]}")
        warnings.warn(text, InsufficientEvidenceWarning, stacklevel=3)


def _check_evaluation(found: Any) -> None:
    from xent_metrics import Evaluation  # noqa: PLC0415 - loads pandas

    if not isinstance(found, Evaluation):
        msg = (
            f"a model must be given as an Evaluation: found {type(found).__name__}; "
            "pass Evaluation.from_predictions(y_true, y_proba)."
        )
        raise TypeError(msg)


Gates.__module__ = "xent_metrics_pytest"
