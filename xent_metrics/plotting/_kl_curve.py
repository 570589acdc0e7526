"""The divergence of a two-class prediction as its probability moves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from .._inputs.read_options import nats_per_unit, unit_name
from .._kernels.table import FloatArray
from .._pickling import public
from ._style import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, axes_of, caption, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE)
_DASHES = ("-", "--", "-.", ":")
_MARKERS = "osD^v"
_EDGE = 1e-4  # the nearest to 0 and 1
_POINTS = 801
_TOP = 2.5  # nats


@public
def kl_curve(
    p: float | Iterable[float] = (0.1, 0.3, 0.5),
    *,
    ax: Axes | None = None,
    base: float | None = None,
) -> Axes:
    """Draw the divergence of a two-class prediction as its probability moves.

    KL((p, 1 - p) || (q, 1 - q)) for q in (0, 1): 0 only where q is p, and growing
    without bound where q rules out what p allows.

    Parameters
    ----------
    p : float or sequence of float, default (0.1, 0.3, 0.5)
        Probabilities of a target, in [0, 1]; each has a curve.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.
    base : float, optional
        Base of the logarithm: 2 for bits. Default: nats.

    Returns
    -------
    matplotlib Axes
        One curve for each ``p``, with a marker where it is 0.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If ``p`` is neither a number nor a sequence of numbers.
    ValueError
        If a ``p`` is not in [0, 1], or as in :func:`xent_metrics.cross_entropy`.

    See Also
    --------
    xent_metrics.kl_divergence : The numbers.
    kl_contributions : Where the divergence of a model lies.

    Examples
    --------
    >>> from xent_metrics import plotting
    >>> ax = plotting.kl_curve(0.3, base=2)
    >>> ax.get_ylabel()
    'KL(p || q) (bits)'
    """
    targets = _targets(p)
    wrong = ~((targets >= 0) & (targets <= 1))
    if wrong.any():
        msg = (
            f"p must be in [0, 1]: found {targets[wrong][0]:g}; pass probabilities of "
            "the first of two classes."
        )
        raise ValueError(msg)
    per_unit = nats_per_unit(base)
    ax = axes_of(ax)
    q = np.linspace(_EDGE, 1.0 - _EDGE, _POINTS)
    for place, target in enumerate(targets):
        colour = _COLOURS[place % len(_COLOURS)]
        ax.plot(
            q,
            _divergence(float(target), q) / per_unit,
            color=colour,
            linestyle=_DASHES[place % len(_DASHES)],
            marker=_MARKERS[place % len(_MARKERS)],
            markevery=[int(np.argmin(np.abs(q - target)))],
            label=f"p = {target:g}",
        )
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(-0.02 * _TOP / per_unit, _TOP / per_unit)
    caption(
        ax,
        heading="KL(p || q) is 0 only at q = p",
        x="predicted probability q",
        y=f"KL(p || q) ({unit_name(base)})",
    )
    legend(ax, loc="upper center")
    return ax


def _targets(p: Any) -> FloatArray:
    """One probability or several, as an array."""
    listed = list(p) if isinstance(p, Iterable) and not isinstance(p, str) else [p]
    try:
        targets = np.asarray(listed)
    except ValueError:  # of several lengths
        targets = np.empty((0, 0))
    if targets.ndim != 1 or targets.dtype.kind not in "biuf":
        msg = (
            "p must be a number or a sequence of numbers: found "
            f"{type(p).__name__}; pass probabilities of the first of two classes."
        )
        raise TypeError(msg)
    return targets.astype(np.float64)


def _divergence(p: float, q: FloatArray) -> FloatArray:
    """Sum of p log(p / q) over the two classes, with 0 log 0 = 0."""
    out = np.zeros_like(q)
    for target, predicted in ((p, q), (1.0 - p, 1.0 - q)):
        if target > 0:
            out += target * np.log(target / predicted)
    return out
