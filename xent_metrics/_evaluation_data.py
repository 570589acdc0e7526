"""What an evaluation was made from, as tables: predictions and soft targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ._evaluation_view import EvaluationView
from ._kernels.table import Table


@dataclass(frozen=True, kw_only=True, repr=False)
class EvaluationData(EvaluationView):
    """An evaluation that hands out its data; :class:`Evaluation` is the whole."""

    def probabilities(self) -> pd.DataFrame:
        """The predicted probabilities of each row.

        Returns
        -------
        DataFrame
            One row a row of :attr:`per_sample`, one column a class, in column order: as
            they were given, in their type; after the softmax of logits, or the division
            by the row's sum that ``rescale=True`` asks for.

        Raises
        ------
        ValueError
            If the evaluation was read back without its data.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.25, 0.75] * 200)
        >>> evaluation.probabilities().head(2)
              0     1
        0  0.75  0.25
        1  0.25  0.75
        """
        inputs = self.decomposition.evidence.need("probabilities").inputs
        return self._framed(_as_read(inputs.proba))

    def targets(self) -> pd.DataFrame | None:
        """The target distributions, or the vote counts, of each row.

        Returns
        -------
        DataFrame or None
            Like :meth:`probabilities`, as they were given. None where targets are hard
            labels, also those given as one-hot rows: see ``label`` of
            :attr:`per_sample`.

        Raises
        ------
        ValueError
            If the evaluation was read back without its data.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> votes, q = [[3, 1], [0, 4]] * 200, [[0.75, 0.25], [0.5, 0.5]] * 200
        >>> options = {"vote_correction": "jackknife"}
        >>> evaluation = Evaluation.from_predictions(votes, q, **options)
        >>> evaluation.targets().head(2)
           0  1
        0  3  1
        1  0  4
        """
        inputs = self.decomposition.evidence.need("targets").inputs
        return None if inputs.target is None else self._framed(_given(inputs.target))

    def _framed(self, values: NDArray[Any]) -> pd.DataFrame:
        index = None if self.per_sample is None else self.per_sample.index
        columns = pd.Index(self.labels, tupleize_cols=False)
        return pd.DataFrame(values, index=index, columns=columns)


def _given(table: Table) -> NDArray[Any]:
    """A matrix of its own: what is done to it leaves the evaluation as it is."""
    source = table.source
    return np.column_stack(source) if isinstance(source, tuple) else source.copy()


def _as_read(table: Table) -> NDArray[Any]:
    """Rows that sum to one: exactly what was given where that was probabilities."""
    values = _given(table)
    if table.kind == "probabilities":
        return values
    values = values.astype(np.float64)
    if table.kind == "logits":
        values = np.exp(values - values.max(axis=1, keepdims=True))
    with np.errstate(invalid="ignore", divide="ignore"):  # rows of weight 0
        scaled: NDArray[Any] = values / values.sum(axis=1, keepdims=True)
    return scaled
