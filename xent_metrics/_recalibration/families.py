"""The maps that are linear in their parameters, from one temperature to splines."""

from __future__ import annotations

import numpy as np

from .._kernels.softmax import softmax
from .._kernels.table import FloatArray
from .._pickling import pickled
from .sample import Sample
from .softmax import LinearSoftmax
from .spline import NaturalSpline, even_knots, quantile_knots, roughness

# Precisions with which parameters are drawn to the map that changes nothing, in
# units of one row. They were chosen by simulation, where the truth is known.
_BETA, _BIAS, _SLOPE, _MATRIX = 0.01, 0.01, 1.0, 10.0
_VALUE, _BEND = 0.01, 3.0  # of a spline of two classes
_SHARED_VALUE, _SHARED_KNOTS = 0.1, 12
_OWN_VALUE, _OWN_KNOTS = 1.0, 4
_PAIR = 2
_KNOTS_A_ROOT = 1.2  # knots of a spline of two classes, times the cube root of n


@pickled
class Temperature(LinearSoftmax):
    """Z_k = beta log q_k, where beta = 1 / T."""

    name = "temperature"

    def __init__(self, sample: Sample, own_ridge: FloatArray | None = None) -> None:
        super().__init__(sample.n_classes, np.ones(1), np.array([[_BETA]]), own_ridge)

    def named(self, parameters: FloatArray) -> dict[str, float]:
        """The temperature."""
        beta = float(parameters[0])
        return {"temperature": 1.0 / beta if beta else np.inf}


@pickled
class TemperatureBias(Temperature):
    """Z_k = beta log q_k + b_k."""

    name = "temperature-bias"

    def __init__(self, sample: Sample) -> None:
        super().__init__(sample, np.array([_BIAS]))

    def own(self, log_q: FloatArray) -> FloatArray:
        """A constant."""
        return np.ones((1, 1, log_q.shape[1]))


@pickled
class SlopeBias(Temperature):
    """Z_k = (beta + a_k) log q_k + b_k."""

    name = "slope-bias"

    def __init__(self, sample: Sample) -> None:
        super().__init__(sample, np.array([_BIAS, _SLOPE]))

    def own(self, log_q: FloatArray) -> FloatArray:
        """A constant and the class's log q."""
        out = np.ones((len(log_q), 2, log_q.shape[1]))
        out[:, 1] = log_q
        return out

    def named(self, parameters: FloatArray) -> dict[str, float]:
        """None: a class's temperature is its own."""
        del parameters
        return {}


@pickled
class SlopeBiasOfTwo(LinearSoftmax):
    """The same of two classes: logit c = u log q_2 - v log q_1 + b.

    That is beta calibration (Kull et al., 2017). Of the five parameters three matter;
    the ridge is what theirs costs at least, so that the fit is the same.
    """

    name = "slope-bias"

    def __init__(self, sample: Sample) -> None:
        del sample
        ridge = np.diag([_SLOPE, _SLOPE, _BIAS / 2.0])
        ridge[:2, :2] -= _SLOPE**2 / (2.0 * _SLOPE + _BETA)
        super().__init__(2, np.array([1.0, 1.0, 0.0]), ridge)

    def shared(self, log_q: FloatArray) -> FloatArray:
        """Features of the logit for the second class, 0 for the first."""
        out = np.zeros((2, 3, log_q.shape[1]))
        out[1, 0], out[1, 1], out[1, 2] = log_q[1], -log_q[0], 1.0
        return out


def slope_bias(sample: Sample) -> LinearSoftmax:
    """The family of a sample; two classes need fewer parameters."""
    return SlopeBiasOfTwo(sample) if sample.n_classes == _PAIR else SlopeBias(sample)


@pickled
class Dirichlet(Temperature):
    """Z_k = beta log q_k + sum_j a_kj log q_j + b_k (Kull et al., 2019)."""

    name = "dirichlet"

    def __init__(self, sample: Sample, more: FloatArray | None = None) -> None:
        ridge = np.array([_BIAS, *[_MATRIX] * sample.n_classes])
        super().__init__(
            sample, ridge if more is None else np.concatenate([ridge, more])
        )

    def own(self, log_q: FloatArray) -> FloatArray:
        """A constant and log q of every class."""
        out = np.ones((1, 1 + len(log_q), log_q.shape[1]))
        out[0, 1:] = log_q
        return out

    def named(self, parameters: FloatArray) -> dict[str, float]:
        """None: the matrix acts as a whole."""
        del parameters
        return {}


