"""Numbers and names as a page shows them."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

import pandas as pd

from .._inputs.labels import label_text

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
MISSING = "(missing)"
_PLUS_MINUS = "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
_FEWEST, _MOST = 3, 9  # digits after the point
_LONGEST = 80
_JOINERS = "\u200c\u200d"  # of scripts and of emoji: harmless, and needed
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def decimals(value: float) -> int:
    """Digits after the point that leave a value about three that tell."""
    if value == 0 or not math.isfinite(value):
        return _FEWEST
    return min(max(_FEWEST, 2 - math.floor(math.log10(abs(value)))), _MOST)


def heading(words: str) -> str:
    """Words that stand alone: the first letter is a capital one."""
    return words[:1].upper() + words[1:]


def number(value: float, digits: int) -> str:
    """A number with a true minus; a dash where there is none."""
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else MINUS + "∞"
    rounded = round(value, digits) + 0.0  # never -0.000
    return f"{rounded:,.{digits}f}".replace("-", MINUS)


def probability(value: float, digits: int) -> str:
    """A probability; in powers of ten where digits after the point would be 0."""
    if 0 < value < 0.5 * 10.0**-digits:
        return f"{value:.1e}".replace("-", MINUS)
    return number(value, digits)


def with_error(value: float, error: float, digits: int) -> str:
    """A number and its standard error, where it has one."""
    if not (math.isfinite(value) and math.isfinite(error)):
        return number(value, digits)
    return _PLUS_MINUS.join(number(each, digits) for each in (value, error))


def interval(low: float, high: float, digits: int) -> str:
    """An interval; a dash where it has no bounds."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return NOTHING
    return f"{number(low, digits)} to {number(high, digits)}"


def count(value: float) -> str:
    """How many: whole, or, where targets are shares, with one digit."""
    if not math.isfinite(value):
        return NOTHING
    whole = float(value).is_integer()
    return f"{value:,.0f}" if whole else f"{value:,.1f}"


def share(value: float) -> str:
    """A share in percent."""
    if not math.isfinite(value):
        return NOTHING
    if 0 < value < 0.01:  # noqa: PLR2004
        return "less than 1%"
    return f"{round(100 * value) + 0:,}%".replace("-", MINUS)


def points(value: float) -> str:
    """A difference of two shares in percent, with its sign."""
    if not math.isfinite(value):
        return NOTHING
    return f"{100 * value:+.1f}%".replace("-", MINUS)


def plural(n: float, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def name(value: Any) -> str:
    """A user's name of a class, a group or a row: all that it holds is to be seen.

    What is invisible, or turns the direction of text, is written as Python writes it,
    and a long name loses its middle.
    """
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return MISSING
    text = label_text(value)
    if not text.strip():
        return repr(text)
    text = seen(text)
    if len(text) > _LONGEST:
        half = (_LONGEST - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return text


def seen(text: str) -> str:
    """A text with what is hidden in it as Python writes it."""
    return "".join(map(visible, text))


def visible(character: str) -> str:
    """A character, or how Python writes it where it is not to be seen."""
    if character in _JOINERS or unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")


def listed(words: list[str]) -> str:
    """Words in a sentence: one, two and three."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
