"""Calls as users write them, and the types that they are known by.

Checked, not run: `tox run -e type` reads this file with mypy and with pyright. Where a
call is wrong on purpose, a checker that does not say so fails, too.
"""

from collections.abc import Mapping
from typing import Any, assert_type

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

import xent_metrics as xm
from xent_metrics.gates import Outcome
from xent_metrics.scorers import DecompositionScorer, TermScorer

Floats = np.ndarray[tuple[Any, ...], np.dtype[np.floating[Any]]]

y = [0, 1]
q = np.array([0.2, 0.7])
frame = pd.DataFrame({"y": y, "p": q})


def measures() -> None:
    """A mean is a float, rows are an array."""
    assert_type(xm.cross_entropy(y, q), float)
    assert_type(xm.cross_entropy(y, q, base=2, sample_weight=[1, 2]), float)
    assert_type(xm.cross_entropy(y, q, reduction=None), Floats)
    assert_type(xm.kl_divergence(y, q), float)
    assert_type(xm.reverse_kl_divergence(y, q), float)
    assert_type(xm.jensen_shannon_divergence(y, q), float)
    assert_type(xm.jeffreys_divergence(y, q), float)
    assert_type(xm.kl_contributions(y, q), Floats)
    assert_type(xm.kl_from_samples(q, q), float)
    assert_type(xm.entropy(q), float)
    assert_type(xm.entropy(q, reduction=None), Floats)
    assert_type(xm.perplexity(y, q), float)
    assert_type(xm.expected_accuracy_bound(y, q), float)
    assert_type(xm.per_sample(y, q), pd.DataFrame)
    assert_type(xm.vote_counts(frame), pd.DataFrame)
    xm.cross_entropy(y, q, 2)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    xm.cross_entropy(y, q, bases=2)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


def decomposition() -> None:
    """Terms are floats by name, tables are frames."""
    found = xm.decompose(y, q, groups=["a", "b"], recalibration="temperature")
    assert_type(found, xm.Decomposition)
    assert_type(found.miscalibration, float)
    assert_type(found.terms, dict[str, float])
    assert_type(found.ci(), dict[str, tuple[float, float]])
    assert_type(found.by(y), pd.DataFrame)
    assert_type(found.by_class(), pd.DataFrame)
    assert_type(found.ladder, pd.DataFrame)
    assert_type(found.recalibrator(), xm.Recalibrator)
    assert_type(found.miscalibration_test(), xm.MiscalibrationTest)
    assert_type(found.to_json(), str)
    assert_type(found.plot(), Axes)
    assert_type(xm.decompose_ensemble(y, [q, q]), xm.EnsembleDecomposition)
    _ = found.sharpness  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def evaluation() -> None:
    """Each door gives an evaluation."""
    found = xm.Evaluation.from_predictions(y, q)
    assert_type(found, xm.Evaluation)
    assert_type(xm.Evaluation.from_frame(frame, target="y", proba="p"), xm.Evaluation)
    assert_type(xm.Evaluation.from_json(found.to_json()), xm.Evaluation)
    assert_type(xm.Evaluation.json_schema(), dict[str, Any])
    assert_type(xm.scan("predictions/", target="y", proba="p"), xm.Evaluation)
    assert_type(found.decomposition, xm.Decomposition)
    assert_type(found.per_sample, pd.DataFrame | None)
    assert_type(found.worst(3), pd.DataFrame)
    assert_type(found.reducible(frame), xm.ReducibleLoss)
    assert_type(found.slices(frame), xm.Slices)
    assert_type(found.to_html(), str)
    assert_type(found.write_html("report.html"), None)
    both = xm.compare({"a": found, "b": found})
    assert_type(both, xm.Comparison)
    assert_type(both.differences, Mapping[str, Mapping[str, xm.Difference]])
    assert_type(both.differences["b"]["refinement"].pvalue, float)


def of_frames() -> None:
    """Checkers do not know ``df.xent``; the class behind it, they do."""
    view = xm.XentAccessor(frame)(target="y", proba="p")
    assert_type(view, xm.XentAccessor)
    assert_type(view.evaluate(), xm.Evaluation)
    assert_type(view.summary(by="y"), pd.DataFrame)


def over_time() -> None:
    """References, monitors and states."""
    reference = xm.Evaluation.from_predictions(y, q)
    assert_type(xm.drift(reference, reference), xm.Drift)
    assert_type(xm.expected_loss(reference, q), xm.ExpectedLoss)
    assert_type(xm.Monitor(reference).update(y, q), xm.Alarm | None)
    state = xm.accumulate(frame, target="y", proba="p")
    assert_type(state, xm.ScanState)
    assert_type(xm.merge([state, state]), xm.ScanState)
    assert_type(xm.finish(state), xm.Evaluation)


def modules() -> None:
    """Submodules are known as attributes, and misspelt names as mistakes."""
    found = xm.Evaluation.from_predictions(y, q)
    assert_type(xm.gates.check(found, "n > 1"), Outcome)
    assert_type(xm.plotting.waterfall(found), Axes)
    assert_type(xm.scorers.DecompositionScorer(), DecompositionScorer)
    assert_type(xm.scorers.get_scorer("skill"), TermScorer)
    assert_type(xm.scorers.neg_miscalibration, TermScorer)
    xm.decompos(y, q)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    xm.plotting.waterfal(found)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
