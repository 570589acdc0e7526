"""The value of a row is the same bits alone and among others.

Asks the kernel too: measures of rows that have no public column.
"""

import itertools

import numpy as np
import pytest

from xent_metrics import (
    cross_entropy,
    entropy,
    jeffreys_divergence,
    jensen_shannon_divergence,
    kl_contributions,
    kl_divergence,
    per_sample,
    reverse_kl_divergence,
)
from xent_metrics._kernels.ensemble_block import Stack, Target
from xent_metrics._kernels.per_row import per_row, sum_of_label_costs
from xent_metrics._kernels.table import Table

from ..thinned import thinned

MEASURES = {
    "cross_entropy": cross_entropy,
    "kl_divergence": kl_divergence,
    "reverse_kl_divergence": reverse_kl_divergence,
    "per_sample": per_sample,
    "kl_contributions": kl_contributions,
}
TABLES = {
    "jeffreys_divergence": jeffreys_divergence,
    "jensen_shannon_divergence": jensen_shannon_divergence,
}
# How tables are stored, and whether they are clipped.
STORED = list(itertools.product([np.float32, np.float64], ["C", "F"], [0.0, 2.0**-52]))
N_CLASSES = (1, 2, 3, 7, 8, 9, 16, 33, 64, 65, 100, 129, 200)


def awkward_rows(n_classes, n, dtype, seed=0):
    """Targets and predictions: ordinary, equal, with zeros, subnormal, off by 1e-9."""
    rng = np.random.default_rng([seed, n_classes, n])
    p, q = rng.dirichlet(np.full(n_classes, 0.5), (2, n))
    kind = rng.integers(6, size=n)
    kind[:6] = np.arange(6)[:n]
    if n_classes > 1:
        q[kind == 1] = p[kind == 1] * (1 + 1e-9 * rng.random((1, n_classes)))
        for table, column in ((p, 0), (q, -1)):
            some = np.isin(kind, (2, 3))
            table[some, column] = 0
            table[some, 1 + column] += 0.1
            np.divide(table, table.sum(axis=1, keepdims=True), out=table)
            tiny = rng.choice([5e-324, 3e-320, 1e-310], size=n)
            table[kind == 3, column] = tiny[kind == 3]
    p[kind == 4] *= 1 - 3e-10
    q[kind == 4] *= 1 + 1e-9
    return p.astype(dtype), q.astype(dtype)


def measured(names, target, q, rows, *, order="C", **options):
    """The measures of some rows, with one array for each."""

    def take(table):
        return np.asarray(table[rows], order=order)

    found = {}
    for name in names:
        if name in TABLES:
            measure, options_of_it = TABLES[name], dict(options)
            if name.startswith("jensen"):
                options_of_it.pop("clip")
        else:
            measure, options_of_it = MEASURES[name], dict(options)
            options_of_it["labels"] = range(q.shape[1])
        if name not in ("per_sample", "kl_contributions"):
            options_of_it["reduction"] = None
        found[name] = np.asarray(measure(take(target), take(q), **options_of_it))
    return found


ROWS = list(itertools.product(N_CLASSES[1:], STORED))  # of one class all are labels


