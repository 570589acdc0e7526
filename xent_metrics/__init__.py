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

Importing this package registers the pandas accessor ``df.xent``. scikit-learn is loaded
when :mod:`xent_metrics.scorers` or :class:`RecalibratedClassifier` is first used,
matplotlib when :mod:`xent_metrics.plotting` first draws, what scans files or
compares unlike sets when it first does.
"""

import importlib
from typing import TYPE_CHECKING, Any

import pandas as pd

from ._accessor.accessor import XentAccessor
from ._calls import no_name
from ._decomposition.breakdown import SmallSampleWarning
from ._decomposition.cautions import SwappedColumnsWarning
from ._decomposition.decompose import decompose
from ._decomposition.resampling import MiscalibrationTest
from ._decomposition.result import Decomposition
from ._display.result import provide
from ._evaluation.compare import compare
from ._evaluation.comparison import Comparison, Difference
from ._evaluation.evaluation import Evaluation
from ._evaluation.listeners import add_listener, remove_listener, without_listeners
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
from ._recalibration.custom import RecalibrationMap
from ._recalibration.recalibrator import Recalibrator
from ._terms import TERMS, Term

if TYPE_CHECKING:
    from . import gates, plotting, scorers
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
    from ._features.result import ReducibleLoss
    from ._features.sliced import Slices
    from ._recalibration.classifier import RecalibratedClassifier
    from ._scan.accumulate import accumulate, merge
    from ._scan.files import SkippedPartWarning, scan
    from ._scan.finish import finish
    from ._scan.rolling import rolling
    from ._scan.state import ScanState

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
_LATE = {  # what is heavy, by the module that it is loaded from
    "RecalibratedClassifier": "_recalibration.classifier",
    "Alarm": "_drift.alarm",
    "Drift": "_drift.result",
    "EnsembleDecomposition": "_ensemble.result",
    "ExpectedLoss": "_drift.expected_result",
    "Monitor": "_drift.monitor",
    "OutsideReferenceWarning": "_drift.expected_loss",
    "OverTime": "_drift.over_time",
    "ReducibleLoss": "_features.result",
    "ScanState": "_scan.state",
    "SkippedPartWarning": "_scan.files",
    "Slices": "_features.sliced",
    "accumulate": "_scan.accumulate",
    "decompose_ensemble": "_ensemble.decompose",
    "drift": "_drift.drift",
    "expected_loss": "_drift.expected_loss",
    "finish": "_scan.finish",
    "merge": "_scan.accumulate",
    "rolling": "_scan.rolling",
    "scan": "_scan.files",
    "show_versions": "_display.versions",
}

provide(
    plots=lambda: importlib.import_module(".plotting", __name__),
    report=lambda: importlib.import_module("._report.render", __name__),
)
pd.api.extensions.register_dataframe_accessor("xent")(XentAccessor)


if TYPE_CHECKING:
    __version__: str
else:  # a misspelt name is an error to a checker of types, too

    def __getattr__(name: str) -> Any:
        if name in _LAZY:
            return importlib.import_module(f".{name}", __name__)
        if name in _LATE:
            home = importlib.import_module(f".{_LATE[name]}", __name__)
            return getattr(home, name)
        if name == "__version__":
            return importlib.import_module("importlib.metadata").version("xent-metrics")
        raise no_name(__name__, name, __all__)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
