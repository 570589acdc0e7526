"""The plots of a page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import plotting
from ._shown import heading, listed
from ._svg import RC, svg
from ._tables import AT_MOST

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._evaluation.evaluation import EvaluationView

_WIDTH = 5.0  # inches: text of 10 points stays legible on a phone


class Kind(NamedTuple):
    """A plot by the name of its function: its title, caption, and height in inches."""

    name: str
    title: str
    caption: str
    height: float = 3.8


_KINDS = (
    Kind("waterfall", "waterfall", "The terms as steps, with their intervals.", 3.0),
    Kind(
        "reliability",
        "reliability diagram",
        "What came true, against the probability that it was given: a calibrated model "
        "lies on the dashed line.",
        4.6,
    ),
    Kind(
        "entropy",
        "predictive entropy",
        "What rows cost, against the cost that the model itself expected.",
    ),
    Kind("per_class", "terms of classes", "The terms of each true class."),
    Kind(
        "kl_contributions",
        "KL contributions",
        "Where the divergence of the predictions from the targets lies.",
        4.2,
    ),
)


class Plot(NamedTuple):
    """An SVG element with its caption."""

    name: str
    caption: str
    svg: Any


class Figures(NamedTuple):
    """The plots that can be shown, and a sentence on each that cannot."""

    shown: tuple[Plot, ...]
    left_out: tuple[str, ...]


def figures(evaluation: EvaluationView) -> Figures:
    """All plots of an evaluation, drawn without a window or a global figure."""
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2, an extra

    shown: list[Plot] = []
    refused: dict[str, list[str]] = {}
    for kind in _kinds(evaluation):
        try:
            text = _drawn(evaluation, kind)
        except ValueError as error:
            refused.setdefault(str(error), []).append(kind.title)
            continue
        # Safe: matplotlib escapes text, and the rest of it is ours.
        shown.append(Plot(kind.name, kind.caption, Markup(text)))  # noqa: S704
    left_out = (
        f"Left out: {listed(names)}. {heading(why)}" for why, names in refused.items()
    )
    return Figures(tuple(shown), tuple(left_out))


def _kinds(evaluation: EvaluationView) -> list[Kind]:
    """The plots that mean something: hard labels have no laws to differ from."""
    soft = not math.isnan(evaluation.decomposition.irreducible)
    return [kind for kind in _KINDS if soft or kind.name != "kl_contributions"]


def _drawn(evaluation: EvaluationView, kind: Kind) -> str:
    """One plot, in the page's colours whatever the user's settings are."""
    from matplotlib import style  # noqa: PLC0415 - heavy, and an extra
    from matplotlib.figure import Figure  # noqa: PLC0415

    height = kind.height
    if kind.name == "per_class":
        height = max(2.8, 1.5 + 0.3 * min(len(evaluation.labels), AT_MOST))
    with style.context(["default", dict(RC)]):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        draw = getattr(plotting, kind.name)
        ax = draw(evaluation, ax=figure.add_subplot())
        if kind.name == "kl_contributions":
            _as_on_paper(ax)
        return svg(figure, ident=kind.name, label=f"{kind.title}: {kind.caption}")


def _as_on_paper(ax: Axes) -> None:
    """Show a heat map, pale where nothing lies, alike on light and dark pages."""
    ax.set_facecolor("white")
    for line in ax.lines:
        line.set_color("#555555")
