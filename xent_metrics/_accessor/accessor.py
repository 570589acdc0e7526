"""The accessor df.xent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, Unpack, overload

import pandas as pd

from .._decomposition.result import Decomposition
from .._display.result import counted
from .._evaluation.comparison import Comparison
from .._evaluation.evaluation import Evaluation, PlotKind, SlicedTerm
from .._evaluation.listeners import without_listeners
from .._inputs.columns import Selector
from .._pickling import public
from .binding import (
    DecomposingOptions,
    Found,
    ReadingOptions,
    complete,
    merge,
    read,
    read_by,
    split_options,
)
from .results import (
    compare_with,
    decompose_found,
    per_sample_of,
    summary_of,
    with_features,
    worst_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._drift.over_time import OverTime
    from .._features.reducible import Progress
    from .._features.result import ReducibleLoss
    from .._features.sliced import Slices


@public
class XentAccessor:
    """Entropy, cross-entropy and KL divergence of the predictions in a frame.

    ``df.xent(target=..., proba=...)`` binds columns and options once and returns a view
    with the same methods; each method also takes them directly. A view holds no
    numbers: it reads the frame anew at every call, and changes nothing in it.

    ``XentAccessor(df)`` is the typed spelling of ``df.xent``: type checkers and editors
    cannot know an attribute that is added to DataFrame, but know the columns, options
    and results of this class.

    Parameters
    ----------
    target : column name, or columns
        One column of labels (categories, text, numbers, booleans, of numpy, pandas or
        Arrow), or several: distributions or votes with one column per class, or
        annotators with one column each that holds the label they gave.
    proba : columns, or column name
        The probabilities, one column per class; or one column, that of the second of
        two classes.
    labels : sequence of classes, optional
        The class of each probability column, in their order. Default: what the
        columns are named after.
    target_type : {"auto", "labels", "distribution", "votes", "annotators"}
        What target columns hold. Default "auto": as in :func:`cross_entropy`, and
        annotators where several columns hold no numbers.
    sample_weight, groups : column name or array-like, optional
        As in :func:`decompose`.
    base, clip, rescale, from_logits
        As in :func:`cross_entropy`.
    on_missing : {"raise", "drop"}, default "raise"
        Whether rows that miss a label, a probability, a weight or a group are an
        error, or left out and counted in the result.
    recalibration, vote_correction
        As in :func:`decompose`.

    See Also
    --------
    Evaluation.from_frame : The same for frames of polars and Arrow.
    scan : Files of any size.

    Notes
    -----
    Columns can be given as a list of names, a mapping from class to name, a prefix (the
    rest of each name is the class), a compiled pattern with a group ``cls`` (which is
    the class), or, where columns have several levels, the name of an upper one.
    Classes that are read from names take the type of the labels, and keep the order of
    the columns, which is never sorted.

    Examples
    --------
    >>> import pandas as pd
    >>> import xent_metrics
    >>> df = pd.DataFrame({"y": [0, 1, 1], "p": [0.1, 0.8, 0.5], "g": list("aab")})
    >>> view = df.xent(target="y", proba="p", base=2)
    >>> view.per_sample()["cross_entropy"].round(4).tolist()
    [0.152, 0.3219, 1.0]
    >>> view.summary(by="g")["cross_entropy"].round(4).to_dict()
    {'a': 0.237, 'b': 1.0}

    The same in code that is type-checked:

    >>> from xent_metrics import XentAccessor
    >>> df = pd.DataFrame({"label": [0, 1] * 100, "p_0": [0.8, 0.3] * 100})
    >>> df["p_1"] = 1 - df["p_0"]
    >>> result = XentAccessor(df)(target="label", proba="p_").decompose()
    >>> round(result.cross_entropy, 4)
    0.2899
    """

    _shown = "df.xent"

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._bound: dict[str, Any] = {}

    def __call__(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[DecomposingOptions],
    ) -> Self:
        """A view with columns and options bound, over those of this one."""
        view = type(self)(self._frame)
        view._bound = merge(self._bound, target, proba, options)  # noqa: SLF001 - its class
        return view

    def __repr__(self) -> str:
        """What is bound."""
        rows, columns = self._frame.shape
        bound = ", ".join(f"{name}={value!r}" for name, value in self._bound.items())
        shape = f"{counted(rows, 'row')} and {counted(columns, 'column')}"
        return f"df.xent({bound}) of {shape}"

    def evaluate(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[DecomposingOptions],
    ) -> Evaluation:
        """Evaluate the predictions, as :meth:`Evaluation.from_frame`.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.

        Returns
        -------
        Evaluation
            The decomposition and its tables, with the frame's index.

        Raises
        ------
        KeyError
            If a column does not exist.
        TypeError
            If no columns are given or bound, or an option does not exist.
        ValueError
            As in :func:`cross_entropy`.

        Warns
        -----
        SmallSampleWarning, SwappedColumnsWarning, UnseenLabelWarning
            As in :func:`xent_metrics.decompose`.
        """
        bound = complete(merge(self._bound, target, proba, options))
        return Evaluation.from_frame(self._frame, **bound)

    def per_sample(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[ReadingOptions],
    ) -> pd.DataFrame:
        """Return the measures of each row, as :func:`xent_metrics.per_sample`.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.

        Returns
        -------
        DataFrame
            One row per row of the frame, with its index.

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
        return per_sample_of(self._read(target, proba, options, ReadingOptions))

    def summary(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: Any = None,
        **options: Unpack[ReadingOptions],
    ) -> pd.DataFrame:
        """Return counts and means of the measures, in all or by group.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.
        by : column name, index level, pd.Grouper, function, values, or list, optional
            Groups, as in ``df.groupby(by, dropna=False, observed=True)``: a column, or
            else a level of the index; a ``pd.Grouper``; a function of the index; one
            value per row; or several of these as a list, DataFrame or mapping. A
            missing value is a group of its own, and bins without rows are left out.

        Returns
        -------
        DataFrame
            One row per group, as :meth:`Evaluation.summary` gives it; with
            ``on_missing="drop"`` also ``n_dropped``, the rows left out.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.

        Warns
        -----
        SmallSampleWarning
            As in :meth:`Evaluation.summary`.
        UnseenLabelWarning
            If rows have a label that is not among the classes.

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
        found = self._read(target, proba, options, ReadingOptions)
        return summary_of(found, read_by(self._frame, by))

    def worst(
        self,
        n: int = 10,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: Any = None,
        columns: list[Any] | str | None = None,
        **options: Unpack[ReadingOptions],
    ) -> pd.DataFrame:
        """Return the rows that cost most, the most costly first.

        Parameters
        ----------
        n : int, default 10
            How many rows, of each group if there are groups.
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.
        by : column name, index level, pd.Grouper, function, values, or list, optional
            Groups, as in ``df.groupby(by, dropna=False, observed=True)``: a column, or
            else a level of the index; a ``pd.Grouper``; a function of the index; one
            value per row; or several of these as a list, DataFrame or mapping. A
            missing value is a group of its own, and bins without rows are left out.
        columns : column name, or list of them, optional
            Which columns of the frame come after the measures. Default: all but those
            of the target, the probabilities and the weight; ``[]`` for none.

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
        found = self._read(target, proba, options, ReadingOptions)
        return worst_of(found, n, by, columns=columns, frame=self._frame)

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
    ) -> pd.DataFrame: ...

    def decompose(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        by: Any = None,
        refit: bool = False,
        **options: Unpack[DecomposingOptions],
    ) -> Decomposition | pd.DataFrame:
        """Decompose the cross-entropy, as :func:`xent_metrics.decompose`.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.
        by : column name, index level, pd.Grouper, function, values, or list, optional
            Groups of rows, as in :meth:`summary`.
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

        Warns
        -----
        SmallSampleWarning, SwappedColumnsWarning, UnseenLabelWarning
            As in :meth:`evaluate`; SmallSampleWarning also as in :meth:`summary`.

        Examples
        --------
        >>> import pandas as pd
        >>> import xent_metrics
        >>> df = pd.DataFrame({"y": [0, 1, 1, 0] * 50, "p": [0.1, 0.8, 0.5, 0.3] * 50})
        >>> round(df.xent.decompose("y", "p").uncertainty, 4)
        0.6956
        """
        found = self._read(target, proba, options)
        return decompose_found(found, read_by(self._frame, by), refit=refit)

    def by_class(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[DecomposingOptions],
    ) -> pd.DataFrame:
        """Return the terms of each true class.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.

        Returns
        -------
        DataFrame
            One row per class that occurs, as :meth:`Decomposition.by_class` gives them.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`.

        Examples
        --------
        >>> import pandas as pd
        >>> import xent_metrics
        >>> df = pd.DataFrame({"y": [0, 1, 1, 0] * 50, "p": [0.1, 0.8, 0.5, 0.3] * 50})
        >>> df.xent.by_class("y", "p")["cross_entropy"].round(4).to_dict()
        {0: 0.231, 1: 0.4581}
        """
        return self.decompose(target, proba, **options).by_class()

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
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`. ``recalibration`` is the
            map of both, as in :func:`xent_metrics.compare`; ``vote_correction`` does
            not enter, as it is the same for both.
        names : pair of str, optional
            What to call these and the others; by default the columns' prefix or name.
        level : float, default 0.95
            The level of the confidence intervals.

        Returns
        -------
        Comparison
            As :func:`xent_metrics.compare` gives it; these are the baseline.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate`, or if the rows or their targets differ.

        Examples
        --------
        >>> import pandas as pd
        >>> import xent_metrics
        >>> p = {"old": [0.4, 0.6, 0.6, 0.5], "new": [0.2, 0.7, 0.9, 0.4]}
        >>> df = pd.DataFrame({"y": [0, 1, 1, 0]} | p).sample(400, replace=True)
        >>> comparison = df.xent(target="y", proba="old").compare("new")
        >>> comparison.differences["new"]["cross_entropy"].difference < 0
        True
        """
        bound = complete(merge(self._bound, target, proba, options))
        if isinstance(other, XentAccessor):
            other = other._read(None, None, {}).inputs.inputs  # noqa: SLF001 - its class
        return compare_with(self._frame, bound, other, names=names, level=level)

    def reducible(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        features: list[Any] | str | None = None,
        learner: Any = None,
        random_state: int = 0,
        progress: Progress = None,
        **options: Unpack[DecomposingOptions],
    ) -> ReducibleLoss:
        """How much of the loss a better model of the features could win, at least.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.
        features : column name, or list of them, optional
            The features. Default: all columns but those of the target, the
            probabilities, the weight and the groups.
        learner, random_state, progress
            As in :meth:`Evaluation.reducible`.

        Returns
        -------
        ReducibleLoss
            As :meth:`Evaluation.reducible` gives it: rows must not be those that the
            model was trained on.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate` and :meth:`Evaluation.reducible`.

        Warns
        -----
        SmallSampleWarning, SwappedColumnsWarning, UnseenLabelWarning
            As in :meth:`evaluate`.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> import xent_metrics
        >>> df = pd.DataFrame({"plan": ["basic", "plus", "pro"] * 200, "p": 0.5})
        >>> df["y"] = np.where(df["plan"] == "pro", 1, np.arange(600) % 2)
        >>> found = df.xent(target="y", proba="p").reducible()
        >>> found.lower() > 0.1
        True
        """
        bound = complete(merge(self._bound, target, proba, options))
        evaluation, columns = with_features(self._frame, bound, features)
        return evaluation.reducible(
            columns, learner=learner, random_state=random_state, progress=progress
        )

    def slices(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        features: list[Any] | str | None = None,
        max_slices: int = 5,
        term: SlicedTerm = "cross_entropy",
        **options: Unpack[DecomposingOptions],
    ) -> Slices:
        """Conditions on the features under which rows cost more than the others.

        Parameters
        ----------
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`.
        features : column name, or list of them, optional
            As in :meth:`reducible`.
        max_slices, term
            As in :meth:`Evaluation.slices`.

        Returns
        -------
        Slices
            As :meth:`Evaluation.slices` gives them.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate` and :meth:`Evaluation.slices`.

        Warns
        -----
        SmallSampleWarning, SwappedColumnsWarning, UnseenLabelWarning
            As in :meth:`evaluate`.

        Examples
        --------
        >>> import pandas as pd
        >>> import xent_metrics
        >>> df = pd.DataFrame({"plan": ["basic", "plus"] * 200, "p": [0.2, 0.1] * 200})
        >>> df["y"] = [row % 4 == 0 for row in range(400)]
        >>> len(df.xent.slices("y", "p"))
        1
        """
        bound = complete(merge(self._bound, target, proba, options))
        evaluation, columns = with_features(self._frame, bound, features)
        return evaluation.slices(columns, max_slices=max_slices, term=term)

    def over_time(
        self,
        when: Any = None,
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
        when : column name, or name of an index level, optional
            The time of each row. Default: the index.
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`. With a ``reference`` the
            unit is that of the reference unless ``base`` is given, and so is the clip,
            which must be the same.
        freq : str or offset, default "W"
            The length of a period, as ``pd.Grouper`` takes it: "D", "W", "MS".
        reference : Evaluation, Decomposition, ScanState, or JSON of one, optional
            Labelled rows of the same model, such as those that it was accepted on: it
            says what each period is expected to cost, also before its labels come, and
            what is an alert. Default: labels must be there, and there are no alerts.
        level : float, default 0.95
            Of intervals; and, about, 1 minus the probability of any false alert, in
            all periods together.

        Returns
        -------
        OverTime
            The table of periods, with a plot. Periods without rows are left out. With
            a reference, rows may lack a label: terms are of those that have one.

        Raises
        ------
        KeyError, TypeError, ValueError
            As in :meth:`evaluate` and :func:`expected_loss`, or if ``when`` holds no
            times, or misses some, or ``freq`` is no length of a period.

        Warns
        -----
        SmallSampleWarning, SwappedColumnsWarning, UnseenLabelWarning
            As in :meth:`decompose`.
        OutsideReferenceWarning
            As in :func:`expected_loss`.

        See Also
        --------
        Monitor : Looks at each batch as it comes, with alarms of a bounded error.

        Notes
        -----
        An alert is a period whose labelled rows cost more, or less, than the map of
        the reference expects of their predictions, by more standard errors than the
        largest of as many normal variables has with probability ``1 - level``
        (Bonferroni). The error holds that of the map and the labels' own;
        benchmarks/over_time.py says how often there is a false alert. It is for one
        look at all periods: to look again and again, use :class:`Monitor`.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from xent_metrics import Evaluation
        >>> rng = np.random.default_rng(1)
        >>> days = pd.date_range("2026-01-05", periods=2800, freq="15min")
        >>> df = pd.DataFrame({"when": days, "p": rng.uniform(0.05, 0.95, 2800)})
        >>> df["y"] = (rng.random(2800) < df["p"]).astype(float)
        >>> reference = Evaluation.from_frame(df[:1400], target="y", proba="p")
        >>> df.loc[2100:, "y"] = np.nan  # the labels of the last week are not there
        >>> weeks = df.xent(target="y", proba="p").over_time(
        ...     "when", freq="W", reference=reference
        ... )
        >>> columns = ["n", "n_labelled", "cross_entropy", "expected_loss", "alert"]
        >>> weeks.table[columns].round(3)
                      n  n_labelled  cross_entropy  expected_loss  alert
        when
        2026-01-11  672         672          0.589          0.574  False
        2026-01-18  672         672          0.546          0.570  False
        2026-01-25  672         672          0.559          0.575  False
        2026-02-01  672          84          0.510          0.569  False
        2026-02-08  112           0            NaN          0.571  False
        """
        from .over_time import over_time  # noqa: PLC0415 - it loads what scans files

        bound = complete(merge(self._bound, target, proba, options))
        return over_time(
            self._frame, bound, when=when, freq=freq, reference=reference, level=level
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
        kind : str, default "waterfall"
            As in :meth:`Evaluation.plot`.
        target, proba
            Columns, as in :class:`XentAccessor`.
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own.
        **options
            Options of :class:`XentAccessor`, and those of the plot.

        Returns
        -------
        Axes
            With the plot.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        KeyError, TypeError, ValueError
            As in :meth:`evaluate` and :meth:`Evaluation.plot`.
        """
        reading, others = split_options(options)
        with without_listeners():
            evaluation = self.evaluate(target, proba, **reading)
        return evaluation.plot(kind, ax=ax, **others)

    def _read(
        self,
        target: Selector | None,
        proba: Selector | None,
        options: Mapping[str, Any],
        known: type = DecomposingOptions,
    ) -> Found:
        """Read the columns that are bound or given."""
        return read(self._frame, merge(self._bound, target, proba, options, known))
