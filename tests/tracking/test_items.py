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
            (["é", "e", "É"], ["é", "e-2", "É-3"]),
            (["k" * 90], ["k" * 80]),
            (["漢" * 90, "漢" * 80], ["漢" * 66, "漢" * 66 + "-2"]),  # 3 bytes each
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
        told = json.loads(found.tags["xent/a split - 1.0/info"])["classes"]
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
            (
                ["a/E", "a/é"],
                {},
                "keys must differ by more than case and accents, .* 'a/",
            ),
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


CASES = {
    "labels": (LABELS, {}),
    "labels in folds": (LABELS, {"folds": np.arange(N) % 3}),
    "labels, no map": (LABELS, {"recalibration": "none"}),
    "labels, weights": (LABELS, {"sample_weight": rng.random(N)}),
    "distributions": (FLAT, {}),
    "distributions, no map": (FLAT, {"recalibration": "none"}),
    "votes": (rng.multinomial(7, [0.2, 0.3, 0.5], N), {}),
}


class TestWhatSaysNothing:
    @pytest.mark.parametrize("case", CASES)
    def test_is_no_metric(self, case):
        y, options = CASES[case]
        metrics = items(evaluated(y, **options), "test").metrics
        for group in ("se/", "by_class/se/"):
            errors = {
                key: value
                for key, value in metrics.items()
                if key.startswith(f"xent/test/{group}")
            }
            assert min(errors.values()) > 1e-12
            rounded = [f"{value:.9e}" for value in errors.values()]
            assert len(set(rounded)) == len(rounded)
        assert metrics["xent/test/cross_entropy"] == pytest.approx(
            metrics["xent/test/entropy"] + metrics["xent/test/kl_divergence"]
        )

    def test_ten_classes_take_one_hundred_metrics_and_three_tags(self):
        y, q = rng.integers(10, size=2000), rng.dirichlet(np.ones(10), 2000)
        found = items(evaluated(y, q), "test")
        assert len(found.metrics) == 105  # 138 before, of fewer terms
        assert len(found.tags) == 3

    def test_counts_of_what_cannot_occur(self):
        plain = items(evaluated(), "test").metrics
        assert "xent/test/n_infinite" not in plain
        assert "xent/test/n_effective" not in plain
        assert items(evaluated(clip=0), "test").metrics["xent/test/n_infinite"] == 0
        weights = np.arange(N) + 1.0
        weighted = items(evaluated(sample_weight=weights), "test").metrics
        size = weights.sum() ** 2 / (weights**2).sum()
        assert weighted["xent/test/n_effective"] == pytest.approx(size)


def test_names_of_classes_that_looked_like_errors():
    """A class "se_FI" beside "FI": the errors of one took the keys of the other."""
    labels = ["FI", "se_FI", "n"]
    evaluation = evaluated(np.array(labels)[CODES], labels=labels)
    found = items(evaluation, "test").metrics
    table = evaluation.by_class
    for label in labels:
        for term in ("cross_entropy", "resolution", "miscalibration"):
            key = f"xent/test/by_class/{{}}{term}_{label}"
            assert found[key.format("")] == table.loc[label, term]
            assert found[key.format("se/")] == table.loc[label, f"{term}_se"]


def test_finished_keys_that_clash_are_renamed():
    def keys(name):
        return [f"resolution_{name}", f"resolution_se_{name}"]

    found = keys_of_classes(["FI", "se_FI", "SE_fi"], keys)
    assert found == {"FI": "FI", "se_FI-2": "se_FI", "SE_fi-3": "SE_fi"}


