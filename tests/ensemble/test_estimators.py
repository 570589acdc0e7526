import re

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_iris, load_wine
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from xent_metrics import (
    EnsembleDecomposition,
    cross_entropy,
    decompose_ensemble,
    kl_divergence,
)

# No public option sets how much of the data members predict at once.
from xent_metrics._ensemble import estimators

X, CODES = load_wine(return_X_y=True, as_frame=True)
Y = np.array(["white", "amber", "red"])[CODES]
TRAIN, TEST = slice(None, None, 2), slice(1, None, 2)

X_TEST = X[TEST].to_numpy()

tree = DecisionTreeClassifier(max_depth=2, random_state=0)
nearest = KNeighborsClassifier(1)
scaled = make_pipeline(StandardScaler(), LogisticRegression())
PAIR = [("lr", scaled), ("out", "drop"), ("nb", GaussianNB()), ("tree", tree)]

ENSEMBLES = {
    "voting": VotingClassifier(PAIR, voting="soft"),
    "weighted voting": VotingClassifier(PAIR, voting="soft", weights=[1, 9, 2, 5]),
    "a vote of weight 0": VotingClassifier(PAIR, voting="soft", weights=[1, 1, 0, 2]),
    "bagging": BaggingClassifier(tree, 7, random_state=0),
    "bagging of features": BaggingClassifier(
        GaussianNB(), 7, max_features=0.5, random_state=0
    ),
    "bagging of few rows": BaggingClassifier(
        nearest, 20, max_samples=3, random_state=0
    ),
    "bagging of votes": BaggingClassifier(LinearSVC(), 5, random_state=0),
    "random forest": RandomForestClassifier(9, random_state=0),
    "extra trees": ExtraTreesClassifier(9, max_depth=3, random_state=0),
}


@pytest.fixture(params=ENSEMBLES, name="fitted")
def _fitted(request):
    return ENSEMBLES[request.param].fit(X[TRAIN], Y[TRAIN])


def mean_of_parts(taken):
    """The weighted mean of the members, put together from the parts."""
    whole = np.full((taken.n_rows, taken.n_classes), np.nan)
    for part in taken.parts():
        tables = np.array([table.source for table in part.tables])
        rows = slice(part.start, part.start + tables.shape[1])
        whole[rows] = np.einsum("mnk,m->nk", tables, taken.weights)
    return whole


def test_the_mean_of_the_members_is_what_the_ensemble_predicts(fitted, monkeypatch):
    expected = fitted.predict_proba(X[TEST])
    for elements in (1 << 23, 500):
        monkeypatch.setattr(estimators, "_ELEMENTS_AT_ONCE", elements)
        found = mean_of_parts(estimators.take_apart(fitted, X[TEST]))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_terms_add_up_for_every_ensemble(fitted, monkeypatch):
    result = EnsembleDecomposition.from_estimator(fitted, X[TEST], Y[TEST])
    proba = fitted.predict_proba(X[TEST])
    assert result.ensemble_cross_entropy == pytest.approx(
        cross_entropy(Y[TEST], proba, labels=fitted.classes_), rel=1e-12
    )
    total = result.ensemble_cross_entropy + result.diversity
    assert total == pytest.approx(result.member_cross_entropy, rel=1e-14)
    total = result.geometric_cross_entropy + result.geometric_diversity
    assert total == pytest.approx(result.member_cross_entropy, rel=1e-14)
    assert result.per_sample.index.equals(X[TEST].index)
    monkeypatch.setattr(estimators, "_ELEMENTS_AT_ONCE", 500)
    in_parts = EnsembleDecomposition.from_estimator(fitted, X[TEST], Y[TEST])
    pd.testing.assert_frame_equal(in_parts.per_sample, result.per_sample)
    pd.testing.assert_frame_equal(in_parts.pairwise_kl, result.pairwise_kl)


def test_bagged_members_may_have_seen_fewer_classes():
    fitted = ENSEMBLES["bagging of few rows"].fit(X[TRAIN], Y[TRAIN])
    assert {len(member.classes_) for member in fitted.estimators_} >= {1, 2}


def test_members_of_a_vote_keep_names_and_weights():
    fitted = ENSEMBLES["weighted voting"].fit(X[TRAIN], Y[TRAIN])
    result = EnsembleDecomposition.from_estimator(fitted, X[TEST], Y[TEST], base=2)
    assert result.members["weight"].to_dict() == {
        "lr": 1 / 8,
        "nb": 2 / 8,
        "tree": 5 / 8,
    }
    lr, nb = (
        fitted.named_estimators_[name].predict_proba(X[TEST]) for name in ("lr", "nb")
    )
    assert result.members.loc["lr", "cross_entropy"] == pytest.approx(
        cross_entropy(Y[TEST], lr, labels=fitted.classes_, base=2), rel=1e-13
    )
    assert result.pairwise_kl.loc["lr", "nb"] == pytest.approx(
        kl_divergence(lr, nb, base=2), rel=1e-12
    )


def test_estimators_and_tables_give_the_same_result():
    fitted = ENSEMBLES["random forest"].fit(X[TRAIN], Y[TRAIN])
    w = np.arange(len(Y[TEST])) % 3
    options = {"sample_weight": w, "base": 2, "clip": 1e-3}
    tables = [member.predict_proba(X_TEST) for member in fitted.estimators_]
    expected = decompose_ensemble(Y[TEST], tables, labels=fitted.classes_, **options)
    found = EnsembleDecomposition.from_estimator(fitted, X[TEST], Y[TEST], **options)
    assert found == expected
    assert found.n_clipped_any > found.n_clipped > 0


