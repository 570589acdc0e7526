"""What all plots share: colours, axes, and text that no name of a user's breaks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .._inputs.labels import label_text
from .._terms import title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._decomposition.result import Decomposition

# Colours that colour-blind readers can tell apart (Okabe & Ito, 2008).
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, GREY = "#56B4E9", "#CC79A7", "#8C8C8C"

COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "cross_entropy": GREY,
        "uncertainty": BLUE,
        "refinement": BLUE,
        "irreducible": BLUE,
        "resolution": GREEN,
        "grouping_loss": SKY,
        "miscalibration": VERMILLION,
    }
)
HATCHES: Mapping[str, str] = MappingProxyType(
    {"resolution": "\\\\\\", "grouping_loss": "...", "miscalibration": "///"}
)

# A name is shown as it is: no dollar of it starts a formula.
AS_IT_IS: Mapping[str, Any] = MappingProxyType({"parse_math": False, "usetex": False})

_WIDTH, _HEIGHT = 6.0, 4.0  # inches
_LONGEST_NAME = 26  # characters
_LINE, _WIDEST = 74, 64  # characters across a figure of ours, and of a remark
_LEAST_LINE = 24  # characters, however small axes are
_AXES_WIDTH = 4.65  # inches, of a figure of ours before its layout is computed
_LEAST_SHOWN = 0.0005  # with three decimals


def axes_of(ax: Axes | None, *, height: float = _HEIGHT) -> Axes:
    """The axes to draw into, without frame: those given, or a figure of their own."""
    if ax is None:
        try:
            from matplotlib import pyplot as plt  # noqa: PLC0415 - heavy, and optional
        except ImportError as error:
            msg = (
                "plots need matplotlib: it is not installed; "
                "pip install 'xent-metrics[plot]'."
            )
            raise ImportError(msg) from error
        _, ax = plt.subplots(figsize=(_WIDTH, height), layout="constrained")
    if getattr(ax, "name", "") != "rectilinear":
        msg = (
            "ax must be matplotlib Axes with an x and a y axis: found "
            f"{type(ax).__name__}; pass one of those that plt.subplots() returns."
        )
        raise TypeError(msg)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def ink() -> str:
    """The colour of text and lines, as the user has set it."""
    from matplotlib import rcParams  # noqa: PLC0415 - heavy, and optional

    return str(rcParams["text.color"])


def caption(
    ax: Axes,
    *,
    heading: str | Sequence[str],
    x: str,
    y: str = "",
    remarks: Iterable[str] = (),
) -> None:
    """Set a short statement above (or several), the axes' labels, and remarks below.

    Lines are broken where the axes end, about; the names of ticks are set before.
    """
    figure = ax.get_figure()
    assert figure is not None, "axes to draw into are in a figure"
    size = ax.get_position().width * figure.bbox.width / figure.dpi / _AXES_WIDTH
    names = "\n".join(one.get_text() for one in ax.get_yticklabels()).split("\n")
    width = max(_LINE - max(map(len, names)), _LINE // 2) * size
    statements = [heading] if isinstance(heading, str) else heading
    each = max(round(width), _LEAST_LINE)
    said = [
        line
        for one in statements
        for part in one.splitlines()
        for line in wrap(part, each)
    ]
    statement = "\n".join(said)
    ax.set_title(statement, loc="left", fontsize="medium", **AS_IT_IS)
    width = max(round(_WIDEST * size), _LEAST_LINE)
    below = [line for remark in remarks for line in wrap(remark, width)]
    ax.set_xlabel("\n".join([x, *below]), **AS_IT_IS)
    if y:
        ax.set_ylabel(y, **AS_IT_IS)


def legend(ax: Axes, **options: Any) -> None:
    """A small legend, if anything has a label."""
    if not ax.get_legend_handles_labels()[0]:
        return
    box = ax.legend(**{"fontsize": "small", "framealpha": 0.6} | options)
    box.get_frame().set_linewidth(0.0)
    for text in box.get_texts():
        text.update(dict(AS_IT_IS))


def decomposition_of(result: Any) -> Decomposition:
    """The decomposition of an evaluation, or the one given."""
    found: Decomposition = getattr(result, "decomposition", result)
    if not hasattr(found, "miscalibration"):
        msg = (
            "the plot needs a Decomposition or an Evaluation: found "
            f"{type(result).__name__}; pass decompose(y_true, y_proba)."
        )
        raise TypeError(msg)
    return found


def evaluated(evaluation: Any) -> Decomposition:
    """The decomposition of an evaluation."""
    if not hasattr(evaluation, "decomposition"):
        msg = (
            f"the plot needs an Evaluation: found {type(evaluation).__name__}; pass "
            "Evaluation.from_predictions(y_true, y_proba)."
        )
        raise TypeError(msg)
    return decomposition_of(evaluation)


def with_unit(name: str, unit: str) -> str:
    """A term's name as words, with its unit."""
    return f"{title(name)} ({unit})"


def number(value: float) -> str:
    """A term as text: three decimals, or two digits where it is less."""
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if math.isnan(value):
        return "undefined"
    if value and abs(value) < _LEAST_SHOWN:
        return f"{value:.1e}"
    return f"{value:,.3f}"


def amount(value: float, unit: str) -> str:
    """A term as text, with its unit where it has one."""
    return f"{number(value)} {unit}" if math.isfinite(value) else number(value)


def reason(value: float, note: str | None, *, width: int = 44) -> str:
    """Why there is no finite value, in lines of some width."""
    return "\n".join(wrap(note or number(value), width))


def short(name: Any) -> str:
    """A name on one line, its middle left out where it is long.

    What no font could have (a lone surrogate) is written as Python does.
    """
    text = (
        " ".join(label_text(name).split()).encode("utf-8", "backslashreplace").decode()
    )
    if len(text) <= _LONGEST_NAME:
        return text
    half = _LONGEST_NAME // 2
    return f"{text[: half - 1]}…{text[-half:]}"


def percent(level: float) -> str:
    """A level or share as text."""
    return f"{100 * level:.3g}%"