@pickled
class DirichletSpline(Dirichlet):
    """The Dirichlet map plus a spline of log q_k for each class."""

    name = "dirichlet-spline"

    def __init__(self, sample: Sample, knots: FloatArray | None = None) -> None:
        if knots is None:
            knots = _label_knots(sample, _OWN_KNOTS)
        self.spline = NaturalSpline(knots)
        super().__init__(sample, np.full(len(self.spline.knots), _OWN_VALUE))

    def own(self, log_q: FloatArray) -> FloatArray:
        """A constant, log q of every class, and the spline's basis of its own."""
        k, m = log_q.shape
        out = np.empty((k, 1 + k + len(self.spline.knots), m))
        out[:, 0] = 1.0
        out[:, 1 : 1 + k] = log_q
        out[:, 1 + k :] = self.spline.basis(log_q)
        return out


class SharedAndBias(LinearSoftmax):
    """Features with parameters that all classes share, and a constant of each class."""

    def __init__(self, sample: Sample, identity: FloatArray, ridge: float) -> None:
        precision = ridge * np.eye(len(identity))
        super().__init__(sample.n_classes, identity, precision, np.array([_BIAS]))

    def own(self, log_q: FloatArray) -> FloatArray:
        """A constant."""
        return np.ones((1, 1, log_q.shape[1]))


@pickled
class SharedSpline(SharedAndBias):
    """Z_k = s(log q_k) + b_k with one natural cubic spline s for all classes."""

    name = "shared-spline"

    def __init__(self, sample: Sample, knots: FloatArray | None = None) -> None:
        if knots is None:
            knots = _label_knots(sample, _SHARED_KNOTS)
        self.spline = NaturalSpline(knots)
        super().__init__(sample, self.spline.knots, _SHARED_VALUE)

    def shared(self, log_q: FloatArray) -> FloatArray:
        """The spline's basis."""
        return self.spline.basis(log_q)


@pickled
class Spline(LinearSoftmax):
    """Two classes: logit c = beta logit q + s(logit q), s a natural cubic spline.

    What the ridge draws to 0 is the deviation from one temperature, however far that
    is from 1.
    """

    name = "spline"

    def __init__(self, sample: Sample, knots: FloatArray | None = None) -> None:
        if knots is None:
            logit = np.concatenate([log_odds(each.log_q) for each in sample.blocks()])
            n_knots = round(_KNOTS_A_ROOT * sample.n_effective ** (1 / 3))
            knots = quantile_knots(logit, sample.weights, max(n_knots, 2))
        self.spline = NaturalSpline(knots)
        n = len(knots)
        ridge = np.zeros((n + 1, n + 1))
        ridge[0, 0] = _BETA
        ridge[1:, 1:] = _VALUE * np.eye(n) + _BEND * roughness(n)
        super().__init__(2, np.eye(n + 1)[0], ridge)

    def shared(self, log_q: FloatArray) -> FloatArray:
        """Logit and the spline's basis for the second class, 0 for the first."""
        x = log_odds(log_q)
        out = np.zeros((2, self.n_shared, len(x)))
        out[1, 0] = x
        out[1, 1:] = self.spline.basis(x)
        return out

    def probabilities(self, parameters: FloatArray, log_q: FloatArray) -> FloatArray:
        """The class probabilities of each row, without the basis."""
        x = log_odds(log_q)
        logit = parameters[0] * x + self.spline.value(x, parameters[1:])
        return softmax(np.stack([np.zeros_like(logit), logit]))[1]


def log_odds(log_q: FloatArray) -> FloatArray:
    """Logit of the second of two classes."""
    return np.asarray(log_q[1] - log_q[0])


def _label_knots(sample: Sample, n_knots: int) -> FloatArray:
    """Knots where the labels' log q lie: half at its quantiles, half evenly spaced."""
    values, masses = [], []
    for rows, log_q, target in sample.blocks():
        held = target > 0
        values.append(log_q[held])
        masses.append((target * sample.weights[rows])[held])
    x, mass = np.concatenate(values), np.concatenate(masses)
    half = n_knots // 2
    return even_knots(x, quantile_knots(x, mass, half), n_knots - half)
