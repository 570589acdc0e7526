import numpy as np
import pytest

from xent_metrics import Evaluation, drift

from ..draws import labels_from, tempered

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


def evaluated(seed, power=1.0):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(3), 800)
    names = np.array(["<b>ant</b>", "bee", "cat"])
    y = names[labels_from(tempered(p, power), rng)]
    return Evaluation.from_predictions(y, p, labels=names)


def test_a_page_says_what_moved_since_the_reference():
    first, later = evaluated(0), evaluated(1, power=0.4)
    keys = np.arange(800) % 2
    found = drift(first, later, by=(keys, keys))
    page = later.to_html(against=found)
    assert "Against the reference" in page
    assert found.conclusion[1:] in page
    change = found.concept.difference
    assert any(f"{change:+.{digits}f} ± " in page for digits in (3, 4))
    assert "What each group adds to the change" in page
    assert "<b>ant</b>" not in page
    assert "Against the reference" not in later.to_html()


def test_a_drift_of_other_rows_is_refused():
    first, later = evaluated(0), evaluated(1, power=0.4)
    with pytest.raises(ValueError, match="against must be the drift of the rows that"):
        first.to_html(against=drift(first, later))
    with pytest.raises(TypeError, match="against must be a Drift: found Evaluation"):
        later.to_html(against=first)
