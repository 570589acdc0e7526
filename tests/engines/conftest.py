"""What tests on engines share: files of predictions, and what they say elsewhere."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, scan

from ..draws import labels_from, tempered

DOCUMENTED = Path(__file__).parents[2] / "docs" / "scale.md"
COLUMNS = {"target": "label", "proba": "p_", "by": "site"}
FILES, ROWS = 12, 300


@pytest.fixture(scope="module")
def predictions():
    """Labels and over-confident probabilities of three classes, from two sites."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), size=FILES * ROWS)
    labels = np.array(["cat", "dog", "eel"])
    return pd.DataFrame(tempered(p), columns=[f"p_{name}" for name in labels]).assign(
        label=labels[labels_from(p, rng)],
        site=rng.choice(["here", "there"], size=len(p)),
    )


def written(frame, folder):
    """The frame in files of a new folder, each of which is a part of a scan."""
    folder.mkdir()
    for part in range(FILES):
        rows = frame[part * ROWS : (part + 1) * ROWS]
        rows.to_parquet(folder / f"{part:02d}.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def folder(predictions, tmp_path_factory):
    return written(predictions, tmp_path_factory.mktemp("all") / "predictions")


@pytest.fixture
def wrong_folder(predictions, tmp_path):
    """A row of the fifth file, its eighth, does not sum to one."""
    wrong = predictions.copy()
    wrong.loc[4 * ROWS + 7, "p_cat"] += 0.5
    return written(wrong, tmp_path / "wrong")


@pytest.fixture(scope="module")
def scanned(folder):
    """What a scan in this process says, as text: every bit of every number."""
    return scan(folder, **COLUMNS).to_json()


@pytest.fixture
def elsewhere(monkeypatch):
    """This process reads no part: a scan has to be the workers'."""

    def refuse(*args):
        msg = "a part was read in this process"
        raise AssertionError(msg)

    # Nothing public tells where a part was read.
    monkeypatch.setattr("xent_metrics._scan.files.read_rows", refuse)


@pytest.fixture(scope="module")
def as_in_memory(predictions):
    """Whether an evaluation of other parts says what all rows in memory do."""

    def check(evaluation):
        ours = evaluation.decomposition
        # Rows in another order are in other folds, by which maps are chosen.
        expected = Evaluation.from_frame(
            predictions, target="label", proba="p_", recalibration=ours.recalibration
        )
        theirs = expected.decomposition
        assert ours.n == theirs.n
        for term in ("cross_entropy", "uncertainty", "predictive_entropy"):
            value = getattr(ours, term)
            assert value == pytest.approx(getattr(theirs, term), rel=1e-12)
            error = ours.standard_errors[term]
            assert error == pytest.approx(theirs.standard_errors[term], rel=1e-12)
        for term in ("resolution", "miscalibration"):
            tenth = theirs.standard_errors[term] / 10
            value = getattr(ours, term)
            assert value == pytest.approx(getattr(theirs, term), abs=tenth)
        found = evaluation.summary(by="site")["cross_entropy"]
        wanted = expected.summary(by=predictions["site"])["cross_entropy"]
        assert found.to_dict() == pytest.approx(wanted.to_dict(), rel=1e-12)

    return check


@pytest.fixture
def recipe():
    """Run the recipe under a heading of docs/scale.md: the evaluation it ends with."""

    def run(heading, **names):
        found = re.search(
            rf"^## {heading}$.*?^```python\n(.*?)^```$",
            DOCUMENTED.read_text("utf-8"),
            re.MULTILINE | re.DOTALL,
        )
        code = compile(found[1], f"{DOCUMENTED.name}: {heading}", "exec")
        exec(code, names)  # noqa: S102 - the project's own documentation
        return names["evaluation"]

    return run
