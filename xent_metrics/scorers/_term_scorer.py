"""Scorers of one term."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from .._decomposition.recalibration import Recalibration
from .._inputs.read_options import EPS, TargetType
from .._kernels.sums import weighted_mean
from .._kernels.table import FloatArray
from .._pickling import public
from ._options import Multioutput, Options, ScorerOptions
from ._scorer import Scorer
from ._values import TERM_OF, check_name, need_a_map


@public
class TermScorer(Scorer):
    """A scorer of one term; made by :func:`get_scorer`.

    Call it as ``scorer(estimator, X, y_true, *, sample_weight=None,
    soft_labels=None)``; it returns a float, and greater is better.

    Parameters
    ----------
    name : str
        One of :func:`get_scorer_names`.
    **options
        As in :func:`get_scorer`.

    See Also
    --------
    get_scorer : Makes one.
    DecompositionScorer : All terms for one call of ``predict_proba``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from xent_metrics.scorers import neg_cross_entropy
    >>> X, y = load_iris(return_X_y=True)
    >>> round(neg_cross_entropy(GaussianNB().fit(X, y), X, y), 3)
    -0.111
    """

    def __init__(self, name: str, **options: Unpack[ScorerOptions]) -> None:
        super().__init__(Options(**options))
        check_name(name)
        self.__name__ = name

    def __call__(
        self,
        estimator: Any,
        X: Any,  # noqa: N803 - scikit-learn's name
        y_true: Any,
        *,
        sample_weight: Any = None,
        soft_labels: Any = None,
    ) -> float | FloatArray:
        """Score a fitted classifier; an array with ``multioutput="raw_values"``."""
        found = self._scores(
            (self.__name__,),
            estimator,
            X,
            y_true,
            sample_weight=sample_weight,
            soft_labels=soft_labels,
        )
        values = np.array([each[self.__name__] for each in found])
        if self.options.multioutput == "raw_values":
            return values
        return weighted_mean(values, None)

    def __repr__(self) -> str:
        """How to make it."""
        options = self.options.shown(with_map=need_a_map([self.__name__]))
        comma = ", " if options else ""
        return f"get_scorer({self.__name__!r}{comma}{options})"


@public
def get_scorer(
    name: str,
    *,
    clip: float = EPS,
    base: float | None = None,
    recalibration: Recalibration = "slope-bias",
    target_type: TargetType = "auto",
    rescale: bool = False,
    multioutput: Multioutput = None,
) -> TermScorer:
    """Return the scorer of one term.

    Parameters
    ----------
    name : str
        One of :func:`get_scorer_names`.
    clip, base, rescale
        As in :func:`xent_metrics.cross_entropy`.
    recalibration : str or object, default "slope-bias"
        As in :func:`xent_metrics.decompose`, for the terms that need a map:
        miscalibration, refinement, resolution, skill and uncertainty. The default is
        one cheap map for all candidates of a search, so that none is better by the
        choice of its map; it can move class frequencies, but a miscalibration of
        another shape counts as refinement. "auto" gives the number of ``decompose``.
        A fold of few rows gives rough terms, without a warning, and one of a single
        class gives NaN.
    target_type : {"auto", "labels", "distribution", "votes"}, default "auto"
        What ``soft_labels`` (or else ``y_true``) hold, as in
        :func:`xent_metrics.cross_entropy`; "votes" where a fold might hold single
        votes only.
    multioutput : {"raw_values", "uniform_average"}, optional
        For multilabel and multi-output classifiers, which are an error by default: the
        score of each output as an array, for calls of your own, or the mean of the
        outputs' scores, for scikit-learn, which takes floats only.

    Returns
    -------
    TermScorer
        A callable for ``scoring=``.

    Raises
    ------
    ValueError
        If the name or an option is unknown.

    See Also
    --------
    get_scorer_names : The names it knows.
    DecompositionScorer : All terms at once.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from xent_metrics.scorers import get_scorer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> scorer = get_scorer("neg_miscalibration", base=2)
    >>> scorer
    get_scorer('neg_miscalibration', base=2, recalibration='slope-bias')
    >>> cross_val_score(GaussianNB(), X, y, scoring=scorer).mean().round(2).item()
    -0.71
    """
    return TermScorer(
        name,
        clip=clip,
        base=base,
        recalibration=recalibration,
        target_type=target_type,
        rescale=rescale,
        multioutput=multioutput,
    )


@public
def get_scorer_names() -> list[str]:
    """Names of all terms that can be scored; each is also an attribute of the module.

    Returns
    -------
    list of str
        Sorted by name.

    See Also
    --------
    get_scorer : A scorer by its name.

    Examples
    --------
    >>> from xent_metrics.scorers import get_scorer_names
    >>> "neg_cross_entropy" in get_scorer_names()
    True
    """
    return sorted(TERM_OF)