def test_targets_may_be_soft():
    fitted = ENSEMBLES["extra trees"].fit(X[TRAIN], Y[TRAIN])
    soft = fitted.predict_proba(X[TEST])
    result = EnsembleDecomposition.from_estimator(
        fitted, X[TEST], soft, target_type="distribution"
    )
    assert result.ensemble_cross_entropy == pytest.approx(result.predictive_entropy)
    assert result.diversity == pytest.approx(
        result.member_cross_entropy - result.predictive_entropy
    )


def test_data_may_be_sparse_or_miss_values():
    forest = RandomForestClassifier(5, random_state=0).fit(
        X[TRAIN].to_numpy(), Y[TRAIN]
    )
    dense = EnsembleDecomposition.from_estimator(forest, X_TEST, Y[TEST])
    sparse = EnsembleDecomposition.from_estimator(forest, csr_matrix(X_TEST), Y[TEST])
    assert dense == sparse
    holes = X.to_numpy().copy()
    holes[::3, 0] = np.nan
    forest.fit(holes[TRAIN], Y[TRAIN])
    result = EnsembleDecomposition.from_estimator(forest, holes[TEST], Y[TEST])
    assert result.ensemble_cross_entropy == pytest.approx(
        cross_entropy(
            Y[TEST], forest.predict_proba(holes[TEST]), labels=forest.classes_
        )
    )


class SilentOnOneRow(GaussianNB):
    """Gives no probabilities for the largest value of the first feature."""

    def predict_proba(self, X):
        proba = super().predict_proba(X)
        proba[X[:, 0] == X_TEST[:, 0].max()] = np.nan
        return proba


def test_rows_are_counted_through_all_parts(monkeypatch):
    bag = BaggingClassifier(SilentOnOneRow(), 2, random_state=0)
    bag.fit(X[TRAIN].to_numpy(), Y[TRAIN])
    row = int(X_TEST[:, 0].argmax())
    for elements in (1 << 23, 30):
        monkeypatch.setattr(estimators, "_ELEMENTS_AT_ONCE", elements)
        refused(
            f"predict_proba of member 0 must not be missing: row {row}, class 'amber'",
            bag,
            ValueError,
            X_TEST,
        )
        w = np.ones(len(X_TEST))
        w[row] = 0
        result = EnsembleDecomposition.from_estimator(
            bag, X_TEST, Y[TEST], sample_weight=w
        )
        assert result.n == len(X_TEST) - 1
        gaps = result.per_sample.isna().any(axis=1)
        assert np.flatnonzero(gaps).tolist() == [row]


def refused(match, estimator, error, test=X[TEST], y=Y[TEST]):
    with pytest.raises(error, match=re.escape(match)) as caught:
        EnsembleDecomposition.from_estimator(estimator, test, y)
    return str(caught.value)


def test_what_does_not_average_is_refused():
    accepted = "VotingClassifier, BaggingClassifier, RandomForestClassifier, ExtraTrees"
    refused(
        "average its members' probabilities: a StackingClassifier feeds them to a "
        "further model",
        StackingClassifier(PAIR[2:], final_estimator=LogisticRegression(), cv=2),
        TypeError,
    )
    refused(
        "average probabilities: its voting is 'hard'",
        VotingClassifier(PAIR[2:]).fit(X[TRAIN], Y[TRAIN]),
        ValueError,
    )
    message = refused(accepted, GradientBoostingClassifier(), TypeError)
    assert message.endswith(
        "found GradientBoostingClassifier; pass the members' probabilities to "
        "decompose_ensemble."
    )
    refused(
        "found Pipeline; pass its last step, with the X that the steps before make",
        make_pipeline(StandardScaler(), RandomForestClassifier()),
        TypeError,
    )


def test_a_forest_of_several_outputs_is_refused():
    iris, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(3).fit(iris, np.column_stack([y, y]))
    refused("a forest must have one output: it has 2", forest, ValueError, iris, y)


def test_an_ensemble_that_is_not_fitted_is_refused():
    refused("not fitted", RandomForestClassifier(), NotFittedError)


def test_rows_that_do_not_match_are_refused():
    forest = ENSEMBLES["random forest"].fit(X[TRAIN], Y[TRAIN])
    refused(
        "y_true and X must have as many rows: found 3 and 89",
        forest,
        ValueError,
        y=Y[TEST][:3],
    )


def test_members_of_a_vote_must_have_its_classes():
    few = GaussianNB().fit(X[CODES < 2], Y[CODES < 2])
    members = [("few", FrozenEstimator(few)), ("nb", GaussianNB())]
    vote = VotingClassifier(members, voting="soft").fit(X, Y)
    refused(
        "must have the classes of their VotingClassifier: 'few' has ['amber', 'white']",
        vote,
        ValueError,
    )
    same = FrozenEstimator(GaussianNB().fit(X, Y))
    members = [("frozen", same), ("nb", GaussianNB())]
    vote = VotingClassifier(members, voting="soft").fit(X, Y)
    result = EnsembleDecomposition.from_estimator(vote, X, Y)
    assert result.pairwise_kl.loc["frozen", "nb"] == pytest.approx(0, abs=1e-15)
