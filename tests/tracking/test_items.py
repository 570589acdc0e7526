"""What is logged: keys that every store takes, and tags."""

import json
import math

import numpy as np
import pytest
from mlflow.entities import Metric, RunTag
from mlflow.utils.validation import _validate_batch_log_data

from xent_metrics import Evaluation
from xent_metrics_mlflow._items.items import MOST_CLASSES, items
from xent_metrics_mlflow._items.keys import check_keys, keys_of_classes

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


class TestNames:
    @pytest.mark.parametrize(
        ("labels", "names"),
        [
            (["a", "b c", "d.e-f"], ["a", "b c", "d.e-f"]),
            (["a/b", "a:b", "a_b"], ["a_b-2", "a_b-3", "a_b"]),
            (["A", "a"], ["A", "a-2"]),
            (["x", "x-2", "X"], ["x", "x-2", "X-3"]),
            ([1, "1", True], ["1", "1-2", "True"]),
            (["", " ", "\n"], ["_", "_-2", "_-3"]),
            (["..", "."], ["..", "."]),
            (["ü", "u\u0308"], ["ü", "ü-2"]),
            (["k" * 90], ["k" * 80]),
        ],
    )
    def test_of_classes(self, labels, names):
        found = keys_of_classes(labels)
        assert list(found) == names
        assert [str(label) for label in found.values()] == list(map(str, labels))

    def test_each_is_a_key_of_mlflow(self):
        labels = ["a/b", "../c", "d:e", "f\ng", "", "ü", "%", "h" * 300]
        y = np.array(labels)[rng.integers(8, size=N)]
        q = rng.dirichlet(np.ones(8), N)
        found = items(evaluated(y, q, labels=labels), "a split - 1.0")
        _validate_batch_log_data(
            [Metric(key, value, 0, 0) for key, value in found.metrics.items()],
            [],
            [RunTag(key, value) for key, value in found.tags.items()],
        )
        told = json.loads(found.tags["xent/a split - 1.0/classes"])["classes"]
        assert told.keys() & set(labels) == set()
        assert set(told.values()) == set(labels) - {"ü"}  # it has its own name
        for name, label in {**told, "ü": "ü"}.items():
            key = f"xent/a split - 1.0/by_class/n_{name}"
            assert found.metrics[key] == (y == label).sum()

    @pytest.mark.parametrize(
        ("keys", "tags", "told"),
        [
            (["a", "a/b"], {}, "no key may be the folder of another"),
            (["a//b"], {}, "keys must be letters, digits, '_', '-', '.' and spaces"),
            (["a:b"], {}, "keys must be letters, digits, '_', '-', '.' and spaces"),
            (["a/../b"], {}, "found 'a/../b'; rename the split or the class"),
            (["a" * 251], {}, "keys must have at most 250 characters"),
            ([], {"a": "b" * 5001}, "tags must have at most 5000 characters: 'a' has"),
        ],
    )
    def test_what_stores_refuse(self, keys, tags, told):
        with pytest.raises(ValueError, match=told):
            check_keys(keys, tags)

    def test_a_split_that_is_too_long(self):
        with pytest.raises(ValueError, match="has 2[0-9]{2}; pass a shorter split"):
            items(evaluated(), "s" * 240)


class TestMetrics:
    def test_terms_and_their_standard_errors(self):
        evaluation = evaluated()
        result = evaluation.decomposition
        found = items(evaluation, "test").metrics
        for term, value in result.terms.items():
            error = result.standard_errors[term]
            if math.isfinite(value):
                assert found[f"xent/test/{term}"] == value
                assert found[f"xent/test/{term}_se"] == error

    def test_classes(self):
        evaluation = evaluated()
        found = items(evaluation, "test").metrics
        for name in NAMES:
            for term in ("cross_entropy", "miscalibration", "resolution"):
                for column in (term, f"{term}_se"):
                    key = f"xent/test/by_class/{column}_{name}"
                    assert found[key] == evaluation.by_class.loc[name, column]
            count = found[f"xent/test/by_class/n_{name}"]
            assert count == evaluation.by_class.loc[name, "n"]
        assert not any("note" in key or "weight" in key for key in found)

    def test_the_map_of_classes_is_of_changed_names_only(self):
        key = "xent/test/classes"
        assert key not in items(evaluated(), "test").tags
        y = np.where(LABELS == "ant", "a/b", LABELS)
        found = items(evaluated(y, labels=["a/b", "bee", "cat"]), "test")
        assert json.loads(found.tags[key]) == {"classes": {"a_b": "a/b"}}
        assert "xent/test/by_class/resolution_se_a_b" in found.metrics

    def test_many_classes_are_capped(self):
        y, q = rng.integers(50, size=2000), rng.dirichlet(np.ones(50), 2000)
        found = items(evaluated(y, q), "test")
        counts = [key for key in found.metrics if "by_class/n_" in key]
        assert len(counts) == MOST_CLASSES
        told = json.loads(found.tags["xent/test/classes"])
        assert told == {"without_metrics": 30}
        assert [key.rpartition("_")[2] for key in counts] == [*map(str, range(20))]

    def test_with_many_classes_it_is_one_batch(self):
        y = rng.dirichlet(np.ones(50), 2000)
        found = items(evaluated(y, rng.dirichlet(np.ones(50), 2000)), "test")
        assert any("grouping_loss_se_19" in key for key in found.metrics)
        _validate_batch_log_data(
            [Metric(key, value, 0, 0) for key, value in found.metrics.items()],
            [],
            [RunTag(key, value) for key, value in found.tags.items()],
        )

    def test_long_names_of_classes_go_to_the_file(self):
        labels = [f"{k}{'x' * 400}" for k in range(20)]
        y, q = np.array(labels)[rng.integers(20, size=N)], rng.dirichlet([1] * 20, N)
        found = items(evaluated(y, q, labels=labels), "test")
        assert found.tags["xent/test/classes"].startswith("20 classes, in the order of")

    def test_folds_and_groups_are_counted(self):
        evaluation = evaluated(folds=np.arange(N) % 3, groups=np.arange(N) // 2)
        found = items(evaluation, "test").metrics
        assert found["xent/test/n_folds"] == 3
        assert found["xent/test/n_groups"] == 300

    def test_tags(self):
        evaluation = evaluated(base=2, clip=1e-6)
        found = items(evaluation, "test", dataset="birds").tags
        names = ("unit", "clip", "recalibration", "dataset", "schema", "non_finite")
        assert [found[f"xent/test/{name}"] for name in names] == [
            *("bits", "1e-06", "temperature", "birds", "1", "none")
        ]

    def test_no_key_is_a_tag_and_a_metric(self):
        found = items(evaluated(), "test")
        assert not found.metrics.keys() & found.tags.keys()

    @pytest.mark.parametrize("y", [LABELS, FLAT])
    def test_terms_that_there_are(self, y):
        found = items(evaluated(y), "test")
        has = np.asarray(y).ndim > 1
        assert found.left_out == {}
        for term in ("irreducible", "grouping_loss"):
            assert (f"xent/test/{term}" in found.metrics) == has
