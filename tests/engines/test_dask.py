"""A scan on a cluster of Dask: also one of which a worker dies half-way."""

import os
import signal

import joblib
import pytest

from xent_metrics import scan

distributed = pytest.importorskip(
    "distributed", reason="dask is not installed: no scan runs on a cluster of it"
)
COLUMNS = {"target": "label", "proba": "p_", "by": "site"}


@pytest.fixture
def client(tmp_path):
    """Two workers, each a process, of a cluster on this machine."""
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            local_directory=tmp_path / "dask",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2)  # with one alone, joblib does without it
        yield client


@pytest.fixture
def dies_once(client, tmp_path):
    """A worker is killed when it begins its third task; this file says that one was."""
    died = tmp_path / "died"

    class DiesOnce(distributed.WorkerPlugin):
        begun = 0

        def transition(self, key, start, finish, **kwargs):
            self.begun += finish == "executing"
            if self.begun == 3 and not died.exists():
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)

    client.register_plugin(DiesOnce())
    return died


def test_a_scan_is_the_same_to_the_bit(client, folder, scanned, elsewhere, recipe):
    found = recipe("The same call on a cluster", backend="dask", folder=folder)
    assert found.to_json() == scanned


def test_a_scan_outlives_a_worker(dies_once, folder, scanned):
    with joblib.parallel_config(backend="dask"):
        assert scan(folder, **COLUMNS).to_json() == scanned
    assert dies_once.exists()


def of_partitions(recipe, folder):
    """The result without the type of its keys: Dask holds text in one of its own."""
    found = recipe("Dask", folder=folder).to_json()
    return found.replace(', "index_dtypes": ["string"]', "")


def test_states_of_partitions_merge_to_all_rows(client, folder, scanned, recipe):
    assert of_partitions(recipe, folder) == scanned


def test_states_outlive_a_worker(dies_once, folder, scanned, recipe):
    assert of_partitions(recipe, folder) == scanned
    assert dies_once.exists()


def test_an_error_of_a_part_is_told(client, wrong_folder, elsewhere):
    with (
        joblib.parallel_config(backend="dask"),
        pytest.raises(ValueError, match="04.parquet, row group 0: .* row 7 sums to"),
    ):
        scan(wrong_folder, **COLUMNS)
