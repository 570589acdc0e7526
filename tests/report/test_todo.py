"""What a page says to do: three lines at most, with code that runs."""

import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_validate
from sklearn.naive_bayes import GaussianNB

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from xent_metrics import Evaluation, RecalibratedClassifier

# Nothing public gives what a page says before it is HTML.
from xent_metrics._report.content import content
from xent_metrics._report.formatting import share
from xent_metrics._report.todo import todo

from .conftest import over_confident
from .test_content import rare, sections
from .test_page import Page

OURS = ("evaluation.reducible(X)",)  # what later versions may propose beside it


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def lines(evaluation, **options):
    """The sentences by their code, but for that which asks for features."""
    found = todo(evaluation, **options).lines
    assert len(found) <= 3
    return {one.code: plain(one.sentence) for one in found if one.code not in OURS}


def run(code, **names):
    """The value of the last line of a code, whose other lines are run before."""
    *first, last = code.splitlines()
    exec("\n".join(first), names)  # noqa: S102 - what the page prints
    return eval(last, names)  # noqa: S307 - the same


class Reducible:
    """What the features hold, as far as a page asks."""

    grouping_loss_at_least, unit = 0.0812, "nats"

    def __init__(self, low=0.06, of=None):
        self.low = low
        if of is not None:  # the rows of a page
            self.n = of.decomposition.n
            self.cross_entropy = of.decomposition.cross_entropy
        self.standard_errors = {"grouping_loss_at_least": 0.0121}
        self.importances = pd.Series(
            {"plan": 0.02, "<b>tenure</b>": 0.05, "age": 0.001}
        )

    def lower(self, level=0.95):
        return self.low

    def to_frame(self):
        return pd.DataFrame(
            {"value": [0.9, 0.0812], "standard_error": [np.nan, 0.0121]},
            index=pd.Index(["cross_entropy", "grouping_loss_at_least"], name="term"),
        )


class Slices:
    """One slice, or none."""

    term = "cross_entropy"

    def __init__(self, n=1):
        self.n = n

    def to_frame(self):
        table = pd.DataFrame(
            {"n": [210], "weight": [0.09], "share": [0.21], "pvalue": [3e-7]},
            index=pd.Index(["<i>tenure</i> < 3"], name="condition"),
        )
        return table.iloc[: self.n]


@pytest.fixture(scope="module")
def zeros():
    """Twelve of 400 rows rule their label out."""
    y, q, _ = over_confident(["cat", "dog", "eel"], 400)
    wrong = (np.array([["cat", "dog", "eel"].index(one) for one in y[:12]]) + 1) % 3
    q = np.r_[np.eye(3)[wrong], q[12:]]
    return Evaluation.from_predictions(y, q, labels=["cat", "dog", "eel"])


def test_recalibration_comes_with_its_map_its_gain_and_code(hard):
    result = hard.decomposition
    code, sentence = next(iter(lines(hard).items()))
    error = result.standard_errors["miscalibration"]
    assert sentence == (
        "Recalibrate with the map “temperature”, which would remove "
        f"{result.miscalibration:.3f} ± {error:.3f} nats, "
        f"{share(result.miscalibration / result.cross_entropy)} of the loss."
    )
    q = hard.probabilities()
    found = run(code, evaluation=hard, y_proba=q)
    expected = result.recalibrator("temperature").predict_proba(q)
    np.testing.assert_array_equal(found, expected)


def test_a_simpler_map_that_does_nearly_as_well_is_proposed():
    y, q, _ = over_confident(["cat", "dog"], 3000)
    evaluation = Evaluation.from_predictions(y, q, labels=["cat", "dog"])
    assert evaluation.decomposition.recalibration == "spline"
    assert "recalibrator('temperature')" in next(iter(lines(evaluation)))


def test_models_of_folds_get_a_classifier_that_is_fitted():
    rng = np.random.default_rng(0)
    y = np.arange(600) % 2
    X = rng.normal(size=(600, 3)) + y[:, np.newaxis]
    X = np.column_stack([X, X])
    found = cross_validate(
        GaussianNB(), X, y, cv=3, return_estimator=True, return_indices=True
    )
    evaluation = Evaluation.from_cv_results(found, X, y)
    code, _ = next(iter(lines(evaluation).items()))
    better = run(code, evaluation=evaluation, model=GaussianNB(), X=X, y=y)
    assert isinstance(better, RecalibratedClassifier)
    assert better.predict_proba(X).shape == (600, 2)


