"""What an evaluation shows: summaries, classes, worst rows, JSON and tables."""

import datetime as dt
import functools
import json
import math
import pickle
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from xent_metrics import (
    Evaluation,
    SmallSampleWarning,
    UnseenLabelWarning,
    compare,
    decompose_ensemble,
    per_sample,
)

from .animals import (
    CODES,
    GROUPS,
    LABELS,
    NAMES,
    PROBA,
    SITE,
    TRUE,
    WEIGHTS,
    N,
    evaluated,
)


class TestPerSample:
    def test_the_columns_are_labels_and_measures(self):
        rows = evaluated().per_sample
        expected = per_sample(LABELS, PROBA, labels=NAMES)
        assert rows["label"].tolist() == LABELS.tolist()
        assert rows["predicted"].tolist() == [NAMES[k] for k in PROBA.argmax(axis=1)]
        pd.testing.assert_frame_equal(
            rows.drop(columns=["label", "predicted"]), expected
        )

    def test_weights_and_groups_come_last(self):
        rows = evaluated(sample_weight=WEIGHTS, groups=GROUPS).per_sample
        assert rows.columns[-2:].tolist() == ["weight", "group"]
        assert rows["weight"].tolist() == WEIGHTS.tolist()
        assert rows["group"].tolist() == GROUPS.tolist()

    def test_distributions_have_no_label(self):
        rows = evaluated(TRUE).per_sample
        assert rows.columns[:2].tolist() == ["predicted", "cross_entropy"]

    def test_logits_predict_as_probabilities_and_ties_the_first_class(self):
        rows = Evaluation.from_predictions(
            LABELS, np.log(PROBA), labels=NAMES, from_logits=True
        ).per_sample
        assert (
            rows["predicted"].tolist() == evaluated().per_sample["predicted"].tolist()
        )
        even = Evaluation.from_predictions([0, 1] * 100, np.full((200, 2), 0.5))
        assert even.per_sample["predicted"].tolist() == [0] * 200

    def test_a_row_of_weight_0_may_be_broken(self):
        q, w = PROBA.copy(), np.ones(N)
        q[5], w[5] = math.nan, 0
        rows = Evaluation.from_predictions(
            LABELS, q, labels=NAMES, sample_weight=w
        ).per_sample
        assert rows[["label", "predicted", "cross_entropy"]].iloc[5].isna().all()
        assert not rows.drop(index=5).isna().any(axis=None)

    def test_unseen_labels_keep_their_name(self):
        y = LABELS.copy()
        y[:9] = "dog"
        with pytest.warns(UnseenLabelWarning):
            evaluation = evaluated(y)
        assert evaluation.per_sample["label"].tolist() == y.tolist()
        assert evaluation.by_class.index.tolist() == [*NAMES, "dog"]
        assert evaluation.by_class.loc["dog", "note"].startswith("9 independent rows")


