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


GENERATED = sorted((SITE / "reference" / "generated").glob("*.html"))


@pytest.mark.parametrize("page", GENERATED, ids=lambda page: page.stem)
def test_every_entry_links_to_its_guide(page):
    links = re.findall(
        r'<strong>Guide:</strong>\s*<a [^>]*href="([^"]*)"', page.read_text("utf-8")
    )
    assert any(re.match(r"\.\./\.\./(guide|gallery|\w+\.html)", one) for one in links)


def test_every_plot_shows_its_picture_with_words_for_it():
    for name in importlib.import_module("xent_metrics.plotting").__all__:
        entry = SITE / "reference" / "generated" / f"xent_metrics.plotting.{name}.html"
        for page in (entry, SITE / "gallery" / "index.html"):
            found = re.findall(
                rf"<img [^>]*{name}_(?:light|dark)\d*\.svg[^>]*>",
                page.read_text("utf-8"),
            )
            assert len(found) == len(("light", "dark")), (page.name, name)
            assert all(re.search(r'alt="[^"]{30,}"', one) for one in found)


def test_every_example_has_a_page():
    examples = {path.stem for path in (SITE.parents[2] / "examples").glob("[0-9]*.py")}
    pages = {path.stem for path in (SITE / "gallery" / "examples").glob("*.html")}
    assert examples
    assert examples == pages


def test_every_picture_has_words_for_it():
    for page in PAGES:
        for picture in re.findall(r"<img\b[^>]*>", page.read_text("utf-8")):
            assert re.search(r'\balt="[^"]+"', picture), (page.name, picture)
