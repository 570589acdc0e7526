"""What users rely on of a classifier whose probabilities are recalibrated."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from xent_metrics import RecalibratedClassifier, cross_entropy, decompose

# Which of the fits converges is known from inside only.
from xent_metrics._recalibration.fitted_map import FittedMap
from xent_metrics._recalibration.select import NAMES, Selection

from ..draws import labels_from, tempered
from ..thinned import thinned

NAMED = np.array(["ant", "bee", "cat"])


def draw(n=600, k=3, seed=0, power=2.0):
    """Class probabilities, which are the features, and the names of the classes."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(k), n)
    return tempered(p, power), NAMED[labels_from(p, rng)]


class Echo(ClassifierMixin, BaseEstimator):
    """A classifier whose features are its probabilities."""

    def __init__(self, classes=tuple(NAMED), *, named=False):
        self.classes = classes
        self.named = named

    def fit(self, X, y):
        self.classes_ = np.array(self.classes)
        self.n_fits_ = getattr(self, "n_fits_", 0) + 1
        return self

    def predict_proba(self, X):
        if self.named:
            return pd.DataFrame(X, columns=self.classes_)[self.classes_[::-1]]
        return np.array(X)

    def predict(self, X):
        return self.classes_[np.argmax(X, axis=1)]


def echo(k=3):
    return FrozenEstimator(Echo(classes=tuple(NAMED[:k])).fit(None, None))


