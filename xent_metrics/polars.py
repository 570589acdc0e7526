"""The namespace ``df.xent`` of polars: importing this module registers it.

>>> import polars as pl
>>> import xent_metrics.polars
>>> df = pl.DataFrame({"y": [0, 1, 1], "p": [0.1, 0.8, 0.5], "g": ["a", "a", "b"]})
>>> df.xent.summary("y", "p", by="g").select("g", "n", pl.col("cross_entropy").round(4))
shape: (2, 3)
┌─────┬─────┬───────────────┐
│ g   ┆ n   ┆ cross_entropy │
│ --- ┆ --- ┆ ---           │
│ str ┆ i64 ┆ f64           │
╞═════╪═════╪═══════════════╡
│ a   ┆ 2   ┆ 0.1643        │
│ b   ┆ 1   ┆ 0.6931        │
└─────┴─────┴───────────────┘

It has the methods of the accessor of pandas, :class:`xent_metrics.XentAccessor`, with
the same columns, options and numbers. A LazyFrame has it too, and is computed when it
is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, Unpack, overload

import pandas as pd

from ._accessor.accessor import XentAccessor
from ._accessor.binding import DecomposingOptions, ReadingOptions
from ._calls import no_name
from ._decomposition.result import Decomposition
from ._evaluation.comparison import Comparison
from ._evaluation.evaluation import Evaluation, PlotKind, SlicedTerm
from ._features.reducible import Progress
from ._features.result import ReducibleLoss
from ._features.sliced import Slices
from ._inputs.columns import Selector
from ._inputs.containers import collected, is_default
from ._pickling import public

try:
    import polars as pl
except ImportError:
    msg = "xent_metrics.polars needs polars: it is not installed; pip install polars."
    raise ImportError(msg) from None

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._drift.over_time import OverTime

__all__ = ["XentNamespace"]


@public
class XentNamespace:
    """Entropy, cross-entropy and KL divergence of the predictions in a frame.

    ``df.xent(target=..., proba=...)`` binds columns and options once and returns a view
    with the same methods; each method also takes them directly. Tables are frames of
    polars: what names the rows of a table is its first columns, and what is undefined
    is null. Results such as an :class:`xent_metrics.Evaluation` are those of the
    accessor of pandas.

    ``XentNamespace(df)`` is the typed spelling of ``df.xent``: type checkers and
    editors cannot know an attribute that is added to DataFrame.

    Parameters
    ----------
    target, proba : column name, or columns
        As in :class:`xent_metrics.XentAccessor`.
    labels, target_type, base, clip, rescale, from_logits, on_missing, recalibration, \
