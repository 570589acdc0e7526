"""scikit-learn scorers: plain callables that see every class and every weight.

``neg_cross_entropy`` and its kin go wherever scikit-learn takes ``scoring=``;
:class:`DecompositionScorer` returns all terms from one call of ``predict_proba``.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, Self

from sklearn.utils.metadata_routing import MetadataRequest

from ._decomposition import Decomposition
from ._evaluation import probabilities
from ._inputs import EPS, check_clip, read
from ._measures import cross_entropy
from ._terms import Recalibration, decompose_inputs
from ._units import nats_per_unit

__all__ = [
    "DecompositionScorer",
    "TermScorer",
    "get_scorer",
    "get_scorer_names",
    "neg_cross_entropy",
]

# Greater is better: costs are negated, terms that describe keep their sign.
_TERMS: Mapping[str, Callable[[Decomposition], float]] = MappingProxyType(
    {
        "neg_cross_entropy": lambda d: -d.cross_entropy,
        "neg_kl_divergence": lambda d: -d.kl_divergence,
        "neg_refinement": lambda d: -d.refinement,
        "neg_miscalibration": lambda d: -d.miscalibration,
        "uncertainty": lambda d: d.uncertainty,
        "resolution": lambda d: d.resolution,
        "skill": lambda d: d.skill,
        "entropy": lambda d: d.entropy,
        "predictive_entropy": lambda d: d.predictive_entropy,
        "calibration_gap": lambda d: d.calibration_gap,
    }
)
_PARAMS = ("sample_weight", "soft_labels")


class _Scorer:
    """What all scorers share: options, metadata requests, evaluation."""

    __name__: str

    def __init__(
        self, *, clip: float, base: float | None, recalibration: Recalibration
    ) -> None:
        self.clip = check_clip(clip)
        nats_per_unit(base)
        self.base = base
        self.recalibration: Recalibration = recalibration
        self._requests: dict[str, bool | str | None] = dict.fromkeys(_PARAMS)

    def _accept_sample_weight(self) -> bool:
        """Tell scikit-learn's searches that weights are welcome."""
        return True

    def set_score_request(self, **requests: bool | str | None) -> Self:
        """Return a scorer that asks for metadata under metadata routing.

        Parameters
        ----------
        **requests : bool, str or None
            For ``sample_weight`` and ``soft_labels``: True asks for it, False ignores
            it, None makes passing it an error, a string is the name it goes by.

        Returns
        -------
        scorer
            A copy; the scorer itself does not change.

        Raises
        ------
        TypeError
            If the name is not one that the scorer takes.
        """
        for name in requests:
            if name not in _PARAMS:
                msg = (
                    f"a scorer takes {' and '.join(_PARAMS)}: found {name!r}; "
                    "request one of these."
                )
                raise TypeError(msg)
        new = copy.copy(self)
        vars(new)["_requests"] = self._requests | requests
        return new

    def get_metadata_routing(self) -> MetadataRequest:
        """The metadata that this scorer asks for."""
        request = MetadataRequest(owner=self)
        for name, alias in self._requests.items():
            request.score.add_request(param=name, alias=alias)
        return request

    def _decompose(
        self,
        estimator: Any,
        X: Any,  # noqa: N803 - scikit-learn's name
        y_true: Any,
        sample_weight: Any,
        soft_labels: Any,
    ) -> Decomposition:
        inputs = read(
            y_true if soft_labels is None else soft_labels,
            probabilities(estimator, X),
            labels=estimator.classes_,
            sample_weight=sample_weight,
        )
        return decompose_inputs(
            inputs, base=self.base, clip=self.clip, recalibration=self.recalibration
        )[0]

    def _options(self) -> str:
        shown = []
        if self.clip != EPS:
            shown.append(f"clip={self.clip!r}")
        if self.base is not None:
            shown.append(f"base={self.base!r}")
        if self.recalibration != "temperature":
            shown.append(f"recalibration={self.recalibration!r}")
        return ", ".join(shown)


class TermScorer(_Scorer):
    """A scorer of one term; made by :func:`get_scorer`.

    Call it as ``scorer(estimator, X, y_true, *, sample_weight=None,
    soft_labels=None)``; it returns a float, and greater is better.
    """

    def __init__(
        self,
        name: str,
        *,
        clip: float = EPS,
        base: float | None = None,
        recalibration: Recalibration = "temperature",
    ) -> None:
        super().__init__(clip=clip, base=base, recalibration=recalibration)
        _check_name(name)
        self.__name__ = name

    def __call__(
        self,
        estimator: Any,
        X: Any,  # noqa: N803 - scikit-learn's name
        y_true: Any,
        *,
        sample_weight: Any = None,
        soft_labels: Any = None,
    ) -> float:
        """Score a fitted classifier."""
        if self.__name__ == "neg_cross_entropy":
            return -cross_entropy(
                y_true if soft_labels is None else soft_labels,
                probabilities(estimator, X),
                labels=estimator.classes_,
                sample_weight=sample_weight,
                base=self.base,
                clip=self.clip,
            )
        terms = self._decompose(estimator, X, y_true, sample_weight, soft_labels)
        return _TERMS[self.__name__](terms)

    def __repr__(self) -> str:
        options = self._options()
        comma = ", " if options else ""
        return f"get_scorer({self.__name__!r}{comma}{options})"


