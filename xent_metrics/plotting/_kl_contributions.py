"""Where a divergence lies: a map of targets and predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._decomposition.evidence import Data, evidence_of
from .._display.result import counted
from .._inputs.read_options import nats_per_unit
from .._kernels.table import FloatArray
from .._pickling import public
from ._bins import check_bins
from ._rows import blocks
from ._style import (
    BLUE,
    VERMILLION,
    axes_of,
    caption,
    evaluated,
    ink,
    number,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._decomposition.result import Decomposition
    from .._evaluation.evaluation import Evaluation

_FAINTEST, _SHADES = 0.08, 128  # opacity of the least cell; shades to each side
_LINEAR = 0.01  # of the greatest cell: below, colours are linear


class _Cells(NamedTuple):
    """Sums of contributions by (predicted, target), and what they leave out."""

    sums: FloatArray
    positive: float
    negative: float
    n_infinite: int


@public
def kl_contributions(
    evaluation: Evaluation, *, bins: int = 20, ax: Axes | None = None
) -> Axes:
    """Draw where the divergence of predictions from their targets lies.

    Every class of every row has a target p, a prediction q and a contribution
    p log(p / q) to the mean divergence: positive where the class got too little
    (q < p), negative where it got too much. Of hard labels p is 0 or 1, and all would
    lie at the top: they are refused.

    Parameters
    ----------
    evaluation : Evaluation
        What is drawn: of target distributions or votes.
    bins : int, default 20
        Number of bins of q, and of p.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.

    Returns
    -------
    matplotlib Axes
        A map whose cells sum to the mean divergence; cells without contribution are
        empty. Colours are linear near 0 and logarithmic beyond.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If ``bins`` is not a whole number above 0, if targets are hard labels, or if the
        result came without its data.

    See Also
    --------
    xent_metrics.kl_contributions : The numbers.
    kl_curve : The divergence of two classes.

    Examples
    --------
    >>> from xent_metrics import Evaluation, plotting
    >>> p, q = [[0.7, 0.3], [0.2, 0.8]] * 200, [[0.5, 0.5], [0.1, 0.9]] * 200
    >>> ax = plotting.kl_contributions(Evaluation.from_predictions(p, q))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('predicted probability q', 'target probability p')
    """
    n_bins = check_bins(bins)
    found = evaluated(evaluation)
    data = evidence_of(found).need("kl_contributions")
    if data.inputs.target is None:
        msg = (
            "kl_contributions requires target distributions or votes: found one label "
            "per row, whose contributions all lie at p = 1; draw reliability or "
            "by_class."
        )
        raise ValueError(msg)
    cells = _count(data, n_bins, found.clip, nats_per_unit(found.base))
    ax = axes_of(ax)
    caption(
        ax,
        heading=f"KL {number(cells.positive + cells.negative)} {found.unit}: "
        f"{number(cells.positive)} where q is too low, "
        f"{number(cells.negative)} where it is too high",
        x="predicted probability q",
        y="target probability p",
        remarks=_remarks(found, cells),
    )
    _draw(ax, cells.sums, found.unit)
    ax.plot([0, 1], [0, 1], color=ink(), alpha=0.6, dashes=(4, 3))
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(0.0, 1.0)
    return ax


def _count(data: Data, n_bins: int, clip: float, per_unit: float) -> _Cells:
    """Sum the contributions of cells, in units a row."""
    sums = np.zeros((n_bins, n_bins))
    whole = float(data.rows.weights.sum()) * per_unit
    positive = negative = 0.0
    n_infinite = 0
    for rows, q, p in blocks(data):
        with np.errstate(divide="ignore", invalid="ignore"):
            each = np.where(p > 0, p * np.log(p / np.maximum(q, clip)), 0.0)
        infinite = np.isinf(each)
        n_infinite += int(infinite.any(axis=0).sum())
        each[infinite] = 0.0
        each *= data.rows.weights[rows] / whole
        positive += float(each[each > 0].sum())
        negative += float(each[each < 0].sum())
        place = [np.minimum((t * n_bins).astype(np.int64), n_bins - 1) for t in (p, q)]
        flat = (place[0] * n_bins + place[1]).ravel()
        sums += np.bincount(flat, each.ravel(), n_bins**2).reshape(n_bins, n_bins)
    return _Cells(sums, positive, negative, n_infinite)


def _draw(ax: Axes, sums: FloatArray, unit: str) -> None:
    """The cells, and a bar that says what colours mean."""
    from matplotlib.colors import (  # noqa: PLC0415 - heavy, and optional
        ListedColormap,
        SymLogNorm,
        to_rgb,
    )

    greatest = float(np.abs(sums).max()) or 1.0
    # Small cells are nearly transparent: that suits a page of any colour.
    opacity = np.linspace(_FAINTEST, 1.0, _SHADES)
    shades = [(*to_rgb(BLUE), float(each)) for each in opacity[::-1]]
    shades += [(*to_rgb(VERMILLION), float(each)) for each in opacity]
    edges = np.linspace(0.0, 1.0, len(sums) + 1)
    mesh = ax.pcolormesh(
        edges,
        edges,
        np.ma.masked_equal(sums, 0.0),
        cmap=ListedColormap(shades),
        norm=SymLogNorm(_LINEAR * greatest, vmin=-greatest, vmax=greatest),
        rasterized=True,
    )
    figure = ax.get_figure()
    assert figure is not None, "axes to draw into are in a figure"
    bar = figure.colorbar(mesh, ax=ax)
    bar.set_label(f"contribution to the mean KL ({unit})")
    bar.outline.set_visible(False)
    decade = 10.0 ** np.floor(np.log10(greatest))
    ticks = np.array([-decade, -decade / 10.0, 0.0, decade / 10.0, decade])
    low = 0.0 if sums.min() >= 0 else -greatest
    bar.set_ticks(ticks[ticks >= low].tolist(), minor=False)
    bar.minorticks_off()
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.ax.set_ylim(low, greatest)


def _remarks(found: Decomposition, cells: _Cells) -> list[str]:
    """What the cells leave out."""
    remarks = []
    if cells.n_infinite:
        remarks.append(f"not drawn: {counted(cells.n_infinite, 'row')} of infinite KL")
    if found.vote_correction:
        remarks.append("before the correction for few votes")
    return remarks