vote_correction
        As in :class:`xent_metrics.XentAccessor`.
    sample_weight, groups : column name, expression or array-like, optional
        As in :func:`xent_metrics.decompose`.

    See Also
    --------
    xent_metrics.scan : More rows than memory holds, also of a LazyFrame.

    Examples
    --------
    >>> import polars as pl
    >>> import xent_metrics.polars
    >>> df = pl.DataFrame({"y": [0, 1, 1], "p": [0.1, 0.8, 0.5]})
    >>> view = df.xent(target="y", proba="p", base=2)
    >>> view.per_sample()["cross_entropy"].round(4).to_list()
    [0.152, 0.3219, 1.0]
    """

    _shown = "df.xent"

    def __init__(self, frame: pl.DataFrame | pl.LazyFrame) -> None:
        self._frame: pl.DataFrame = collected(frame)
        self._view = XentAccessor(self._frame)

    def __call__(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[DecomposingOptions],
    ) -> Self:
        """A view with columns and options bound, over those of this one."""
        bound = type(self)(self._frame)
        bound._view = self._view(target, proba, **self._values(options))  # noqa: SLF001 - its class
        return bound

    def __repr__(self) -> str:
        """What is bound."""
        return repr(self._view)

    def evaluate(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[DecomposingOptions],
    ) -> Evaluation:
        """Evaluate the predictions, as :meth:`xent_metrics.XentAccessor.evaluate`.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentNamespace`.

        Returns
        -------
        Evaluation
            With tables of pandas; ``pl.from_pandas`` makes them frames of polars.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`xent_metrics.XentAccessor.evaluate`.
        """
        return self._view.evaluate(target, proba, **self._values(options))

    def per_sample(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[ReadingOptions],
    ) -> pl.DataFrame:
        """Return the measures of each row, as :func:`xent_metrics.per_sample`.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentNamespace`.

        Returns
        -------
        polars.DataFrame
            One row per row of the frame, in its order. With ``on_missing="drop"`` the
            first column, ``row``, says which rows of the frame they are, where some
            are left out.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.

        Examples
        --------
        >>> import polars as pl
        >>> import xent_metrics.polars
        >>> df = pl.DataFrame({"y": [0, 1], "p": [0.1, 0.6]})
        >>> df.with_columns(df.xent.per_sample("y", "p")["p_true"])["p_true"].to_list()
        [0.9, 0.6]
        """
        table = self._view.per_sample(target, proba, **self._values(options))
        return _as_polars(table, [] if is_default(table.index) else ["row"])

    def summary(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: Any = None,
        **options: Unpack[ReadingOptions],
    ) -> pl.DataFrame:
        """Return counts and means of the measures, in all or by group.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentNamespace`.
        by : column name, expression, values, or list, optional
            Groups: a column, an expression such as
            ``pl.col("when").dt.truncate("1w")``, one value per row, or several of
            these. A missing value is a group of its own.

        Returns
        -------
        polars.DataFrame
            One row per group, whose keys are the first columns; the other columns are
            those of :meth:`xent_metrics.XentAccessor.summary`.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.

        Warns
        -----
        SmallSampleWarning, UnseenLabelWarning
            As in :meth:`xent_metrics.XentAccessor.summary`.
        """
        view, keys = self._view, self._keys(by)
        table = view.summary(target, proba, by=keys, **self._values(options))
        return _of_groups(table, by)

    def worst(
        self,
        n: int = 10,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: Any = None,
        columns: list[str] | str | None = None,
        **options: Unpack[ReadingOptions],
    ) -> pl.DataFrame:
        """Return the rows that cost most, the most costly first.

        Parameters
        ----------
        n : int, default 10
            How many rows, of each group if there are groups.
        target, proba, **options
            Columns and options, as in :class:`XentNamespace`.
        by : column name, expression, values, or list, optional
            Groups, as in :meth:`summary`.
        columns : column name, or list of them, optional
            Which columns of the frame come after the measures. Default: all but those
            of the target, the probabilities and the weight; ``[]`` for none.

        Returns
        -------
        polars.DataFrame
            The first column, ``row``, is the number of the row in the frame.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.

        Examples
        --------
        >>> import polars as pl
        >>> import xent_metrics.polars
        >>> df = pl.DataFrame({"y": [0, 1, 1], "p": [0.1, 0.8, 0.4]})
        >>> df.xent.worst(1, "y", "p").select("row", "label", "p_true").row(0)
        (2, 1, 0.4)
        """
        view, keys = self._view, self._keys(by)
        values = self._values(options)
        table = view.worst(n, target, proba, by=keys, columns=columns, **values)
        return _as_polars(table, ["row"])

    @overload
    def decompose(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: None = None,
        refit: bool = False,
        **options: Unpack[DecomposingOptions],
    ) -> Decomposition: ...

    @overload
    def decompose(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: Any,
        refit: bool = False,
        **options: Unpack[DecomposingOptions],
    ) -> pl.DataFrame: ...

    def decompose(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: Any = None,
        refit: bool = False,
        **options: Unpack[DecomposingOptions],
    ) -> Decomposition | pl.DataFrame:
        """Decompose the cross-entropy, as :func:`xent_metrics.decompose`.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentNamespace`.
        by : column name, expression, values, or list, optional
            Groups of rows, as in :meth:`summary`.
        refit : bool, default False
            With ``by``: whether each group has a recalibration map of its own.

        Returns
        -------
        Decomposition or polars.DataFrame
            The terms of the whole frame; with ``by`` those of each group.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.

        Warns
        -----
        SmallSampleWarning, SwappedColumnsWarning, UnseenLabelWarning
            As in :meth:`xent_metrics.XentAccessor.decompose`.
        """
        view, keys = self._view, self._keys(by)
        values = self._values(options)
        found = view.decompose(target, proba, by=keys, refit=refit, **values)
        return _of_groups(found, by) if isinstance(found, pd.DataFrame) else found

    def by_class(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[DecomposingOptions],
    ) -> pl.DataFrame:
        """Return the terms of each true class.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentNamespace`.

        Returns
        -------
        polars.DataFrame
            One row per class that occurs, which the first column names.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.
        """
        table = self._view.by_class(target, proba, **self._values(options))
        return _as_polars(table, ["class"])

    def compare(
        self,
        other: Any,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        names: tuple[str, str] | None = None,
        level: float = 0.95,
        **options: Unpack[DecomposingOptions],
    ) -> Comparison:
        """Compare with other predictions of the same rows, term by term.

        Parameters
        ----------
        other : columns, or view of another frame, or Evaluation, or Decomposition
            The other probabilities: columns of this frame as ``proba``, or
            ``df.xent(target=..., proba=...)``, or an evaluation or its decomposition.
        target, proba, names, level, **options
            As in :meth:`xent_metrics.XentAccessor.compare`.

        Returns
        -------
        Comparison
            As :func:`xent_metrics.compare` gives it; these are the baseline.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`xent_metrics.XentAccessor.compare`.
        """
        theirs = other
        if isinstance(other, XentNamespace):
            theirs = other._view  # noqa: SLF001 - its class
        values = self._values(options)
        return self._view.compare(
            theirs, target, proba, names=names, level=level, **values
        )

    def reducible(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        features: list[str] | str | None = None,
        learner: Any = None,
        random_state: int = 0,
        progress: Progress = None,
        **options: Unpack[DecomposingOptions],
    ) -> ReducibleLoss:
        """How much of the loss a better model of the features could win, at least.

        Parameters
        ----------
        target, proba, features, learner, random_state, progress, **options
            As in :meth:`xent_metrics.XentAccessor.reducible`.

        Returns
        -------
        ReducibleLoss
            As :meth:`xent_metrics.Evaluation.reducible` gives it.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`xent_metrics.XentAccessor.reducible`.
        """
        return self._view.reducible(
            target,
            proba,
            features=features,
            learner=learner,
            random_state=random_state,
            progress=progress,
            **self._values(options),
        )

    def slices(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        features: list[str] | str | None = None,
        max_slices: int = 5,
        term: SlicedTerm = "cross_entropy",
        **options: Unpack[DecomposingOptions],
    ) -> Slices:
        """Conditions on the features under which rows cost more than the others.

        Parameters
        ----------
        target, proba, features, max_slices, term, **options
            As in :meth:`xent_metrics.XentAccessor.slices`.

        Returns
        -------
        Slices
            As :meth:`xent_metrics.Evaluation.slices` gives them.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`xent_metrics.XentAccessor.slices`.
        """
        return self._view.slices(
            target,
            proba,
            features=features,
            max_slices=max_slices,
            term=term,
            **self._values(options),
        )

    def over_time(
        self,
        when: str,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        freq: Any = "W",
        reference: Any = None,
        level: float = 0.95,
        **options: Unpack[DecomposingOptions],
    ) -> OverTime:
        """Return the terms of each day, week or month.

        Parameters
        ----------
        when : column name
            The time of each row.
        target, proba, freq, reference, level, **options
            As in :meth:`xent_metrics.XentAccessor.over_time`.

        Returns
        -------
        OverTime
            Its table of periods is one of pandas.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`xent_metrics.XentAccessor.over_time`.
        """
        return self._view.over_time(
            when,
            target,
            proba,
            freq=freq,
            reference=reference,
            level=level,
            **self._values(options),
        )

    def plot(
        self,
        kind: PlotKind = "waterfall",
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        ax: Axes | None = None,
        **options: Any,
    ) -> Axes:
        """Draw one of the plots of :mod:`xent_metrics.plotting`.

        Parameters
        ----------
        kind, target, proba, ax, **options
            As in :meth:`xent_metrics.XentAccessor.plot`.

        Returns
        -------
        Axes
            With the plot.

        Raises
        ------
        ImportError, KeyError, TypeError, ValueError
            As in :meth:`xent_metrics.XentAccessor.plot`.
        """
        return self._view.plot(kind, target, proba, ax=ax, **self._values(options))

    def _values(self, options: Any) -> Any:
        """Options, with the values of expressions."""
        return {
            name: self._keys(one) if isinstance(one, pl.Expr) else one
            for name, one in options.items()
        }

    def _keys(self, by: Any) -> Any:
        """Groups, with the values of expressions."""
        if isinstance(by, pl.Expr):
            found = self._frame.select(by).get_columns()
            return found[0] if len(found) == 1 else found
        if isinstance(by, (list, tuple)):
            return [self._keys(one) for one in by]
        return by


def _of_groups(table: pd.DataFrame, by: Any) -> pl.DataFrame:
    """A table with the keys of groups as its first columns."""
    names = ["group" if name is None else str(name) for name in table.index.names]
    return _as_polars(table, [] if by is None else names)


def _as_polars(table: pd.DataFrame, keys: list[str]) -> pl.DataFrame:
    """A table of pandas as one of polars; without ``keys`` its index goes."""
    if keys:
        table = table.rename_axis(keys).reset_index()
    return pl.from_pandas(table)


pl.api.register_dataframe_namespace("xent")(XentNamespace)
pl.api.register_lazyframe_namespace("xent")(XentNamespace)


if not TYPE_CHECKING:  # to which any name would be one of the module

    def __getattr__(name: str) -> Any:
        raise no_name(__name__, name, __all__)


def __dir__() -> list[str]:
    return sorted(__all__)
