"""What the package loads, exports and is made of."""

import ast
import inspect
import subprocess
import sys

import pandas as pd
import pytest

import xent_metrics

from .rooms import modules

STEPS = {
    "pandas": "import pandas",
    "package": "import xent_metrics",
    "plotting": "xent_metrics.plotting",
}


def loaded_by(*statements):
    """The modules that are loaded after each of the statements, in one process."""
    lines = [line for one in statements for line in (one, "print(*sys.modules)")]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(["import sys", *lines])],
        capture_output=True,
        text=True,
        check=True,
    )
    return [set(line.split()) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def loaded():
    return dict(zip(STEPS, loaded_by(*STEPS.values()), strict=True))


HEAVY = {"sklearn", "scipy.optimize", "scipy.stats", "matplotlib", "mlflow"}


def test_functions_and_classes_are_of_the_public_module():
    found = {
        name: one.__module__
        for name in xent_metrics.__all__
        if inspect.isroutine(one := getattr(xent_metrics, name)) or inspect.isclass(one)
    }
    assert set(found.values()) == {"xent_metrics"}, found


def test_importing_loads_numpy_and_pandas_only(loaded):
    added = loaded["package"] - loaded["pandas"]
    assert not HEAVY & added
    tops = {name.partition(".")[0] for name in added} - set(sys.stdlib_module_names)
    assert tops - {"numpy"} == {"xent_metrics"}


def test_plots_load_matplotlib_when_drawn(loaded):
    assert "matplotlib" not in loaded["plotting"]


def test_importing_loads_what_measures_rows_and_the_rest_when_it_is_used(loaded):
    added = loaded["package"] - loaded["pandas"]
    rooms = {name.split(".")[1] for name in added if name.startswith("xent_metrics.")}
    assert rooms == {
        *("_calls", "_display", "_inputs", "_kernels", "_measures", "_pickling")
    }
    assert not {"html", "statistics", "importlib.metadata"} & added


def test_the_class_of_the_accessor_is_loaded_when_it_is_asked_for():
    before, after = loaded_by(
        "import pandas, xent_metrics", "pandas.DataFrame({'y': [1]}).xent"
    )
    assert "xent_metrics._accessor.accessor" in after - before


@pytest.mark.slow
def test_a_process_that_unpickles_finds_every_private_class():
    """Also where it has imported nothing but the package."""
    pickled = {
        node.name
        for path in modules().values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(getattr(one, "id", "") == "pickled" for one in node.decorator_list)
    }
    assert "Evidence" in pickled
    code = (
        "from xent_metrics._pickling import _HOMES, _CLASSES\nimport importlib\n"
        "for home in _HOMES: importlib.import_module(home)\nprint(*_CLASSES)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(found.stdout.split()) == pickled


@pytest.mark.slow
def test_scorers_load_scikit_learn_when_used():
    [found] = loaded_by("import xent_metrics; xent_metrics.scorers")
    assert "sklearn" in found


def test_plots_without_matplotlib_name_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="plots need matplotlib: it is not installed"):
        xent_metrics.plotting.kl_curve()


def test_integration_loads_mlflow_when_used():
    pytest.importorskip("mlflow")
    [found] = loaded_by("import xent_metrics_mlflow")
    assert "mlflow" not in found


def test_everything_exported_exists_and_is_documented():
    data = {"TERMS"}  # its docstring is beside it, in the source
    for name in set(xent_metrics.__all__) - data:
        assert getattr(xent_metrics, name).__doc__, name
    assert set(xent_metrics.__all__) <= set(dir(xent_metrics))


def test_an_unknown_attribute_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'log_loss'"):
        _ = xent_metrics.log_loss


def test_warnings_point_at_the_line_of_the_caller():
    y, q = [0, 1] * 20, [[0.7, 0.3], [0.4, 0.6]] * 20
    frame = pd.DataFrame(q, columns=["p_0", "p_1"]).assign(y=y)
    for call in (
        lambda: xent_metrics.decompose(y, q),
        lambda: xent_metrics.Evaluation.from_predictions(y, q),
        lambda: frame.xent.decompose("y", "p_"),
        lambda: xent_metrics.cross_entropy([2, *y[1:]], q, labels=[0, 1]),
    ):
        with pytest.warns(UserWarning, match="only 40 rows|not among") as caught:
            call()
        assert [one.filename for one in caught] == [__file__]
