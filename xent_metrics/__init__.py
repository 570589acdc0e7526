"""What a log loss is made of: entropy, KL divergence, miscalibration.

Where to start, with labels and ``predict_proba`` outputs:

- ``decompose(y, proba)`` prints the terms of their log loss, with standard errors;
- ``Evaluation.from_estimator(model, X, y)`` keeps the rows as well: try
  ``.write_html("report.html")``, ``.plot("reliability")`` and ``.worst()``;
- ``compare({"a": one, "b": other})`` tells which of two models is better, and why;
- ``df.xent(target="y", proba="p_")`` does the same with columns of a DataFrame, and
  ``scan("folder/", target="y", proba="p_")`` with files of any size;
- ``drift``, ``expected_loss`` and ``Monitor`` watch a model after deployment;
- the modules ``scorers`` (scikit-learn), ``plotting``, ``gates`` (tests and pipelines),
  and the packages ``xent_metrics_mlflow`` and ``xent_metrics_pytest``.

>>> from xent_metrics import decompose
>>> round(decompose([0, 1] * 200, [0.2, 0.7] * 200).terms["cross_entropy"], 4)
0.2899

Each name has its own ``help``. The guide begins with a first report, in fifteen
minutes: https://xent-metrics.github.io/xent-metrics/.

Importing this package registers the pandas accessor ``df.xent`` and loads what measures
rows. All else is loaded when it is first used: scikit-learn by
:mod:`xent_metrics.scorers` and :class:`RecalibratedClassifier`, matplotlib when
:mod:`xent_metrics.plotting` first draws.
"""

import importlib
from typing import TYPE_CHECKING, Any

import pandas as pd

from ._calls import no_name
from ._display.result import provide
from ._inputs.inputs import UnseenLabelWarning
from ._inputs.votes import vote_counts
from ._measures.cross_entropy import cross_entropy, expected_accuracy_bound, perplexity
from ._measures.divergences import (
    jeffreys_divergence,
    jensen_shannon_divergence,
    kl_contributions,
    kl_divergence,
    reverse_kl_divergence,
)
from ._measures.entropy import entropy, surprisal
from ._measures.per_sample import per_sample
from ._measures.samples import kl_from_samples

if TYPE_CHECKING:
    from . import gates, plotting, scorers
    from ._accessor.accessor import XentAccessor
    from ._decomposition.breakdown import SmallSampleWarning
    from ._decomposition.cautions import SwappedColumnsWarning
    from ._decomposition.decompose import decompose
    from ._decomposition.resampling import MiscalibrationTest
    from ._decomposition.result import Decomposition
    from ._display.versions import show_versions
    from ._drift.alarm import Alarm
    from ._drift.drift import drift
    from ._drift.expected_loss import OutsideReferenceWarning, expected_loss
    from ._drift.expected_result import ExpectedLoss
    from ._drift.monitor import Monitor
    from ._drift.over_time import OverTime
    from ._drift.result import Drift
    from ._ensemble.decompose import decompose_ensemble
    from ._ensemble.result import EnsembleDecomposition
    from ._evaluation.compare import compare
    from ._evaluation.comparison import Comparison, Difference
    from ._evaluation.evaluation import Evaluation
    from ._evaluation.listeners import add_listener, remove_listener, without_listeners
    from ._features.result import ReducibleLoss
    from ._features.sliced import Slices
    from ._recalibration.classifier import RecalibratedClassifier
    from ._recalibration.custom import RecalibrationMap
    from ._recalibration.recalibrator import Recalibrator
    from ._scan.accumulate import accumulate, merge
    from ._scan.files import SkippedPartWarning, scan
    from ._scan.finish import finish
    from ._scan.rolling import rolling
    from ._scan.state import ScanState
    from ._terms import TERMS, Term

