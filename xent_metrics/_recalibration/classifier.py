"""A classifier of scikit-learn whose probabilities are recalibrated."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, get_tags, indexable
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import (
    check_is_fitted,
    column_or_1d,
    has_fit_parameter,
)

from .._inputs.estimators import in_class_order, probabilities
from .._inputs.groups import read_groups
from .._inputs.inputs import read
from .._inputs.labels import as_labels, show
from .._inputs.messages import warn
from .._inputs.read_options import EPS, ReadOptions, check_clip
from .._kernels.table import FloatArray, IntArray
from .._pickling import public
from .custom import RecalibrationMap
from .recalibrator import Recalibrator
from .sample import from_inputs
from .select import NAMES, MapName, recalibrate

_LEAST_ROWS = 10  # or groups of rows: no map is fitted to fewer


@public
class RecalibratedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A classifier whose probabilities go through a recalibration map.

    Parameters
    ----------
    estimator : classifier
        With ``predict_proba``. One that is fitted, and stays so, is passed as
        ``FrozenEstimator(model)``; another is fitted by :meth:`fit`.
    recalibrator : str, Recalibrator or object, default "auto"
        The name of a map, as in :func:`decompose`, or an object with ``fit`` and
        ``predict`` (:class:`RecalibrationMap`): :meth:`fit` fits the map. Or a map that
        is fitted, as :meth:`Decomposition.recalibrator` returns it: it is applied as
        it is, and classes are matched by name.
    cv : int, splitter or iterable, optional
        Folds of the out-of-fold predictions that the map is fitted to, as in
        ``cross_validate``. Default: 5 folds. Not used where the estimator is frozen,
        or the map fitted.
    clip : float, default machine epsilon
        Floor of probabilities before a map that :meth:`fit` fits, in [0, 1). A forest
        predicts 0 where no tree disagrees: with a map of one slope pass 0.01.
    n_jobs : int, optional
        Number of folds that are fitted at once, as in ``cross_validate``.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The classes of the estimator, in its order; columns follow them.
    estimator_ : classifier
        The fitted estimator.
    recalibrator_ : Recalibrator
        The fitted map.

    Raises
    ------
    ValueError
        By :meth:`fit` and :meth:`predict_proba`: if a parameter is out of range, or if
        labels, weights, groups or probabilities break a rule of :func:`cross_entropy`.

    Warns
    -----
    ConvergenceWarning
        By :meth:`fit`, if the fit of the map did not converge.

    See Also
    --------
    Decomposition.recalibrator : A map that was fitted to the evaluated rows.

    Notes
    -----
    Calibrate on rows that the estimator was not trained on: with
    ``FrozenEstimator(model)`` on held-out rows, otherwise :meth:`fit` predicts each row
    by an estimator that was fitted without it, fits one map to all these predictions,
    and the estimator to all rows, as ``CalibratedClassifierCV(ensemble=False)`` does.
    Rows that a map was fitted to make it look better than it is: evaluate on others.
    A :class:`Recalibrator` of evaluated rows belongs to the model that was evaluated,
    which should be frozen. It needs no :meth:`fit` where the model is fitted.

    ==================  ======================  ====================================
    Name here           CalibratedClassifierCV  Where they differ
    ==================  ======================  ====================================
    "temperature"       method="temperature"    here a weak ridge holds the map near
                                                the identity
    "temperature-bias"  method="sigmoid"        here of log-odds, with one softmax
                                                for several classes; there of
                                                ``decision_function`` or the bare
                                                probability, each class against the
                                                rest
    "isotonic"          method="isotonic"       here steps, there lines between
                                                them; only there for several
                                                classes, each against the rest
    "auto", all others  none
    ==================  ======================  ====================================

    An isotonic map predicts 0 and 1, which cost infinitely much where they are wrong;
    the others do not. benchmarks/recalibrated.py compares both on fresh rows.

    References
    ----------
    Platt, J. C. (1999). Probabilistic outputs for support vector machines and
    comparisons to regularized likelihood methods. Advances in Large Margin Classifiers,
    61-74.

    Guo, C., Pleiss, G., Sun, Y. & Weinberger, K. Q. (2017). On calibration of modern
    neural networks. Proceedings of Machine Learning Research 70, 1321-1330.
    arXiv:1706.04599

    Examples
    --------
    A fitted model, a map fitted to held-out rows, and what it does for fresh ones:

    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from xent_metrics import RecalibratedClassifier, cross_entropy
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = GaussianNB().fit(X[:200], y[:200])
    >>> better = RecalibratedClassifier(FrozenEstimator(model), "temperature")
    >>> better = better.fit(X[200:400], y[200:400])
    >>> fresh, truth = X[400:], y[400:]
    >>> round(cross_entropy(truth, model.predict_proba(fresh)), 2)
    0.3
    >>> round(cross_entropy(truth, better.predict_proba(fresh)), 2)
    0.11

    The map that an evaluation found, for the model that was evaluated:

    >>> from xent_metrics import Evaluation
    >>> evaluation = Evaluation.from_estimator(model, X[200:400], y[200:400])
    >>> found = evaluation.decomposition.recalibrator("temperature")
    >>> RecalibratedClassifier(model, found).predict_proba(fresh).shape
    (169, 2)
    """

    def __init__(
        self,
        estimator: Any,
        recalibrator: MapName | RecalibrationMap | Recalibrator = "auto",
        *,
        cv: Any = None,
        clip: float = EPS,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.recalibrator = recalibrator
        self.cv = cv
        self.clip = clip
        self.n_jobs = n_jobs

    def fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit the estimator, unless it is frozen, and the map, unless it is fitted.

        Parameters
        ----------
        X : array-like or DataFrame of N rows
            What the estimator predicts from.
        y : array-like of shape (N,)
            The class of each row.
        sample_weight : array-like of shape (N,), optional
            Weights of the rows, for the estimator (where its ``fit`` takes them) and
            the map.
        groups : array-like of shape (N,), optional
            Groups of rows that are not independent, for the folds and the choice of
            the map.
        **fit_params
            Passed to the ``fit`` of the estimator, or routed where
            ``enable_metadata_routing`` is set.

        Returns
        -------
        RecalibratedClassifier
            Itself.

        Raises
        ------
        TypeError
            If the estimator has no ``predict_proba``.
        ValueError
            If the recalibrator is none of the three kinds or is of other classes, if
            ``y`` holds fewer than two classes or too few rows for a map, if a class is
            missing from the training rows of a fold, or as in :func:`cross_entropy`.
        """
        _check_recalibrator(self.recalibrator)
        check_clip(self.clip)
        rows = _Rows(*indexable(X, column_or_1d(y, warn=True), sample_weight, groups))
        check_classification_targets(rows.y)
        asked = self._routed(rows, fit_params)
        if isinstance(self.recalibrator, Recalibrator):
            estimator = _fit(self.estimator, rows, asked.fit)
            _order(self.recalibrator, as_labels(estimator.classes_))
            self.estimator_, self.recalibrator_ = estimator, self.recalibrator
            return self
        if isinstance(self.estimator, FrozenEstimator):
            estimator = self.estimator
            proba, classes = _predict(estimator, rows.X)
            found = _Found(np.arange(len(rows.y)), proba, classes)
        else:
            found = _out_of_fold(self.estimator, rows, asked, self.cv, self.n_jobs)
            estimator = _fit(self.estimator, rows, asked.fit)
        fitted = _fit_map(self.recalibrator, found, rows, self.clip)
        self.estimator_, self.recalibrator_ = estimator, fitted
        return self

    def predict_proba(self, X: Any) -> FloatArray:  # noqa: N803 - scikit-learn's name
        """Recalibrated probabilities.

        Parameters
        ----------
        X : array-like or DataFrame of N rows
            What the estimator predicts from.

        Returns
        -------
        ndarray of shape (N, K)
            Columns in the order of ``classes_``.

        Raises
        ------
        NotFittedError
            If nothing is fitted.
        ValueError
            If the map is of other classes than the estimator, or if its
            probabilities break a rule of :func:`cross_entropy`.
        """
        check_is_fitted(self)
        recalibrator: Any = getattr(self, "recalibrator_", self.recalibrator)
        proba, classes = _predict(self._fitted(), X)
        order = _order(recalibrator, classes)
        out = np.empty_like(proba)
        out[:, order] = recalibrator.predict_proba(proba[:, order])
        return out

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803 - scikit-learn's name
        """The likeliest class of each row, after recalibration.

        Parameters
        ----------
        X : array-like or DataFrame of N rows
            What the estimator predicts from.

        Returns
        -------
        ndarray of shape (N,)
            Some of ``classes_``.

        Raises
        ------
        NotFittedError, ValueError
            As in :meth:`predict_proba`.
        """
        found: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return found

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes of the estimator, in its order."""
        return np.asarray(self._fitted().classes_)

    @property
    def n_features_in_(self) -> int:
        """Number of features that the estimator was fitted to."""
        return int(self._fitted().n_features_in_)

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of the features that the estimator was fitted to."""
        return np.asarray(self._fitted().feature_names_in_)

    def get_metadata_routing(self) -> Any:
        """What is routed where: see scikit-learn's guide to metadata routing.

        Returns
        -------
        MetadataRouter
            Of this object, its estimator and its ``cv``.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                estimator=self.estimator,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
            .add(
                splitter=self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )

    def __sklearn_is_fitted__(self) -> bool:
        if hasattr(self, "estimator_"):
            return True
        return isinstance(self.recalibrator, Recalibrator) and _is_fitted(
            self.estimator
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        of_estimator = get_tags(self.estimator).input_tags
        for name in ("sparse", "categorical", "string", "allow_nan", "pairwise"):
            setattr(tags.input_tags, name, getattr(of_estimator, name))
        return tags

    def _fitted(self) -> Any:
        """The fitted estimator: that of ``fit``, or one that was passed with a map."""
        if not self.__sklearn_is_fitted__():
            msg = f"{type(self).__name__} is not fitted; call fit first."
            raise NotFittedError(msg)
        return getattr(self, "estimator_", self.estimator)

    def _routed(self, rows: _Rows, fit_params: Mapping[str, Any]) -> _Asked:
        """What the estimator's fit gets, and what the folds get."""
        given = {"sample_weight": rows.sample_weight, "groups": rows.groups}
        given = {name: one for name, one in given.items() if one is not None}
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **given, **fit_params)
            return _Asked(dict(routed.estimator.fit), dict(routed.splitter.split))
        fit = dict(fit_params)
        if rows.sample_weight is not None:
            if has_fit_parameter(self.estimator, "sample_weight"):
                fit["sample_weight"] = rows.sample_weight
            elif not isinstance(self.estimator, FrozenEstimator):
                name = type(self.estimator).__name__
                warn(
                    f"fit of {name} takes no sample_weight: the map is fitted with "
                    "weights, the estimator without; enable metadata routing, or "
                    "pass FrozenEstimator(model).",
                    UserWarning,
                )
        return _Asked(fit, {"groups": rows.groups})


class _Rows(NamedTuple):
    """What was passed to ``fit``."""

    X: Any
    y: NDArray[Any]
    sample_weight: Any
    groups: Any

    def take(self, index: IntArray) -> _Rows:
        """Some of the rows."""
        some: list[Any] = [None if one is None else _safe(one, index) for one in self]
        return _Rows(*some)


class _Asked(NamedTuple):
    """Parameters of the estimator's ``fit`` and of the splitter's ``split``."""

    fit: dict[str, Any]
    split: dict[str, Any]


class _Found(NamedTuple):
    """Predictions to fit a map to, in the order of ``classes``; rows are numbered."""

    rows: IntArray
    proba: FloatArray
    classes: tuple[Any, ...]


def _check_recalibrator(recalibrator: Any) -> None:
    """A fitted map, a name, or an object that can be fitted."""
    if isinstance(recalibrator, str):
        if recalibrator in NAMES:
            return
        near = difflib.get_close_matches(recalibrator.lower(), NAMES, n=1)
        mend = f"did you mean {near[0]!r}?" if near else "pass the name of a map."
        msg = (
            f"recalibrator must be one of {', '.join(map(repr, NAMES))}, or a fitted "
            f"map, or an object with fit and predict: found {recalibrator!r}; {mend}"
        )
        raise ValueError(msg)
    kinds = Recalibrator, RecalibrationMap
    if not isinstance(recalibrator, kinds) or isinstance(recalibrator, type):
        msg = (
            "recalibrator must be the name of a map, a fitted map, or an object with "
            f"fit and predict: found {recalibrator!r}; pass 'auto', or "
            "decompose(y_true, y_proba).recalibrator()."
        )
        raise TypeError(msg)


def _safe(values: Any, index: IntArray) -> Any:
    return _safe_indexing(values, index)


def _fit(estimator: Any, rows: _Rows, params: Mapping[str, Any]) -> Any:
    """A fitted copy of the estimator, or the frozen one as it is."""
    return clone(estimator).fit(rows.X, rows.y, **params)


def _is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def _predict(estimator: Any, X: Any) -> tuple[FloatArray, tuple[Any, ...]]:  # noqa: N803 - scikit-learn's name
    """The estimator's probabilities, columns in the order of its classes."""
    proba, classes = in_class_order(estimator, probabilities(estimator, X))
    return np.asarray(proba, dtype=np.float64), classes


def _order(recalibrator: Recalibrator, classes: tuple[Any, ...]) -> list[int]:
    """Where each class of the map stands among those of the estimator."""
    if len(classes) != len(recalibrator.labels) or set(classes) != set(
        recalibrator.labels
    ):
        msg = (
            "recalibrator must be of the classes of the estimator: found "
            f"{show(recalibrator.labels)} for {show(classes)}; fit it to predictions "
            "of this estimator."
        )
        raise ValueError(msg)
    return [classes.index(label) for label in recalibrator.labels]


def _out_of_fold(
    estimator: Any, rows: _Rows, asked: _Asked, cv: Any, n_jobs: int | None
) -> _Found:
    """Predictions of each row by an estimator that was fitted without it."""
    classes = np.unique(rows.y)
    _check_classes(len(classes))
    split = check_cv(cv, rows.y, classifier=True).split(rows.X, rows.y, **asked.split)
    every = np.arange(len(rows.y))  # folds may be masks, as for scikit-learn
    folds = [(every[train], every[test]) for train, test in split]
    if not folds:
        msg = "cv must yield one fold or more: found none; pass cv=5."
        raise ValueError(msg)
    for fold, (train, _) in enumerate(folds):
        missing = np.setdiff1d(classes, rows.y[train])
        if len(missing):
            msg = (
                "every class must be among the training rows of every fold: "
                f"{missing[0].item()!r} is not in fold {fold}; pass cv= with fewer "
                "folds, or folds that are stratified."
            )
            raise ValueError(msg)
    found = Parallel(n_jobs=n_jobs)(
        delayed(_predict_fold)(estimator, rows, asked.fit, train, test)
        for train, test in folds
    )
    return _Found(
        np.concatenate([test for _, test in folds]),
        np.concatenate(found),
        as_labels(classes),
    )


def _predict_fold(
    estimator: Any,
    rows: _Rows,
    params: Mapping[str, Any],
    train: IntArray,
    test: IntArray,
) -> FloatArray:
    """One fold's predictions, columns in the order of the sorted classes."""
    n = len(rows.y)
    of_fold = {
        name: _safe(value, train) if np.shape(value)[:1] == (n,) else value
        for name, value in params.items()
    }
    fitted = _fit(estimator, rows.take(train), of_fold)
    proba, classes = _predict(fitted, _safe(rows.X, test))
    return proba[:, [classes.index(one) for one in as_labels(np.unique(rows.y))]]


def _check_classes(n: int) -> None:
    if n < 2:  # noqa: PLR2004
        msg = (
            f"y must hold two classes or more to fit a map: found {n} class"
            f"{'es' * (n != 1)}; pass rows of all classes."
        )
        raise ValueError(msg)


def _fit_map(
    recalibrator: MapName | RecalibrationMap, found: _Found, rows: _Rows, clip: float
) -> Recalibrator:
    """The map from these predictions to the labels."""
    seen = rows.take(found.rows)
    options = ReadOptions(
        labels=found.classes, sample_weight=seen.sample_weight, clip=clip
    )
    inputs = read(seen.y, found.proba, options, warn_unseen=False)
    if inputs.n_unseen:
        msg = (
            f"y must hold classes of the estimator, {show(found.classes)}: found "
            f"{show(inputs.unseen)}; leave these rows out, or fit the estimator to "
            "them too."
        )
        raise ValueError(msg)
    assert inputs.codes is not None, "labels are one per row"
    _check_classes(len(np.unique(inputs.counted(inputs.codes))))
    inputs = inputs.with_scaled_weights()
    inputs.measure(["confidence"], clip=EPS)  # checks every row
    groups = seen.groups
    if groups is None and len(np.unique(found.rows)) < len(found.rows):
        groups = found.rows  # a row that several folds predicted counts once
    clusters = read_groups(groups, inputs)
    n = inputs.n if clusters is None else len(np.unique(inputs.counted(clusters)))
    if n < _LEAST_ROWS:
        what = "rows" if clusters is None else "groups of rows"
        msg = (
            f"X must hold {_LEAST_ROWS} {what} or more to fit a map: found {n}; pass "
            "more rows, or a fitted map."
        )
        raise ValueError(msg)
    sample = from_inputs(inputs, inputs.active, clip=clip, clusters=clusters)
    chosen = recalibrate(sample, recalibrator).chosen
    if not chosen.converged:
        warn(
            f"the fit of the {chosen.name} map did not converge: its probabilities "
            "are unreliable; pass more rows, or recalibrator='temperature'.",
            ConvergenceWarning,
        )
    return Recalibrator(
        name=chosen.name,
        labels=found.classes,
        recalibrate=chosen.recalibrate,
        clip=clip,
    )
