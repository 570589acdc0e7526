"""The pandas accessor ``df.xent``: columns in, the package's functions, tables out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from ._bound import Decomposing
from ._decomposed_frame import DecomposedFrame
from ._evaluation.compare import compare
from ._evaluation.comparison import Comparison
from ._evaluation.evaluation import Evaluation, PlotKind
from ._evaluation.listeners import without_listeners
from ._inputs.columns import Selector
from ._pickling import public

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@public
class XentAccessor(DecomposedFrame):
    """Entropy, cross-entropy and KL divergence of the predictions in a frame.

    ``df.xent(target=..., proba=...)`` binds columns and options once and returns a view
    with the same methods; each method also takes them directly. A view holds no
    numbers: it reads the frame anew at every call, and changes nothing in it.

    Parameters
    ----------
    target : column name, or columns
        One column of labels (categories, text, numbers, booleans, of numpy, pandas or
        Arrow), or several: distributions or votes with one column a class, or
        annotators with one column each that holds the label they gave.
    proba : columns, or column name
        The probabilities, one column a class; or one column, that of the second of two
        classes.
    labels : sequence of classes, optional
        The class of each probability column, in their order. Default: what the
        columns are named after.
    targets : {"auto", "labels", "distribution", "votes", "annotators"}
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

    Notes
    -----
    Columns are meant by a list of names, by a mapping from class to name, by a prefix
    (the rest of each name is the class), by a compiled pattern with a group ``cls``
    (which is the class), or, where columns have several levels, by the name of an
    upper one. Classes that are read from names take the type of the labels, and keep
    the order of the columns, which is never sorted.

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
    """

    def evaluate(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[Decomposing],
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
        """
        merged = self._complete(self._merged(target, proba, options))
        return Evaluation.from_frame(self._frame, **merged)

    def compare(
        self,
        other: Any,
        target: Selector | None = None,
        proba: Selector | None = None,
        *,
        names: tuple[str, str] | None = None,
        level: float = 0.95,
        **options: Unpack[Decomposing],
    ) -> Comparison:
        """Compare with other predictions of the same rows, term by term.

        Parameters
        ----------
        other : columns, or view of another frame, or Evaluation
            The other probabilities: columns of this frame as ``proba``, or
            ``df.xent(target=..., proba=...)``, or an evaluation.
        target, proba, **options
            Columns and options, as in :class:`XentAccessor`. ``recalibration`` is that
            of both sides, by default "temperature"; ``vote_correction`` does not
            enter, as it is the same on both.
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
        merged = self._complete(self._merged(target, proba, options))
        theirs: Any = other
        if isinstance(other, XentAccessor):
            theirs = other._read(None, None, {}).inputs.inputs  # noqa: SLF001 - its class
        if isinstance(other, (XentAccessor, Evaluation)):
            mine = self._read(None, None, merged)
        else:
            mine = self._read(None, None, merged, beside=other)
            swapped = merged | {"proba": other}
            theirs = self._read(None, None, swapped, beside=merged["proba"])
            theirs = theirs.inputs.inputs
        first, second = _names(merged["proba"], other, names)
        settings: dict[str, Any] = {"recalibration": "temperature"} | mine.decomposing
        settings.pop("vote_correction", None)
        return compare(
            {first: mine.inputs.inputs, second: theirs},
            groups=mine.inputs.groups,
            base=mine.base,
            clip=mine.clip,
            level=level,
            **settings,
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
        names = Decomposing.__annotations__
        reading = {name: value for name, value in options.items() if name in names}
        others = {name: value for name, value in options.items() if name not in names}
        with without_listeners():
            evaluation = self(target=target, proba=proba, **reading).evaluate()
        return evaluation.plot(kind, ax=ax, **others)


def _names(mine: Any, theirs: Any, given: Any) -> tuple[str, str]:
    """What two sets of predictions are called."""
    if given is not None:
        pair = isinstance(given, (tuple, list)) and len(given) == 2  # noqa: PLR2004
        if not pair or given[0] == given[1]:
            msg = (
                "names must be two that differ: found "
                f"{given!r}; pass a pair, such as ('old', 'new')."
            )
            raise ValueError(msg)
        return given[0], given[1]
    both = mine, theirs
    if all(isinstance(one, str) for one in both) and mine != theirs:
        return both
    return "this", "other"