def test_an_evaluation_that_was_read_back_gets_one_too(hard):
    back = Evaluation.from_json(hard.to_json())
    (code,) = lines(back)
    rows = np.random.default_rng(0).uniform(size=(300, 2))
    model = GaussianNB().fit(rows, rows[:, 0] > 0.5)
    frozen = FrozenEstimator(model)
    better = run(code, evaluation=back, model=frozen, X=rows, y=rows[:, 0] > 0.3)
    assert better.recalibrator_.name == "temperature"


def test_nothing_clear_is_no_line():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.2, 0.8, 400)
    evaluation = Evaluation.from_predictions(rng.random(400) < p, p)
    assert not any("ecalibrat" in code for code in lines(evaluation))


def test_rows_with_a_probability_of_0_are_to_be_looked_at(zeros):
    code, sentence = list(lines(zeros).items())[-1]
    result = zeros.decomposition
    part = 12 / 400 * -np.log(result.clip) / result.cross_entropy
    assert sentence == (
        "Look at the rows behind this: 12 rows with a probability of 0 for their label "
        f"cost {part:.0%} of the loss."
    )
    assert (run(code, evaluation=zeros)["p_true"] == 0).sum() == 12


def test_rows_of_infinite_cost_are_to_be_looked_at():
    q = np.array([[0.9, 0.1], [0.3, 0.7]] * 199 + [[0.0, 1.0], [0.2, 0.8]])
    evaluation = Evaluation.from_predictions([0, 1] * 200, q, clip=0)
    ((code, sentence),) = lines(evaluation).items()
    assert sentence == "Look at the 1 row of infinite cost, or pass a clip."
    assert np.isinf(run(code, evaluation=evaluation)["cross_entropy"]).all()


def test_a_class_that_costs_more_than_its_part_is_to_be_looked_at():
    evaluation = rare()
    code, sentence = list(lines(evaluation).items())[-1]
    assert sentence.startswith("Look at the costliest rows of class “rare”: ")
    assert sentence.endswith(" of the loss, in 10% of the rows.")
    found = run(code, evaluation=evaluation)
    assert (found["by_0" if "by_0" in found else "label"] == "rare").sum() == 10


def test_else_the_costliest_rows_are(hard):
    code, sentence = list(lines(hard).items())[-1]
    costs = hard.per_sample["cross_entropy"]
    part = share(costs.nlargest(10).sum() / costs.sum())
    assert sentence == f"Look at the 10 rows that cost most, {part} of the loss."
    pd.testing.assert_frame_equal(run(code, evaluation=hard), hard.worst(10))


def test_features_that_were_handed_in_are_named(hard):
    found = todo(hard, reducible=Reducible(), slices=Slices()).lines
    assert [one.code for one in found][1] == "evaluation.slices(X)"
    assert plain(found[1].sentence) == (
        "Improve the model: the features would win at least 0.0812 ± 0.0121 nats more, "
        "mostly from “<b>tenure</b>” and “plan”. Look where <i>tenure</i> < 3: 21% of "
        "the loss, in 9% of the rows."
    )
    assert len(found) == 3
    (alone,) = [one for one in todo(hard, slices=Slices()).lines if "where" in
                one.sentence]  # fmt: skip
    assert alone.code == "evaluation.reducible(X)"


def test_features_that_hold_nothing_say_what_else(hard):
    found = todo(hard, reducible=Reducible(low=0.0), slices=Slices(n=0)).lines[1]
    assert found.sentence == (
        "Look for other features or cleaner labels: a better model of the features "
        "that were given would win nothing clear. No slice of the features costs more "
        "beyond chance."
    )


def test_features_have_a_section(hard):
    options = {"reducible": Reducible(of=hard), "slices": Slices()}
    section = sections(content(hard, **options))["features"]
    bounds, slices = section.tables
    assert next(row.cells[0] for row in bounds.rows) == "cross-entropy"
    (row,) = slices.rows
    small = "3.0e\N{MINUS SIGN}07"
    assert row.cells == ("<i>tenure</i> < 3", "210", "0.0900", "0.2100", small)
    nothing = sections(content(hard, slices=Slices(n=0)))["features"]
    assert nothing.sentences == ("No slice of the features costs more beyond chance.",)
    assert "features" not in sections(content(hard))


def test_columns_without_names_go_by_their_place(hard):
    found = Reducible()
    found.importances = pd.Series({0: 0.02, 1: 0.05})
    line = todo(hard, reducible=found).lines[1]
    assert line.sentence.endswith("mostly from “column 1” and “column 0”.")


