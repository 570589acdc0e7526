import pytest
from matplotlib.patches import Rectangle

from xent_metrics import Evaluation, plotting


def bars(ax):
    """Start and end of each bar, from the top."""
    found = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    return [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in found]


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_bars_of_hard_labels_end_at_their_sums(two):
    found = two.decomposition
    ax = plotting.waterfall(found)
    steps = ["uncertainty", "- resolution", "+ miscalibration", "= cross-entropy"]
    assert names(ax) == steps
    refinement = found.uncertainty - found.resolution
    ends = [found.uncertainty, refinement, found.cross_entropy, found.cross_entropy]
    assert [end for _, end in bars(ax)] == pytest.approx(ends)
    assert [start for start, _ in bars(ax)] == pytest.approx(
        [0.0, found.uncertainty, refinement, 0.0]
    )


def test_distributions_are_split_further(soft):
    found = soft.decomposition
    ax = plotting.waterfall(soft)
    assert names(ax)[:2] == ["irreducible", "+ grouping loss"]
    assert bars(ax)[0] == pytest.approx((0.0, found.irreducible))
    assert bars(ax)[-1] == pytest.approx((0.0, found.cross_entropy))


def test_the_title_and_the_intervals_hold_the_numbers(two):
    ax = plotting.waterfall(two, level=0.9)
    found = two.decomposition
    low, high = found.ci(0.9)["miscalibration"]
    shown = [text.get_text() for text in ax.texts]
    assert f"{found.miscalibration:.3f}  [{low:.3f}, {high:.3f}]" in shown
    assert ax.get_xlabel() == "nats, with 90% intervals"
    assert ax.get_title(loc="left").startswith(f"CE {found.cross_entropy:.3f} = ")


def test_the_title_has_one_sign_per_term():
    evaluation = Evaluation.from_predictions([0, 1] * 200, [0.5] * 400)
    assert evaluation.decomposition.miscalibration < 0
    assert "+ -" not in plotting.waterfall(evaluation).get_title(loc="left")


def test_reasons_take_the_place_of_bars(infinite, one_class):
    ax = plotting.waterfall(infinite)
    assert len(bars(ax)) == 2
    assert sum("probability of 0" in one.get_text().replace("\n", " ")
               for one in ax.texts) == 2  # fmt: skip
    ax = plotting.waterfall(one_class)
    assert len(bars(ax)) == 2
    assert sum("one class only" in one.get_text() for one in ax.texts) == 2


@pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
def test_votes_whose_entropy_is_undefined_say_why():
    votes, q = (
        [[1, 0], [0, 2], [2, 1]] * 100,
        [[0.6, 0.4], [0.3, 0.7], [0.5, 0.5]] * 100,
    )
    evaluation = Evaluation.from_predictions(votes, q, vote_correction="jackknife")
    ax = plotting.waterfall(evaluation)
    assert names(ax)[0] == "uncertainty"
    assert "100 rows have one vote" in ax.get_xlabel()


@pytest.mark.parametrize("level", [0, 1, 95])
def test_the_level_must_be_a_share(two, level):
    with pytest.raises(ValueError, match=f"level must be in \\(0, 1\\): found {level}"):
        plotting.waterfall(two, level=level)
