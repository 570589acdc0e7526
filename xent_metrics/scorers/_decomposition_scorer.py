"""The scorer of many terms from one call of ``predict_proba``."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any, Literal, NoReturn

import numpy as np

from .._decomposition.recalibration import Recalibration
from .._inputs.read_options import EPS, TargetType
from .._pickling import public
from ._options import Multioutput, Options, check_one_of
from ._scorer import Scorer
from ._term_scorer import TermScorer
from ._values import COUNTS, DEFAULT, check_name, need_a_map


class Scores(dict[str, float]):
    """A value for each term; says what to do where a number is required."""

    def _refuse(self, *_args: Any, **_options: Any) -> NoReturn:
        msg = (
            "a score must be a number here: a DecompositionScorer gives a dict of "
            f"{len(self)} terms; pass scoring=scorer.single({next(iter(self))!r}), or "
            "another of them."
        )
        raise TypeError(msg)

    # What scikit-learn and numpy try on something that should be a number.
    item = __float__ = __array__ = __add__ = __radd__ = _refuse


@public
class DecompositionScorer(Scorer):
    """All terms of the decomposition from one call of ``predict_proba``.

    Pass it as ``scoring=`` to ``cross_validate``, ``permutation_importance``, or a grid
    or randomized search with ``refit=`` one of its terms: it returns a dict. Everything
    else of scikit-learn (``cross_val_score``, ``learning_curve``, successive halving,
    ``RFECV``, ...) requires a float: pass ``scorer.single(name)``.

    Parameters
    ----------
    terms : iterable of str, optional
        The terms, from :func:`get_scorer_names`, and the counts of rows "n",
        "n_clipped", "n_infinite" and "n_unseen". Default: the ten that are not
        functions of others, thus all but the perplexity and the absolute gap.
    clip, base, recalibration, target_type, rescale
        As in :func:`get_scorer`.
    multioutput : {"raw_values", "uniform_average"}, optional
        As in :func:`get_scorer`; "raw_values" gives each output its own keys, the
        term's name with "_0", "_1", ... at its end. The counts of an average are sums.
    on_error : {"nan", "raise"}, default "nan"
        What happens where an estimator cannot be scored: all terms are NaN and a
        warning says why, or the error is raised (scikit-learn then loses the other
        terms' names).

    Raises
    ------
    ValueError
        If a term or an option is unknown.

    See Also
    --------
    get_scorer : One term.
    xent_metrics.decompose : The same without an estimator.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import cross_validate
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from xent_metrics.scorers import DecompositionScorer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> scores = cross_validate(GaussianNB(), X, y, scoring=DecompositionScorer())
    >>> scores["test_neg_miscalibration"].mean().round(2).item()
    -0.5
    """

    def __init__(
        self,
        terms: Iterable[str] | None = None,
        *,
        clip: float = EPS,
        base: float | None = None,
        recalibration: Recalibration = "slope-bias",
        target_type: TargetType = "auto",
        rescale: bool = False,
        multioutput: Multioutput = None,
        on_error: Literal["nan", "raise"] = "nan",
    ) -> None:
        options = Options(
            clip=clip,
            base=base,
            recalibration=recalibration,
            target_type=target_type,
            rescale=rescale,
            multioutput=multioutput,
        )
        super().__init__(options)
        if isinstance(terms, str):
            terms = (terms,)
        self.terms = tuple(dict.fromkeys(DEFAULT if terms is None else terms))
        for name in self.terms:
            check_name(name, counts=True)
        if not self.terms:
            msg = "terms must not be empty: found none; pass None for the default."
            raise ValueError(msg)
        check_one_of("on_error", on_error, ("nan", "raise"))
        self.on_error = on_error
        self.__name__ = "decomposition"

    def __call__(
        self,
        estimator: Any,
        X: Any,  # noqa: N803 - scikit-learn's name
        y_true: Any,
        *,
        sample_weight: Any = None,
        soft_labels: Any = None,
    ) -> dict[str, float]:
        """Score a fitted classifier: a value for each term."""
        try:
            found = self._scores(
                self.terms,
                estimator,
                X,
                y_true,
                sample_weight=sample_weight,
                soft_labels=soft_labels,
            )
        except Exception as error:
            if self.on_error == "raise":
                raise
            warnings.warn(f"scores are NaN: {error}", UserWarning, stacklevel=2)
            n_outputs = (*np.shape(y_true), 1)[1]
            found = [dict.fromkeys(self.terms, math.nan)] * n_outputs
        if self.options.multioutput == "raw_values":
            return Scores(
                {
                    f"{name}_{output}": values[name]
                    for output, values in enumerate(found)
                    for name in self.terms
                }
            )
        return Scores({name: _average(name, found) for name in self.terms})

    def single(self, name: str) -> TermScorer:
        """The scorer of one term, with the same options and requests.

        Parameters
        ----------
        name : str
            One of :func:`get_scorer_names`.

        Returns
        -------
        TermScorer
            For ``scoring=`` where scikit-learn requires a float.

        Examples
        --------
        >>> from xent_metrics.scorers import DecompositionScorer
        >>> DecompositionScorer(base=2).single("skill")
        get_scorer('skill', base=2, recalibration='slope-bias')
        """
        scorer = TermScorer(name, **vars(self.options))
        return scorer.set_score_request(**self._requests)

    def __repr__(self) -> str:
        """How to make it."""
        parts = []
        if self.terms != DEFAULT:
            parts.append(repr(list(self.terms)))
        if options := self.options.shown(with_map=need_a_map(self.terms)):
            parts.append(options)
        if self.on_error != "nan":
            parts.append(f"on_error={self.on_error!r}")
        return f"DecompositionScorer({', '.join(parts)})"


def _average(name: str, found: list[dict[str, float]]) -> float:
    """The mean over outputs, of counts the sum."""
    total = sum(values[name] for values in found)
    return total if name in COUNTS else total / len(found)
