import numpy as np
import pandas as pd
import pytest


def drawn(n, k, *, seed=0, targets="labels"):
    """Over-confident predictions of labels, distributions or votes, with extras."""
    rng = np.random.default_rng([seed, n, k])
    p = rng.dirichlet(np.ones(k), n)
    y = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    q = p**2
    q = 0.97 * q / q.sum(axis=1, keepdims=True) + 0.03 / k
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
def parquet(tmp_path, predictions):
    """A folder of two files, with row groups of 150 rows."""
    folder = tmp_path / "predictions"
    folder.mkdir()
    for number, rows in enumerate(np.array_split(np.arange(1000), 2)):
        predictions.iloc[rows].to_parquet(
            folder / f"{number}.parquet", row_group_size=150, index=False
        )
    return folder
