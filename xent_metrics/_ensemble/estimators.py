"""Members of scikit-learn's averaging ensembles, and what they predict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._inputs.containers import as_numpy
from .._kernels.table import FloatArray, Table
from .members import weigh
from .row_pass import Part

_ELEMENTS_AT_ONCE = 1 << 23  # predictions of all members that are held


class Fitted(NamedTuple):
    """A fitted ensemble on some rows: ``predict`` gives the members' probabilities.

    Their columns follow the ensemble's classes; ``predict`` takes the rows wanted, or
    gives all rows at once where ``by_rows`` is false.
    """

    keys: tuple[Any, ...]
    weights: FloatArray
    n_rows: int
    n_classes: int
    predict: Callable[[slice], Sequence[FloatArray]]
    by_rows: bool

    def parts(self) -> Iterator[Part]:
        """Tables of as many rows at a time as memory should hold."""
        step = self.n_rows
        if self.by_rows:
            step = max(1, _ELEMENTS_AT_ONCE // (len(self.keys) * self.n_classes))
        names = [f"predict_proba of member {key!r}" for key in self.keys]
        for start in range(0, self.n_rows, step):
            predicted = self.predict(slice(start, start + step))
            yield Part(
                start,
                [
                    Table(proba, name=name)
                    for proba, name in zip(predicted, names, strict=True)
                ],
            )


def take_apart(estimator: Any, X: Any) -> Fitted:  # noqa: N803 - scikit-learn's name
    """The members of a fitted ensemble that averages probabilities."""
    from sklearn.ensemble import (  # noqa: PLC0415 - heavy, and loaded by its user
        BaggingClassifier,
        ExtraTreesClassifier,
        RandomForestClassifier,
        StackingClassifier,
        VotingClassifier,
    )
    from sklearn.utils.validation import check_is_fitted  # noqa: PLC0415 - the same

    kinds: dict[Any, Callable[[Any, Any], Fitted]] = {
        VotingClassifier: _voting,
        BaggingClassifier: _bagging,
        RandomForestClassifier: _forest,
        ExtraTreesClassifier: _forest,
    }
    found = type(estimator).__name__
    accepted = ", ".join(kind.__name__ for kind in kinds)
    if isinstance(estimator, StackingClassifier):
        msg = (
            "estimator must average its members' probabilities: a StackingClassifier "
            "feeds them to a further model; pass the members' own probabilities to "
            "decompose_ensemble to compare them."
        )
        raise TypeError(msg)
    for kind, open_up in kinds.items():
        if isinstance(estimator, kind):
            check_is_fitted(estimator)
            return open_up(estimator, X)
    mend = "pass the members' probabilities to decompose_ensemble."
    if hasattr(estimator, "steps"):
        mend = "pass its last step, with the X that the steps before make of yours."
    msg = f"estimator must be one of {accepted}: found {found}; {mend}"
    raise TypeError(msg)


def _voting(estimator: Any, X: Any) -> Fitted:  # noqa: N803 - scikit-learn's name
    if estimator.voting != "soft":
        msg = (
            "a VotingClassifier must average probabilities: its voting is "
            f"{estimator.voting!r}; pass one that was made with voting='soft'."
        )
        raise ValueError(msg)
    used = [member != "drop" for _, member in estimator.estimators]
    keys = [name for name, _ in estimator.estimators]
    fitted = iter(estimator.estimators_)
    members = [next(fitted) if use else None for use in used]
    given = np.ones(len(keys)) if estimator.weights is None else estimator.weights
    weights = np.where(used, np.asarray(given, dtype=float), 0.0)
    chosen = weigh(keys, members, weights)
    n_classes = len(estimator.classes_)
    for key, member in zip(chosen.keys, chosen.predictions, strict=True):
        own = getattr(member, "classes_", range(n_classes))
        if not any(
            np.array_equal(own, classes)
            for classes in (range(n_classes), estimator.classes_)
        ):
            msg = (
                "members must have the classes of their VotingClassifier: "
                f"{key!r} has {np.asarray(own).tolist()}; fit it on all classes."
            )
            raise ValueError(msg)
    tables = [
        np.asarray(as_numpy(member.predict_proba(X), f"predict_proba of {key!r}"))
        for key, member in zip(chosen.keys, chosen.predictions, strict=True)
    ]
    return Fitted(
        keys=chosen.keys,
        weights=chosen.weights,
        n_rows=len(tables[0]),
        n_classes=n_classes,
        predict=lambda rows: [table[rows] for table in tables],
        by_rows=False,
    )


def _bagging(estimator: Any, X: Any) -> Fitted:  # noqa: N803 - scikit-learn's name
    checked = _validated(
        estimator, X, accept_sparse=["csr", "csc"], dtype=None, ensure_all_finite=False
    )
    n_classes = len(estimator.classes_)
    members = list(
        zip(estimator.estimators_, estimator.estimators_features_, strict=True)
    )

    def predict(rows: slice) -> list[FloatArray]:
        part = checked[rows]
        return [
            _in_all_classes(member, part[:, features], n_classes)
            for member, features in members
        ]

    return _of_equals(predict, len(members), checked, n_classes)


def _forest(estimator: Any, X: Any) -> Fitted:  # noqa: N803 - scikit-learn's name
    if estimator.n_outputs_ > 1:
        msg = (
            "a forest must have one output: it has "
            f"{estimator.n_outputs_}; fit one forest per output."
        )
        raise ValueError(msg)
    checked = _validated(
        estimator, X, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False
    )

    def predict(rows: slice) -> list[FloatArray]:
        part = checked[rows]
        return [tree.predict_proba(part) for tree in estimator.estimators_]

    n_classes = len(estimator.classes_)
    return _of_equals(predict, len(estimator.estimators_), checked, n_classes)


def _of_equals(
    predict: Callable[[slice], Sequence[FloatArray]],
    n_members: int,
    X: Any,  # noqa: N803 - scikit-learn's name
    n_classes: int,
) -> Fitted:
    """Members without names, and of equal weight."""
    return Fitted(
        keys=tuple(range(n_members)),
        weights=np.full(n_members, 1.0 / n_members),
        n_rows=X.shape[0],
        n_classes=n_classes,
        predict=predict,
        by_rows=True,
    )


def _in_all_classes(
    member: Any,
    X: Any,  # noqa: N803 - scikit-learn's name
    n_classes: int,
) -> FloatArray:
    """Probabilities of a bagged member, which knows the codes of classes it has seen.

    One that has no probabilities votes, as it does in the ensemble.
    """
    if not hasattr(member, "predict_proba"):
        votes: FloatArray = np.eye(n_classes)[member.predict(X)]
        return votes
    proba: FloatArray = member.predict_proba(X)
    if proba.shape[1] == n_classes:
        return proba
    whole = np.zeros((len(proba), n_classes))
    whole[:, member.classes_] = proba
    return whole


def _validated(estimator: Any, X: Any, **options: Any) -> Any:  # noqa: N803 - the same
    """X as the ensemble itself would check it."""
    from sklearn.utils.validation import validate_data  # noqa: PLC0415 - as above

    return validate_data(estimator, X, reset=False, **options)
