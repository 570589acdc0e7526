"""scikit-learn scorers: plain callables that see every class and every weight.

``neg_cross_entropy`` and its kin go wherever scikit-learn takes ``scoring=``;
:class:`DecompositionScorer` returns all terms from one call of ``predict_proba``.

Columns follow the estimator's ``classes_``; a label that it does not know has
probability 0, which costs ``-log(clip)``. Weights and, under metadata routing, soft
labels are used wherever scikit-learn delivers them. Without routing,
``GridSearchCV.fit`` passes its ``sample_weight`` to scorers (from scikit-learn 1.7 on),
but ``cross_validate(params=)`` passes all to ``fit`` alone and nothing to scorers:
enable routing there, and ask with ``scorer.set_score_request(sample_weight=True)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._calls import no_name
from ._decomposition_scorer import DecompositionScorer
from ._term_scorer import TermScorer, get_scorer, get_scorer_names

__all__ = [
    "DecompositionScorer",
    "TermScorer",
    "calibration_gap",
    "entropy",
    "get_scorer",
    "get_scorer_names",
    "neg_abs_calibration_gap",
    "neg_cross_entropy",
    "neg_kl_divergence",
    "neg_miscalibration",
    "neg_perplexity",
    "neg_refinement",
    "predictive_entropy",
    "resolution",
    "skill",
    "uncertainty",
]

calibration_gap = TermScorer("calibration_gap")
"""Cross-entropy - predictive entropy: above 0 where predictions are too bold."""

entropy = TermScorer("entropy")
"""Mean entropy of the targets; 0 for hard labels."""

neg_abs_calibration_gap = TermScorer("neg_abs_calibration_gap")
"""Minus the size of the calibration gap: 0 is best."""

neg_cross_entropy = TermScorer("neg_cross_entropy")
"""Minus the mean cross-entropy: in the place of ``"neg_log_loss"``."""

neg_kl_divergence = TermScorer("neg_kl_divergence")
"""Minus the mean divergence of the predictions from the targets."""

neg_miscalibration = TermScorer("neg_miscalibration")
"""Minus what recalibration alone would remove."""

neg_perplexity = TermScorer("neg_perplexity")
"""Minus the exponential of the mean cross-entropy."""

neg_refinement = TermScorer("neg_refinement")
"""Minus the cost that is left after recalibration."""

predictive_entropy = TermScorer("predictive_entropy")
"""Mean entropy of the predictions: the cost that the model itself expects."""

resolution = TermScorer("resolution")
"""What the predictions tell about the label."""

skill = TermScorer("skill")
"""1 - cross-entropy / uncertainty: 1 is perfect, 0 no better than frequencies."""

uncertainty = TermScorer("uncertainty")
"""Cost of always predicting the class frequencies."""


if not TYPE_CHECKING:  # to which any name would be one of the module

    def __getattr__(name: str) -> Any:
        raise no_name(__name__, name, __all__)


def __dir__() -> list[str]:
    return sorted(__all__)
