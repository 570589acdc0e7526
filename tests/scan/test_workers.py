"""Workers of a scan: what they are given, and when they end."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from joblib.parallel import ThreadingBackend, register_parallel_backend

pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from xent_metrics import scan

# Nothing public tells what a worker is given.
from xent_metrics._scan import files


@pytest.fixture
def folder(tmp_path):
    """Twelve files, of which the second has a row that does not sum to one."""
    rng = np.random.default_rng(0)
    for part in range(12):
        q = rng.dirichlet(np.ones(3), size=50)
        q[7] /= 2 if part == 1 else 1
        frame = pd.DataFrame(q, columns=["p_0", "p_1", "p_2"])
        frame["label"] = rng.integers(3, size=50)
        frame.to_parquet(tmp_path / f"{part:02d}.parquet")
    return tmp_path


@pytest.fixture
def ended():
    """Calls of a backend that gives results all at once to end its workers."""
    calls = []

    class AllAtOnce(ThreadingBackend):
        supports_return_generator = False

        def terminate(self):
            calls.append(self)
            super().terminate()

    register_parallel_backend("all-at-once", AllAtOnce)
    return calls


def test_works_given_up_are_no_warning(folder):
    with pytest.raises(ValueError, match="01.parquet, row group 0: .* row 7 sums to"):
        scan(folder, target="label", proba="p_", n_jobs=2)


def test_workers_end_with_the_scan_and_not_with_its_error(folder, ended):
    with (
        joblib.parallel_config(backend="all-at-once", n_jobs=2),
        pytest.raises(ValueError, match="row 7 sums to") as error,
    ):
        scan(folder, target="label", proba="p_")
    assert ended
    assert error.tb is not None  # which holds all frames


def test_no_pass_gives_a_worker_rows(parquet, predictions, monkeypatch):
    given, run_as_before = [], files.run

    def run(function, works, n_jobs):
        given.append(max(len(pickle.dumps(work)) for work in works))
        return run_as_before(function, works, n_jobs)

    monkeypatch.setattr(files, "run", run)
    scan(parquet, target="y", proba="p_", recalibration="temperature")
    assert len(given) >= 2
    assert max(given) < 8 * len(predictions)
