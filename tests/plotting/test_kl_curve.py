import numpy as np
import pytest

from xent_metrics import kl_divergence, plotting


@pytest.mark.parametrize("p", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("base", [None, 2])
def test_the_curve_is_the_divergence(p, base):
    (curve,) = plotting.kl_curve(p, base=base).lines
    q, value = curve.get_xydata().T
    expected = kl_divergence(
        np.tile([p, 1 - p], (len(q), 1)),
        np.column_stack([q, 1 - q]),
        base=base,
        reduction=None,
        target_type="distribution",
    )
    np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12)


def test_each_curve_has_its_own_line_and_a_marker_where_it_is_0():
    curves = plotting.kl_curve(iter([0.1, 0.3, 0.5])).lines
    assert [one.get_label() for one in curves] == ["p = 0.1", "p = 0.3", "p = 0.5"]
    assert len({one.get_linestyle() for one in curves}) == 3
    assert len({one.get_marker() for one in curves}) == 3
    for curve, p in zip(curves, (0.1, 0.3, 0.5), strict=True):
        (place,) = curve.get_markevery()
        assert curve.get_xdata()[place] == pytest.approx(p, abs=1e-3)


@pytest.mark.parametrize("p", [-0.1, 1.2, float("nan")])
def test_p_must_be_a_probability(p):
    with pytest.raises(ValueError, match=f"p must be in \\[0, 1\\]: found {p:g}; pass"):
        plotting.kl_curve([0.5, p])


def test_a_bad_base_is_refused():
    with pytest.raises(ValueError, match="base must be finite and above 1"):
        plotting.kl_curve(base=1)


@pytest.mark.parametrize("p", ["0.3", None, [[0.2, 0.8]], ["a"], {"a": 0.3}])
def test_what_is_no_number_is_refused(p):
    found = type(p).__name__
    with pytest.raises(
        TypeError, match=f"p must be a number or a sequence of numbers: found {found}"
    ):
        plotting.kl_curve(p)