def blobs(n=400, k=2, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(k, size=n)
    X = rng.normal(size=(n, 4)) + y[:, np.newaxis]
    return np.column_stack([X, X[:, :2]]), NAMED[y]  # naive Bayes counts twice


@pytest.mark.parametrize(
    "name",
    thinned(
        [one for one in NAMES if one != "cells"], set(NAMES) - {"cells", "learned"}
    ),
)
def test_every_map_is_that_of_a_decomposition_of_the_same_rows(name):
    k = 2 if name in ("spline", "isotonic") else 3
    (q, y), (fresh, _) = draw(k=k), draw(k=k, seed=1)
    found = RecalibratedClassifier(echo(k), name).fit(q, y)
    expected = decompose(y, q, recalibration=name).recalibrator()
    assert found.recalibrator_ == expected
    np.testing.assert_array_equal(
        found.predict_proba(fresh), expected.predict_proba(fresh)
    )


def test_probabilities_of_few_distinct_rows_have_cells():
    q = np.repeat([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], 100, axis=0)
    y = NAMED[np.tile([0, 0, 1], 100)]
    found = RecalibratedClassifier(echo(2), "cells").fit(q, y)
    np.testing.assert_allclose(found.predict_proba(q)[:, 1], 1 / 3, atol=0.01)


def test_fresh_rows_cost_less():
    (X, y), (fresh, truth) = blobs(n=1000), blobs(n=2000, seed=1)
    model = GaussianNB()
    before = cross_entropy(truth, model.fit(X, y).predict_proba(fresh))
    for recalibrator in ("auto", "temperature"):
        after = RecalibratedClassifier(model, recalibrator).fit(X, y)
        assert cross_entropy(truth, after.predict_proba(fresh)) < before - 0.02


def test_the_map_is_fitted_out_of_fold_and_the_estimator_to_all_rows():
    X, y = blobs(k=3)
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    found = RecalibratedClassifier(GaussianNB(), "slope-bias", cv=cv).fit(X, y)
    whole = GaussianNB().fit(X, y).predict_proba(X)
    held = cross_val_predict(GaussianNB(), X, y, cv=cv, method="predict_proba")
    expected = decompose(y, held, recalibration="slope-bias", labels=NAMED)
    np.testing.assert_allclose(
        found.predict_proba(X),
        expected.recalibrator().predict_proba(whole),
        rtol=1e-5,  # another order of rows ends the fit elsewhere
    )


def test_folds_can_be_masks():
    X, y = blobs()
    folds = list(StratifiedKFold(3).split(X, y))
    masks = [tuple(np.isin(np.arange(len(y)), part) for part in each) for each in folds]
    by_place, by_mask = (
        RecalibratedClassifier(GaussianNB(), "temperature", cv=cv).fit(X, y)
        for cv in (folds, masks)
    )
    np.testing.assert_array_equal(by_mask.predict_proba(X), by_place.predict_proba(X))


def test_isotonic_maps_of_two_classes_are_those_of_scikit_learn_at_fitted_rows():
    q, y = draw(k=2)
    frozen = echo(2)
    ours = RecalibratedClassifier(frozen, "isotonic").fit(q, y)
    theirs = CalibratedClassifierCV(frozen, method="isotonic").fit(q, y)
    np.testing.assert_allclose(
        ours.predict_proba(q), theirs.predict_proba(q), atol=1e-12
    )


def test_repeated_folds_count_each_row_once_in_the_choice():
    X, y = blobs(n=120, k=3)
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    found = RecalibratedClassifier(GaussianNB(), "temperature", cv=cv).fit(X, y)
    assert found.recalibrator_.name == "temperature"


class TestFittedMaps:
    def map_of(self, labels=NAMED):
        q, y = draw()
        order = [list(NAMED).index(label) for label in labels]
        found = decompose(y, q[:, order], labels=labels, recalibration="slope-bias")
        return found.recalibrator()

    def test_they_are_applied_without_a_fit(self):
        q, _ = draw(seed=2)
        found = RecalibratedClassifier(Echo().fit(None, None), self.map_of())
        expected = self.map_of().predict_proba(q)
        np.testing.assert_array_equal(found.predict_proba(q), expected)
        np.testing.assert_array_equal(found.classes_, NAMED)
        np.testing.assert_array_equal(found.predict(q), NAMED[expected.argmax(axis=1)])

    def test_classes_are_matched_by_name(self):
        q, _ = draw(seed=2)
        frozen = echo()
        straight = RecalibratedClassifier(frozen, self.map_of())
        turned = RecalibratedClassifier(frozen, self.map_of(NAMED[[2, 0, 1]]))
        np.testing.assert_allclose(
            turned.predict_proba(q), straight.predict_proba(q), rtol=1e-5
        )

    def test_named_columns_of_the_estimator_are_matched_too(self):
        q, _ = draw(seed=2)
        named = RecalibratedClassifier(Echo(named=True).fit(None, None), self.map_of())
        expected = self.map_of().predict_proba(q)
        np.testing.assert_array_equal(named.predict_proba(q), expected)

    def test_fit_leaves_the_map_and_a_frozen_estimator_as_they_are(self):
        (q, y), model = draw(), Echo().fit(None, None)
        found = RecalibratedClassifier(FrozenEstimator(model), self.map_of())
        after = found.predict_proba(q)
        np.testing.assert_array_equal(found.fit(q[:50], y[:50]).predict_proba(q), after)
        assert model.n_fits_ == 1
        assert RecalibratedClassifier(model, self.map_of()).fit(q, y).estimator_.n_fits_

    @pytest.mark.parametrize("again", [clone, copy.deepcopy])
    def test_copies_predict_the_same(self, again):
        q, _ = draw(seed=2)
        found = RecalibratedClassifier(echo(), self.map_of())
        copied = again(found)
        np.testing.assert_array_equal(copied.predict_proba(q), found.predict_proba(q))
        assert copied is not found

    def test_maps_of_other_classes_are_refused(self):
        found = RecalibratedClassifier(echo(2), self.map_of())
        for act in (found.predict_proba, lambda q: found.fit(q, NAMED[[0, 1] * 10])):
            with pytest.raises(ValueError, match="of the classes of the estimator: fo"):
                act([[0.5, 0.5]] * 20)

    def test_an_estimator_that_is_not_fitted_is_refused(self):
        found = RecalibratedClassifier(GaussianNB(), self.map_of())
        with pytest.raises(NotFittedError, match="not fitted"):
            found.predict_proba([[0.0]])
        assert not hasattr(found, "classes_")


class TestScikitLearn:
    def test_pickles_hold_all(self):
        X, y = blobs()
        found = RecalibratedClassifier(GaussianNB()).fit(X, y)
        read = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own
        np.testing.assert_array_equal(read.predict_proba(X), found.predict_proba(X))
        assert b"xent_metrics\x94\x8c\x16RecalibratedClassifier" in pickle.dumps(found)

    def test_parameters_are_read_and_set(self):
        found = RecalibratedClassifier(GaussianNB(), "spline", cv=3)
        params = found.get_params()
        assert (params["recalibrator"], params["cv"]) == ("spline", 3)
        assert params["estimator__var_smoothing"] == 1e-9
        assert found.set_params(recalibrator="none").recalibrator == "none"
        assert "GaussianNB" in repr(clone(found))

    def test_a_search_chooses_the_map(self):
        X, y = blobs(n=1000)
        search = GridSearchCV(
            RecalibratedClassifier(GaussianNB(), cv=3),
            {"recalibrator": ["none", "temperature"]},
            scoring="neg_log_loss",
            cv=3,
        )
        assert search.fit(X, y).best_params_ == {"recalibrator": "temperature"}

    def test_frames_and_pipelines_go_through(self):
        X, y = blobs()
        frame = pd.DataFrame(X, columns=list("abcdef"))
        model = make_pipeline(StandardScaler(), GaussianNB())
        found = RecalibratedClassifier(model, "temperature").fit(frame, y)
        assert list(found.feature_names_in_) == list("abcdef")
        assert found.n_features_in_ == 6
        assert found.predict_proba(frame).shape == (400, 2)
        assert set(found.predict(frame)) == {"ant", "bee"}

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore")
    def test_it_passes_the_checks_of_estimators(self):
        folds = "folds of repeated rows are other folds"
        check_estimator(
            RecalibratedClassifier(LogisticRegression()),
            on_skip=None,
            expected_failed_checks={
                f"check_sample_weight_equivalence_on_{kind}_data": folds
                for kind in ("dense", "sparse")
            },
        )


class TestWeightsAndGroups:
    def test_rows_of_weight_0_do_not_count(self):
        q, y = draw()
        weights = np.r_[np.zeros(100), np.ones(500)]
        weighted = RecalibratedClassifier(echo(), "slope-bias")
        weighted.fit(q, y, sample_weight=weights)
        alone = RecalibratedClassifier(echo(), "slope-bias").fit(q[100:], y[100:])
        np.testing.assert_allclose(
            weighted.predict_proba(q), alone.predict_proba(q), rtol=1e-6
        )

    def test_the_estimator_gets_the_weights_of_its_rows(self):
        X, y = blobs()
        weights = np.where(y == "ant", 3.0, 1.0)
        found = RecalibratedClassifier(GaussianNB()).fit(X, y, sample_weight=weights)
        expected = GaussianNB().fit(X, y, sample_weight=weights)
        np.testing.assert_array_equal(
            found.estimator_.class_prior_, expected.class_prior_
        )

    def test_an_estimator_without_weights_is_told_of(self):
        X, y = blobs()
        found = RecalibratedClassifier(KNeighborsClassifier())
        with pytest.warns(UserWarning, match="KNeighborsClassifier takes no sample_w"):
            found.fit(X, y, sample_weight=np.ones(len(y)))

    def test_folds_keep_groups_whole(self):
        X, y = blobs()
        groups = np.arange(len(y)) // 4
        seen = []

        class Recording(GaussianNB):
            def fit(self, X, y, sample_weight=None):
                seen.append(set(X[:, -1]))
                return super().fit(X, y, sample_weight)

        found = RecalibratedClassifier(Recording(), "temperature", cv=GroupKFold(4))
        found.fit(np.column_stack([X, groups]), y, groups=groups)
        *folds, whole = seen
        assert len(folds) == 4
        assert {len(fold) for fold in folds} == {75}
        assert len(whole) == 100

    def test_metadata_is_routed_where_that_is_asked_for(self):
        X, y = blobs()
        groups, weights = np.arange(len(y)) // 4, np.ones(len(y))
        with config_context(enable_metadata_routing=True):
            inner = GaussianNB().set_fit_request(sample_weight=True)
            model = RecalibratedClassifier(inner, "temperature", cv=GroupKFold(4))
            model.fit(X, y, sample_weight=weights, groups=groups)
            model.set_fit_request(sample_weight=True, groups=True)
            model.set_score_request(sample_weight=False)
            params = {"sample_weight": weights, "groups": groups}
            scores = cross_val_score(model, X, y, cv=2, params=params)
        assert np.isfinite(scores).all()


class TestErrors:
    def fails(self, match, *args, estimator=None, error=ValueError, X=None, y=None):
        q, labels = draw(k=2)
        model = RecalibratedClassifier(estimator or echo(2), *args)
        with pytest.raises(error, match=match):
            model.fit(q if X is None else X, labels if y is None else y)

    def test_of_the_recalibrator(self):
        self.fails("found 'temprature'; did you mean 'temperature'?", "temprature")
        self.fails("found 'x'; pass the name of a map", "x")
        self.fails("or an object with fit and predict: found 3", 3, error=TypeError)
        self.fails("an object with fit", GaussianNB, error=TypeError)
        self.fails("'spline' is for two classes: found 3", "spline", X=draw()[0],
                   y=draw()[1], estimator=echo())  # fmt: skip

    def test_of_the_clip(self):
        q, y = draw(k=2)
        with pytest.raises(ValueError, match=r"clip must be in \[0, 1\): found 2"):
            RecalibratedClassifier(echo(2), clip=2).fit(q, y)

    def test_of_labels(self):
        q, y = draw(k=2)
        self.fails("classes of the estimator, 'ant', 'bee': found 'cat'",
                   y=np.r_[y[:-1], ["cat"]])  # fmt: skip
        for estimator in (echo(2), GaussianNB()):
            self.fails("two classes or more to fit a map: found 1 class; pass",
                       y=np.full(len(y), "ant"), estimator=estimator)  # fmt: skip
        self.fails("10 rows or more to fit a map: found 8", X=q[:8], y=y[:8])
        self.fails("row 0", X=np.full_like(q, 0.4))

    def test_of_few_groups(self):
        q, y = draw(k=2)
        model = RecalibratedClassifier(echo(2))
        with pytest.raises(ValueError, match="10 groups of rows or more to fit a map"):
            model.fit(q, y, groups=np.arange(len(y)) % 3)

    def test_of_a_fold_without_a_class(self):
        X, y = blobs()
        order = np.argsort(y)
        model = RecalibratedClassifier(GaussianNB(), cv=KFold(2))
        with pytest.raises(ValueError, match="'ant' is not in fold 0; pass cv="):
            model.fit(X[order], y[order])

    def test_of_no_folds(self):
        X, y = blobs()
        model = RecalibratedClassifier(GaussianNB(), cv=[])
        with pytest.raises(ValueError, match="cv must yield one fold or more"):
            model.fit(X, y)

    def test_of_folds_that_need_groups(self):
        X, y = blobs()
        model = RecalibratedClassifier(GaussianNB(), cv=LeaveOneGroupOut())
        with pytest.raises(ValueError, match="groups"):
            model.fit(X, y)

    def test_of_an_estimator_without_probabilities(self):
        X, y = blobs()

        class Bare(ClassifierMixin, BaseEstimator):
            def fit(self, X, y):
                self.classes_ = np.unique(y)
                return self

        with pytest.raises(TypeError, match="Bare has none; wrap it in"):
            RecalibratedClassifier(Bare()).fit(X, y)

    def test_of_a_fit_that_does_not_converge(self, monkeypatch):
        def stopped(sample, name):
            fitted = FittedMap(
                name=name, losses=sample.costs(), recalibrate=np.exp, converged=False
            )
            return Selection(fitted, (fitted,), {}, None)

        monkeypatch.setattr(
            "xent_metrics._recalibration.classifier.recalibrate", stopped
        )
        q, y = draw()
        with pytest.warns(ConvergenceWarning, match="the temperature map did not conv"):
            RecalibratedClassifier(echo(), "temperature").fit(q, y)
