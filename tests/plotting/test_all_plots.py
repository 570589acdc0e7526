"""What is true of every plot."""

import io
import pickle

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.text import Text

from xent_metrics import (
    Evaluation,
    Monitor,
    decompose_ensemble,
    drift,
    expected_loss,
    plotting,
)

from ..draws import labels_from
from ..thinned import thinned

NAMES = [
    "$a_1$",
    "<script>alert(1)</script>",
    "x^2 & $",
    "a name that is " + 8 * "long ",
]
OF_AN_EVALUATION = (
    "waterfall",
    "reliability",
    "entropy",
    "by_class",
    "kl_contributions",
)
OF_HARD_LABELS = OF_AN_EVALUATION[:-1]


@pytest.fixture(scope="module")
def named(forecasts):
    """Classes whose names would be formulas, markup, or too long."""
    p, q = forecasts
    y = [NAMES[code] for code in labels_from(p, np.random.default_rng(1))]
    return Evaluation.from_predictions(y, q, labels=NAMES)


@pytest.fixture(scope="module")
def later(named):
    """Other rows of the same classes."""
    rng = np.random.default_rng(2)
    q = rng.dirichlet(np.ones(len(NAMES)), 600)
    y = [NAMES[code] for code in labels_from(q, rng)]
    return Evaluation.from_predictions(y, q, labels=NAMES)


some = pytest.mark.parametrize(
    "draw",
    thinned(plotting.__all__, ["reliability", "by_class", "ensemble", "models"]),
    indirect=True,
)


@pytest.fixture(params=plotting.__all__)
def draw(request, named, later):
    """Each plot, as a function of its axes alone."""
    function = getattr(plotting, request.param)
    subject = named
    if request.param == "models":
        subject = dict.fromkeys(NAMES, named)
    elif request.param == "kl_contributions":
        p, q = request.getfixturevalue("forecasts")
        subject = Evaluation.from_predictions(p, q, labels=NAMES)
    elif request.param == "kl_curve":
        subject = (0.1, 0.5)
    elif request.param == "reducible":
        x = np.arange(400) % 2
        subject = Evaluation.from_predictions(x, np.full(400, 0.5)).reducible(x)
    elif request.param == "ensemble":
        members = [[[0.9, 0.1], [0.4, 0.6]], [[0.7, 0.3], [0.2, 0.8]]]
        subject = decompose_ensemble([0, 1], members)
    elif request.param == "monitor":
        subject = watching(named)
    elif request.param == "over_time":
        subject = weeks(named)
    elif request.param == "drift":
        subject = drift(named, later)
    elif request.param == "expected_loss":
        subject = expected_loss(named, later.probabilities(), by=NAMES * 150)
    return lambda **options: function(subject, **options)


def weeks(evaluation):
    """Three weeks of rows of classes with such names, the last without labels."""
    rng = np.random.default_rng(3)
    q = rng.dirichlet(np.ones(len(NAMES)), 300)
    frame = pd.DataFrame(dict(zip(NAMES, q.T, strict=True)))
    frame["y"] = [NAMES[code] for code in labels_from(q, rng)]
    frame.loc[250:, "y"] = None
    frame["when"] = pd.date_range("2026-01-05", periods=300, freq="100min")
    view = frame.xent(target="y", proba=NAMES)
    return view.over_time("when", reference=evaluation)


def watching(evaluation):
    """A monitor of two batches, of classes with such names."""
    rng = np.random.default_rng(2)
    found = Monitor(evaluation)
    for period in ("$b_1$", "<script>"):
        q = rng.dirichlet(np.ones(len(NAMES)), 50)
        found.update([NAMES[code] for code in labels_from(q, rng)], q, when=period)
    return found


def texts(ax):
    return [one for one in ax.figure.findobj(Text) if one.get_text()]


def test_a_plot_draws_into_the_axes_given_and_changes_nothing_else(draw):
    figure, (ax, other) = plt.subplots(1, 2)
    before = dict(mpl.rcParams)
    assert draw(ax=ax) is ax
    assert plt.get_fignums() == [figure.number]
    assert dict(mpl.rcParams) == before
    assert ax.has_data()
    assert not other.has_data()


@some
def test_a_plot_makes_a_figure_of_its_own(draw):
    ax = draw()
    assert isinstance(ax, Axes)
    assert plt.get_fignums() == [ax.figure.number]
    assert not ax.spines["top"].get_visible()
    assert not ax.spines["right"].get_visible()


def test_a_plot_has_a_statement_and_labels(draw):
    ax = draw()
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()


