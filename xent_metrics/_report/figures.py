"""Plots as inline SVG."""

from __future__ import annotations

import html
import io
import math
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import plotting
from .formatting import heading, listed, visible
from .tables import AT_MOST

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .._evaluation.evaluation import Evaluation

# Colours that no plot would choose: the page's style decides what they are.
INK, RULE, PAPER = "#010203", "#010204", "#010205"
_COLOURS = {INK: "currentColor", RULE: "var(--rule)", PAPER: "var(--paper)"}

RC: Mapping[str, object] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "figure.dpi": 144,
    "figure.facecolor": "none",
    "font.size": 10,
    "grid.color": RULE,
    "hatch.color": INK,
    "legend.edgecolor": RULE,
    "legend.facecolor": PAPER,
    "lines.color": INK,
    "patch.edgecolor": INK,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "xent-metrics",
    "text.color": INK,
    "text.usetex": False,
    "xtick.color": INK,
    "ytick.color": INK,
}

_MOST_POINTS = 500  # beyond, points are pixels: a hundred bytes each add up

_HEAD = re.compile(r'^.*?<svg\b[^>]*?\bviewBox="([^"]*)"[^>]*>', re.DOTALL)
_NEVER = re.compile(
    r"<!--.*?-->|<metadata>.*?</metadata>|<style\b.*?</style>", re.DOTALL
)
_TAG = re.compile(r"<[^<>]*>")
_IDENT = re.compile(r'(\bid="|href="#|url\(#)')
# What turns the direction of text, or is not seen: shown as Python writes it.
_HIDDEN = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b\\u200e\\u200f"
    "\\u2028-\\u202e\\u2060-\\u2069\\ufeff]"
)
_DIGITS = re.compile(r"(?<![\w#])(-?\d+\.\d{2})\d+")
_PATH = re.compile(r'\b(?:d|x|y|points)="[^"]*"')
_FONT = re.compile(r"(font(?:-family)?: [^;\"]*?)'[^;\"]*")


def svg(figure: Figure, *, ident: str, label: str) -> str:
    """The figure's SVG: no outside name, no style but its own, ids of its own."""
    text = _NEVER.sub("", _saved(figure))
    head = _HEAD.match(text)
    assert head is not None, "matplotlib writes a viewBox"
    opening = (
        f'<svg viewBox="{head[1]}" role="img" aria-label="{html.escape(label)}" '
        'xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    body = _TAG.sub(lambda tag: _tag(tag[0], ident), text[head.end() :])
    body = _HIDDEN.sub(lambda hidden: visible(hidden[0]), body)
    return opening + re.sub(r"\n\s*", "\n", body).strip()


def _saved(figure: Figure) -> str:
    for axes in figure.axes:
        for points in axes.collections:
            n = max(len(points.get_offsets()), len(points.get_paths()))  # type: ignore[arg-type]
            if n > _MOST_POINTS:
                points.set_rasterized(True)
    file = io.StringIO()
    with warnings.catch_warnings():
        # The reader's browser has other fonts than this machine.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight")
    return file.getvalue()


def _tag(tag: str, ident: str) -> str:
    """A tag with its ids, colours, fonts and digits; text between tags is not met."""
    tag = _IDENT.sub(rf"\g<1>{ident}-", tag)
    for ours, theirs in _COLOURS.items():
        tag = tag.replace(ours, theirs)
    tag = _FONT.sub(r"\g<1>inherit", tag)
    return _PATH.sub(lambda found: _DIGITS.sub(r"\1", found[0]), tag)


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
        "How often predictions came true, against their probability: a calibrated "
        "model lies on the dashed line.",
        4.6,
    ),
    Kind(
        "entropy",
        "predictive entropy",
        "What rows cost, against the cost that the model itself expected.",
    ),
    Kind("by_class", "terms of classes", "The terms of each true class."),
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


def figures(evaluation: Evaluation) -> Figures:
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


def _kinds(evaluation: Evaluation) -> list[Kind]:
    """The plots that mean something: hard labels have no distributions to compare."""
    soft = not math.isnan(evaluation.decomposition.irreducible)
    return [kind for kind in _KINDS if soft or kind.name != "kl_contributions"]


def _drawn(evaluation: Evaluation, kind: Kind) -> str:
    """One plot, in the page's colours whatever the user's settings are."""
    from matplotlib import style  # noqa: PLC0415 - heavy, and an extra
    from matplotlib.figure import Figure  # noqa: PLC0415

    height = kind.height
    if kind.name == "by_class":
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
