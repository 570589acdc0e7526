"""What features could still win: a bound that holds, and that says what carries it."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import xent_metrics  # noqa: F401 - the accessor
from xent_metrics import Evaluation

from ..draws import labels_from, polars_frame
from ..thinned import thinned

N = 600


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def blind(n=N, seed=0, k=2):
    """Features that decide the label, and predictions that know one of them only."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.normal(size=n),
            "plan": rng.choice(["basic", "plus", "pro"], n),
            "noise": rng.normal(size=n),
        }
    )
    hidden = np.where(X["plan"] == "pro", 2.0, -1.0)
    p, q = sigmoid(X["age"] + hidden), sigmoid(X["age"])
    p, q = np.column_stack([1 - p, p]), np.column_stack([1 - q, q])
    if k > 2:  # the others share the first class
        p, q = (
            np.column_stack([t[:, :1] * np.ones(k - 1) / (k - 1), t[:, 1]])
            for t in (p, q)
        )
    return X, labels_from(p, rng), q, p


@pytest.fixture(scope="module")
def found():
    X, y, q, _ = blind()
    return Evaluation.from_predictions(y, q).reducible(X)


def test_terms_add_up_to_the_loss(found):
    terms = found.terms
    parts = [
        terms[name]
        for name in (
            "miscalibration",
            "missed_miscalibration",
            "grouping_loss_at_least",
            "entropy_at_most",
        )
    ]
    assert sum(parts) == pytest.approx(found.cross_entropy, abs=1e-12)
    assert sum(parts[:3]) == pytest.approx(found.kl_divergence_at_least, abs=1e-12)


@pytest.mark.slow
def test_miscalibration_is_that_of_the_decomposition():
    X, y, q, _ = blind()
    evaluation = Evaluation.from_predictions(y, q, base=2)
    found = evaluation.reducible(X)
    decomposition = evaluation.decomposition
    assert found.unit == "bits"
    assert found.miscalibration == pytest.approx(decomposition.miscalibration)
    assert found.cross_entropy == pytest.approx(decomposition.cross_entropy)


def test_the_bound_lies_below_the_true_grouping_loss_and_finds_most_of_it(found):
    X, _, q, p = blind(n=200_000, seed=1)
    del X
    entropy = -(p * np.log(p)).sum(axis=1).mean()
    order = np.argsort(q[:, 1])
    of_q = [part.mean(axis=0) for part in np.array_split(p[order], 500)]
    true = np.mean([-(m * np.log(m)).sum() for m in of_q]) - entropy
    assert found.lower(0.95) < true
    assert found.grouping_loss_at_least > 0.6 * true
    assert found.lower(0.99) < found.lower(0.95) < found.grouping_loss_at_least


def test_the_features_that_decide_carry_the_bound(found):
    assert found.importances.index.to_list() == ["age", "plan", "noise"]
    assert found.importances.idxmax() == "plan"
    assert found.importances["plan"] > 5 * abs(found.importances["noise"])
    assert "the features that carry it: plan" in repr(found)


@pytest.mark.parametrize("order", thinned(["random", "sorted"], ["sorted"]))
def test_what_the_predictions_know_already_is_not_called_important(order):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 3))
    if order == "sorted":
        X = X[np.argsort(X[:, 1])]
    y = rng.random(1000) < sigmoid(2.0 * X[:, 0] + X[:, 1])
    held = Evaluation.from_predictions(y, sigmoid(2.0 * X[:, 0])).reducible(X)
    assert held.importances[1] > 0.05
    assert held.importances[[0, 2]].abs().max() < 0.01
    assert "the features that carry it: column 1 (" in repr(held)
    assert "column 0" not in repr(held)
    none = Evaluation.from_predictions(y, np.full(1000, 0.5)).reducible(X)
    assert none.importances[0] > 2 * none.importances[1] > 0.1


def test_a_model_that_is_the_truth_is_not_called_reducible():
    X, y, _, p = blind()
    found = Evaluation.from_predictions(y, p).reducible(X)
    assert found.lower() == 0
    assert "nothing found" in repr(found)
    if not found.grouping_loss_at_least:
        assert not found.importances.any()


