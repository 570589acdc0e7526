"""A folder of tests with the plug-in, and models to test."""

import contextlib
import io

import pytest

import xent_metrics
from xent_metrics import Evaluation, compare, gates

REIMPORTED = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
ALONE = ("-p", "no:randomly", "-p", "no:xdist", "-W", "default", *REIMPORTED)
MODELS = '''
import numpy as np
from xent_metrics import Evaluation

def evaluated(seed=0, n=2000, power=1.0, rows=0):
    """A calibrated model (power 1) on fresh labels; ``rows`` seeds its predictions."""
    q = np.random.default_rng(rows).uniform(0.02, 0.98, size=n)
    y = np.random.default_rng(100 + seed).uniform(size=n) < q
    q = q**power / (q**power + (1 - q) ** power)
    return Evaluation.from_predictions(y, q, recalibration="slope-bias")
'''


@pytest.fixture(scope="session")
def _loaded():
    """Load what is loaded late: pytester forgets modules, and numpy's load once."""
    for name in xent_metrics.__all__:
        with contextlib.suppress(ImportError):
            getattr(xent_metrics, name)
    y, q = [0, 1] * 200, [0.4, 0.5] * 200
    models = {name: Evaluation.from_predictions(y, q) for name in "ab"}
    gates.check(compare(models), "cross_entropy < 1")
    with contextlib.suppress(ImportError):
        models["a"].per_sample.to_parquet(io.BytesIO())


@pytest.fixture
def folder(_loaded, pytester):
    pytester.makeconftest('pytest_plugins = ["xent_metrics_pytest"]')
    pytester.makepyfile(models=MODELS)
    pytester.syspathinsert()
    return pytester


@pytest.fixture
def run(folder):
    """Run one test, whose lines come after its imports."""

    def once(body, *args):
        lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
        head = "from models import evaluated\n"
        folder.makepyfile(test_model=f"{head}\ndef test_model(xent):\n{lines}")
        return folder.runpytest_inprocess(*ALONE, *args)

    return once
