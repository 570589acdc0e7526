"""Cells of the logit of two classes."""

import numpy as np
import pytest

from xent_metrics._inputs.inputs import Inputs
from xent_metrics._kernels.table import Table
from xent_metrics._recalibration.grid import sums_of_cells
from xent_metrics._scan.logit_cells import N_CELLS, cell_of, sums_of_labels


@pytest.mark.parametrize("weighted", [False, True])
def test_labels_leave_the_sums_of_their_distributions(weighted):
    rng = np.random.default_rng(0)
    q, codes = rng.beta(0.2, 0.2, 50_000), rng.integers(2, size=50_000)
    weights = rng.random(50_000) if weighted else None
    proba = Table((1.0 - q, q))
    found = sums_of_labels(
        Inputs(proba=proba, labels=(0, 1), codes=codes, weights=weights), 1e-12
    )
    x = np.log(np.maximum(q, 1e-12)) - np.log(np.maximum(1.0 - q, 1e-12))
    w = np.ones(50_000) if weights is None else weights
    expected = sums_of_cells(cell_of(x), N_CELLS, x, codes.astype(float), w)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
