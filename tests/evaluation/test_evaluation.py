import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from xent_metrics import (
    Evaluation,
    SmallSampleWarning,
    accumulate,
    decompose,
    scorers,
)

X, Y = load_breast_cancer(return_X_y=True, as_frame=True)
MODEL = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:300], Y[:300])


def test_the_same_number_through_every_door():
    test, y = X[300:], Y[300:]
    proba = MODEL.predict_proba(test)
    evaluation = Evaluation.from_estimator(MODEL, test, y)
    expected = decompose(y, proba)
    frame = pd.DataFrame(proba).add_prefix("p_").assign(y=y.to_numpy())
    assert evaluation.decomposition == expected
    assert Evaluation.from_predictions(y, proba).decomposition == expected
    assert frame.xent.decompose("y", "p_") == expected
    scored = scorers.DecompositionScorer(recalibration="auto")(MODEL, test, y)
    assert scored["neg_miscalibration"] == -expected.miscalibration


def test_rows_keep_their_index_and_average_to_the_terms():
    evaluation = Evaluation.from_estimator(MODEL, X[300:], Y[300:], base=2)
    pd.testing.assert_index_equal(evaluation.per_sample.index, X[300:].index)
    mean = evaluation.per_sample["cross_entropy"].mean()
    assert mean == pytest.approx(evaluation.decomposition.cross_entropy, rel=1e-12)
    assert evaluation.labels == (0, 1)


def test_the_repr_is_short():
    evaluation = Evaluation.from_estimator(MODEL, X[300:], Y[300:])
    assert "cross-entropy" in repr(evaluation)
    assert "per_sample: a table of 269 rows and 9 columns" in repr(evaluation)


def test_one_row_and_one_class_are_counted_in_the_singular():
    with pytest.warns(SmallSampleWarning):
        one = Evaluation.from_predictions(["a"], [[0.2, 0.5, 0.3]], labels=list("abc"))
    assert "(1 row, 3 classes)" in repr(one.decomposition)
    assert "per_sample: a table of 1 row and 9 columns" in repr(one)
    assert one.by(["g"])["note"].item().startswith("1 independent row: too few")
    assert one.by(["g"], refit=True)["note"].item().startswith("1 independent row: ")
    frame = pd.DataFrame({"y": [0], "p": [0.2]})
    state = accumulate(frame, target="y", proba="p", labels=[0, 1])
    assert repr(state) == "ScanState of 1 row and 2 classes"


def test_an_estimator_without_probabilities_is_refused():
    with pytest.raises(TypeError, match="must have predict_proba: LinearSVC has none"):
        Evaluation.from_estimator(LinearSVC().fit(X, Y), X, Y)


class OneColumn:
    """A classifier of two classes that predicts the second alone."""

    classes_ = (0, 1)

    def predict_proba(self, X):
        return np.full((len(X), 1), 0.5)


class Reversed:
    """A classifier whose frames have their columns in another order than classes_."""

    classes_ = np.array(["a", "b", "c"])

    def predict_proba(self, X):
        return pd.DataFrame(np.asarray(X)[:, ::-1], columns=["c", "b", "a"])


def test_soft_labels_are_in_the_order_of_the_classes_not_of_the_columns():
    q = np.random.default_rng(0).dirichlet([1, 1, 1], 300)
    p = np.random.default_rng(1).dirichlet([3, 2, 1], 300)
    expected = decompose(p, q, labels=["a", "b", "c"]).kl_divergence
    found = Evaluation.from_estimator(Reversed(), q, p)
    assert found.decomposition.kl_divergence == pytest.approx(expected, rel=1e-12)
    assert found.labels == ("a", "b", "c")
    for scored in (
        scorers.neg_kl_divergence(Reversed(), q, p),
        scorers.neg_kl_divergence(Reversed(), q, ["a"] * 300, soft_labels=p),
    ):
        assert scored == pytest.approx(-expected, rel=1e-12)


@pytest.mark.parametrize("call", [Evaluation.from_estimator, scorers.neg_cross_entropy])
def test_one_column_for_several_classes_is_refused(call):
    with pytest.raises(
        ValueError,
        match="predict_proba must return one column per class: OneColumn returned a "
        "single one for 2 classes; return both columns, 1 - p and p.",
    ):
        call(OneColumn(), X, Y)


def test_few_rows_warn():
    with pytest.warns(SmallSampleWarning, match="only 2 rows"):
        Evaluation.from_predictions([0, 1], np.array([0.5, 0.5]))
