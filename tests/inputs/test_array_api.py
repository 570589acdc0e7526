"""Tensors of torch and arrays of the Array API give the numbers of numpy's."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, cross_validate
from sklearn.naive_bayes import GaussianNB

import xent_metrics
from xent_metrics import (
    Evaluation,
    compare,
    cross_entropy,
    decompose,
    decompose_ensemble,
    entropy,
    kl_from_samples,
    per_sample,
    surprisal,
    vote_counts,
)
from xent_metrics.scorers import neg_cross_entropy

RNG = np.random.default_rng(0)
N = 400
Q = RNG.dirichlet(np.ones(3), N)
P = RNG.dirichlet(np.ones(3), N)
VOTES = RNG.integers(1, 9, (N, 3))
Y = RNG.integers(0, 3, N)
W = RNG.exponential(size=N)
TARGETS = {"labels": Y, "distribution": P, "votes": VOTES}


@pytest.fixture(params=["torch", "array_api_strict"])
def convert(request):
    """A function that makes an array of the library from a numpy array."""
    library = pytest.importorskip(request.param)
    return library.asarray


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize(
    "name",
    ["cross_entropy", "kl_divergence", "perplexity", "expected_accuracy_bound"],
)
def test_measures_of_targets_and_predictions_are_the_same(convert, kind, name):
    measure = getattr(xent_metrics, name)
    expected = measure(TARGETS[kind], Q, sample_weight=W)
    y, q, w = convert(TARGETS[kind]), convert(Q), convert(W)
    assert measure(y, q, sample_weight=w) == expected


@pytest.mark.parametrize(
    "name",
    [
        "reverse_kl_divergence",
        "jensen_shannon_divergence",
        "jeffreys_divergence",
        "kl_contributions",
    ],
)
def test_measures_of_two_tables_are_the_same(convert, name):
    measure = getattr(xent_metrics, name)
    expected, found = measure(P, Q), measure(convert(P), convert(Q))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("kind", TARGETS)
def test_rows_and_terms_are_the_same(convert, kind):
    y, q, w = convert(TARGETS[kind]), convert(Q), convert(W)
    expected = per_sample(TARGETS[kind], Q, sample_weight=W, base=2)
    found = per_sample(y, q, sample_weight=w, base=2)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    options = {"recalibration": "temperature-bias"}
    groups = np.arange(N) // 2
    expected = decompose(TARGETS[kind], Q, sample_weight=W, groups=groups, **options)
    found = decompose(y, q, sample_weight=w, groups=convert(groups), **options)
    assert found == expected
    pd.testing.assert_frame_equal(found.by(convert(Y)), expected.by(Y))
    mended = found.recalibrator().predict_proba(q)
    assert (mended == expected.recalibrator().predict_proba(Q)).all()


def test_the_other_measures_are_the_same(convert):
    assert entropy(convert(Q)) == entropy(Q)
    assert (surprisal(convert(Q[0])) == surprisal(Q[0])).all()
    logs = np.log(P[:, 0]), np.log(Q[:, 0])
    assert kl_from_samples(*map(convert, logs)) == kl_from_samples(*logs)
    pd.testing.assert_frame_equal(
        vote_counts(convert(VOTES)), vote_counts(VOTES), check_exact=True
    )


def test_ensembles_and_comparisons_are_the_same(convert):
    members = np.stack([P, Q])
    expected = decompose_ensemble(Y, members, member_weights=[1, 2])
    weights = convert(np.array([1.0, 2.0]))
    found = decompose_ensemble(convert(Y), convert(members), member_weights=weights)
    assert found == expected
    assert decompose_ensemble(Y, [convert(P), convert(Q)]).n_members == 2
    models = {"p": (Y, P), "q": (Y, Q)}
    theirs = {name: tuple(map(convert, pair)) for name, pair in models.items()}
    assert compare(theirs) == compare(models)


def test_labels_and_folds_may_be_arrays(convert):
    labels = np.array([2, 0, 1])
    options = {"recalibration": "temperature"}
    folds = np.arange(N) % 2
    expected = Evaluation.from_predictions(Y, Q, labels=labels, folds=folds, **options)
    found = Evaluation.from_predictions(
        convert(Y), convert(Q), labels=convert(labels), folds=convert(folds), **options
    )
    assert found == expected
    assert found.labels == (2, 0, 1)


def test_targets_and_weights_beside_results_of_cross_validation_may_be_arrays(convert):
    results = cross_validate(
        GaussianNB(), Q, Y, cv=KFold(2), return_estimator=True, return_indices=True
    )
    options = {"recalibration": "temperature"}
    expected = Evaluation.from_cv_results(results, Q, Y, sample_weight=W, **options)
    found = Evaluation.from_cv_results(
        results, Q, convert(Y), sample_weight=convert(W), **options
    )
    assert found == expected


def test_rows_of_the_data_are_those_of_the_fold(convert):
    class Same:
        classes_ = np.arange(3)

        def predict_proba(self, X):
            return X

    test = [np.arange(1, N, 2), np.arange(0, N, 2)]
    indices = {"train": test[::-1], "test": test}
    results = {"estimator": [Same(), Same()], "indices": indices}
    found = Evaluation.from_cv_results(results, convert(Q), Y, recalibration="none")
    assert np.array_equal(found.probabilities(), Q)


def test_single_precision_is_kept(convert):
    single = Q.astype(np.float32)
    assert cross_entropy(Y, convert(single)) == cross_entropy(Y, single)


def test_the_classes_of_an_estimator_may_be_an_array(convert):
    class Model:
        classes_ = convert(np.array([0, 1, 2]))

        def predict_proba(self, X):
            return convert(Q)

    found = Evaluation.from_estimator(Model(), convert(Q), convert(Y))
    assert found.labels == (0, 1, 2)
    assert found.decomposition == decompose(Y, Q, labels=range(3))


# -- torch alone ----------------------------------------------------------------


def test_a_tensor_with_a_gradient_is_detached():
    torch = pytest.importorskip("torch")
    logits = torch.tensor(np.log(Q), requires_grad=True)
    found = cross_entropy(Y, torch.softmax(logits, dim=1))
    assert found == pytest.approx(cross_entropy(Y, Q), rel=1e-12)
    expected = torch.nn.functional.cross_entropy(logits, torch.asarray(Y)).item()
    assert cross_entropy(Y, logits, from_logits=True) == pytest.approx(expected)


def test_bfloat16_is_read_as_single_precision():
    torch = pytest.importorskip("torch")
    logits = torch.asarray(np.log(Q)).to(torch.bfloat16)
    expected = cross_entropy(Y, logits.float().numpy(), from_logits=True)
    assert cross_entropy(Y, logits, from_logits=True) == expected


def test_what_numpy_cannot_read_is_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="y_proba must be readable by numpy: .* meta"):
        cross_entropy(Y, torch.ones((N, 3), device="meta"))
    with pytest.raises(ValueError, match="sample_weight must be readable by numpy"):
        cross_entropy(Y, Q, sample_weight=torch.ones(N).to_sparse())


def test_an_array_on_another_device_is_refused():
    strict = pytest.importorskip("array_api_strict")
    far = strict.asarray(Q, device=strict.Device("device1"))
    with pytest.raises(ValueError, match="y_proba must be .* found Array on .*device1"):
        cross_entropy(Y, far)


def test_the_row_sums_of_bfloat16_have_its_precision():
    torch = pytest.importorskip("torch")
    q = torch.asarray(Q).to(torch.bfloat16)
    found = cross_entropy(Y, q, rescale=True)
    assert cross_entropy(Y, q) == pytest.approx(found, abs=0.01)


def test_classes_may_be_a_tensor():
    torch = pytest.importorskip("torch")

    class Classifier:
        classes_ = torch.tensor([0, 1, 2])

        def predict_proba(self, _):
            return torch.asarray(Q)

    found = neg_cross_entropy(Classifier(), Q, torch.asarray(Y))
    assert found == pytest.approx(-cross_entropy(Y, Q), rel=1e-12)
    evaluation = Evaluation.from_estimator(Classifier(), Q, Y)
    assert evaluation.labels == (0, 1, 2)
    labels = [torch.tensor(k) for k in range(3)]
    assert cross_entropy(Y, Q, labels=labels) == cross_entropy(Y, Q)
