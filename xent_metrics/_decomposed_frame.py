"""Terms of the rows of a bound frame: in all, by group and by class."""

from __future__ import annotations

import dataclasses
from typing import Any, Unpack, overload

import pandas as pd

from ._bound import Decomposing, of_rows, with_dropped
from ._decomposition.decompose import decompose_inputs, warn_if_few
from ._decomposition.result import Decomposition
from ._inputs.columns import Selector
from ._measured_frame import MeasuredFrame


class DecomposedFrame(MeasuredFrame):
    """A bound frame that is decomposed; :class:`XentAccessor` is the whole."""

    @overload
    def decompose(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: None = None,
        refit: bool = False,
        **options: Unpack[Decomposing],
    ) -> Decomposition: ...

    @overload
    def decompose(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: Any,
        refit: bool = False,
        **options: Unpack[Decomposing],
    ) -> pd.DataFrame: ...

    def decompose(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: Any = None,
        refit: bool = False,
        **options: Unpack[Decomposing],
    ) -> Decomposition | pd.DataFrame:
        """Decompose the cross-entropy, as :func:`xent_metrics.decompose`.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.
        by : column name, list of column names, or values, optional
            Groups of rows; a missing value is a group of its own.
        refit : bool, default False
            With ``by``: whether each group has a recalibration map of its own.

        Returns
        -------
        Decomposition or DataFrame
            The terms of the whole frame; with ``by`` those of each group, as
            :meth:`Decomposition.by` gives them.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.

        Examples
        --------
        >>> import pandas as pd
        >>> import xent_metrics
        >>> df = pd.DataFrame({"y": [0, 1, 1, 0] * 50, "p": [0.1, 0.8, 0.5, 0.3] * 50})
        >>> round(df.xent.decompose("y", "p").uncertainty, 4)
        0.6956
        """
        found = self._read(target, proba, options)
        keys = self._keys(by)
        settings: dict[str, Any] = {"recalibration": "auto"} | found.decomposing
        result, _ = decompose_inputs(
            found.inputs.inputs,
            base=found.base,
            clip=found.clip,
            groups=found.inputs.groups,
            **settings,
        )
        warn_if_few(result)
        result = dataclasses.replace(result, n_dropped=found.inputs.n_dropped)
        if keys is None:
            return result
        table = result.by(of_rows(keys, found.inputs), refit=refit)
        return with_dropped(table, keys, found)

    def per_class(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[Decomposing],
    ) -> pd.DataFrame:
        """Return the terms of each true class.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.

        Returns
        -------
        DataFrame
            One row a class that occurs, as :meth:`Decomposition.by_class` gives them.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.

        Examples
        --------
        >>> import pandas as pd
        >>> import xent_metrics
        >>> df = pd.DataFrame({"y": [0, 1, 1, 0] * 50, "p": [0.1, 0.8, 0.5, 0.3] * 50})
        >>> df.xent.per_class("y", "p")["cross_entropy"].round(4).to_dict()
        {0: 0.231, 1: 0.4581}
        """
        return self.decompose(target, proba, **options).by_class()
