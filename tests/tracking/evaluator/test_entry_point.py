"""How MLflow finds the evaluator, and what finding it loads."""

import subprocess
import sys

import pytest
from mlflow.models.evaluation.evaluator_registry import (
    ModelEvaluatorRegistry,
)

import xent_metrics_mlflow
from xent_metrics_mlflow import XentEvaluator


@pytest.mark.usefixtures("entry_points_declared")
def test_mlflow_finds_it_by_its_entry_point():
    registry = ModelEvaluatorRegistry()
    registry.register_entrypoints()
    assert isinstance(registry.get_evaluator("xent"), XentEvaluator)


def test_what_does_not_exist():
    with pytest.raises(AttributeError, match="has no attribute 'evaluator'"):
        _ = xent_metrics_mlflow.evaluator
    assert set(xent_metrics_mlflow.__all__) <= set(dir(xent_metrics_mlflow))
    for name in xent_metrics_mlflow.__all__:
        assert getattr(xent_metrics_mlflow, name).__doc__


@pytest.mark.slow
def test_finding_it_loads_mlflow_and_nothing_of_ours():
    code = (
        "import sys, mlflow.models.evaluation\n"
        "before = set(sys.modules)\n"
        "from xent_metrics_mlflow._evaluator.evaluator import XentEvaluator\n"
        "print(*set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    added = set(done.stdout.split())
    assert added == {
        "xent_metrics_mlflow",
        "xent_metrics_mlflow._evaluator",
        "xent_metrics_mlflow._evaluator.evaluator",
    }
