"""What tests of scans share: rows, files of them, and a look at what is read."""

import numpy as np
import pandas as pd
import pytest

# No public option bounds the sample, or tells what is read: tests need few rows.
from xent_metrics._recalibration import select
from xent_metrics._scan import dataset

from ..draws import labels_from, tempered


def drawn(n, k, *, seed=0, targets="labels"):
    """Over-confident predictions of labels, distributions or votes, with extras."""
    rng = np.random.default_rng([seed, n, k])
    p = rng.dirichlet(np.ones(k), n)
    y = labels_from(p, rng)
    q = 0.97 * tempered(p) + 0.03 / k
    frame = pd.DataFrame(q, columns=[f"p_{i}" for i in range(k)])
    frame["site"] = rng.choice(["north", "south", "west"], n)
    frame["shift"] = rng.integers(2, size=n)
    frame["w"] = rng.gamma(2.0, size=n)
    if targets == "labels":
        frame["y"] = y
    elif targets == "distributions":
        frame[[f"v_{i}" for i in range(k)]] = p
    else:
        frame[[f"v_{i}" for i in range(k)]] = rng.multinomial(5, p)
    return frame


@pytest.fixture(scope="session")
def predictions():
    """One thousand rows of three classes."""
    return drawn(1000, 3)


@pytest.fixture
def keep_rows(monkeypatch):
    """Bound the sample of rows that a map is chosen on, in memory as in a scan."""

    def bound(n_rows):
        monkeypatch.setattr(select, "_ENOUGH_VALUES", 1)
        monkeypatch.setattr(select, "_ENOUGH_ROWS", n_rows)

    return bound


@pytest.fixture
def tables(monkeypatch):
    """The tables that a scan reads from files, one after the other."""
    found, read = [], dataset.Task.tables

    def spy(task, *pieces):
        for table in read(task, *pieces):
            found.append(table)
            yield table

    monkeypatch.setattr(dataset.Task, "tables", spy)
    return found


@pytest.fixture
def parquet(tmp_path, predictions):
    """A folder of two files, with row groups of 150 rows."""
    folder = tmp_path / "predictions"
    folder.mkdir()
    for number, rows in enumerate(np.array_split(np.arange(1000), 2)):
        predictions.iloc[rows].to_parquet(
            folder / f"{number}.parquet", row_group_size=150, index=False
        )
    return folder
