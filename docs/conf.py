"""How Sphinx builds the site: from the docstrings, and without the network."""

import dataclasses
import importlib
import os
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numpydoc.xref import DEFAULT_LINKS
from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS)]
os.environ["MPLBACKEND"] = "Agg"  # no windows

PACKAGES = [
    "xent_metrics",
    "xent_metrics.scorers",
    "xent_metrics.plotting",
    "xent_metrics.gates",
    "xent_metrics.polars",
    "xent_metrics_mlflow",
    "xent_metrics_pytest",
]

project = "xent-metrics"
author = "The xent-metrics developers"
copyright = author  # noqa: A001 - Sphinx's name
release = version(project)
version = release

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "mathml",
    "command_help",
    "gallery",
    "guides",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
nitpicky = True
smartquotes = False  # "auto" is what to type

html_theme = "furo"
html_title = f"xent-metrics {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_extra"]  # pages that make_pictures.py writes
html_copy_source = False
html_math_renderer = "mathml"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 2

autodoc_mock_imports = ["mlflow"]  # a base class of it is all that is wanted here
autodoc_typehints = "none"  # the docstrings say them in words
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"

numpydoc_show_class_members = False  # the template of a class lists them
# Types link to the package's own, not to the sites of Python and numpy.
DEFAULT_LINKS.clear()
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {
    name: f"{package}.{name}"
    for package in PACKAGES
    for name in importlib.import_module(package).__all__
    if name[0].isupper()
}
numpydoc_validation_checks = {
    "GL03",  # two blank lines in a row
    "GL06",  # a section that numpydoc does not know
    "GL07",  # sections out of order
    "PR01",  # a parameter that is not documented
    "PR02",  # a documented parameter that does not exist
    "SS03",  # a summary without its full stop
}
numpydoc_validation_exclude = {
    r"\.[A-Z]\w*$",  # fields of a class are its attributes
    r"\.scorers\.(?!get_)[a-z_]+$",  # callables that are made, not defined
    r"\.RecalibrationMap\.",  # a protocol: its summary is for who writes one
}


def _hide_signature(
    _app: Sphinx, what: str, name: str, obj: Any, *_: Any
) -> tuple[str, None] | None:
    """No list of all fields above a class that users do not make by hand."""
    if name == "xent_metrics.XentAccessor":  # made by pandas
        return "", None
    made_elsewhere = dataclasses.is_dataclass(obj) or "Parameters\n" not in (
        obj.__doc__ or ""
    )
    return ("", None) if what == "class" and made_elsewhere else None


def _skip(_app: Sphinx, _what: str, _name: str, obj: Any, *_: Any) -> bool | None:
    """Leave out fields of named tuples, and what bases of scikit-learn bring.

    The former are in the section Attributes of their class, the latter are documented
    there, with links into their own site.
    """
    alias = str(getattr(obj, "__doc__", "")).startswith("Alias for field number")
    theirs = str(getattr(obj, "__module__", "")).startswith("sklearn.")
    return True if alias or theirs else None


def _let_keys_scroll(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], *_: Any
) -> None:
    """Let those who use no mouse reach what is wider than the page."""
    wide = re.compile(r'<(pre|div class="(?:formula|table-wrapper)[^"]*")>')
    context["body"] = wide.sub(r'<\1 tabindex="0">', context.get("body", ""))


def _draw(*_: Any) -> None:
    """Draw what the guide shows, before Sphinx looks for it."""
    importlib.import_module("make_pictures").draw(DOCS)


def setup(app: Sphinx) -> None:
    """Add what is no option."""
    app.connect("config-inited", _draw)
    app.connect("autodoc-process-signature", _hide_signature)
    app.connect("autodoc-skip-member", _skip)
    app.connect("html-page-context", _let_keys_scroll)