@pytest.mark.parametrize("n", thinned([300, 1500], [300]))
def test_miscalibration_that_is_no_smooth_map_is_no_grouping_loss(n):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 4))
    q = sigmoid(X[:, 0] - X[:, 1])
    p = np.where(q < 0.3, 0.1, np.where(q < 0.7, 0.45, 0.85))
    y = rng.random(n) < p
    found = Evaluation.from_predictions(y, q).reducible(X)
    assert found.lower() == 0


def test_rows_of_the_table_are_those_of_the_evaluation_and_their_costs():
    X, y, q, _ = blind()
    X.index = pd.Index([f"row {at}" for at in range(N)])
    weight = np.arange(N) % 3.0
    evaluation = Evaluation.from_predictions(
        pd.Series(y, index=X.index), q, sample_weight=weight
    )
    found = evaluation.reducible(X)
    counted = weight > 0
    assert found.n == counted.sum()
    assert found.per_row.index.equals(X.index[counted])
    np.testing.assert_allclose(
        found.per_row["cross_entropy"],
        evaluation.per_sample["cross_entropy"][counted],
    )
    np.testing.assert_allclose(
        found.per_row["gain"],
        found.per_row["recalibrated"] - found.per_row["with_features"],
    )


def test_frames_are_aligned_by_their_index():
    X, y, q, _ = blind()
    X.index = pd.RangeIndex(1000, 1000 + N)
    evaluation = Evaluation.from_predictions(pd.Series(y, index=X.index), q)
    numbers, options = X[["age", "noise"]], {"learner": GaussianNB()}
    shuffled = numbers.sample(frac=1, random_state=0)
    expected = evaluation.reducible(numbers, **options)
    assert evaluation.reducible(shuffled, **options) == expected


def test_frames_of_other_rows_are_refused():
    X, y, q, _ = blind(n=200)
    X.index = pd.RangeIndex(1000, 1200)
    evaluation = Evaluation.from_predictions(pd.Series(y, index=X.index), q)
    other = X.set_axis(pd.RangeIndex(5000, 5200))
    with pytest.raises(ValueError, match="X must have the index of the rows"):
        evaluation.reducible(other)
    with pytest.raises(ValueError, match="it has 199, and 200 were evaluated"):
        evaluation.reducible(X[:199])


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.slow
def test_rows_that_were_dropped_are_left_out_of_the_features(kept):
    X, y, q, _ = blind()
    frame = X.assign(y=pd.array(y, dtype="Int64"), p=q[:, 1])
    frame.loc[[3, 10, 500], "y"] = pd.NA
    whole = frame.dropna(subset="y")
    options = {"target": "y", "proba": "p"}
    dropped = Evaluation.from_frame(frame, **options, on_missing="drop")
    expected = Evaluation.from_frame(whole, **options).reducible(whole[X.columns])
    given = frame if kept else whole
    assert dropped.reducible(given[X.columns]) == expected
    assert dropped.reducible(given[X.columns].to_numpy()).n == N - 3


def test_a_cross_validation_is_out_of_fold_and_in_its_order():
    X, y, _, _ = blind()
    numbers = pd.get_dummies(X, dtype=float).set_axis(list("abcde"), axis=1)
    cv = cross_validate(
        LogisticRegression(),
        numbers[["a", "b"]],
        y,
        cv=3,
        return_estimator=True,
        return_indices=True,
    )
    evaluation = Evaluation.from_cv_results(cv, numbers[["a", "b"]], y)
    found = evaluation.reducible(X)
    assert found.n == N
    assert found.importances.idxmax() == "plan"
    with pytest.raises(ValueError, match="it has 599, and 600 were evaluated"):
        evaluation.reducible(X[:-1])


