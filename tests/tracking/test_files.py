"""The files of an evaluation: exact rows, and what is made to look at."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import RepeatedKFold, cross_validate
from sklearn.naive_bayes import GaussianNB

from xent_metrics import TERMS, Evaluation, RecalibrationMap, UnseenLabelWarning
from xent_metrics_mlflow._items import artifacts
from xent_metrics_mlflow._items.items import items
from xent_metrics_mlflow._items.rows import are_all, from_parquet, to_parquet
from xent_metrics_mlflow._logging.log_evaluation import parcel_of

rng = np.random.default_rng(0)
N = 600
NAMES = ["ant", "bee", "cat"]
PROBA = rng.dirichlet(np.ones(3), N)
CODES = rng.integers(3, size=N)
LABELS = np.array(NAMES)[CODES]
FLAT = PROBA**0.5 / (PROBA**0.5).sum(axis=1, keepdims=True)


def evaluated(y=LABELS, q=PROBA, **options):
    options = {"recalibration": "temperature"} | options
    return Evaluation.from_predictions(y, q, **options)


ROWS = {
    "labels": evaluated(),
    "numbers": evaluated(CODES),
    "single precision": evaluated(q=PROBA.astype(np.float32), labels=NAMES),
    "two classes": evaluated(CODES > 0, PROBA[:, 0]),
    "weights, groups, bits": evaluated(
        sample_weight=rng.random(N) * (rng.random(N) < 0.9),
        groups=np.arange(N) // 3,
        base=2,
        clip=1e-6,
    ),
    "distributions": evaluated(FLAT),
    "votes": evaluated(
        rng.multinomial(20, [0.2, 0.3, 0.5], N), vote_correction="jackknife"
    ),
    "folds": evaluated(folds=np.arange(N) % 3),
    "scores": evaluated(q=PROBA * 7, rescale=True),
    "several keys": evaluated(
        q=pd.DataFrame(
            PROBA,
            columns=NAMES,
            index=pd.MultiIndex.from_arrays([np.arange(N), list(map(str, range(N)))]),
        )
    ),
    "labels of several types": evaluated(
        pd.Series([["x", 1, 2.5][k] for k in CODES], dtype=object),
        labels=["x", 1, 2.5],
    ),
    "categories": evaluated(pd.Categorical(LABELS), labels=NAMES),
}


def plain(label):
    return label.item() if isinstance(label, np.generic) else label


class TestRows:
    @pytest.mark.parametrize("name", ROWS)
    def test_the_evaluation_is_made_again_to_the_last_bit(self, name):
        evaluation = ROWS[name]
        again = from_parquet(to_parquet(evaluation))
        assert again.to_json() == evaluation.to_json()
        pd.testing.assert_frame_equal(
            again.per_sample, evaluation.per_sample, check_exact=True
        )

    def test_a_chosen_map_is_chosen_again(self):
        evaluation = evaluated(recalibration="auto")
        again = from_parquet(to_parquet(evaluation))
        assert again.to_json() == evaluation.to_json()

    def test_logits_to_rounding(self):
        evaluation = evaluated(q=np.log(PROBA) + 2, from_logits=True)
        again = from_parquet(to_parquet(evaluation))
        assert again.decomposition.cross_entropy == pytest.approx(
            evaluation.decomposition.cross_entropy, rel=1e-13
        )

    def test_dates_become_text(self):
        days = pd.to_datetime("2020-01-01") + pd.to_timedelta(CODES, unit="D")
        evaluation = evaluated(pd.Series(days))
        again = from_parquet(to_parquet(evaluation))
        assert again.labels == tuple(map(str, evaluation.labels))
        assert again.decomposition == evaluation.decomposition

    def test_an_index_of_several_types(self):
        index = pd.Index(["a", *range(1, N)], dtype=object)
        evaluation = evaluated(q=pd.DataFrame(PROBA, columns=NAMES, index=index))
        again = from_parquet(to_parquet(evaluation))
        assert again.decomposition == evaluation.decomposition
        assert again.per_sample.index.tolist() == list(map(str, index))

    def test_what_cannot_be_made_again(self):
        read = Evaluation.from_json(evaluated().to_json(per_sample=True))
        with pytest.raises(ValueError, match="the rows must hold what was predicted"):
            from_parquet(to_parquet(read))

        class Same(RecalibrationMap):
            def fit(self, log_q, p, sample_weight=None):
                return self

            def predict(self, log_q):
                return np.exp(log_q)

        own = evaluated(recalibration=Same())
        with pytest.raises(ValueError, match="and name the map"):
            from_parquet(to_parquet(own))


def cross_validated(y, **folds):
    results = cross_validate(
        GaussianNB(),
        np.log(PROBA),
        y,
        cv=RepeatedKFold(n_splits=3, random_state=0, **folds),
        return_estimator=True,
        return_indices=True,
    )
    return Evaluation.from_cv_results(
        results, np.log(PROBA), y, recalibration="temperature"
    )


class TestCrossValidations:
    def test_once(self):
        evaluation = cross_validated(LABELS, n_repeats=1)
        assert are_all(evaluation)
        again = from_parquet(to_parquet(evaluation))
        assert again.to_json() == evaluation.to_json()

    def test_repeated(self):
        evaluation = cross_validated(LABELS, n_repeats=2)
        assert not are_all(evaluation)
        again = from_parquet(to_parquet(evaluation)).decomposition
        result = evaluation.decomposition
        assert again.terms == pytest.approx(result.terms, rel=1e-12, nan_ok=True)
        # Floors know of copies of rows, which a file does not tell.
        found, expected = (
            {name: error for name, error in one.items() if TERMS[name].part_of is None}
            for one in (again.standard_errors, result.standard_errors)
        )
        assert found == pytest.approx(expected, rel=1e-9, nan_ok=True)

    def test_a_class_that_a_fold_has_not_seen(self):
        y = LABELS.copy()
        y[0] = "dog"
        with pytest.warns(UnseenLabelWarning):
            evaluation = cross_validated(y, n_repeats=1)
        assert evaluation.decomposition.n_unseen
        assert not are_all(evaluation)

    def test_their_page_is_drawn_before_another_process_sends_it(self):
        drawn = {}
        for repeats in (1, 2):
            evaluation = cross_validated(LABELS, n_repeats=repeats)
            what = items(evaluation, "cv")
            parcel = parcel_of(evaluation, "cv", what, per_sample=True, page=True)
            drawn[repeats] = parcel.later
        assert drawn == {1: ("per_sample.json", "report.html"), 2: ("per_sample.json",)}


class TestFiles:
    @pytest.mark.parametrize("name", ["distributions", "votes"])
    def test_the_table_has_what_targets_have_most_of(self, name):
        evaluation = ROWS[name]
        found = json.loads(artifacts.table_to_look_at(evaluation))
        assert found["columns"][:3] == ["row", "target", "predicted"]
        table = pd.DataFrame(found["data"], columns=found["columns"])
        wanted = evaluation.targets().idxmax(axis=1)[table["row"]]
        assert table["target"].tolist() == list(map(plain, wanted))

    def test_the_table_has_the_worst_rows_first(self):
        evaluation = evaluated(base=2)
        found = json.loads(artifacts.table_to_look_at(evaluation))
        table = pd.DataFrame(found["data"], columns=found["columns"])
        worst = evaluation.worst(1000)
        assert table["row"].tolist() == worst.index.tolist()
        np.testing.assert_allclose(table["cross_entropy"], worst["cross_entropy"])

    def test_it_is_capped(self):
        q = rng.dirichlet(np.ones(3), 3000)
        evaluation = evaluated(rng.integers(3, size=3000), q)
        found = json.loads(artifacts.table_to_look_at(evaluation))
        assert len(found["data"]) == 1000

    def test_infinite_costs_are_told(self):
        q = PROBA.copy()
        q[0] = np.eye(3)[(CODES[0] + 1) % 3]
        found = json.loads(artifacts.table_to_look_at(evaluated(q=q, clip=0)))
        assert found["data"][0][found["columns"].index("cross_entropy")] == "inf"

    def test_an_index_named_like_a_column(self):
        index = pd.Index(np.arange(N), name="label")
        evaluation = evaluated(q=pd.DataFrame(PROBA, columns=NAMES, index=index))
        found = json.loads(artifacts.table_to_look_at(evaluation))
        assert found["columns"][:2] == ["index_0", "label"]

    def test_the_json_reads_back(self):
        evaluation = evaluated()
        found = artifacts.exact(evaluation, per_sample=True)
        assert Evaluation.from_json(found.contents["evaluation.json"]) == evaluation

    def test_rows_that_are_gone(self):
        read = Evaluation.from_json(evaluated().to_json())
        found = artifacts.exact(read, per_sample=True)
        assert list(found.contents) == ["evaluation.json"]
        assert "read back without its rows" in found.notes["per_sample.parquet"]
        assert artifacts.names_to_show(read, per_sample=True, page=True) == [
            "report.html"
        ]

    def test_without_pyarrow(self, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
        found = artifacts.exact(evaluated(), per_sample=True)
        assert "pip install 'xent-metrics[arrow]'" in found.notes["per_sample.parquet"]

    @pytest.mark.parametrize("error", [ImportError("no jinja2"), KeyError("a fault")])
    def test_a_page_that_cannot_be_made(self, monkeypatch, error):
        def fails(*_, **__):
            raise error

        monkeypatch.setattr(Evaluation, "to_html", fails)
        found = artifacts.to_show(evaluated(), "test", ["report.html"])
        assert found.contents == {}
        assert str(error) in found.notes["report.html"]

    @pytest.mark.slow
    def test_what_is_shown_can_be_made_of_what_is_exact(self, tmp_path):
        evaluation = evaluated()
        names = ["per_sample.json", "report.html"]
        for name, data in artifacts.exact(evaluation, per_sample=True).contents.items():
            (tmp_path / name).write_bytes(data)
        wanted = artifacts.to_show(evaluation, "test", names).contents
        assert artifacts.to_show_again(tmp_path, "test", names) == wanted
        (tmp_path / "per_sample.parquet").unlink()
        found = artifacts.to_show_again(tmp_path, "test", names)
        assert list(found) == ["report.html"]
