"""scikit-learn scorers: plain callables that see every class and every weight.

``neg_cross_entropy`` and its kin go wherever scikit-learn takes ``scoring=``;
:class:`DecompositionScorer` returns all terms from one call of ``predict_proba``.

Columns follow the estimator's ``classes_``; a label that it does not know has
probability 0, which costs -log(clip). Weights and, under metadata routing, soft labels
are used wherever scikit-learn delivers them. Without routing, ``GridSearchCV.fit``
passes its ``sample_weight`` to scorers (from scikit-learn 1.7 on), but
``cross_validate(params=)`` passes all to ``fit`` alone and nothing to scorers: enable
routing there, and ask with ``scorer.set_score_request(sample_weight=True)``.
"""

from __future__ import annotations

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
entropy = TermScorer("entropy")
neg_abs_calibration_gap = TermScorer("neg_abs_calibration_gap")
neg_cross_entropy = TermScorer("neg_cross_entropy")
neg_kl_divergence = TermScorer("neg_kl_divergence")
neg_miscalibration = TermScorer("neg_miscalibration")
neg_perplexity = TermScorer("neg_perplexity")
neg_refinement = TermScorer("neg_refinement")
predictive_entropy = TermScorer("predictive_entropy")
resolution = TermScorer("resolution")
skill = TermScorer("skill")
uncertainty = TermScorer("uncertainty")
