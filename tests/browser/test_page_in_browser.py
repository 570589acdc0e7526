"""The page as readers see it: in a browser, in light and dark, on a phone."""

import numpy as np
import pytest

pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: no browser is driven"
)
pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from xent_metrics import Evaluation

from ..draws import labels_from, tempered

NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "$x$",
    "&amp;",
    "unbroken" * 20,
    "Ünï 漢字 \u202e",
]
# The contrast of all that is written with what is painted behind it, as WCAG 2 has it.
CONTRASTS = """
() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = (colour) => {
        const [r, g, b] = channels(colour).slice(0, 3).map((value) => {
            const part = value / 255;
            return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const colour = getComputedStyle(each).backgroundColor;
            if ((channels(colour)[3] ?? 1) > 0) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const found = {};
    for (const element of document.querySelectorAll(
        "body, h1, h2, p, caption, th, td, figcaption, svg text"
    )) {
        const style = getComputedStyle(element);
        const colour = element.closest("svg") ? style.fill : style.color;
        const [one, other] = [luminance(colour), luminance(behind(element))];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        const kind = element.tagName.toLowerCase();
        found[kind] = Math.min(found[kind] ?? 99, ratio);
    }
    return found;
}
"""


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    """A page with names that would break what does not escape them."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(len(NAMES)), size=400)
    q, y = tempered(p), np.array(NAMES, dtype=object)[labels_from(p, rng)]
    evaluation = Evaluation.from_predictions(
        y, q, labels=NAMES, recalibration="temperature"
    )
    path = tmp_path_factory.mktemp("page") / "page.html"
    evaluation.write_html(path, by="predicted", title="<script>alert(2)</script>")
    return path


@pytest.fixture(
    scope="module",
    params=[(1200, "light"), (1200, "dark"), (360, "light"), (360, "dark")],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def opened(request, browser, page_path):
    """The page in a window of some width and scheme, and all that it did."""
    width, scheme = request.param
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    page, events = context.new_page(), []
    page.on("request", lambda asked: events.append(("request", asked.url)))
    page.on("console", lambda said: events.append(("console", said.text)))
    page.on("pageerror", lambda error: events.append(("error", str(error))))
    page.on("dialog", lambda box: (events.append(("dialog", "")), box.dismiss()))
    page.goto(page_path.as_uri(), wait_until="load")
    yield page, events
    context.close()


def test_the_page_asks_for_nothing_and_says_nothing(opened, page_path):
    page, events = opened
    assert events == [("request", page_path.as_uri())]
    assert page.title() == "<script>alert(2)</script>"
    assert page.locator("script").count() == 0


def test_the_page_does_not_scroll_sideways(opened):
    page, _ = opened
    scrolled, shown = page.evaluate(
        "[document.scrollingElement.scrollWidth, window.innerWidth]"
    )
    assert scrolled <= shown


def test_all_that_is_written_can_be_read(opened):
    page, _ = opened
    ratios = page.evaluate(CONTRASTS)
    expected = {"body", "h1", "h2", "p", "caption", "th", "td", "figcaption", "text"}
    assert set(ratios) == expected
    assert {kind: ratio for kind, ratio in ratios.items() if ratio < 4.5} == {}


def test_plots_fill_their_column_and_are_named(opened):
    page, _ = opened
    figures = page.locator("figure svg")
    assert figures.count() == 4
    for place in range(4):
        box = figures.nth(place).bounding_box()
        assert box["width"] > 280
        assert box["height"] > 120
    assert page.get_by_role("img", name="reliability diagram").count() == 1


def test_the_page_follows_the_scheme_of_the_reader(opened):
    page, _ = opened
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == ("rgb(21, 24, 29)" if dark else "rgb(255, 255, 255)")


def test_the_page_prints_on_white(opened):
    page, _ = opened
    page.emulate_media(media="print")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    ratios = page.evaluate(CONTRASTS)
    page.emulate_media(media="screen")
    assert colour == "rgb(255, 255, 255)"
    assert min(ratios.values()) >= 4.5
