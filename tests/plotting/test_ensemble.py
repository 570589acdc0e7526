import numpy as np
import pytest

from xent_metrics import decompose_ensemble, plotting

RNG = np.random.default_rng(0)
MEMBERS = RNG.dirichlet([1.0, 1.0, 1.0], (5, 40))
Y = RNG.integers(0, 3, 40)


def test_bars_are_the_terms_of_two_sums():
    result = decompose_ensemble(Y, MEMBERS)
    ax = plotting.ensemble(result)
    parts = ("ensemble_cross_entropy", "diversity")
    terms = (*parts, "member_entropy", "mutual_information")
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(
        [getattr(result, name) for name in terms]
    )
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches[1::2]]
    assert ends == pytest.approx(
        [result.member_cross_entropy, result.predictive_entropy]
    )
    totals = [text.get_text() for text in ax.texts]
    assert totals == [f"{end:.3f}" for end in ends]
    share = 100 * round(result.diversity / result.member_cross_entropy, 3)
    title = ax.get_title(loc="left")
    assert title == f"Averaging 5 members takes {share:.3g}% off their loss"
    hatches = [bar.get_hatch() for bar in ax.patches]
    assert len(set(hatches)) == 4


def test_the_axis_names_the_unit():
    result = decompose_ensemble(Y, MEMBERS, base=2)
    assert plotting.ensemble(result).get_xlabel() == "bits"


def test_infinite_costs_leave_one_sum():
    members = MEMBERS.copy()
    members[0, 0] = np.eye(3)[(Y[0] + 1) % 3]
    ax = plotting.ensemble(decompose_ensemble(Y, members, clip=0))
    assert len(ax.patches) == 2
    assert "gives its target 0" in ax.texts[0].get_text().replace("\n", " ")
    assert ax.get_title(loc="left") == "5 members: the cross-entropy is infinite"


def test_members_that_are_right_and_sure_cost_nothing():
    ax = plotting.ensemble(decompose_ensemble([0, 1], [np.eye(2)] * 3))
    assert ax.get_title(loc="left") == "3 members: the cross-entropy is 0"