class DecompositionScorer(_Scorer):
    """All terms of the decomposition from one call of ``predict_proba``.

    Pass it as ``scoring=`` to ``cross_validate`` or to a search (with ``refit=`` one
    of its terms): it returns a dict. Where scikit-learn wants a float, pass
    ``scorer.single(name)``.

    Parameters
    ----------
    terms : iterable of str, optional
        The terms, from :func:`get_scorer_names`. Default: all.
    clip, base
        As in :func:`cross_entropy`.
    recalibration : str or object, default "temperature"
        As in :func:`decompose`. One cheap map for all candidates of a search, so that
        none is better by the choice of its map; "auto" is what ``decompose`` does.
    on_error : {"nan", "raise"}, default "nan"
        What happens where data cannot be scored: all terms are NaN and a warning
        says why, or the error is raised (scikit-learn then loses the other terms'
        names).

    Raises
    ------
    ValueError
        If a term or an option is unknown.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import cross_validate
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from xent_metrics.scorers import DecompositionScorer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> scores = cross_validate(GaussianNB(), X, y, scoring=DecompositionScorer())
    >>> round(scores["test_neg_miscalibration"].mean(), 2)
    np.float64(-0.31)
    """

    def __init__(
        self,
        terms: Iterable[str] | None = None,
        *,
        clip: float = EPS,
        base: float | None = None,
        recalibration: Recalibration = "temperature",
        on_error: Literal["nan", "raise"] = "nan",
    ) -> None:
        super().__init__(clip=clip, base=base, recalibration=recalibration)
        self.terms = tuple(_TERMS if terms is None else terms)
        for name in self.terms:
            _check_name(name)
        if on_error not in ("nan", "raise"):
            msg = (
                "on_error must be 'nan' or 'raise': "
                f"found {on_error!r}; pass one of the two."
            )
            raise ValueError(msg)
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
            result = self._decompose(estimator, X, y_true, sample_weight, soft_labels)
        except ValueError as error:
            if self.on_error == "raise":
                raise
            warnings.warn(f"scores are NaN: {error}", UserWarning, stacklevel=2)
            return dict.fromkeys(self.terms, math.nan)
        return {name: _TERMS[name](result) for name in self.terms}

    def single(self, name: str) -> TermScorer:
        """The scorer of one term, with the same options and requests."""
        scorer = TermScorer(
            name, clip=self.clip, base=self.base, recalibration=self.recalibration
        )
        return scorer.set_score_request(**self._requests)

    def __repr__(self) -> str:
        parts = []
        if self.terms != tuple(_TERMS):
            parts.append(repr(list(self.terms)))
        if self._options():
            parts.append(self._options())
        if self.on_error != "nan":
            parts.append(f"on_error={self.on_error!r}")
        return f"DecompositionScorer({', '.join(parts)})"


def get_scorer(
    name: str,
    *,
    clip: float = EPS,
    base: float | None = None,
    recalibration: Recalibration = "temperature",
) -> TermScorer:
    """Return the scorer of one term.

    Parameters
    ----------
    name : str
        One of :func:`get_scorer_names`.
    clip, base
        As in :func:`cross_entropy`.
    recalibration : str or object, default "temperature"
        As in :class:`DecompositionScorer`. A fold of few rows gives rough terms of
        the decomposition, without a warning.

    Returns
    -------
    TermScorer
        A callable for ``scoring=``.

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> from xent_metrics.scorers import get_scorer
    >>> get_scorer("neg_miscalibration", base=2)
    get_scorer('neg_miscalibration', base=2)
    """
    return TermScorer(name, clip=clip, base=base, recalibration=recalibration)


def get_scorer_names() -> list[str]:
    """Names of all terms that can be scored.

    Returns
    -------
    list of str
        Sorted by name.

    Examples
    --------
    >>> from xent_metrics.scorers import get_scorer_names
    >>> "neg_cross_entropy" in get_scorer_names()
    True
    """
    return sorted(_TERMS)


def _check_name(name: str) -> None:
    if name not in _TERMS:
        msg = (
            f"a scorer must be one of {', '.join(sorted(_TERMS))}: found {name!r}; "
            "pass one of these names."
        )
        raise ValueError(msg)


neg_cross_entropy = TermScorer("neg_cross_entropy")