class TestMetrics:
    def test_terms_and_their_standard_errors(self):
        evaluation = evaluated()
        result = evaluation.decomposition
        found = items(evaluation, "test").metrics
        for term, value in result.terms.items():
            error = result.standard_errors[term]
            if math.isfinite(value):
                assert found[f"xent/test/{term}"] == value
                told = term not in ("entropy", "kl_divergence", "overconfidence")
                assert found.get(f"xent/test/se/{term}") == (error if told else None)

    def test_classes(self):
        evaluation = evaluated()
        found = items(evaluation, "test").metrics
        for name in NAMES:
            for term in ("cross_entropy", "miscalibration", "resolution"):
                for column, group in ((term, ""), (f"{term}_se", "se/")):
                    key = f"xent/test/by_class/{group}{term}_{name}"
                    assert found[key] == evaluation.by_class.loc[name, column]
            count = found[f"xent/test/by_class/n_{name}"]
            assert count == evaluation.by_class.loc[name, "n"]
        assert not any("note" in key or "weight" in key for key in found)

    def test_the_map_of_classes_is_of_changed_names_only(self):
        key = "xent/test/info"
        assert "classes" not in json.loads(items(evaluated(), "test").tags[key])
        y = np.where(LABELS == "ant", "a/b", LABELS)
        found = items(evaluated(y, labels=["a/b", "bee", "cat"]), "test")
        assert json.loads(found.tags[key])["classes"] == {"a_b": "a/b"}
        assert "xent/test/by_class/se/resolution_a_b" in found.metrics

    def test_many_classes_are_capped(self):
        y, q = rng.integers(50, size=2000), rng.dirichlet(np.ones(50), 2000)
        found = items(evaluated(y, q), "test")
        counts = [key for key in found.metrics if "by_class/n_" in key]
        assert len(counts) == MOST_CLASSES
        told = json.loads(found.tags["xent/test/info"])
        assert told["classes_without_metrics"] == 30
        shown = [key.rpartition("_")[2] for key in counts]
        assert told["classes_with_metrics"] == shown

    @pytest.mark.parametrize("soft", [False, True])
    def test_of_many_classes_those_with_the_most_excess_loss(self, soft):
        """Few rows of a dear class count for less than many of a cheap one."""
        share = np.linspace(1, 3, 30)
        y = rng.choice(30, 3000, p=share / share.sum())
        q = 0.02 * rng.dirichlet(np.ones(30), 3000)
        q[np.arange(3000), y] += 0.98 * np.where(y < 5, 0.1, 0.6)
        q /= q.sum(axis=1, keepdims=True)
        truth = 0.9 * np.eye(30)[y] + 0.1 / 30 if soft else y
        evaluation = evaluated(truth, q)
        log_q = np.log(q)
        p = truth if soft else np.eye(30)[y]
        kl = (np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0) - p * log_q).sum(1)
        excess = kl @ p
        wanted = sorted(np.argsort(-excess)[:MOST_CLASSES].tolist())
        found = items(evaluation, "test")
        names = json.loads(found.tags["xent/test/info"])["classes_with_metrics"]
        assert list(map(int, names)) == wanted
        assert wanted != list(range(20))

    def test_with_many_classes_it_is_one_batch(self):
        y = rng.dirichlet(np.ones(50), 2000)
        found = items(evaluated(y, rng.dirichlet(np.ones(50), 2000)), "test")
        assert any("by_class/se/grouping_loss_" in key for key in found.metrics)
        _validate_batch_log_data(
            [Metric(key, value, 0, 0) for key, value in found.metrics.items()],
            [],
            [RunTag(key, value) for key, value in found.tags.items()],
        )

    def test_long_names_of_classes_go_to_the_file(self):
        labels = [f"{k}{'x' * 400}" for k in range(20)]
        y, q = np.array(labels)[rng.integers(20, size=N)], rng.dirichlet([1] * 20, N)
        found = items(evaluated(y, q, labels=labels), "test")
        told = json.loads(found.tags["xent/test/info"])
        assert told["classes"] == "too long for a tag: see the files of this split"
        assert told["recalibration"] == "temperature"

    def test_folds_and_groups_are_counted(self):
        evaluation = evaluated(folds=np.arange(N) % 3, groups=np.arange(N) // 2)
        found = items(evaluation, "test").metrics
        assert found["xent/test/n_folds"] == 3
        assert found["xent/test/n_groups"] == 300

    def test_tags(self):
        evaluation = evaluated(base=2, clip=1e-6)
        found = items(evaluation, "test", dataset="birds").tags
        assert found.keys() == {
            f"xent/test/{name}" for name in ("schema", "unit", "info")
        }
        assert found["xent/test/schema"] == "2"
        assert found["xent/test/unit"] == "bits"
        settings = json.loads(found["xent/test/info"])
        names = ("clip", "recalibration", "dataset", "vote_correction", "non_finite")
        assert [settings[name] for name in names] == [
            *(1e-6, "temperature", "birds", None, {})
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
