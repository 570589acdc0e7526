"""A matplotlib figure as an SVG element that lives in a page among others."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._shown import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
