"""Private names are asked here: through public functions only few families are met."""

import numpy as np
import pytest

from xent_metrics._recalibration.families import (
    DirichletSpline,
    SlopeBias,
    Spline,
    TemperatureBias,
)
from xent_metrics._recalibration.fixed_map import fixed_map
from xent_metrics._recalibration.flexible import SplineAndOwn
from xent_metrics._recalibration.sample import from_tables
from xent_metrics._recalibration.softmax import summed_slopes


def sample_of(k, n=400):
    rng = np.random.default_rng(k)
    z = rng.normal(size=(k, n)) * 2
    log_q = z - np.log(np.exp(z).sum(axis=0))
    target = np.eye(k)[rng.integers(k, size=n)].T
    return from_tables(log_q, target, np.ones(n))


FAMILIES = {
    "two classes": lambda: Spline(sample_of(2)),
    "splines": lambda: SplineAndOwn(sample_of(4), DirichletSpline(sample_of(4))),
    "slopes": lambda: SplineAndOwn(sample_of(4), SlopeBias(sample_of(4))),
    "biases": lambda: SplineAndOwn(sample_of(4), TemperatureBias(sample_of(4))),
    "no spline": lambda: SlopeBias(sample_of(3)),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_fixed_map_gives_what_its_family_gives(name):
    family = FAMILIES[name]()
    rng = np.random.default_rng(0)
    parameters = family.identity + 0.2 * rng.normal(size=family.identity.shape)
    fixed = fixed_map(family, parameters)
    for n in (50, 200, 120):  # blocks of other lengths, beyond the knots too
        log_q = 1.5 * sample_of(family.n_classes, n).tables()[0]
        weights = rng.normal(size=log_q.shape)
        shared, own = family.shared(log_q), family.own(log_q)
        expected = family.logits(parameters, shared, own)
        np.testing.assert_allclose(fixed.logits(log_q), expected, rtol=0, atol=1e-9)
        np.testing.assert_allclose(
            fixed.summed_slopes(weights),
            summed_slopes(shared, own, weights),
            rtol=0,
            atol=1e-8,
        )
