"""What a reader of the built site relies on; `tox run -e docs` builds it first."""

import importlib
import re
import zlib
from pathlib import Path

import pytest

SITE = Path(__file__).parent / "_build" / "html"
PACKAGES = (
    "xent_metrics",
    "xent_metrics.gates",
    "xent_metrics.plotting",
    "xent_metrics.polars",
    "xent_metrics.scorers",
    "xent_metrics_mlflow",
    "xent_metrics_pytest",
)
PAGES = sorted(SITE.rglob("*.html"))
HREF = re.compile(r'<a\s[^>]*?href="([^"]*)"')
LOADED = re.compile(
    r'<(?:script|link|img|iframe|source|video)\b[^>]*?="((?:\w+:)?//[^"]*)'
)
IDS = re.compile(r'\bid="([^"]*)"')


def documented():
    """Names of all entries: of Sphinx's inventory, which is text after four lines."""
    inventory = (SITE / "objects.inv").read_bytes().split(b"\n", 4)[4]
    lines = zlib.decompress(inventory).decode().splitlines()
    return {line.split()[0] for line in lines if " py:" in line}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_an_entry(package):
    public = {f"{package}.{name}" for name in importlib.import_module(package).__all__}
    assert public - documented() == set()


def test_public_methods_have_entries():
    assert {
        "xent_metrics.Decomposition.by",
        "xent_metrics.Decomposition.to_json",
        "xent_metrics.Evaluation.from_cv_results",
        "xent_metrics.XentAccessor.summary",
        "xent_metrics.scorers.TermScorer.set_score_request",
    } <= documented()


def test_pages_load_nothing_from_another_host():
    styles = [*SITE.rglob("*.css"), *SITE.rglob("*.svg")]
    assert PAGES
    for page in PAGES:
        assert LOADED.findall(page.read_text("utf-8")) == [], page.name
    for style in styles:
        text = style.read_text("utf-8")
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", text), style


def test_links_within_the_site_lead_somewhere():
    ids = {page: set(IDS.findall(page.read_text("utf-8"))) for page in PAGES}
    for page in PAGES:
        for href in HREF.findall(page.read_text("utf-8")):
            if re.match(r"\w+:", href):
                continue
            path, _, anchor = href.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f"{page.name}: {href}"
            assert not anchor or anchor in ids.get(target, {anchor}), (
                f"{page.name}: {href}"
            )
