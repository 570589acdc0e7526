"""A scan on Spark, in its local mode: the executors are processes of this machine."""

import shutil
import sys

import joblib
import pytest

from xent_metrics import scan

sql = pytest.importorskip(
    "pyspark.sql", reason="pyspark is not installed: no scan runs on Spark"
)
joblibspark = pytest.importorskip("joblibspark")
if shutil.which("java") is None:
    pytest.skip("java is not installed: Spark does not start", allow_module_level=True)

pytestmark = [
    # joblibspark 0.6 is older than joblib's new name, and than Spark's own threads.
    pytest.mark.filterwarnings("ignore:`apply_async` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Spark session is not provided:UserWarning"),
    # Of local mode alone.
    pytest.mark.filterwarnings("ignore:Spark local mode doesn't support:UserWarning"),
]
COLUMNS = {"target": "label", "proba": "p_", "by": "site"}


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    """A session with two executors, which nothing outside this machine reaches."""
    home = tmp_path_factory.mktemp("spark")
    options = {
        "spark.driver.memory": "1g",
        "spark.local.dir": str(home),
        "spark.sql.warehouse.dir": str(home / "warehouse"),
        "spark.ui.enabled": "false",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        builder = sql.SparkSession.builder.master("local[2]").config(map=options)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        joblibspark.register_spark()
        yield session
        session.stop()


def test_a_scan_is_the_same_to_the_bit(spark, folder, scanned, elsewhere, recipe):
    found = recipe("The same call on a cluster", backend="spark", folder=folder)
    assert found.to_json() == scanned


def test_states_of_partitions_merge_to_all_rows(spark, folder, as_in_memory, recipe):
    as_in_memory(recipe("Spark", spark=spark, folder=folder))


def test_an_error_of_a_part_is_told(spark, wrong_folder, elsewhere):
    with (
        joblib.parallel_config(backend="spark", n_jobs=-1),
        pytest.raises(ValueError, match="04.parquet, row group 0: .* row 7 sums to"),
    ):
        scan(wrong_folder, **COLUMNS)
