"""axe-core finds no serious fault on the page of an evaluation, nor on the site."""

from pathlib import Path

import pytest

pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: no browser is driven"
)
pytest.importorskip("axe_playwright_python")
pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from axe_playwright_python.sync_playwright import Axe

from xent_metrics import Evaluation

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
OF_SITE = [
    *("index.html", "terms.html", "scale.html", "gallery/index.html"),
    *("guide/first_report.html", "guide/choosing.html", "guide/estimation.html"),
    "reference/generated/xent_metrics.plotting.reliability.html",
]
WINDOWS = [(1200, "light"), (1200, "dark"), (390, "light"), (390, "dark")]


def serious(browser, path, width, scheme):
    """What axe-core calls serious or critical, and where it is."""
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="load")
    found = Axe().run(page).response["violations"]
    context.close()
    return [
        (one["id"], one["nodes"][0]["html"])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_the_page_of_an_evaluation(browser, tmp_path, width, scheme):
    y, q = ["cat", "dog"] * 200, [[0.8, 0.2], [0.6, 0.4]] * 200
    path = tmp_path / "page.html"
    Evaluation.from_predictions(y, q).write_html(path, by="predicted")
    assert serious(browser, path, width, scheme) == []


@pytest.mark.parametrize("name", OF_SITE)
@pytest.mark.parametrize(("width", "scheme"), WINDOWS[1:3])
def test_pages_of_the_site(browser, name, width, scheme):
    if not SITE.exists():
        pytest.skip("the site is not built: tox run -e docs builds it")
    assert serious(browser, SITE / name, width, scheme) == []
