"""Measures of the rows of a bound frame: from one pass, without a map."""

from __future__ import annotations

from typing import Any, Unpack

import pandas as pd

from ._bound import BoundFrame, Reading, of_rows, with_dropped
from ._evaluation.evaluate import rows_of
from ._evaluation.tables import summarise, worst
from ._inputs.columns import Selector
from ._inputs.groups import read_groups
from ._inputs.read_options import nats_per_unit
from ._measures.per_sample import PER_SAMPLE, per_sample_frame


class MeasuredFrame(BoundFrame):
    """A bound frame whose rows are measured; :class:`XentAccessor` is the whole."""

    def per_sample(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[Reading],
    ) -> pd.DataFrame:
        """Return the measures of each row, as :func:`xent_metrics.per_sample`.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.

        Returns
        -------
        DataFrame
            One row a row of the frame, with its index.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.

        Examples
        --------
        >>> import pandas as pd
        >>> import xent_metrics
        >>> df = pd.DataFrame(
        ...     {"y": ["cat", "dog"], "p_cat": [0.9, 0.6], "p_dog": [0.1, 0.4]}
        ... )
        >>> df.xent.per_sample("y", "p_")["cross_entropy"].round(4).tolist()
        [0.1054, 0.9163]
        """
        found = self._read(target, proba, options, Reading)
        columns = found.inputs.inputs.measure(PER_SAMPLE, clip=found.clip).columns
        return per_sample_frame(columns, base=found.base, index=found.inputs.row_index)

    def summary(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: Any = None,
        **options: Unpack[Reading],
    ) -> pd.DataFrame:
        """Return counts and means of the measures, in all or by group.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.
        by : column name, list of column names, or values, optional
            Groups; a missing value is a group of its own.

        Returns
        -------
        DataFrame
            One row a group, as :meth:`Evaluation.summary` gives it; with
            ``on_missing="drop"`` also ``n_dropped``, the rows left out.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.

        Examples
        --------
        >>> import pandas as pd
        >>> import xent_metrics
        >>> df = pd.DataFrame({"y": [0, 1, 1], "p": [0.1, 0.8, 0.5], "g": list("aab")})
        >>> df.xent.summary("y", "p", by="g")[["n", "cross_entropy"]].round(4)
           n  cross_entropy
        g
        a  2         0.1643
        b  1         0.6931
        """
        found = self._read(target, proba, options, Reading)
        inputs = found.inputs.inputs
        names = ["cross_entropy", "predictive_entropy"]
        if inputs.codes is None:
            names += ["entropy", "kl_divergence"]
        columns = inputs.measure(names, clip=found.clip).columns
        per_unit = nats_per_unit(found.base)
        if per_unit != 1:
            columns = {name: values / per_unit for name, values in columns.items()}
        keys = self._keys(by)
        table = summarise(
            columns,
            of_rows(keys, found.inputs),
            weights=inputs.weights,
            clusters=read_groups(found.inputs.groups, inputs),
            hard=inputs.codes is not None,
        )
        return with_dropped(table, keys, found)

    def worst(
        self,
        n: int = 10,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: Any = None,
        **options: Unpack[Reading],
    ) -> pd.DataFrame:
        """Return the rows that cost most, the most costly first.

        Parameters
        ----------
        n : int, default 10
            How many rows, of each group if there are groups.
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.
        by : column name, list of column names, or values, optional
            Groups; a missing value is a group of its own.

        Returns
        -------
        DataFrame
            As :meth:`Evaluation.worst` gives it, with the frame's index.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.

        Examples
        --------
        >>> import pandas as pd
        >>> import xent_metrics
        >>> df = pd.DataFrame({"y": [0, 1, 1], "p": [0.1, 0.8, 0.4]}, index=list("abc"))
        >>> df.xent.worst(1, "y", "p")[["label", "predicted", "p_true"]]
           label  predicted  p_true
        c      1          0     0.4
        """
        found = self._read(target, proba, options, Reading)
        inputs = found.inputs.inputs
        columns = inputs.measure([*PER_SAMPLE, "predicted"], clip=found.clip).columns
        rows = rows_of(inputs, columns, base=found.base, index=found.inputs.row_index)
        return worst(rows, n, of_rows(self._keys(by), found.inputs), inputs.weights)
