"""Warnings that point at the caller's line, however deep they arise."""

from __future__ import annotations

import sys
import warnings

_HOME = __name__.partition(".")[0]


def warn(message: str, category: type[Warning]) -> None:
    """Warn the first caller that is not of this package, nor of its integrations."""
    level, frame = 1, sys._getframe()  # noqa: SLF001 - as warnings itself does
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith(_HOME):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