@pytest.mark.parametrize(
    ("term", "more"),
    [
        ("miscalibration", "would win more by recalibration"),
        ("gain", "would win more by a better model"),
    ],
)
def test_that_there_is_no_slice_is_said_of_its_term(hard, term, more):
    none = Slices(n=0)
    none.term = term
    sentence = f"No slice of the features {more} beyond chance."
    assert sentence in [one.sentence for one in todo(hard, slices=none).lines]
    assert sections(content(hard, slices=none))["features"].sentences == (sentence,)


def test_what_is_not_of_the_page_is_refused(hard):
    with pytest.raises(TypeError, match="reducible must be what evaluation.reducible"):
        hard.to_html(reducible=Slices())
    with pytest.raises(TypeError, match="slices must be what .* found Reducible"):
        hard.to_html(slices=Reducible(of=hard))
    other = Reducible(of=hard)
    other.n += 1
    with pytest.raises(ValueError, match="reducible must be that of the rows that"):
        hard.to_html(reducible=other)


def test_the_page_shows_the_box_first_and_escapes_it(hard, tmp_path):
    known = Reducible(of=hard)
    hard.write_html(tmp_path / "page.html", reducible=known, slices=Slices())
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.texts("h2")[0] == "What to do"
    assert len(page.of("ol")) == 1
    assert len(page.of("li")) == len(page.of("pre")) == 3
    codes = [
        one.code for one in todo(hard, reducible=Reducible(), slices=Slices()).lines
    ]
    assert page.texts("pre") == codes
    for code in codes:
        compile(code, "page", "exec")
    assert "<i>tenure" not in text
    names = [each for each in page.texts("p") if each.startswith("Here ")]
    assert " ".join(names[0].split()) == (
        "Here evaluation stands for what this page shows, X for the features of its "
        "rows, and y_proba for predictions of any rows."
    )


def test_zeros_stand_at_the_top_with_what_the_clip_does(zeros):
    page = content(zeros)
    assert page.remarks[0].startswith("12 rows with a probability of 0 for their label")
    assert "; each clip ten times smaller adds 0.069 nats." in page.remarks[0]
    assert page.first[0].ident == "clip"
    (table,) = page.first[0].tables
    found = {row.cells[0]: row for row in table.rows}
    assert list(found) == ["2.2e-16", "1e-09", "1e-06", "0.001"]
    assert [row.strong for row in table.rows] == [True, False, False, False]
    y, q = zeros.per_sample["label"], zeros.probabilities()
    again = Evaluation.from_predictions(
        y, q, clip=1e-6, recalibration=zeros.decomposition.recalibration
    )
    expected = [
        f"{again.terms[name]:.3f}"
        for name in ("cross_entropy", "resolution", "miscalibration", "refinement")
    ]
    assert list(found["1e-06"].cells[1:]) == expected


def test_a_clip_that_no_row_met_is_not_a_subject(hard):
    assert "clip" not in sections(content(hard))


@pytest.mark.skipif(
    not hasattr(Evaluation, "reducible"), reason="evaluations know no features"
)
@pytest.mark.slow
def test_features_are_asked_for_where_they_can_be():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    q = 1.0 / (1.0 + np.exp(-X[:, 0]))
    evaluation = Evaluation.from_predictions(rng.random(400) < q, q)
    (line,) = [one for one in todo(evaluation).lines if one.code in OURS]
    assert run(line.code, evaluation=evaluation, X=X).grouping_loss_at_least >= 0
    back = Evaluation.from_json(evaluation.to_json())
    assert not any(one.code in OURS for one in todo(back).lines)


def test_features_are_not_asked_for_where_they_would_be_refused():
    rng = np.random.default_rng(0)
    q = rng.random(400)
    y, groups = rng.random(400) < q, np.arange(400) // 80
    with pytest.warns(UserWarning, match="only 40 rows"):
        few = Evaluation.from_predictions(y[:40], q[:40])
    with pytest.warns(UserWarning, match="only 5 groups"):
        grouped = Evaluation.from_predictions(y, q, groups=groups)
    for evaluation in (few, grouped):
        assert not any(one.code in OURS for one in todo(evaluation).lines)
        lines = todo(evaluation, slices=Slices()).lines
        assert "evaluation.slices(X)" in [one.code for one in lines]
        with pytest.raises(ValueError, match="reducible requires"):
            evaluation.reducible(rng.normal(size=(len(evaluation.per_sample), 1)))
