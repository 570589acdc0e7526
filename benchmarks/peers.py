"""Miscalibration as other libraries find it, where they are installed."""

import importlib.util
import warnings
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

warnings.filterwarnings("ignore", category=FutureWarning, module="torch|sklearn")


class Peer(NamedTuple):
    """A way of another library to find miscalibration."""

    name: str
    package: str
    measure: Callable[[np.ndarray, np.ndarray], float]
    times_smaller: float | None = None

    @property
    def installed(self) -> bool:
        """Whether its library is there."""
        return importlib.util.find_spec(self.package) is not None


def isotonic(y: np.ndarray, q: np.ndarray) -> float:
    """In-sample isotonic regression of the positive class."""
    scoring = importlib.import_module("model_diagnostics.scoring")
    table = scoring.decompose(y, q[:, 1], scoring_function=scoring.LogLoss())
    return float(table["miscalibration"][0])


def calibrated_by(calibrator: str, folds: int, y: np.ndarray, q: np.ndarray) -> float:
    """Log loss won by a calibrator, cross-validated or (without folds) in-sample."""
    torch = importlib.import_module("torch")
    metrics = importlib.import_module("probmetrics.metrics")
    splitters = importlib.import_module("probmetrics.splitters")
    calibrators = importlib.import_module("probmetrics.calibrators")
    splitter = splitters.CVSplitter(folds) if folds else splitters.AllSplitter()
    metric = metrics.MetricsWithCalibration(
        metrics.LogLoss(),
        calibrators.get_calibrator(calibrator),
        splitter,
        cal_name=calibrator,
        random_state=0,
    )
    found = metric.compute_all_from_labels_probs(torch.tensor(y), torch.tensor(q))
    return found[f"calib-err_logloss_{calibrator}_{splitter.get_name()}"].item()


def probmetrics(
    calibrator: str, folds: int, times_smaller: float | None = None
) -> Peer:
    """A calibrator of probmetrics."""
    kind = f"{folds} folds" if folds else "in-sample"
    return Peer(
        f"probmetrics, {calibrator}, {kind}",
        "probmetrics",
        partial(calibrated_by, calibrator, folds),
        times_smaller,
    )


PEERS = {
    "two classes": [
        Peer("model-diagnostics", "model_diagnostics", isotonic, 3.0),
        probmetrics("logistic", 0),
        probmetrics("logistic", 5),
    ],
    "several classes": [
        probmetrics("ts-mix", 0, 2.5),
        probmetrics("svs", 0, 2.5),
        probmetrics("svs", 5, 2.5),
        probmetrics("logistic", 0, 2.5),
        probmetrics("logistic", 5, 2.5),
    ],
}
