"""Each entry of the reference ends with its guide, and with the terms that it uses.

The guide is that of its group: the pages named after "Guide:" in docs/reference/*.rst.
Terms are those of the glossaries of docs/terms.md that stand in its docstring.
"""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

DOCS = Path(__file__).parent.parent
_NAME = r"^   (?:~?)([\w.]+)$"


def guides() -> dict[str, list[str]]:
    """The pages of each public name."""
    found: dict[str, list[str]] = {}
    for group in sorted((DOCS / "reference").glob("*.rst")):
        text = group.read_text("utf-8")
        package = re.search(r"^\.\. currentmodule:: (.*)$", text, re.MULTILINE)
        said = re.search(r"\bGuide:((?:\s+:doc:`[^`]+`,?)+)", text)
        if package is None or said is None:
            continue
        pages = re.findall(r":doc:`\.\./([^`]+)`", said[1])
        names = re.findall(_NAME, text, re.MULTILINE)
        names += re.findall(r"^\.\. autodata:: (\w+)$", text, re.MULTILINE)
        found |= {f"{package[1]}.{name}": pages for name in names}
    return found


def terms() -> list[str]:
    """What the glossaries define."""
    text = (DOCS / "terms.md").read_text("utf-8")
    glossaries = re.findall(
        r"^```{glossary}\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    )
    return [
        line
        for glossary in glossaries
        for line in glossary.splitlines()
        if line and not line.startswith(" ")
    ]


GUIDES, TERMS = guides(), terms()


def _used(text: str) -> list[str]:
    """The terms in a text, in the order of the glossaries."""
    words = _plain(text)
    return [
        term
        for term in TERMS
        if term != "confidence"  # of intervals, most often
        and any(re.search(rf"\b{_plain(one)}\b", words) for one in term.split(", "))
    ]


def _plain(text: str) -> str:
    """Words without what joins them: a term is also a name in code."""
    return re.sub(r"[\s_-]+", " ", text).casefold()


def _add_links(
    _app: Sphinx, _what: str, name: str, obj: Any, _options: Any, lines: list[str]
) -> None:
    if name not in GUIDES:
        return
    pages = ", ".join(f":doc:`/{page}`" for page in GUIDES[name])
    lines += ["", f"**Guide:** {pages}.", ""]
    if used := _used(getattr(obj, "__doc__", None) or ""):
        lines += [f"**Terms:** {', '.join(f':term:`{term}`' for term in used)}.", ""]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register it, after numpydoc."""
    app.connect("autodoc-process-docstring", _add_links, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