class TestSummary:
    def expected(self, rows, w):
        """Means and standard errors, by their definition."""
        w = w / w.sum()
        mean = (w[:, None] * rows).sum(axis=0)
        n = len(rows)
        error = np.sqrt(n / (n - 1) * ((w[:, None] * (rows - mean)) ** 2).sum(axis=0))
        return mean, error

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("y", [LABELS, TRUE], ids=["labels", "distributions"])
    def test_each_group_is_the_mean_of_its_rows(self, y, weighted):
        weights = WEIGHTS if weighted else None
        table = evaluated(y, sample_weight=weights).summary(SITE)
        rows = per_sample(y, PROBA, labels=NAMES)
        rows["calibration_gap"] = rows["cross_entropy"] - rows["predictive_entropy"]
        names = [
            "cross_entropy",
            "entropy",
            "kl_divergence",
            "predictive_entropy",
            "calibration_gap",
        ]
        for site in "ens":
            inside = site == SITE
            w = WEIGHTS[inside] if weighted else np.ones(inside.sum())
            mean, error = self.expected(rows.loc[inside, names].to_numpy(), w)
            row = table.loc[site]
            assert row["n"] == inside.sum()
            found = row[names].to_numpy(float)
            np.testing.assert_allclose(found, mean, rtol=1e-12)
            found = row[[f"{name}_se" for name in names]].to_numpy(float)
            np.testing.assert_allclose(found, error, rtol=1e-10)
        assert table["weight"].sum() == pytest.approx(1)
        assert (table["note"] == "").all()

    def test_the_summary_of_all_is_the_decomposition(self):
        evaluation = evaluated(TRUE, sample_weight=WEIGHTS, groups=np.arange(N) // 3)
        table, d = evaluation.summary(), evaluation.decomposition
        assert table.index.tolist() == ["all"]
        for name in ("cross_entropy", "entropy", "kl_divergence", "predictive_entropy"):
            assert table.loc["all", name] == pytest.approx(d.terms[name], rel=1e-12)
            error = table.loc["all", f"{name}_se"]
            assert error == pytest.approx(d.standard_errors[name], rel=1e-10)

    def test_the_accessor_gives_the_same_summary(self):
        frame = pd.DataFrame(PROBA, columns=[f"p_{name}" for name in NAMES])
        frame = frame.assign(y=LABELS, w=WEIGHTS, site=SITE)
        view = frame.xent(target="y", proba="p_", sample_weight="w", base=2)
        expected = view.evaluate().summary(pd.Series(SITE, name="site"))
        pd.testing.assert_frame_equal(view.summary(by="site"), expected)

    def test_keys_may_be_names_of_columns_of_the_rows(self):
        table = evaluated().summary(["label", "predicted"])
        assert table.index.names == ["label", "predicted"]
        confusion = pd.crosstab(LABELS, PROBA.argmax(axis=1)).to_numpy().ravel()
        assert table["n"].tolist() == confusion.tolist()

    def test_keys_may_be_several_and_miss_values(self):
        site = pd.Series(SITE).where(np.arange(N) % 4 > 0)
        keys = pd.DataFrame({"site": site, "odd": np.arange(N) % 2 == 1})
        table = evaluated().summary(keys)
        sizes = keys.groupby(["site", "odd"], dropna=False).size()
        assert table["n"].tolist() == sizes.tolist()
        assert table.index.names == ["site", "odd"]
        assert evaluated().summary(site).index.isna().tolist() == [False] * 3 + [True]

    def test_a_group_of_one_row_says_so(self):
        table = evaluated().summary(np.arange(N) == 5)
        assert table["note"].tolist() == [
            "",
            "one independent row: no standard errors",
        ]
        assert math.isnan(table.loc[True, "cross_entropy_se"])
        assert math.isfinite(table.loc[True, "cross_entropy"])

    def test_groups_without_weight_are_left_out(self):
        weights = np.where(SITE == "n", 0.0, 1.0)
        table = evaluated(sample_weight=weights).summary(SITE)
        assert table.index.tolist() == ["e", "s"]
        assert table["weight"].sum() == pytest.approx(1)

    def test_an_infinite_row_stays_in_its_group(self):
        q = PROBA.copy()
        q[0] = np.eye(3)[(CODES[0] + 1) % 3]
        table = Evaluation.from_predictions(
            LABELS, q, labels=NAMES, clip=0, recalibration="temperature"
        ).summary(np.arange(N) % 3)
        assert np.isinf(table["cross_entropy"]).tolist() == [True, False, False]
        assert np.isfinite(table.loc[[1, 2], "cross_entropy_se"]).all()

    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    def test_many_keys_of_many_values_are_not_multiplied_out(self):
        rows = np.arange(N)
        table = evaluated().summary(dict.fromkeys("abcdefg", rows))
        assert table["n"].tolist() == [1] * N
        assert table.index.to_list() == [(row,) * 7 for row in rows]

    @pytest.mark.parametrize("scale", [1e-200, 1e200])
    def test_the_scale_of_weights_is_free(self, scale):
        frame = pd.DataFrame({"y": CODES > 0, "p": 1 - PROBA[:, 0], "w": WEIGHTS})
        expected = frame.xent.summary("y", "p", sample_weight="w", by=SITE)
        frame["w"] *= scale
        found = frame.xent.summary("y", "p", sample_weight="w", by=SITE)
        pd.testing.assert_frame_equal(found, expected)

    @pytest.mark.parametrize(
        ("by", "message"),
        [
            ("sight", "by must be a column of per_sample or one value per row: found"),
            ([1, 2], "by must hold one value per row: its shape is (2,) for 900 rows"),
            ({}, "by must hold one key or more: it is empty; pass a column."),
        ],
    )
    def test_bad_keys_are_refused(self, by, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            evaluated().summary(by)


class TestWorst:
    def test_the_most_costly_row_comes_first(self):
        rows = evaluated().per_sample
        expected = rows.sort_values("cross_entropy", ascending=False).head(4)
        pd.testing.assert_frame_equal(evaluated().worst(4), expected)

    def test_the_worst_of_each_group_are_its_most_costly(self):
        found = evaluated().worst(2, by=pd.Series(SITE, name="site"))
        assert found["site"].tolist() == ["e", "e", "n", "n", "s", "s"]
        for site, table in found.groupby("site"):
            costs = evaluated().per_sample["cross_entropy"][site == SITE]
            assert table["cross_entropy"].tolist() == costs.nlargest(2).tolist()

    def test_the_worst_may_be_grouped_by_a_column_of_the_rows(self):
        found = evaluated().worst(1, by="label")
        assert found["label"].tolist() == list(NAMES)
        assert found.columns.tolist().count("label") == 1

    def test_rows_without_weight_are_left_out(self):
        worst = evaluated().worst(1).index[0]
        weights = np.ones(N)
        weights[worst] = 0
        assert evaluated(sample_weight=weights).worst(1).index[0] != worst

    def test_keys_without_a_name_are_numbered(self):
        assert evaluated().worst(1, by=SITE).columns[0] == "by_0"

    def test_asking_for_more_rows_than_there_are_gives_all(self):
        assert len(evaluated().worst(2 * N)) == N

    def test_n_may_be_a_whole_number_of_numpy(self):
        assert len(evaluated().worst(np.int64(3))) == 3

    @pytest.mark.parametrize("n", [0, -1, 2.5, "3", True])
    def test_a_bad_number_of_rows_is_refused(self, n):
        with pytest.raises(ValueError, match="n must be a whole number above 0: found"):
            evaluated().worst(n)

    def test_the_accessor_keeps_the_index(self):
        frame = pd.DataFrame(PROBA, columns=[f"p_{name}" for name in NAMES])
        frame = frame.assign(y=LABELS).set_index(
            pd.Index(np.arange(N)[::-1], name="id")
        )
        found = frame.xent.worst(3, "y", "p_")
        assert found.index.name == "id"
        for key in found.index:
            assert frame.loc[key, "y"] == found.loc[key, "label"]
        expected = frame.xent.evaluate("y", "p_").worst(3)
        pd.testing.assert_frame_equal(found, expected)


class TestTheDecomposition:
    def test_terms_and_their_intervals(self):
        evaluation = evaluated(base=2)
        assert evaluation.terms.keys() == evaluation.decomposition.terms.keys()
        assert evaluation.terms["miscalibration"] > 0
        np.testing.assert_equal(evaluation.terms, evaluation.decomposition.terms)
        np.testing.assert_equal(evaluation.ci(), evaluation.decomposition.ci())
        np.testing.assert_equal(evaluation.ci(0.5), evaluation.decomposition.ci(0.5))
        with pytest.raises(
            ValueError, match=r"level must be in \(0, 1\): found 1; pass"
        ):
            evaluation.ci(1)

    @pytest.mark.parametrize("refit", [False, True])
    def test_groups_of_rows(self, refit):
        evaluation = evaluated(sample_weight=WEIGHTS, recalibration="temperature")
        found = evaluation.by(SITE, refit=refit)
        assert found.index.tolist() == ["e", "n", "s"]
        expected = evaluation.decomposition.by(SITE, refit=refit)
        pd.testing.assert_frame_equal(found, expected)


EVALUATIONS = {
    "labels": evaluated,
    "weights and groups": lambda: evaluated(
        sample_weight=WEIGHTS, groups=GROUPS, recalibration="temperature"
    ),
    "bits": lambda: evaluated(base=2),
    "distributions": lambda: evaluated(TRUE),
    "infinite": lambda: Evaluation.from_predictions(
        [0, 1] * 200, [[1.0, 0.0], [0.5, 0.5]] * 200, clip=0
    ),
    "infinite on the wrong side": lambda: Evaluation.from_predictions(
        [1, 1] * 200, [[1.0, 0.0], [0.5, 0.5]] * 200, clip=0, labels=[0, 1]
    ),
    "folds": lambda: evaluated(folds=np.arange(N) % 3, recalibration="temperature"),
    "booleans": lambda: Evaluation.from_predictions(CODES > 0, 1 - PROBA[:, 0]),
}


@pytest.mark.parametrize(
    "make", [functools.cache(make) for make in EVALUATIONS.values()], ids=EVALUATIONS
)
class TestJson:
    def test_everything_comes_back(self, make):
        evaluation = make()
        found = Evaluation.from_json(evaluation.to_json(per_sample=True))
        assert found == evaluation
        assert repr(found) == repr(evaluation)
        assert found.labels == evaluation.labels
        for name in ("per_sample", "by_class"):
            table = getattr(found, name)
            pd.testing.assert_frame_equal(
                table, getattr(evaluation, name), check_exact=True
            )
        pd.testing.assert_frame_equal(
            found.decomposition.ladder,
            evaluation.decomposition.ladder,
            check_index_type=False,  # an empty one has none
            check_dtype=len(found.decomposition.ladder) > 0,
        )
        assert (found.folds is None) == (evaluation.folds is None)
        if found.folds is not None:
            pd.testing.assert_frame_equal(found.folds, evaluation.folds)
        pd.testing.assert_frame_equal(found.summary(), evaluation.summary())
        pd.testing.assert_frame_equal(found.worst(3), evaluation.worst(3))
        np.testing.assert_array_equal(
            list(found.decomposition.ci().values()),
            list(evaluation.decomposition.ci().values()),
        )
        assert found.to_json(per_sample=True) == evaluation.to_json(per_sample=True)

    def test_json_is_strict(self, make):
        def refuse(word):
            raise AssertionError(word)

        json.loads(make().to_json(per_sample=True), parse_constant=refuse)

    def test_json_may_leave_the_rows_out(self, make):
        evaluation = make()
        found = Evaluation.from_json(evaluation.to_json().encode())
        assert found == evaluation
        assert found.per_sample is None
        pd.testing.assert_frame_equal(found.summary(), evaluation.summary())
        for method, options in (("summary", {"by": "predicted"}), ("worst", {})):
            message = (
                f"{method} needs per_sample: the evaluation has no rows, as it was "
                "scanned, or read back without them; pass by= to scan, or "
                "per_sample=True to to_json."
            )
            with pytest.raises(ValueError, match=re.escape(message)):
                getattr(found, method)(**options)


class TestReadBack:
    def test_indexes_come_back(self):
        frame = pd.DataFrame({"y": CODES > 0, "p": 1 - PROBA[:, 0]})
        frame.index = pd.MultiIndex.from_product(
            [range(300), list("abc")], names=["patient", "visit"]
        )
        evaluation = frame.xent.evaluate("y", "p")
        found = Evaluation.from_json(evaluation.to_json(per_sample=True))
        pd.testing.assert_index_equal(found.per_sample.index, frame.index)

    @pytest.mark.parametrize(
        "index",
        [
            pd.date_range("2026-01-01", periods=4, tz="Europe/Berlin", freq=None),
            pd.Index([dt.date(2026, 1, day) for day in range(1, 5)]),
            pd.Index([Decimal("0.1"), Decimal("0.2"), None, Decimal("NaN")]),
            pd.Index(["a", None, np.nan, "nan"], dtype=object),
            pd.Index([1, 2, None, 4], dtype="Int64"),
            pd.Index([1, 2, 3, 2**64 - 1], dtype="uint64"),
            pd.Index([b"a", b"b", 3, (1, None)], dtype=object),
            pd.period_range("2026-01", periods=4, freq="M"),
            pd.MultiIndex.from_arrays(
                [pd.to_timedelta([1, 2, 3, 4], "ns"), [1.0, np.inf, np.nan, -0.0]],
                names=[1, 0],
            ),
        ],
        ids=lambda index: f"{type(index).__name__} of {index[0]}",
    )
    def test_names_of_rows_come_back(self, index):
        frame = pd.DataFrame({"y": [0, 1] * 200, "p": [0.2, 0.7] * 200})
        frame.index = index.take(np.arange(400) % 4)
        evaluation = Evaluation.from_frame(frame, target="y", proba="p")
        found = Evaluation.from_json(evaluation.to_json(per_sample=True)).per_sample
        pd.testing.assert_index_equal(found.index, frame.index)
        assert list(map(repr, found.index)) == list(map(repr, frame.index))

    @pytest.mark.parametrize(
        "labels",
        [
            (dt.date(2026, 1, 1), dt.date(2026, 1, 2), dt.date(2026, 1, 3)),
            (pd.Timestamp(1), pd.Timestamp(2), pd.Timestamp(3)),
            (Decimal("0.1"), Decimal("0.2"), Decimal("0.3")),
            ("nan", "a", "None"),
            (10**30, 1, 2),
            ((1, 2), (1, 3), (2, None)),
        ],
        ids=lambda labels: type(labels[0]).__name__,
    )
    def test_labels_come_back(self, labels):
        y = pd.Series([labels[code] for code in CODES], dtype=object)
        evaluation = Evaluation.from_predictions(
            y, PROBA, labels=labels, recalibration="temperature"
        )
        found = Evaluation.from_json(evaluation.to_json(per_sample=True))
        assert found == evaluation
        assert found.labels == labels
        assert list(map(type, found.labels)) == list(map(type, labels))
        pd.testing.assert_frame_equal(found.per_sample, evaluation.per_sample)
        pd.testing.assert_frame_equal(found.by_class, evaluation.by_class)

    def test_labels_that_cannot_be_read_back_are_not_written(self):
        labels = tuple(frozenset([k]) for k in range(3))
        y = pd.Series([labels[code] for code in CODES], dtype=object)
        evaluation = Evaluation.from_predictions(
            y, PROBA, labels=labels, recalibration="temperature"
        )
        message = "must be text, numbers, booleans, .* of type frozenset; convert them"
        with pytest.raises(TypeError, match=message):
            evaluation.to_json()

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("n", -1, "'n' of the decomposition must be a whole number of 0 or more"),
            ("n_classes", 4, "there must be 4 distinct labels, found 3"),
            ("converged", None, "must be true or false, found None"),
            ("skill", [1], 'must be a number, "nan", "inf" or "-inf", found [1]'),
            ("entropy", 9.0, "must be the sum of entropy, kl_divergence"),
            ("resolution", 9, "the sum of uncertainty, resolution, miscalibration"),
            ("standard_errors", {}, "lacks its part 'cross_entropy'"),
            ("notes", {"skill": 3}, "'skill' of 'notes' of the decomposition must be"),
        ],
    )
    def test_changed_terms_are_refused(self, name, value, message):
        whole = json.loads(evaluated().to_json())
        whole["decomposition"][name] = value
        with pytest.raises(ValueError, match=re.escape(message)):
            Evaluation.from_json(json.dumps(whole))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                {"index": [1]},
                "must have columns of 1 values, of other names: 'n' has 3",
            ),
            ({"index_names": []}, "must have a name and a type for each level of its"),
            ({"index_names": ["a", "b"]}, "must have 2 labels per row, found"),
            ({"index_dtypes": ["V9"]}, "must be the name of a type, or null"),
            ({"columns": []}, "the table 'per_class' lacks its column 'n'"),
            ({"columns": None}, "must be a list, found None"),
        ],
    )
    def test_changed_tables_are_refused(self, change, message):
        whole = json.loads(evaluated().to_json())
        whole["per_class"] |= change
        if change.get("index_names"):
            whole["per_class"]["index_dtypes"] = [None, None]
        with pytest.raises(ValueError, match=re.escape(message)):
            Evaluation.from_json(json.dumps(whole))

    def test_what_needs_the_data_says_so(self):
        found = Evaluation.from_json(evaluated().to_json())
        for call in (
            lambda d: d.by(SITE),
            lambda d: d.recalibrator(),
            lambda d: d.miscalibration_test(),
        ):
            with pytest.raises(ValueError, match="scanned or read back; call"):
                call(found.decomposition)
        message = (
            "by needs the data: this result has none, as it was scanned or read back; "
            "call decompose on the data."
        )
        with pytest.raises(ValueError, match=message):
            found.by(SITE)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "of an evaluation, of schema 2: JSONDecodeError: Expecting value"),
            ("[]", "the whole JSON of an evaluation, of schema 2: found None; write"),
            ('{"schema": 3}', "of an evaluation, of schema 2: found 3; write it again"),
            ('{"schema": 1}', "the document lacks its part 'decomposition'; write it"),
            ('{"schema": 1, "schema": 1}', "the key 'schema' occurs twice in an obj"),
            ('{"schema": NaN}', "NaN is no value of strict JSON; write it again with"),
        ],
    )
    def test_what_is_no_evaluation_is_refused(self, text, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            Evaluation.from_json(text)

    @pytest.mark.parametrize("text", [None, {"schema": 1}, 3])
    def test_what_is_no_text_is_refused(self, text):
        with pytest.raises(TypeError, match="as str or bytes: found .*; pass what"):
            Evaluation.from_json(text)

    def test_a_torn_file_is_refused(self):
        whole = json.loads(evaluated().to_json())
        for name in whole:
            torn = {key: value for key, value in whole.items() if key != name}
            with pytest.raises(ValueError, match="text must be the "):
                Evaluation.from_json(json.dumps(torn))

    def test_a_pickle_comes_back(self):
        evaluation = evaluated()
        found = pickle.loads(pickle.dumps(evaluation))  # noqa: S301 - our own
        assert found == evaluation
        pd.testing.assert_frame_equal(found.summary(SITE), evaluation.summary(SITE))


class TestTables:
    name = "<b>|a\n*b*"

    def hostile(self):
        names = np.array([self.name, "b"])
        q = np.column_stack([PROBA[:, 0], 1 - PROBA[:, 0]])
        return Evaluation.from_predictions(names[CODES % 2], q, labels=names)

    def test_markdown_is_one_table(self):
        lines = evaluated().to_markdown().splitlines()
        assert lines[0].startswith("Decomposition of a cross-entropy of ")
        assert lines[2] == "| term | value | standard_error | meaning |"
        assert len({line.count("|") for line in lines[2:]}) == 1
        assert "| irreducible |  |  | undefined: one label per row |" in lines

    def test_markdown_escapes_hostile_names(self):
        models = {self.name: (CODES > 0, 1 - PROBA[:, 0]), "b": (CODES > 0, TRUE[:, 1])}
        lines = compare(models).to_markdown().splitlines()
        assert any("&lt;b>\\|a *b*" in line for line in lines)
        columns = {line.replace("\\|", "").count("|") for line in lines[2:]}
        assert len(columns) == 1

    @pytest.mark.parametrize(
        "make",
        [
            evaluated,
            lambda: evaluated().decomposition,
            lambda: compare({"<i>": (CODES > 0, 1 - PROBA[:, 0])}),
            lambda: decompose_ensemble(CODES, np.stack([PROBA, TRUE])),
        ],
        ids=["evaluation", "decomposition", "comparison", "ensemble"],
    )
    def test_notebooks_show_one_table(self, make):
        page = make()._repr_html_()
        assert page.count("<table") == page.count("</table>") == 1
        assert "<i>" not in page

    def test_a_comparison_is_one_table(self):
        comparison = compare({"old": evaluated(), "new": (LABELS, TRUE)}, labels=NAMES)
        lines = comparison.to_markdown().splitlines()
        assert [line.split(" ")[1] for line in lines[4:]] == ["new", "old"]
        assert "cross-entropy, difference" in lines[2]


def test_few_rows_of_a_group_say_so():
    site = np.r_[np.zeros(5), np.ones(20), np.full(N - 25, 2)]
    d = evaluated().decomposition
    table = d.by(site)
    assert table["note"].tolist() == [
        "5 independent rows: too few for terms of the map, which require 10",
        "",
        "",
    ]
    assert table.loc[0.0, ["resolution", "miscalibration", "refinement"]].isna().all()
    kept = table.loc[0.0, ["cross_entropy", "uncertainty"]]
    assert kept.map(math.isfinite).all()
    alone = d.by(np.r_[site[:-100], np.full(100, 3)], refit=True)
    assert alone["note"].tolist() == [
        "5 independent rows: too few for a map of their own, which requires 50",
        "20 independent rows: too few for a map of their own, which requires 50",
        "",
        "100 independent rows: unreliable below about 200",
    ]
    assert alone["miscalibration"].isna().tolist() == [True, True, False, False]


def test_few_groups_of_dependent_rows_say_so():
    d = evaluated(groups=GROUPS).decomposition
    notes = d.by(np.arange(N) < 20)["note"].tolist()
    assert notes[0] == ""
    assert notes[1].startswith("7 independent rows: too few")


def test_few_rows_warn():
    frame = pd.DataFrame({"y": [0, 1] * 20, "p": [0.2, 0.7] * 20})
    for method in ("evaluate", "decompose", "by_class"):
        with pytest.warns(SmallSampleWarning, match="only 40 rows"):
            getattr(frame.xent, method)("y", "p")