def test_rows_that_models_are_seen_to_be_trained_on_are_refused():
    X, y, _, _ = blind(n=400)
    rows = np.arange(400)
    numbers = X[["age", "noise"]]
    cv = cross_validate(
        GaussianNB(),
        numbers,
        y,
        cv=[(rows, rows[:200]), (rows, rows[200:])],
        return_estimator=True,
        return_indices=True,
    )
    evaluation = Evaluation.from_cv_results(cv, numbers, y)
    with pytest.raises(ValueError, match="rows that models were not trained on"):
        evaluation.reducible(X)


@pytest.mark.parametrize(
    "recalibration", thinned(["none", "isotonic", "temperature"], ["isotonic"])
)
def test_the_sum_holds_under_any_map(recalibration):
    X, y, q, _ = blind(n=400)
    evaluation = Evaluation.from_predictions(y, q, recalibration=recalibration)
    found = evaluation.reducible(X)
    assert found.recalibration == recalibration
    assert found.lower() > 0
    assert found.miscalibration == pytest.approx(
        evaluation.decomposition.miscalibration
    )
    rest = found.kl_divergence_at_least + found.entropy_at_most
    assert rest == pytest.approx(found.cross_entropy, abs=1e-12)


@pytest.mark.slow
def test_the_accessor_takes_all_other_columns():
    X, y, q, _ = blind()
    frame = X.assign(y=y, p=q[:, 1], w=1.0, who=np.arange(N) // 2)
    view = frame.xent(target="y", proba="p", sample_weight="w", groups="who")
    found = view.reducible()
    assert found.importances.index.to_list() == list(X.columns)
    assert found.n_groups == N // 2
    some = view.reducible(features=["plan"])
    assert some.importances.index.to_list() == ["plan"]
    assert view.reducible(features=np.array(["plan"], dtype=object)) == some
    with pytest.raises(KeyError, match="'nope'"):
        view.reducible(features=["nope"])
    with pytest.raises(ValueError, match="features must be columns of the frame"):
        frame[["y", "p"]].xent.reducible("y", "p")


def test_the_accessor_and_the_evaluation_agree():
    X, y, q, _ = blind()
    frame = X.assign(y=y, p=q[:, 1])
    expected = Evaluation.from_frame(frame, target="y", proba="p").reducible(X)
    assert frame.xent.reducible("y", "p") == expected


@pytest.mark.slow
def test_several_classes_soft_labels_and_votes():
    X, y, q, p = blind(k=3)
    rng = np.random.default_rng(1)
    hard = Evaluation.from_predictions(y, q).reducible(X)
    soft = Evaluation.from_predictions(p, q).reducible(X)
    votes = Evaluation.from_predictions(
        rng.multinomial(6, p), q, vote_correction="jackknife"
    ).reducible(X)
    for found in (hard, soft, votes):
        assert found.n_classes == 3
        assert found.lower() > 0.05
        assert found.importances.idxmax() == "plan"
    assert soft.standard_error < hard.standard_error


@pytest.mark.slow
def test_groups_are_whole_in_folds_and_in_errors():
    X, y, q, _ = blind(n=400)
    X, y, q = (one.repeat(4) for one in (X.index, y, q[:, 1]))
    X = blind(n=400)[0].loc[X].reset_index(drop=True)
    groups = np.arange(1600) // 4
    evaluation = Evaluation.from_predictions(y, q)
    alone, grouped = evaluation.reducible(X), evaluation.reducible(X, groups=groups)
    assert grouped.n_groups == 400
    assert grouped.standard_error > 1.5 * alone.standard_error
    with pytest.raises(ValueError, match="groups must hold one value for each row"):
        evaluation.reducible(X, groups=groups[1:])


def test_weights_count_rows_as_often():
    X, y, q, _ = blind()
    heavy = X["plan"].eq("pro").to_numpy() * 9.0 + 1.0
    evaluation = Evaluation.from_predictions(y, q, sample_weight=heavy)
    found = evaluation.reducible(X)
    assert found.cross_entropy == pytest.approx(
        np.average(evaluation.per_sample["cross_entropy"], weights=heavy)
    )
    assert found.kl_divergence_at_least > 0


@pytest.mark.slow
def test_every_container_gives_the_same_number():
    X, y, q, _ = blind(n=300)
    numbers = X[["age", "noise"]]
    evaluation = Evaluation.from_predictions(y, q)
    expected = evaluation.reducible(numbers).grouping_loss_at_least
    for given in (
        numbers.to_numpy(),
        numbers.to_numpy().tolist(),
        numbers.convert_dtypes(),
        polars_frame(numbers.to_numpy()),
    ):
        assert evaluation.reducible(given).grouping_loss_at_least == expected


@pytest.mark.slow
def test_the_same_call_gives_the_same_result():
    X, y, q, _ = blind(n=300)
    evaluation = Evaluation.from_predictions(y, q)
    first, second = (evaluation.reducible(X, random_state=3) for _ in range(2))
    assert first == second
    pd.testing.assert_frame_equal(first.per_row, second.per_row)
    other = evaluation.reducible(X, random_state=4)
    assert other.grouping_loss_at_least != first.grouping_loss_at_least


@pytest.mark.slow
def test_a_learner_of_the_user_sees_the_features_as_they_are():
    X, y, q, _ = blind()
    encode = ColumnTransformer(
        [("plan", OneHotEncoder(handle_unknown="ignore"), ["plan"])],
        remainder="passthrough",
    )
    forest = RandomForestClassifier(50, min_samples_leaf=10, random_state=0)
    evaluation = Evaluation.from_predictions(y, q)
    found = evaluation.reducible(X, learner=make_pipeline(encode, forest))
    assert found.learner == "Pipeline"
    assert found.lower() > 0.05
    assert found.importances.idxmax() == "plan"
    of_numbers = evaluation.reducible(X[["age"]].to_numpy(), learner=GaussianNB())
    assert of_numbers.learner == "GaussianNB"


@pytest.mark.slow
def test_a_learner_of_the_user_takes_frames_whatever_their_columns_are_called():
    X, y, q, _ = blind(n=200)
    numbers = X[["age"]].assign(pro=X["plan"].eq("pro").astype(float))
    evaluation = Evaluation.from_predictions(y, q)
    expected = evaluation.reducible(numbers, learner=LogisticRegression())
    assert expected.importances.idxmax() == "pro"
    for names in (["log_q_0", "pro"], [1, 2], [("a", 0), ("b", 0)]):
        given = numbers.set_axis(pd.Index(names, tupleize_cols=True), axis=1)
        found = evaluation.reducible(given, learner=LogisticRegression())
        assert found == expected
        np.testing.assert_array_equal(found.importances, expected.importances)


@pytest.mark.parametrize("known", thinned([[], [5]], [[5]]))
@pytest.mark.parametrize("dtype", thinned([float, object], [object]))
def test_columns_without_a_value_change_nothing(known, dtype):
    X, y, q, _ = blind(n=200)
    evaluation = Evaluation.from_predictions(y, q)
    empty = pd.Series(np.nan, index=X.index, dtype=dtype)
    empty[known] = "few" if dtype is object else 1.0
    found = evaluation.reducible(X.assign(empty=empty))
    assert found == evaluation.reducible(X)
    assert found.importances["empty"] == 0


@pytest.mark.usefixtures("figures")
def test_what_features_win_of_an_infinite_loss_is_said_in_its_unit():
    X, y, q, _ = blind()
    p = np.where(np.arange(N) == np.flatnonzero(y)[0], 0.0, q[:, 1])
    evaluation = Evaluation.from_predictions(y, p, clip=0)
    found = evaluation.reducible(X)
    assert found.cross_entropy == np.inf
    won = f"remove {found.grouping_loss_at_least:.4f} nats or more: over"
    assert won in repr(found)
    assert "almost surely" not in repr(found)
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    texts = [text.get_text() for text in found.plot().texts]
    assert texts[:2] == ["infinite", "infinite"]


@pytest.mark.slow
def test_a_feature_that_is_the_label_is_asked_about():
    X, y, q, _ = blind(n=300)
    evaluation = Evaluation.from_predictions(y, q)
    asked = "the features tell the label almost surely: does one of them hold it?"
    assert asked in repr(evaluation.reducible(X.assign(label=y)))
    assert asked not in repr(evaluation.reducible(X))
    with_zeros = np.where(np.arange(300) < 60, 1.0 - y, q[:, 1])
    costly = Evaluation.from_predictions(y, with_zeros).reducible(X)
    assert costly.entropy_at_most < 0.1 * costly.cross_entropy
    assert asked not in repr(costly)


def test_learners_that_cannot_do_it_are_refused():
    X, y, q, _ = blind(n=200)
    numbers = X[["age", "noise"]]
    evaluation = Evaluation.from_predictions(y, q)
    with pytest.raises(TypeError, match="learner must be a classifier"):
        evaluation.reducible(numbers, learner=LogisticRegression)
    with pytest.raises(TypeError, match="learner must be a classifier"):
        evaluation.reducible(numbers, learner=object())
    weighted = Evaluation.from_predictions(y, q, sample_weight=np.arange(1.0, 201.0))
    with pytest.raises(TypeError, match="learner must take sample_weight"):
        weighted.reducible(numbers, learner=KNeighborsClassifier())


def test_what_cannot_be_bounded_is_refused():
    X, y, q, _ = blind(n=200)
    evaluation = Evaluation.from_predictions(y, q)
    with pytest.raises(ValueError, match="random_state must be a whole number"):
        evaluation.reducible(X, random_state=-1)
    with pytest.raises(ValueError, match="requires 10 groups or more"):
        evaluation.reducible(X, groups=np.arange(200) // 40)
    with pytest.warns(UserWarning, match="only 40 rows"):
        few = Evaluation.from_predictions(y[:40], q[:40])
    with pytest.raises(ValueError, match="requires 50 rows or more"):
        few.reducible(X[:40])
    unseen = np.where(np.arange(200) == 7, 2, y)
    with pytest.warns(UserWarning, match="not among the classes"):
        odd = Evaluation.from_predictions(unseen, q, labels=[0, 1])
    with pytest.raises(ValueError, match="1 of 200 rows have another"):
        odd.reducible(X)


def test_an_evaluation_without_its_data_says_so():
    X, y, q, _ = blind(n=200)
    read = Evaluation.from_json(Evaluation.from_predictions(y, q).to_json())
    for call in (read.reducible, read.slices):
        with pytest.raises(ValueError, match="needs the data: this result has none"):
            call(X)


def test_results_are_text_tables_json_and_pickles(found):
    table = found.to_frame()
    assert table.index.to_list() == list(found.terms)
    read = json.loads(found.to_json())
    assert read["grouping_loss_at_least"] == found.grouping_loss_at_least
    assert read["importances"][1]["feature"] == "plan"
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own
    assert again == found
    assert again.slices().table.equals(found.slices().table)
    assert hash(found) == hash(again)


def test_names_of_features_are_escaped_in_notebooks():
    X, y, q, _ = blind()
    X = X.rename(columns={"plan": "<b>plan</b>"})
    html = Evaluation.from_predictions(y, q).reducible(X)._repr_html_()
    assert "<b>plan" not in html
    assert "&lt;b&gt;plan" in html


def test_progress_can_be_told(capsys):
    X, y, q, _ = blind(n=200)
    told = []
    evaluation = Evaluation.from_predictions(y, q)
    options = {"learner": GaussianNB()}
    numbers = X[["age", "noise"]]
    evaluation.reducible(
        numbers, progress=lambda done, n: told.append((done, n)), **options
    )
    assert told == [(at, 15) for at in range(1, 16)]
    evaluation.reducible(numbers, progress=True, **options)
    assert "fitting learners" in capsys.readouterr().err


def test_inputs_are_not_changed():
    X, y, q, _ = blind(n=200)
    before = X.copy(deep=True)
    Evaluation.from_predictions(y, q).reducible(X)
    pd.testing.assert_frame_equal(X, before)
