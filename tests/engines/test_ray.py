"""A scan on Ray: its workers are processes of this machine."""

import secrets
import tempfile

import joblib
import pytest

from xent_metrics import scan

ray = pytest.importorskip("ray", reason="ray is not installed: no scan runs on it")
# Ray Data warns of its own defaults.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")
COLUMNS = {"target": "label", "proba": "p_", "by": "site"}


@pytest.fixture(scope="module")
def workers():
    """Two workers of a Ray that nothing outside this machine reaches."""
    from ray.util.joblib import register_ray  # noqa: PLC0415 - perhaps absent

    with (
        pytest.MonkeyPatch.context() as patch,
        # Sockets lie in it, whose paths may not be long.
        tempfile.TemporaryDirectory(prefix="ray-") as home,
    ):
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=100 * 2**20,
            _node_ip_address="127.0.0.1",
            _temp_dir=home,
        )
        register_ray()
        yield
        ray.shutdown()


def test_a_scan_is_the_same_to_the_bit(workers, folder, scanned, elsewhere, recipe):
    found = recipe("The same call on a cluster", backend="ray", folder=folder)
    assert found.to_json() == scanned


def test_states_of_blocks_merge_to_all_rows(workers, folder, as_in_memory, recipe):
    as_in_memory(recipe("Ray", folder=folder))


def test_an_error_of_a_part_is_told(workers, wrong_folder, elsewhere):
    with (
        joblib.parallel_config(backend="ray", n_jobs=-1),
        pytest.raises(ValueError, match="04.parquet, row group 0: .* row 7 sums to"),
    ):
        scan(wrong_folder, **COLUMNS)
