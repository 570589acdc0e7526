import numpy as np
import pytest

from xent_metrics import Evaluation, drift, expected_loss, gates


def month(seed, power=1.0):
    rng = np.random.default_rng(seed)
    q = rng.uniform(0.02, 0.98, size=2000)
    y = rng.uniform(size=2000) < q
    return Evaluation.from_predictions(y, q**power / (q**power + (1 - q) ** power))


def test_what_moved_is_checked_by_its_parts():
    result = drift(month(0), month(1, power=3.0))
    outcome = gates.check(result, "concept < 0.01 and cross_entropy < 9", level=0.9)
    first, second = outcome.findings
    assert (first.status, second.status) == ("failed", "passed")
    assert first.value == result.concept.difference
    assert first.standard_error == pytest.approx(result.concept.standard_error)
    assert second.value == result.differences["cross_entropy"].difference
    assert gates.check(result, "share_outside.value < 1").status == "passed"
    with pytest.raises(ValueError, match="must name a term or a count: 'n' is none"):
        gates.check(result, "n > 1")
    with pytest.raises(ValueError, match="at character 14 of .* is a share, which has"):
        gates.check(result, "share_outside.low < 1")
    with pytest.raises(TypeError, match="are of the rows of an Evaluation or a Decom"):
        gates.check(result, "mix < 1", by="site")


def test_a_loss_before_labels_come_is_checked():
    result = expected_loss(month(0), month(1).probabilities().to_numpy())
    outcome = gates.check(result, "expected_loss < 0.6 and mix.high < 0.1")
    assert [one.status for one in outcome.findings] == ["passed", "passed"]
    low, high = result.ci()
    first = outcome.findings[0]
    assert (first.value, first.low, first.high) == (result.expected_loss, low, high)
    with pytest.raises(ValueError, match="takes no slice here: found '.' at char"):
        gates.check(result, "mix[site=west] < 1")
