"""The rows that are kept: as many as are wanted, each as likely as any other."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from xent_metrics import accumulate, merge, scan
from xent_metrics._decomposition.evidence import evidence_of

from .conftest import drawn

HARD = {"target": "y", "proba": "p_"}


@pytest.fixture
def few_kept(keep_rows):
    keep_rows(500)


def numbered(n):
    """Rows whose prediction says which they are."""
    q = (np.arange(n) + 0.5) / n
    return pd.DataFrame({"p_0": 1 - q, "p_1": q, "y": np.arange(n) % 2})


def places(state, n):
    """Which rows were kept."""
    return np.exp(state.kept.log_q[1]) * n - 0.5


@pytest.mark.usefixtures("few_kept")
class TestSample:
    @pytest.mark.parametrize("sizes", [(4000,), (1, 3999), (1000,) * 4, (100, 3900)])
    def test_rows_are_kept_from_everywhere(self, sizes):
        n = sum(sizes)
        cuts = np.cumsum([0, *sizes])
        frame = numbered(n)
        state = merge(
            accumulate(frame[first:last], **HARD) for first, last in pairwise(cuts)
        )
        found = places(state, n)
        assert len(found) == len(np.unique(found.round())) == 500
        assert state.kept.n_seen == [n]
        in_quarters = np.histogram(found, bins=4, range=(-0.5, n - 0.5))[0]
        assert ((in_quarters > 85) & (in_quarters < 165)).all()  # 125 +- 4 x 9

    def test_no_part_is_drawn_like_another(self):
        n = 8000
        frame = numbered(n)
        parts = np.split(np.arange(n), 8)
        state = merge(accumulate(frame.iloc[rows], **HARD) for rows in parts)
        within = places(state, n).round() % 1000
        shared = len(within) - len(np.unique(within))
        assert shared < 180  # 107 of 500 places in a part, if drawn alike about 440

    def test_few_of_many_rows_of_a_file_are_kept_from_everywhere(self, tmp_path):
        pytest.importorskip("pyarrow")
        n = 60_000
        path = tmp_path / "x.parquet"
        numbered(n).to_parquet(path, row_group_size=9000)
        one, again = (
            evidence_of(scan(path, **HARD, n_jobs=n_jobs).decomposition).scanned
            for n_jobs in (1, 2)
        )
        np.testing.assert_array_equal(one.kept.log_q, again.kept.log_q)
        found = places(one, n)
        assert len(found) == len(np.unique(found.round())) == 500
        assert one.kept.n_seen == [n]
        assert (one.kept.keys < one.kept.below).all()
        assert 0.005 < one.kept.below[0] < 0.012  # of 500 keys in 60,000: 0.0083
        in_quarters = np.histogram(found, bins=4, range=(-0.5, n - 0.5))[0]
        assert ((in_quarters > 85) & (in_quarters < 165)).all()  # 125 +- 4 x 9

    def test_merging_does_not_ask_for_an_order(self):
        frame = numbered(3000)
        parts = [accumulate(frame[at : at + 600], **HARD) for at in range(0, 3000, 600)]
        one = merge(parts)
        other = merge([merge(parts[3:]), merge(parts[2::-1])])
        assert set(one.kept.keys) == set(other.kept.keys)
        assert one.kept.below == other.kept.below

    def test_a_scan_keeps_as_many_rows(self, tmp_path):
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        drawn(20_000, 4).to_parquet(tmp_path / "x.parquet", row_group_size=2000)
        options = {**HARD, "recalibration": "temperature"}
        for more in ({}, {"on_missing": "drop"}, {"sample_weight": "w"}):
            found = scan(tmp_path / "x.parquet", **options, **more)
            assert found.decomposition.ladder["n"].tolist() == [500]
