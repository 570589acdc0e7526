"""An evaluation as it is looked at: tables, text, JSON, plots and a page."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from ._decomposition.result import Decomposition
from ._decomposition.text import summary
from ._display import Result, encode_label, encode_table, plain
from ._read_back import SCHEMA
from ._slices import keys_of, summarise, summary_of, worst

if TYPE_CHECKING:
    from matplotlib.axes import Axes


PlotKind = Literal[
    "waterfall", "reliability", "entropy", "per_class", "kl_contributions"
]


@dataclass(frozen=True, kw_only=True, repr=False)
class EvaluationView(Result):
    """What an evaluation holds and shows; :class:`Evaluation` says how it is made."""

    decomposition: Decomposition
    per_sample: pd.DataFrame | None = field(compare=False)
    per_class: pd.DataFrame = field(compare=False)
    labels: tuple[Any, ...]
    folds: pd.DataFrame | None = field(default=None, compare=False)
    by_group: pd.DataFrame | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        """The decomposition, and what tables there are."""
        tables = {
            "per_sample": self.per_sample,
            "per_class": self.per_class,
            "folds": self.folds,
            "by_group": self.by_group,
        }
        lines = [
            f"{name}: a table of {len(table):,} rows and {table.shape[1]} columns"
            for name, table in tables.items()
            if table is not None
        ]
        return "\n".join(["Evaluation", "", repr(self.decomposition), *lines])

    def summary(self, by: Any = None) -> pd.DataFrame:
        """Counts and means of the rows' measures, in all or by group.

        Parameters
        ----------
        by : column name or names of per_sample, or values, optional
            What the rows are grouped by: columns of ``per_sample``, one value a
            row, or a DataFrame or mapping of several keys. A missing value is a group
            of its own.

        Returns
        -------
        DataFrame
            One row a group: ``n``, ``weight`` (its share), the means of
            ``cross_entropy``, ``entropy``, ``kl_divergence``, ``predictive_entropy``
            and ``calibration_gap``, each with its standard error ``<name>_se``, and a
            ``note`` where there are none. For terms of the recalibration map by group
            see :meth:`Decomposition.by`.

        Raises
        ------
        ValueError
            If there is not one value a row, or if the evaluation has no rows to group:
            of one that was scanned, ``by`` may be what it was scanned by.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
        >>> evaluation.summary("label")["cross_entropy"].round(4).to_dict()
        {0: 0.2231, 1: 0.3567}
        """
        if self.by_group is not None and by is not None:
            names = [by] if isinstance(by, str) else by
            if list(names) == list(self.by_group.index.names):
                return self.by_group
        if by is None and self.per_sample is None:
            return summary_of(self.decomposition)
        rows = self._rows("summary")
        columns = {
            name: rows[name].to_numpy()
            for name in rows.columns
            if rows[name].dtype == np.float64
        }
        return summarise(
            columns,
            keys_of(rows, by),
            weights=self._weights(),
            clusters=rows["group"].to_numpy() if "group" in rows else None,
            hard="label" in rows,
        )

    def worst(self, n: int = 10, *, by: Any = None) -> pd.DataFrame:
        """The rows of ``per_sample`` that cost most, the most costly first.

        Parameters
        ----------
        n : int, default 10
            How many rows, of each group if there are groups.
        by : column name or names of per_sample, or values, optional
            Groups, as in :meth:`summary`.

        Returns
        -------
        DataFrame
            With the rows' index; the groups' names come first. Rows of weight 0 are
            left out.

        Raises
        ------
        ValueError
            As in :meth:`summary`, or if ``n`` is not a whole number above 0.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
        >>> evaluation.worst(1)[["label", "predicted", "p_true"]]
           label  predicted  p_true
        1      1          1     0.7
        """
        rows = self._rows("worst")
        return worst(rows, n, keys_of(rows, by), self._weights())

    def plot(
        self, kind: PlotKind = "waterfall", *, ax: Axes | None = None, **options: Any
    ) -> Axes:
        """Draw one of the plots of :mod:`xent_metrics.plotting`.

        Parameters
        ----------
        kind : str, default "waterfall"
            "waterfall" (what the cross-entropy is made of), "reliability" (predicted
            against observed), "entropy" (the cost of each row against the one that the
            model expects), "per_class" or "kl_contributions".
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own.
        **options
            Those of the function of that name.

        Returns
        -------
        Axes
            With the plot.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no such kind, or if it needs data that the evaluation was read
            back without.
        """
        from . import plotting  # noqa: PLC0415 - matplotlib is loaded when first used

        kinds = PlotKind.__args__  # type: ignore[attr-defined] # typing's own
        if kind not in kinds:
            msg = (
                f"kind must be one of {', '.join(map(repr, kinds))}: found {kind!r}; "
                "pass the name of a plot."
            )
            raise ValueError(msg)
        axes: Axes = getattr(plotting, kind)(self, ax=ax, **options)
        return axes

    def to_frame(self) -> pd.DataFrame:
        """The terms as a table with one row a term; see ``per_sample`` for rows."""
        return self.decomposition.to_frame()

    def to_dict(self, *, per_sample: bool = False) -> dict[str, Any]:
        """All that is needed to read the evaluation back, in plain types.

        Parameters
        ----------
        per_sample : bool, default False
            Whether the rows come too.

        Returns
        -------
        dict
            ``schema`` (its version), ``decomposition``, ``base``, ``labels``, and the
            tables ``ladder``, ``per_class``, ``folds``, ``by_group`` and
            ``per_sample``.
        """
        tables = {
            "ladder": self.decomposition.ladder,
            "per_class": self.per_class,
            "folds": self.folds,
            "by_group": self.by_group,
            "per_sample": self.per_sample if per_sample else None,
        }
        return {
            "schema": SCHEMA,
            "decomposition": self.decomposition.to_dict(),
            "base": self.decomposition.evidence.base,
            "labels": [encode_label(label) for label in self.labels],
            **{
                name: None if table is None else encode_table(table)
                for name, table in tables.items()
            },
        }

    def to_json(self, *, per_sample: bool = False) -> str:
        """:meth:`to_dict` as strict JSON, for :meth:`Evaluation.from_json`.

        Parameters
        ----------
        per_sample : bool, default False
            Whether the rows come too: about 200 bytes each.

        Returns
        -------
        str
            What is not finite is text, such as "nan" and "inf".

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
        >>> Evaluation.from_json(evaluation.to_json()) == evaluation
        True
        """
        return json.dumps(plain(self.to_dict(per_sample=per_sample)), allow_nan=False)

    def to_html(self, *, by: Any = None, title: str | None = None) -> str:
        """One self-contained page: figures inline, no script, no outside request.

        Parameters
        ----------
        by : column name or names of per_sample, or values, optional
            Groups to show, as in :meth:`summary`.
        title : str, optional
            The page's title. Default: what was evaluated, in numbers.

        Returns
        -------
        str
            The page. Names of classes and all else from the data is escaped.

        Raises
        ------
        ImportError
            If jinja2 or matplotlib is not installed.
        """
        from . import _page  # noqa: PLC0415 - jinja2 is loaded when first used

        return _page.render(self, by=by, title=title)

    def write_html(
        self,
        path: str | os.PathLike[str],
        *,
        by: Any = None,
        title: str | None = None,
    ) -> None:
        """Write the page of :meth:`to_html` to a file, wholly or not at all.

        Parameters
        ----------
        path : path of a file
            Where to write.
        by, title
            As in :meth:`to_html`.
        """
        from . import _page  # noqa: PLC0415 - jinja2 is loaded when first used

        _page.write(path, self.to_html(by=by, title=title))

    def _headline(self) -> str:
        return summary(self.decomposition).partition("\n")[0]

    def _rows(self, method: str) -> pd.DataFrame:
        if self.per_sample is None:
            msg = (
                f"{method} needs per_sample: the evaluation has no rows, as it was "
                "scanned, or read back without them; pass by= to scan, or "
                "per_sample=True to to_json."
            )
            raise ValueError(msg)
        return self.per_sample

    def _weights(self) -> Any:
        rows = self.per_sample
        known = rows is not None and "weight" in rows
        return rows["weight"].to_numpy() if rows is not None and known else None
