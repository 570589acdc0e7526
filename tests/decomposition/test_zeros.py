"""What rows with a probability of 0 cost, and what the text says to do."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from xent_metrics import (
    Evaluation,
    RecalibratedClassifier,
    Recalibrator,
    accumulate,
    decompose,
    finish,
)

from ..draws import forecasts


def drawn(seed=0, n=500):
    """Labels of two classes, predictions, and ten rows that rule their label out."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.95, n)
    y = (rng.random(n) < p).astype(int)
    p[:10] = 1 - y[:10]
    return y, p


def note(result):
    return result.notes["n_clipped"]


def numbers(text):
    """The share of the loss in percent, and what a smaller clip adds."""
    share = re.search(r"costs? ([0-9]+)% of the loss", text)
    more = re.search(r"ten times smaller adds ([0-9.e-]+) ", text)
    return float(share[1]), float(more[1])


@pytest.mark.parametrize("clip", [None, 1e-4])
@pytest.mark.parametrize("base", [None, 2])
@pytest.mark.parametrize("kind", ["labels", "distributions", "weighted"])
def test_the_note_says_what_they_cost_and_what_a_smaller_clip_adds(kind, base, clip):
    y, q = drawn()
    options = {"base": base} | ({} if clip is None else {"clip": clip})
    if kind == "weighted":
        options["sample_weight"] = np.random.default_rng(1).exponential(size=len(y))
    if kind == "distributions":
        y, q = np.eye(2)[y] * 0.8 + 0.1, np.column_stack([1 - q, q])
    result = decompose(y, q, **options)
    smaller = decompose(y, q, **options | {"clip": result.clip / 10})
    share, more = numbers(note(result))
    added = smaller.cross_entropy - result.cross_entropy
    assert more == pytest.approx(added, rel=0.06)  # of two digits
    paid = added * -np.log(result.clip) / np.log(10.0)
    assert share == pytest.approx(100 * paid / result.cross_entropy, abs=0.51)
    assert f"at clip={result.clip:.2g}; " in note(result)


def test_the_note_tells_0_from_what_is_small():
    y, q = drawn()
    whose = "10 rows with a probability of 0 for their label cost "
    assert note(decompose(y, q)).startswith(whose)
    small = decompose(y, np.where(q == 0, 1e-20, q))
    assert small.notes["n_clipped"].partition(" for ")[0].endswith("rows with a "
        "probability below 2.2e-16")  # fmt: skip
    one = decompose(y[9:], q[9:])
    assert note(one).startswith("1 row with a probability of 0 for its label costs ")
    soft = decompose(np.eye(2)[y] * 0.8 + 0.1, np.column_stack([1 - q, q]))
    assert "with a probability of 0 for a class of their target cost" in note(soft)


def test_labels_without_a_column_are_among_them():
    y, q = np.array([0, 1, 2, 1] * 100), [0.2, 0.7, 0.6, 0.4] * 100
    with pytest.warns(UserWarning, match="not among"):
        result = decompose(y, q, labels=[0, 1])
    assert note(result).startswith("100 rows with a probability of 0 for their label")
    assert numbers(note(result))[1] == pytest.approx(0.25 * np.log(10), rel=0.06)


@pytest.mark.parametrize("options", [{"clip": 0}, {}])
def test_without_a_clip_or_a_zero_there_is_no_note(options):
    y, q = drawn()
    q = q if options else np.clip(q, 0.01, 0.99)
    assert "n_clipped" not in decompose(y, q, **options).notes


def test_rows_of_folds_have_the_note_of_all():
    y, q = drawn()
    folds = np.arange(len(y)) % 2
    evaluation = Evaluation.from_predictions(y, q, folds=folds)
    assert note(evaluation.decomposition) == note(decompose(y, q))


def test_a_scan_of_rows_that_weigh_the_same_has_it_too():
    y, q = drawn()
    frame = pd.DataFrame({"y": y, "p": q, "w": 1.0 + y})
    scanned = finish(accumulate(frame, target="y", proba="p")).decomposition
    assert numbers(note(scanned)) == numbers(note(decompose(y, q)))
    assert "with a probability below 2.2e-16" in note(scanned)
    weighted = accumulate(frame, target="y", proba="p", sample_weight="w")
    assert "n_clipped" not in finish(weighted).decomposition.notes


def test_the_text_has_it_at_the_top_and_no_second_time():
    y, q = drawn()
    result = decompose(y, q)
    first, second, third, empty, *rest = repr(result).splitlines()
    assert first.startswith("Decomposition of a cross-entropy of ")
    assert f"{second} {third}" == note(result)
    assert empty == ""
    assert not any("clip" in line for line in rest)
    assert (
        "10 rows with a probability of 0" in result._repr_html_().partition("<table")[0]
    )
    evaluation = Evaluation.from_predictions(y, q)
    assert "<br>each clip ten times smaller" in evaluation._repr_html_()
    assert "\n" not in evaluation.to_markdown().partition("\n\n")[0]


def test_results_that_are_read_back_keep_it():
    evaluation = Evaluation.from_predictions(*drawn())
    back = Evaluation.from_json(evaluation.to_json())
    assert note(back.decomposition) == note(evaluation.decomposition)


def last(result):
    return repr(result).splitlines()[-2:]


def test_the_text_ends_with_what_wins_and_code_that_applies_it():
    _, y, q, _ = forecasts(2000)
    result = decompose(y, q)
    won, code = last(result)
    part = result.miscalibration / result.cross_entropy
    assert won.startswith(f"recalibration alone would remove {part:.0%} of the loss")
    start = "to recalibrate new rows: "
    assert code.startswith(start)
    names = {"RecalibratedClassifier": RecalibratedClassifier, "model": None}
    found = eval(code.removeprefix(start), names)  # noqa: S307 - what the text prints
    tried = result.ladder.loc[found.recalibrator]
    assert tried["share"] >= 0.9
    assert tried["degrees_of_freedom"] <= result.degrees_of_freedom
    assert isinstance(result.recalibrator(found.recalibrator), Recalibrator)


def test_a_temperature_is_said_as_its_own_part_of_the_loss():
    _, y, q, _ = forecasts(2000)
    result = decompose(y, q, recalibration="auto")
    tried = result.ladder.copy()
    tried.loc["temperature", "share"] = 0.5
    changed = dataclasses.replace(result, recalibration="dirichlet", ladder=tried)
    part = result.miscalibration / result.cross_entropy
    said, _ = last(changed)
    assert said.endswith(f"remove {part:.0%} of the loss, a single temperature "
                         f"{part / 2:.0%}")  # fmt: skip
