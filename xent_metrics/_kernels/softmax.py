"""The softmax of rows and logarithms of tables, compiled where that is possible."""

from __future__ import annotations

import numpy as np

from .compiled.compiled_pass import fill_logarithms, fill_softmax
from .table import FloatArray


def softmax(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log of the normaliser, and the class probabilities, of each column."""
    z = np.ascontiguousarray(z)
    c, log_sum = np.empty_like(z), np.empty(z.shape[1])
    if fill_softmax(z, c, log_sum):
        return log_sum, c
    top = z.max(axis=0)
    np.subtract(z, top, out=c)
    np.exp(c, out=c)
    total = c.sum(axis=0)
    c /= total
    return np.log(total) + top, c


def logarithms(numbers: FloatArray) -> FloatArray:
    """Logarithms, in place, of an array that lies in one piece."""
    own = numbers if numbers.flags.c_contiguous else numbers.T
    if fill_logarithms(own, own):
        return numbers
    return np.log(numbers, out=numbers)