@some
def test_text_takes_the_colours_of_the_page(draw):
    with plt.style.context("dark_background"):
        ax = draw()
        ax.figure.canvas.draw()
        assert {to_hex(one.get_color()) for one in texts(ax)} == {"#ffffff"}


@some
def test_nothing_is_cut_off(draw):
    ax = draw()
    figure = ax.figure
    figure.canvas.draw()
    drawn, page = figure.get_tightbbox(), figure.bbox_inches.padded(0.05)
    assert page.contains(*drawn.min)
    assert page.contains(*drawn.max)


@some
def test_names_are_data_not_formulas_nor_markup(draw):
    ax = draw()
    for text in texts(ax):
        if any(name[:4] in text.get_text() for name in NAMES):
            assert not text.get_parse_math()
    with plt.rc_context({"svg.fonttype": "none"}):
        ax.figure.savefig(page := io.StringIO(), format="svg")
    assert "<script" not in page.getvalue()


def test_names_are_shown(named):
    labels = {one.get_text() for one in plotting.by_class(named).get_yticklabels()}
    assert any(label.startswith("$a_1$ ") for label in labels)
    assert any(label.startswith("<script>aler") for label in labels)
    assert all(len(label) < 36 for label in labels)
    shown = {one.get_text() for one in plotting.models({"$a_1$": named}).texts}
    assert "$a_1$" in shown


@some
def test_figures_can_be_pickled(draw):
    copied = pickle.loads(pickle.dumps(draw().figure))  # noqa: S301 - our own
    assert copied.axes


@pytest.mark.parametrize("kind", OF_AN_EVALUATION)
def test_evaluations_draw_them(kind, soft):
    direct = getattr(plotting, kind)(soft)
    assert soft.plot(kind).get_title(loc="left") == direct.get_title(loc="left")


@pytest.mark.parametrize("kind", OF_HARD_LABELS)
@pytest.mark.parametrize("subject", ["infinite", "one_class"])
def test_what_is_infinite_or_undefined_is_said(kind, subject, request):
    ax = getattr(plotting, kind)(request.getfixturevalue(subject))
    ax.figure.canvas.draw()
    said = " ".join(one.get_text() for one in texts(ax))
    if (subject, kind) == ("one_class", "entropy"):
        assert "undefined" not in said
    else:
        assert ("infinite" if subject == "infinite" else "undefined") in said


@pytest.mark.slow
def test_one_row_is_drawn():
    with pytest.warns(UserWarning, match="only 1 row"):
        evaluation = Evaluation.from_predictions([1], [[0.3, 0.7]], labels=[0, 1])
    for kind in OF_HARD_LABELS:
        getattr(plotting, kind)(evaluation).figure.canvas.draw()


@pytest.mark.parametrize("base", [pytest.param(None, marks=pytest.mark.slow), 2])
def test_units_are_named(forecasts, base):
    evaluation = Evaluation.from_predictions(*forecasts, base=base)
    unit = "bits" if base else "nats"
    for kind in OF_AN_EVALUATION:
        ax = getattr(plotting, kind)(evaluation)
        assert unit in ax.get_title(loc="left")
    assert f"cross-entropy ({unit})" == plotting.entropy(evaluation).get_ylabel()


@pytest.mark.parametrize("name", ["reliability", "entropy", "by_class"])
def test_a_decomposition_has_no_rows(name, named):
    with pytest.raises(TypeError, match="needs an Evaluation: found Decomposition; pa"):
        getattr(plotting, name)(named.decomposition)


@pytest.mark.parametrize("kind", ["a number", "an array of axes", "polar axes"])
def test_axes_that_plots_cannot_be_drawn_into_are_refused(named, kind):
    ax = {
        "a number": lambda: 3,
        "an array of axes": lambda: plt.subplots(1, 2)[1],
        "polar axes": lambda: plt.figure().add_subplot(projection="polar"),
    }[kind]()
    with pytest.raises(
        TypeError,
        match=f"ax must be matplotlib Axes with an x and a y axis: found "
        f"{type(ax).__name__}; pass one of those that",
    ):
        plotting.waterfall(named, ax=ax)
    plt.close("all")


@pytest.mark.parametrize("subject", [3, [1, 2], {"a": 1}])
@pytest.mark.parametrize(
    "name", [*OF_AN_EVALUATION, "ensemble", "monitor", "over_time"]
)
def test_what_is_no_result_is_refused(name, subject):
    found = type(subject).__name__
    if name == "reliability" and found == "dict":  # of models by their names
        found = "int"
    with pytest.raises(TypeError, match=f"the plot needs an? .*: found {found}; pass"):
        getattr(plotting, name)(subject)
