"""The pandas accessor ``df.xent``: columns in, the package's functions, tables out."""

from __future__ import annotations

import difflib
import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ._decompose import decompose
from ._decomposition import Decomposition
from ._inputs import EPS
from ._labels import show
from ._measures import per_sample
from ._targets import Targets
from ._terms import Recalibration
from ._vote_entropy import VoteCorrection

Proba = str | Sequence[Hashable] | Mapping[Any, Hashable]


class _Selected(NamedTuple):
    y_true: pd.Series[Any] | NDArray[Any]
    y_proba: pd.Series[Any] | pd.DataFrame
    labels: tuple[Any, ...] | None
    weights: Any


class XentAccessor:
    """Entropy, cross-entropy and KL divergence of the predictions in a frame.

    Every method takes ``target`` (the column of labels, or a list of columns that
    hold distributions or votes) and ``proba``, the probability columns: a prefix
    (the rest of each name is the class), a list of names, a mapping from class to
    name, or one column that holds the probability of the second of two classes.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def per_sample(
        self,
        target: Hashable | Sequence[Hashable],
        proba: Proba,
        *,
        labels: Sequence[Any] | None = None,
        targets: Targets = "auto",
        sample_weight: Hashable | ArrayLike | None = None,
        base: float | None = None,
        clip: float = EPS,
        rescale: bool = False,
    ) -> pd.DataFrame:
        """Return the measures of each row, as :func:`xent_metrics.per_sample`.

        Parameters
        ----------
        target : column name, or list of column names
            Labels, or distributions or votes with one column a class.
        proba : str, list of column names, or mapping of class to column name
            The probability columns; a string is a prefix unless a column has
            exactly that name.
        labels : sequence of classes, optional
            The class of each probability column, in their order.
        targets, base, clip, rescale
            As in :func:`xent_metrics.cross_entropy`.
        sample_weight : column name or array-like, optional
            Weights.

        Returns
        -------
        DataFrame
            One row a row of the frame, with its index.

        Raises
        ------
        KeyError
            If a column does not exist.
        ValueError
            As in :func:`xent_metrics.cross_entropy`.

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
        chosen = self._select(target, proba, labels, sample_weight)
        return per_sample(
            chosen.y_true,
            chosen.y_proba,
            labels=chosen.labels,
            targets=targets,
            sample_weight=chosen.weights,
            base=base,
            clip=clip,
            rescale=rescale,
        )

    def summary(
        self,
        target: Hashable | Sequence[Hashable],
        proba: Proba,
        *,
        by: Hashable | Sequence[Hashable] | None = None,
        labels: Sequence[Any] | None = None,
        targets: Targets = "auto",
        sample_weight: Hashable | ArrayLike | None = None,
        base: float | None = None,
        clip: float = EPS,
        rescale: bool = False,
    ) -> pd.DataFrame:
        """Return counts and weighted means of the measures, in all or by group.

        Parameters
        ----------
        target, proba, labels, targets, sample_weight, base, clip, rescale
            As in :meth:`per_sample`.
        by : column name or list of column names, optional
            Groups; missing values make a group of their own.

        Returns
        -------
        DataFrame
            One row a group: ``n``, the means of :meth:`per_sample`, and
            ``calibration_gap`` = cross_entropy - predictive_entropy.

        Raises
        ------
        KeyError
            If a column does not exist.
        ValueError
            As in :func:`xent_metrics.cross_entropy`.

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
        chosen = self._select(target, proba, labels, sample_weight)
        rows = per_sample(
            chosen.y_true,
            chosen.y_proba,
            labels=chosen.labels,
            targets=targets,
            sample_weight=chosen.weights,
            base=base,
            clip=clip,
            rescale=rescale,
        )
        weights = np.ones(len(rows))
        if chosen.weights is not None:
            weights = np.asarray(chosen.weights, dtype=np.float64)
        counted = weights > 0
        weighted = rows[counted].mul(weights[counted], axis=0)
        weighted["_weight"] = weights[counted]
        weighted["n"] = 1
        if by is None:
            sums = weighted.sum().to_frame().T
            sums.index = pd.Index(["all"])
        else:
            keys = [self._column(name)[counted] for name in _as_list(by)]
            sums = weighted.groupby(keys, dropna=False, observed=True).sum()
        table = sums[list(rows.columns)].div(sums["_weight"], axis=0)
        table["calibration_gap"] = table["cross_entropy"] - table["predictive_entropy"]
        table.insert(0, "n", sums["n"].astype(np.int64))
        return table

    def decompose(
        self,
        target: Hashable | Sequence[Hashable],
        proba: Proba,
        *,
        labels: Sequence[Any] | None = None,
        targets: Targets = "auto",
        sample_weight: Hashable | ArrayLike | None = None,
        base: float | None = None,
        clip: float = EPS,
        rescale: bool = False,
        recalibration: Recalibration = "auto",
        groups: Hashable | ArrayLike | None = None,
        vote_correction: VoteCorrection = None,
    ) -> Decomposition:
        """Decompose the cross-entropy, as :func:`xent_metrics.decompose`.

        Parameters
        ----------
        target, proba, labels, targets, sample_weight, base, clip, rescale
            As in :meth:`per_sample`.
        groups : column name or array-like, optional
            The group of each row, as in :func:`xent_metrics.decompose`.
        recalibration, vote_correction
            As in :func:`xent_metrics.decompose`.

        Returns
        -------
        Decomposition
            The terms of the whole frame.

        Raises
        ------
        KeyError
            If a column does not exist.
        ValueError
            As in :func:`xent_metrics.cross_entropy`.

        Examples
        --------
        >>> import pandas as pd
        >>> import xent_metrics
        >>> df = pd.DataFrame({"y": [0, 1, 1, 0] * 50, "p": [0.1, 0.8, 0.5, 0.3] * 50})
        >>> round(df.xent.decompose("y", "p").uncertainty, 4)
        0.6956
        """
        chosen = self._select(target, proba, labels, sample_weight)
        return decompose(
            chosen.y_true,
            chosen.y_proba,
            labels=chosen.labels,
            targets=targets,
            sample_weight=chosen.weights,
            base=base,
            clip=clip,
            rescale=rescale,
            recalibration=recalibration,
            groups=self._values(groups),
            vote_correction=vote_correction,
        )

    def _values(self, given: Any) -> Any:
        """The column of that name, or the values as they were given."""
        return self._column(given) if isinstance(given, str) else given

    # -- choosing columns ---------------------------------------------------

    def _select(
        self,
        target: Any,
        proba: Proba,
        labels: Sequence[Any] | None,
        sample_weight: Any,
    ) -> _Selected:
        weights = self._values(sample_weight)
        given = None if labels is None else tuple(labels)
        if self._frame.empty:
            msg = "the frame must not be empty: it has no rows; pass at least one."
            raise ValueError(msg)
        if isinstance(proba, str) and proba in self._frame.columns:
            if isinstance(target, list):
                msg = (
                    "target must be one column of labels where proba is one column: "
                    f"found a list of {len(target)}; pass the columns of all classes."
                )
                raise ValueError(msg)
            return _Selected(self._column(target), self._column(proba), given, weights)
        names, classes = self._probability_columns(proba, target)
        if not names:
            msg = "proba must name columns: it is empty; pass a prefix or names."
            raise ValueError(msg)
        y_proba = self._columns(names)
        if isinstance(target, list):
            columns = self._columns(_in_order_of(target, names, classes))
            return _Selected(columns.to_numpy(), y_proba, given or classes, weights)
        y_true = self._column(target)
        distinct = pd.unique(y_true.dropna())
        if isinstance(proba, str):
            classes = tuple(_cast(classes, distinct, y_true.dtype))
        if not given and not set(classes) & set(distinct):
            msg = (
                "the class of each probability column must be known: none of "
                f"{show(classes)} is a label of {target!r}; pass labels= in the order "
                "of the columns, or proba={class: column}."
            )
            raise ValueError(msg)
        return _Selected(y_true, y_proba, given or classes, weights)

    def _probability_columns(
        self, proba: Proba, target: Any
    ) -> tuple[list[Hashable], tuple[Any, ...]]:
        """Names of the probability columns, and the classes they are named after."""
        if isinstance(proba, Mapping):
            return list(proba.values()), tuple(proba)
        if not isinstance(proba, str):
            return list(proba), tuple(proba)
        names = self._with_prefix(proba, target)
        return names, tuple(str(name).removeprefix(proba) for name in names)

    def _with_prefix(self, prefix: str, target: Any) -> list[Any]:
        taken = set(_as_list(target))
        columns: list[Any] = list(self._frame.columns)
        names = [
            name
            for name in columns
            if isinstance(name, str) and name.startswith(prefix) and name not in taken
        ]
        if not names:
            raise self._unknown(prefix, "a column, nor the prefix of one")
        return names

    def _columns(self, names: Sequence[Hashable]) -> pd.DataFrame:
        return pd.concat([self._column(name) for name in names], axis=1)

    def _column(self, name: Hashable) -> pd.Series[Any]:
        if name not in self._frame.columns:
            raise self._unknown(name, "a column")
        return self._frame[name]

    def _unknown(self, name: Hashable, what: str) -> KeyError:
        names = [str(column) for column in self._frame.columns]
        near = difflib.get_close_matches(str(name), names, n=3)
        hint = f"did you mean {show(near)}?" if near else f"columns are {show(names)}."
        return KeyError(f"{name!r} is not {what} of the frame; {hint}")


def _in_order_of(
    target: list[Hashable], proba: list[Hashable], classes: tuple[Any, ...]
) -> list[Hashable]:
    """Target columns in the order of the probability columns.

    They pair by class where they are named after the classes, by what their names say
    after a common prefix where these agree (v_cat with p_cat), else by position.
    """
    if set(target) == set(classes):
        return list(classes)
    by_rest = dict(zip(_after_common_prefix(target), target, strict=True))
    rests = _after_common_prefix(proba)
    if set(rests) == set(by_rest):
        return [by_rest[rest] for rest in rests]
    return target


def _after_common_prefix(names: list[Hashable]) -> list[str]:
    texts = [str(name) for name in names]
    common = os.path.commonprefix(texts)  # noqa: RUF071 - names, not paths
    return [text.removeprefix(common) for text in texts]


def _cast(texts: Iterable[str], labels: Iterable[Any], dtype: Any) -> list[Any]:
    """The classes that columns are named after, in the type of the labels."""
    by_text = {str(label): label for label in labels}
    kind = dtype.kind if isinstance(dtype, np.dtype) else "O"
    return [by_text.get(text, _as_kind(text, kind)) for text in texts]


def _as_kind(text: str, kind: str) -> Any:
    """A class that no row has, in the type of the labels where it can be."""
    readers: Mapping[str, Any] = {"i": int, "u": int, "f": float}
    try:
        return readers.get(kind, str)(text)
    except ValueError:
        return text


def _as_list(names: Any) -> list[Any]:
    return names if isinstance(names, list) else [names]
