"""The page as HTML: well-formed, escaped, self-contained, and always the same."""

import importlib
import importlib.util
import re
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from xent_metrics import Evaluation

VOID = {"meta", "link", "br", "img", "hr", "input"}
POINTS_ELSEWHERE = {"href", "src", "xlink:href", "action", "data", "poster", "srcset"}


class Page(HTMLParser):
    """Elements by tag, with their attributes and text; nesting is checked."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.idents, self.comments = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "attrs": dict(attrs), "text": ""}
        assert len(element["attrs"]) == len(attrs), "an attribute twice"
        self.elements.append(element)
        self.idents += [value for key, value in attrs if key == "id"]
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def handle_comment(self, data):
        self.comments.append(data)

    def of(self, *tags):
        return [each for each in self.elements if each["tag"] in tags]

    def texts(self, *tags):
        return [each["text"].strip() for each in self.of(*tags)]


@pytest.fixture(scope="module")
def page(hard):
    return Page(hard.to_html(by="label"))


@pytest.fixture(scope="module")
def awkward_text(awkward, awkward_names):
    by = {"<b>by</b>": np.array(awkward_names, dtype=object)[np.arange(400) % 12]}
    return awkward.to_html(by=by, title="</title><script>alert(2)</script>")


def test_the_page_has_one_title_and_a_heading_for_each_section(page, hard):
    assert page.of("html")[0]["attrs"]["lang"] == "en"
    (title,) = page.texts("title")
    assert page.texts("h1") == [title]
    assert page.texts("h2") == [
        "What to do",
        "What the loss is made of",
        "What recalibration would remove",
        "Plots",
        "Classes",
        "Groups",
        "The costliest rows",
        "What was counted",
    ]
    assert len(page.of("caption")) == len(page.of("table")) == 7
    assert {th["attrs"]["scope"] for th in page.of("th")} == {"row", "col"}
    names = {meta["attrs"].get("name") for meta in page.of("meta")}
    assert {"viewport", "color-scheme"} <= names
    assert page.comments == []


def test_plots_are_named_and_explained(page, soft):
    plots = ["waterfall", "reliability", "entropy", "by_class"]
    assert [figure["attrs"]["id"] for figure in page.of("figure")] == plots
    assert len(page.of("figcaption")) == len(plots)
    for svg in page.of("svg"):
        assert svg["attrs"]["role"] == "img"
        assert svg["attrs"]["aria-label"]
        assert "width" not in svg["attrs"]
    of_soft = Page(soft.to_html())
    assert of_soft.of("figure")[-1]["attrs"]["id"] == "kl_contributions"


def test_identifiers_are_unique_and_found(page, awkward_text):
    for each in (page, Page(awkward_text)):
        assert len(set(each.idents)) == len(each.idents) > 50
        pointed_at = {
            place[1:]
            for element in each.elements
            for key, place in element["attrs"].items()
            if key in POINTS_ELSEWHERE and place.startswith("#")
        }
        assert pointed_at
        assert pointed_at <= set(each.idents)


def test_nothing_is_asked_from_elsewhere(awkward_text):
    page = Page(awkward_text)
    for element in page.elements:
        for key, value in element["attrs"].items():
            assert not key.startswith("on")
            if key in POINTS_ELSEWHERE:
                assert value.startswith(("#", "data:"))
            for place in re.findall(r"url\((.*?)\)", value or ""):
                assert place.startswith("#")
    assert not page.of("script", "iframe", "object", "embed", "base", "form", "img")
    (style,) = page.of("style")
    assert "url(" not in style["text"]
    assert "@import" not in style["text"]
    policies = [
        meta["attrs"]["content"]
        for meta in page.of("meta")
        if meta["attrs"].get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_names_of_users_are_text(awkward_text):
    page = Page(awkward_text)
    names = page.texts("bdi")
    assert "<script>alert(1)</script>" in names
    assert '"><img src=x onerror=alert(1)>' in names
    assert {"$x$", r"$\frac{$", "]]>", "-->", "&amp;", "''", r"two\nlines"} <= set(
        names
    )
    assert "<b>by</b>" in page.texts("th")
    assert page.texts("title") == ["</title><script>alert(2)</script>"]
    assert "\u202e" not in awkward_text
    in_plots = " ".join(page.texts("svg"))
    for name in ("<script>alert(1)</script>", "$x$", r"$\frac{$", "]]>", "&amp;"):
        assert name in in_plots


def test_style_is_not_escaped(page):
    (style,) = page.texts("style")
    assert '"Segoe UI"' in style


def test_plots_take_the_colours_of_the_page(page):
    svgs = page.of("svg")
    assert len(svgs) == 4
    styles = [each["attrs"].get("style") or "" for each in page.of("text")]
    assert styles
    assert all("fill: currentColor" in style for style in styles)
    assert not any("DejaVu" in style for style in styles)


@pytest.mark.slow
def test_the_same_evaluation_gives_the_same_page(hard):
    assert hard.to_html(by="label") == hard.to_html(by="label")


@pytest.mark.slow
def test_settings_of_the_user_are_left_alone_and_change_nothing(hard):
    mpl = importlib.import_module("matplotlib")
    before = hard.to_html()
    with mpl.rc_context(
        {"text.color": "red", "font.size": 30.0, "svg.fonttype": "path"}
    ):
        assert hard.to_html() == before
        assert mpl.rcParams["font.size"] == 30.0


@pytest.mark.slow
def test_no_global_figure_is_made(hard):
    plt = importlib.import_module("matplotlib.pyplot")
    hard.to_html()
    assert plt.get_fignums() == []


@pytest.mark.slow
def test_the_page_of_ten_thousand_rows_stays_small():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(10, 0.3), size=10_000)
    q = (p + 0.01) ** 2
    q /= q.sum(axis=1)[:, None]
    evaluation = Evaluation.from_predictions(p, q, recalibration="temperature")
    assert len(evaluation.to_html(by=np.arange(10_000) % 500).encode()) < 500_000


@pytest.mark.slow
def test_an_evaluation_without_rows_says_what_is_left_out(hard):
    page = Page(Evaluation.from_json(hard.to_json()).to_html(by="label"))
    shown = [figure["attrs"]["id"] for figure in page.of("figure")]
    assert shown == ["waterfall", "by_class"]
    (why,) = [text for text in page.texts("p") if text.startswith("Left out: ")]
    assert why.startswith("Left out: reliability diagram and predictive entropy. The ")


@pytest.mark.parametrize(
    "options",
    [
        {"clip": 0},
        pytest.param({"recalibration": "isotonic"}, marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_infinite_and_plug_in_losses_have_a_page(options):
    q = np.array([[0.9, 0.1], [0.3, 0.7]] * 199 + [[0.0, 1.0], [0.2, 0.8]])
    Page(Evaluation.from_predictions([0, 1] * 200, q, **options).to_html())


@pytest.mark.slow
def test_an_evaluation_writes_the_page_that_it_gives(hard, tmp_path):
    path = tmp_path / "page.html"
    hard.write_html(path, by="label", title="Ours")
    assert path.read_text(encoding="utf-8") == hard.to_html(by="label", title="Ours")


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_a_missing_library_is_named(hard, monkeypatch, missing):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == missing else found(name),
    )
    with pytest.raises(
        ImportError,
        match=f"the page needs {missing}: it is not installed; "
        r"pip install 'xent-metrics\[report\]'.",
    ):
        hard.to_html()
