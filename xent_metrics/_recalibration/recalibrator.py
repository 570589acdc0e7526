"""A fitted recalibration map, to apply to other predictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._calls import form
from .._inputs.inputs import read_predictions
from .._inputs.labels import show
from .._inputs.read_options import EPS, FromLogits, ReadOptions, log_floored
from .._kernels.reader import checked_blocks
from .._kernels.table import FloatArray
from .._pickling import public
from .fitted_map import Recalibrate


@public
@form("decompose(y_true, y_proba).recalibrator()")
@dataclass(frozen=True, kw_only=True)
class Recalibrator:
    """A fitted recalibration map; made by :meth:`Decomposition.recalibrator`.

    It was fitted to the evaluated rows, which it makes look better than new ones. For a
    classifier in production, fit :class:`RecalibratedClassifier` to other rows.

    Attributes
    ----------
    name : str
        The map.
    labels : tuple
        The classes, in column order.
    """

    name: str
    labels: tuple[Any, ...]
    recalibrate: Recalibrate = field(repr=False, compare=False)
    clip: float = field(repr=False, compare=False)

    def predict_proba(
        self, y_proba: Any, *, rescale: bool = False, from_logits: FromLogits = False
    ) -> FloatArray:
        """Recalibrate predictions.

        Parameters
        ----------
        y_proba : array-like or DataFrame of shape (N, K) or (N,)
            Predicted probabilities, columns in the order of ``labels`` (those of a
            frame that are named like the labels may be in any order).
        rescale, from_logits
            As in :func:`cross_entropy`.

        Returns
        -------
        ndarray of shape (N, K)
            Recalibrated probabilities.

        Raises
        ------
        ValueError
            As in :func:`cross_entropy`, or if there is not one column per class.
        """
        y_proba = self._in_order(y_proba)
        options = ReadOptions(rescale=rescale, from_logits=from_logits)
        inputs = read_predictions(y_proba, options)
        table = inputs.proba
        if table.n_classes != len(self.labels):
            msg = (
                f"y_proba must have one column per class: found {table.n_classes} for "
                f"{len(self.labels)} classes; pass the columns in the order of labels."
            )
            raise ValueError(msg)
        inputs.measure(["confidence"], clip=EPS)  # checks every row
        out = np.empty((table.n_rows, table.n_classes))
        for rows, block in checked_blocks(table):
            assert block is not None, "checked above"
            log_q = log_floored(block, self.clip, logits=bool(from_logits))
            out[rows] = self.recalibrate(log_q).T
        return out

    def _in_order(self, y_proba: Any) -> Any:
        """The columns of a frame, which are named like the labels, in their order."""
        columns = getattr(y_proba, "columns", None)
        if columns is None:
            return y_proba
        if len(columns) != len(self.labels) or set(columns) != set(self.labels):
            msg = (
                f"y_proba must have a column for each class: found {show(columns)} for "
                f"{show(self.labels)}; rename the columns or pass an array."
            )
            raise ValueError(msg)
        return y_proba[list(self.labels)]