# Each number of classes is quick once, and so is each way of storing.
@pytest.mark.parametrize(
    ("n_classes", "stored"),
    thinned(ROWS, zip(N_CLASSES[1:], itertools.cycle(STORED), strict=False)),
)
def test_a_row_has_the_value_that_it_has_alone(n_classes, stored):
    dtype, order, clip = stored
    for n in (2, 40, 32_768 // n_classes + 1):
        p, q = awkward_rows(n_classes, n, dtype)
        y = np.random.default_rng(n).integers(n_classes, size=n)
        rows = {*range(min(n, 7)), n - 1}
        for target in (y, p):
            names = [*MEASURES, *(TABLES if target is p else ())]
            whole = measured(names, target, q, slice(None), order=order, clip=clip)
            for row in rows:
                alone = measured(
                    names, target, q, slice(row, row + 1), order=order, clip=clip
                )
                for name in names:
                    np.testing.assert_array_equal(
                        alone[name][0], whole[name][row], err_msg=f"{name} {row}"
                    )


@pytest.mark.parametrize("off", [0.0, 1e-4, -1e-4])
@pytest.mark.parametrize("sure", [0.6, 0.99995, 1.0])
def test_a_label_has_the_value_beside_distributions_that_it_has_beside_labels(
    off, sure
):
    q = np.float32([[sure, 1 - sure], [0.5, 0.5]]) * np.float32(1 + off)
    labels, beside = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.4, 0.6]]
    for measure in MEASURES.values():
        options = (
            {} if measure in (per_sample, kl_contributions) else {"reduction": None}
        )
        values = (np.asarray(measure(p, q, **options))[0] for p in (labels, beside))
        np.testing.assert_allclose(*values, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_a_row_of_logits_or_votes_has_the_value_that_it_has_alone(n_classes):
    rng = np.random.default_rng(n_classes)
    z = rng.normal(0, 20, (300, n_classes))
    votes = rng.integers(1, 9, (300, n_classes))
    for values in (
        lambda rows: per_sample(votes[rows], z[rows], from_logits=True),
        lambda rows: per_sample(votes[rows], np.exp(z[rows]), rescale=True),
    ):
        whole = np.asarray(values(slice(None)))
        for row in (0, 1, 299):
            alone = np.asarray(values(slice(row, row + 1)))[0]
            np.testing.assert_array_equal(alone, whole[row])
    whole = entropy(z, from_logits=True, reduction=None)
    assert entropy(z[[5]], from_logits=True) == whole[5]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_many_blocks_have_the_value_that_they_have_alone(dtype):
    p, q = awkward_rows(3, 70_000, dtype)
    names = ("per_sample", "kl_divergence", "reverse_kl_divergence")
    whole = measured(names, p, q, slice(None), clip=0.0)
    for row in np.random.default_rng(1).integers(70_000, size=60):
        alone = measured(names, p, q, slice(row, row + 1), clip=0.0)
        for name in names:
            np.testing.assert_array_equal(alone[name][0], whole[name][row])


@pytest.mark.parametrize("n_classes", [2, 9, 64, 100])
@pytest.mark.parametrize("n_members", [1, 3, 9])
@pytest.mark.parametrize("clip", [0.0, 2.0**-52])
def test_a_row_of_an_ensemble_has_the_value_that_it_has_alone(
    n_classes, n_members, clip
):
    rng = np.random.default_rng(n_members)
    q = np.ascontiguousarray(
        rng.dirichlet(np.full(n_classes, 0.5), (n_members, 30)).transpose(2, 0, 1)
    )
    q[0, 0, 0], q[1, 0, 0] = 0.0, q[:2, 0, 0].sum()
    q[0, 0, 1], q[1, 0, 1] = 5e-324, q[:2, 0, 1].sum()
    p = np.ascontiguousarray(rng.dirichlet(np.ones(n_classes), 30).T)
    weights = rng.dirichlet(np.ones(n_members))

    def values(rows):
        block = np.ascontiguousarray(q[..., rows])
        stack = Stack(block, weights, logits=False, clip=clip)
        target = Target(None, p[:, rows], None)
        return {
            "costs": stack.costs(target),
            "cost_of_mean": stack.cost_of_mean(target),
            "diversity": stack.diversity(target),
            "geometric_diversity": stack.geometric_diversity(),
            "entropies": stack.entropies(),
            "entropy_of_mean": stack.entropy_of_mean(),
            "mutual_information": stack.mutual_information(),
        }

    with np.errstate(all="ignore"):
        whole = values(slice(None))
        for row in range(4):
            alone = values(slice(row, row + 1))
            for name, value in alone.items():
                np.testing.assert_array_equal(
                    value[..., 0], whole[name][..., row], err_msg=name
                )


@pytest.mark.parametrize("kind", ["probabilities", "proportions", "logits"])
@pytest.mark.parametrize("n_classes", [1, 3, 100])
def test_no_rows_have_no_values(kind, n_classes):
    nothing = np.empty((0, n_classes))
    for target in (Table(nothing), np.empty(0, np.int64), None):
        names = ["predictive_entropy", "confidence"]
        if target is not None:
            names += ["cross_entropy", "kl_divergence", "kl_contributions"]
        rows = per_row(Table(nothing, kind=kind), target, names, clip=0.0)
        assert all(len(column) == 0 for column in rows.columns.values())
    codes = np.empty(0, np.int64)
    table = Table(nothing)
    assert sum_of_label_costs(table, codes, clip=0.0, unseen=False, n_jobs=1)[0] == 0