__all__ = [
    "TERMS",
    "Alarm",
    "Comparison",
    "Decomposition",
    "Difference",
    "Drift",
    "EnsembleDecomposition",
    "Evaluation",
    "ExpectedLoss",
    "MiscalibrationTest",
    "Monitor",
    "OutsideReferenceWarning",
    "OverTime",
    "RecalibratedClassifier",
    "RecalibrationMap",
    "Recalibrator",
    "ReducibleLoss",
    "ScanState",
    "SkippedPartWarning",
    "Slices",
    "SmallSampleWarning",
    "SwappedColumnsWarning",
    "Term",
    "UnseenLabelWarning",
    "XentAccessor",
    "accumulate",
    "add_listener",
    "compare",
    "cross_entropy",
    "decompose",
    "decompose_ensemble",
    "drift",
    "entropy",
    "expected_accuracy_bound",
    "expected_loss",
    "finish",
    "gates",
    "jeffreys_divergence",
    "jensen_shannon_divergence",
    "kl_contributions",
    "kl_divergence",
    "kl_from_samples",
    "merge",
    "per_sample",
    "perplexity",
    "plotting",
    "remove_listener",
    "reverse_kl_divergence",
    "rolling",
    "scan",
    "scorers",
    "show_versions",
    "surprisal",
    "vote_counts",
    "without_listeners",
]

_LAZY = ("gates", "plotting", "scorers")
_LATE = {  # what stands above the measures, by the module that it is loaded from
    "Alarm": "_drift.alarm",
    "Comparison": "_evaluation.comparison",
    "Decomposition": "_decomposition.result",
    "Difference": "_evaluation.comparison",
    "Drift": "_drift.result",
    "EnsembleDecomposition": "_ensemble.result",
    "Evaluation": "_evaluation.evaluation",
    "ExpectedLoss": "_drift.expected_result",
    "MiscalibrationTest": "_decomposition.resampling",
    "Monitor": "_drift.monitor",
    "OutsideReferenceWarning": "_drift.expected_loss",
    "OverTime": "_drift.over_time",
    "RecalibratedClassifier": "_recalibration.classifier",
    "RecalibrationMap": "_recalibration.custom",
    "Recalibrator": "_recalibration.recalibrator",
    "ReducibleLoss": "_features.result",
    "ScanState": "_scan.state",
    "SkippedPartWarning": "_scan.files",
    "Slices": "_features.sliced",
    "SmallSampleWarning": "_decomposition.breakdown",
    "SwappedColumnsWarning": "_decomposition.cautions",
    "TERMS": "_terms",
    "Term": "_terms",
    "XentAccessor": "_accessor.accessor",
    "accumulate": "_scan.accumulate",
    "add_listener": "_evaluation.listeners",
    "compare": "_evaluation.compare",
    "decompose": "_decomposition.decompose",
    "decompose_ensemble": "_ensemble.decompose",
    "drift": "_drift.drift",
    "expected_loss": "_drift.expected_loss",
    "finish": "_scan.finish",
    "merge": "_scan.accumulate",
    "remove_listener": "_evaluation.listeners",
    "rolling": "_scan.rolling",
    "scan": "_scan.files",
    "show_versions": "_display.versions",
    "without_listeners": "_evaluation.listeners",
}

provide(
    plots=lambda: importlib.import_module(".plotting", __name__),
    report=lambda: importlib.import_module("._report.render", __name__),
)


class _FrameAccessor:
    """``df.xent``, of which the class is loaded when it is first asked for."""

    def __get__(self, frame: pd.DataFrame | None, _: type) -> Any:
        accessor = _loaded("XentAccessor")
        return accessor if frame is None else accessor(frame)


def _loaded(name: str) -> Any:
    """What is loaded late; from then on it is an attribute of the package."""
    home = importlib.import_module(f".{_LATE[name]}", __name__)
    return globals().setdefault(name, getattr(home, name))


# What pandas registers, which needs the class at once, makes room for it.
pd.api.extensions.register_dataframe_accessor("xent")(_FrameAccessor)
setattr(pd.DataFrame, "xent", _FrameAccessor())  # noqa: B010 - unknown to type checkers


if TYPE_CHECKING:
    __version__: str
else:  # a misspelt name is an error to a checker of types, too

    def __getattr__(name: str) -> Any:
        if name in _LAZY:
            return importlib.import_module(f".{name}", __name__)
        if name in _LATE:
            return _loaded(name)
        if name == "__version__":
            return importlib.import_module("importlib.metadata").version("xent-metrics")
        raise no_name(__name__, name, __all__)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
